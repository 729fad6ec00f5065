"""Budgets are counted once by everybody, survive the end of a process, and notice a picture changed bit by bit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.fakes.clock import Clock
from tests.unit.budgets import spender

from countenance.binding import Fetch, no_heads
from countenance.budgets import Budget, Budgets, Left, Spending, read_defaults
from countenance.budgets.account import Account
from countenance.budgets.spending import ALIKE_COST
from countenance.database import open_database
from countenance.errors import BadRequest, BudgetSpent, Misconfigured

WIDE = Budget(minute=10**6, day=10**6, key=10**6, gallery=10**6, subject=10**6, alike=10**6)
DAY = 24 * 3600
ONE = Spending(1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(database: Engine, clock: Clock) -> Budgets:
    return Budgets(database, bytes(32), clock)


def fetch_in(database: Engine) -> Fetch:
    return lambda statement, **values: statement.rows(database, **values)


def ask(budgets: Budgets, budget: Budget, spending: Spending = ONE, **more: Any) -> Left:
    given = {"mandate_id": "m", "access_key": "k", "gallery_id": "g", **more}
    return budgets.spend(budget=budget, spending=spending, **given)


def probes(*vectors: np.ndarray) -> np.ndarray:
    return np.stack([each / np.linalg.norm(each) for each in vectors]).astype(np.float32)


def stranger(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=128)
    return np.asarray(vector / np.linalg.norm(vector))


@pytest.mark.parametrize("which", ["minute", "day", "key", "gallery"])
def test_each_part_of_a_budget_ends_what_it_bounds_and_says_which(budgets: Budgets, which: str) -> None:
    budget = replace(WIDE, **{which: 3})
    assert [ask(budgets, budget).left[which] for _ in range(3)] == [2, 1, 0]
    with pytest.raises(BudgetSpent, match=r"docs/budgets\.md") as caught:
        ask(budgets, budget)
    assert caught.value.which == which
    other: dict[str, Any] = {"key": {"access_key": "other"}, "gallery": {"gallery_id": "other"}}.get(
        which, {"mandate_id": "other"}
    )
    ask(budgets, budget, **other)


def test_a_person_named_is_bounded_and_others_are_not(budgets: Budgets) -> None:
    budget = replace(WIDE, subject=2)
    for _ in range(2):
        ask(budgets, budget, Spending(1, subjects=(("user", "u-1"),)))
    with pytest.raises(BudgetSpent) as caught:
        ask(budgets, budget, Spending(1, subjects=(("user", "u-1"),)))
    assert caught.value.which == "subject"
    ask(budgets, budget, Spending(1, subjects=(("user", "u-2"), ("face", "u-1"))))
    with pytest.raises(BudgetSpent):  # one call that names somebody often is charged as often
        ask(budgets, budget, Spending(3, subjects=(("user", "u-3"),) * 3))


@pytest.mark.parametrize("which", ["minute", "day", "subject"])
def test_a_call_that_alone_is_more_than_the_whole_part_is_told_what_may_be_sent_and_not_to_wait(
    budgets: Budgets, which: str
) -> None:
    budget = replace(WIDE, **{which: 3})
    with pytest.raises(BudgetSpent, match=r"counts as 4 .* waiting does not help.* 3 at most") as caught:
        ask(budgets, budget, Spending(4, subjects=(("user", "u-1"),) * 4))
    assert (caught.value.which, caught.value.retry_after) == (which, None)
    ask(budgets, budget, Spending(3, subjects=(("user", "u-1"),) * 3))
    with pytest.raises(BudgetSpent) as caught:
        ask(budgets, budget, Spending(1, subjects=(("user", "u-1"),)))
    assert caught.value.retry_after == (60 if which == "minute" else 3600)


def test_what_is_refused_costs_nothing(budgets: Budgets) -> None:
    budget = replace(WIDE, day=5)
    with pytest.raises(BudgetSpent):
        ask(budgets, budget, Spending(6, probes(stranger(1)), (("user", "u"),)))
    left = ask(budgets, budget, Spending(5, probes(stranger(1) + 0.01 * stranger(2))))
    assert left.left == {"minute": 10**6 - 5, "day": 0, "key": 10**6 - 5, "gallery": 10**6 - 5}
    assert left.alike == 0


def test_a_minute_and_a_day_pass(budgets: Budgets, clock: Clock) -> None:
    budget = replace(WIDE, minute=1, day=2)
    ask(budgets, budget)
    clock.advance(59)
    with pytest.raises(BudgetSpent):
        ask(budgets, budget)
    clock.advance(12)
    ask(budgets, budget)
    clock.advance(DAY - 3600)
    with pytest.raises(BudgetSpent) as caught:
        ask(budgets, budget)
    assert caught.value.which == "day"
    clock.advance(2 * 3600)
    ask(budgets, budget)


def test_no_span_of_a_day_holds_more_than_the_budget_wherever_it_begins(budgets: Budgets, clock: Clock) -> None:
    budget, done = replace(WIDE, day=10), []
    for _ in range(3 * 24 * 4):
        try:
            while True:
                ask(budgets, budget)
                done.append(clock.now)
        except BudgetSpent:
            clock.advance(900)
    assert len(done) >= 20
    assert all((later - first).total_seconds() >= DAY for first, later in zip(done, done[10:], strict=False))


def test_a_clock_that_goes_back_is_refused_in_another_process_too(
    budgets: Budgets, database: Engine, clock: Clock
) -> None:
    ask(budgets, WIDE)
    clock.advance(-1)
    with pytest.raises(BudgetSpent, match="clock"):
        ask(Budgets(database, bytes(32), clock), WIDE)
    clock.advance(1)
    ask(budgets, WIDE)


def test_a_picture_changed_bit_by_bit_is_noticed_and_bounded_however_far_it_gets(budgets: Budgets) -> None:
    budget, here = replace(WIDE, alike=10), stranger(1)
    ask(budgets, budget, Spending(1, probes(here)))
    noticed = 0
    with pytest.raises(BudgetSpent) as caught:
        for step in range(100):
            here = here + 0.3 * stranger(100 + step)
            noticed += ask(budgets, budget, Spending(1, probes(here))).alike
    assert caught.value.which == "alike"
    assert noticed == 10


def test_a_near_duplicate_costs_more_and_is_counted_for_the_operator(budgets: Budgets) -> None:
    ask(budgets, WIDE, Spending(1, probes(stranger(1))))
    left = ask(budgets, WIDE, Spending(1, probes(stranger(1) + 0.1 * stranger(2))))
    assert left.alike == 1
    assert left.left["day"] == 10**6 - 1 - ALIKE_COST
    assert budgets.state("m", WIDE).alike == 1


def test_near_duplicates_within_one_call_are_noticed(budgets: Budgets) -> None:
    together = probes(*(stranger(1) + 0.1 * stranger(n) for n in range(2, 7)))
    assert ask(budgets, WIDE, Spending(5, together)).alike == 4


def test_other_people_and_the_same_picture_again_are_no_near_duplicates(budgets: Budgets) -> None:
    for seed in range(200):
        assert ask(budgets, WIDE, Spending(1, probes(stranger(seed)))).alike == 0
        assert ask(budgets, WIDE, Spending(1, probes(stranger(seed)))).alike == 0


def test_another_process_notices_near_duplicates_of_what_this_one_was_sent(
    budgets: Budgets, database: Engine, clock: Clock
) -> None:
    other = Budgets(database, bytes(32), clock)
    for step in range(6):
        near = probes(stranger(1) + 0.05 * stranger(2 + step))
        assert ask((budgets, other)[step % 2], WIDE, Spending(1, near)).alike == (step > 0)


def test_people_in_compared_pictures_are_subjects_by_their_sketch(budgets: Budgets) -> None:
    budget, victim = replace(WIDE, subject=4), stranger(1)
    for seed in range(4):
        ask(budgets, budget, Spending(1, probes(stranger(50 + seed), victim), by_probe=True), gallery_id=None)
    with pytest.raises(BudgetSpent) as caught:
        near = probes(stranger(99), victim + 0.05 * stranger(98))
        ask(budgets, budget, Spending(1, near, by_probe=True), gallery_id=None)
    assert caught.value.which == "subject"


def test_where_no_sketch_may_be_kept_none_is_and_each_probe_costs_as_much_as_a_near_duplicate(
    budgets: Budgets, database: Engine
) -> None:
    left = ask(budgets, WIDE, Spending(1, probes(stranger(1))), keep_sketches=False)
    assert left.left["day"] == 10**6 - ALIKE_COST
    assert budgets._sketches == {}
    (charge,) = Account(bytes(32), no_heads).news(fetch_in(database))[1]
    assert charge.sketches == []


def test_the_database_holds_no_name_no_template_and_nothing_after_a_day(
    budgets: Budgets, database: Engine, clock: Clock, tmp_path: Path
) -> None:
    vector = probes(stranger(1))
    ask(budgets, WIDE, Spending(1, vector, (("user", "jane-doe"),)), gallery_id="secret-gallery")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"jane-doe", b"secret-gallery", vector.tobytes(), budgets._sketcher.sketch(vector).tobytes()):
        assert secret not in content
    clock.advance(DAY + 3601)
    budgets.sweep()
    (left,) = Account(bytes(32), no_heads).news(fetch_in(database))[1]
    assert (left.sums, left.sketches) == ([], [])
    assert (budgets._spent, budgets._sketches) == ({}, {})


def spending(path: Path | str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, spender.__file__, str(path), str(times)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_that_spend_at_once_spend_no_more_than_there_is(place: Path | str) -> None:
    open_database(place).dispose()
    both = [spending(place, 1000) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sum(process.communicate()[0].count("spent") for process in both) == 100


def test_what_a_killed_process_spent_stays_spent(place: Path | str) -> None:
    open_database(place).dispose()
    process = spending(place, 1000)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    for _ in range(30):
        assert process.stdout.readline() == "spent\n"
    process.kill()
    said = 30 + process.stdout.read().count("spent")  # communicate() would lose what was read ahead
    process.wait()
    again = spending(place, 1000)
    left = again.communicate("go\n")[0].count("spent")
    assert said + left in (100, 99)  # a last one may have been spent and not said


def test_a_mandate_states_its_own_budget_over_that_of_its_purpose() -> None:
    plain = read_defaults()["default"]
    assert plain.changed("day=7, subject = 3") == replace(plain, day=7, subject=3)
    assert WIDE.changed(plain.text()) == plain
    for wrong in ("day", "day=0", "day=-1", "day=1.5", "day=9999999999999", "week=3", "day=1,day=2", "day=²"):
        with pytest.raises(BadRequest):
            plain.changed(wrong)


def test_a_file_of_budgets_changes_those_that_ship(tmp_path: Path) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text("[default]\nday = 7\n[payment]\nsubject = 3\n")
    read = read_defaults(file)
    assert (read["default"].day, read["payment"].day, read["payment"].subject) == (7, 7, 3)
    assert read["default"].minute == read_defaults()["default"].minute
    for wrong in ("day = 7", "[default]\nday = 'x'", "[default]\nweek = 1", "[default", "[default]\nday = true"):
        file.write_text(wrong)
        with pytest.raises(Misconfigured):
            read_defaults(file)
