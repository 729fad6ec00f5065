"""Cedar's answers and those of a second, independent reader are the same."""

from __future__ import annotations

import pytest
from tests.fakes.policy import Drawer
from tests.unit.policy import oracle

from countenance.policy.facts import context
from countenance.policy.packs.pack import SHIPPED, read_pack, shipped
from countenance.policy.rules import Rules


def test_the_second_reader_reads_every_clause_that_the_first_reads() -> None:
    for name in shipped():
        ours = {c.id for c in read_pack(name).clauses if c.id != f"{name}.open"}
        assert {rule.id for rule in oracle.read(SHIPPED / name).rules} == ours


def disagreements(seed: int, count: int, names: tuple[str, ...]) -> tuple[list[object], dict[str, int]]:
    drawer = Drawer(seed)
    texts = [oracle.read(SHIPPED / name) for name in names]
    rules = Rules([read_pack(name) for name in names])
    wrong: list[object] = []
    seen = {"permit": 0, "deny": 0, "undetermined": 0}
    for _ in range(count):
        request, moment = drawer.next()
        day = moment.now.date()
        due = oracle.due(texts, str(request.operation), context(request, moment), day)
        came = rules.judge(request, moment, day)
        seen[came.verdict] += 1
        if (due.verdict, due.grounds) != (came.verdict, frozenset(came.clauses)):
            wrong.append((request, due, came.verdict, came.clauses))
    return wrong, seen


@pytest.mark.parametrize("name", shipped())
def test_each_pack_alone_is_read_alike(name: str) -> None:
    wrong, _ = disagreements(1, 120, (name,))
    assert not wrong


@pytest.mark.parametrize(
    "names",
    [
        ("mandate", "house"),
        ("mandate", "house", "eu-ai-act", "gdpr", "uk"),
        ("mandate", "amazon-terms", "microsoft", "virginia", "maine", "montana", "clearview-2022"),
        shipped(),
    ],
)
def test_packs_in_force_together_are_read_alike(names: tuple[str, ...]) -> None:
    wrong, seen = disagreements(2, 300, names)
    assert not wrong
    assert seen["deny"] > 20
    assert seen["undetermined"] > 0


def test_the_drawn_requests_are_permitted_often_enough_to_mean_something() -> None:
    _, seen = disagreements(3, 300, ("mandate", "amazon-terms", "microsoft", "eu-ai-act"))
    assert min(seen.values()) > 5, seen


@pytest.mark.slow
def test_tens_of_thousands_of_requests_are_read_alike() -> None:
    for seed in range(10):
        wrong, _ = disagreements(100 + seed, 3000, ("mandate", "house", "eu-ai-act", "virginia", "maryland"))
        assert not wrong
