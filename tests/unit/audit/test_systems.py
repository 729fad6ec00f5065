"""Several systems side by side: one plan, paired tests, and words that claim no change that is not shown."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from countenance.audit import running
from countenance.audit.bundle import Bundle, bundle_files, read_bundle, write_bundle
from countenance.audit.findings.systems import SystemsComparison, compare_systems
from countenance.audit.formats.plan import Plan, SystemsPlan, read_plan
from countenance.audit.planning.plans import plan_bytes, plan_of_draft, systems_plan_of_draft
from countenance.audit.report.systems import systems_page
from countenance.audit.running import run_systems
from countenance.audit.sources.source import Equipment, Loaded
from countenance.cli import cli
from countenance.errors import BadRequest
from countenance.signing import Signer

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DRAFT = """
title = "Two classifiers"
question = "Which is wrong more often, and about whom?"
[groups]
factors = ["skin"]
labelled_by = "somebody"
labels = { dark = "darker-skinned people", light = "lighter-skinned people" }
[[between]]
measure = "error"
[[between]]
measure = "error"
factor = "skin"
[[systems]]
name = "First"
answered = "2025"
outcomes = { file = "first.csv", subject = "subject" }
[[systems]]
name = "Second"
answered = "2025"
outcomes = { file = "second.csv", subject = "subject" }
"""
PEOPLE = 400


def answers(path: Path, wrong: Sequence[int]) -> None:
    """Answers about 200 dark and 200 light people; wrong: whose are wrong."""
    bad = set(wrong)
    lines = [f"s{at},{'dark' if at < 200 else 'light'},yes,{'no' if at in bad else 'yes'}" for at in range(PEOPLE)]
    path.write_text("\n".join(["subject,skin,truth,predicted", *lines]) + "\n")


def made(folder: Path, text: str = DRAFT) -> SystemsPlan:
    folder.mkdir(exist_ok=True)
    (folder / "draft.toml").write_text(text)
    plan = systems_plan_of_draft(folder / "draft.toml", NOW)
    assert plan is not None
    return plan


def audited(folder: Path, wrong: Sequence[Sequence[int]], text: str = DRAFT) -> list[Bundle]:
    folder.mkdir(exist_ok=True)
    for name, bad in zip(("first", "second"), wrong, strict=True):
        answers(folder / f"{name}.csv", bad)
    (folder / "plan.json").write_bytes(plan_bytes(made(folder, text)))
    signer = Signer.from_file(folder / "audit.key")
    return [read_bundle(path) for path in run_systems(folder / "plan.json", folder / "out", signer, clock=lambda: NOW)]


FEW, MORE = range(0, 200, 10), [*range(0, 200, 10), *range(1, 200, 13)]
"""20 wrong answers, and the same with 16 more."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    return audited(tmp_path_factory.mktemp("pair"), (FEW, MORE))


def between(found: SystemsComparison, group: str) -> tuple[bool, bool, bool]:
    (one,) = [d for d in found.between if d.found.group == group and d.found.measure == "error"]
    return one.shown, one.found.paired, one.declared


def test_a_draft_of_systems_is_a_plan_for_each_that_differs_in_system_and_source_only(tmp_path: Path) -> None:
    plan = made(tmp_path)
    first, second = plan.plans
    assert (first.system.name, second.system.name) == ("First", "Second")
    assert first.outcomes is not None and first.outcomes.file == "first.csv"
    assert replace(first, system=second.system, outcomes=second.outcomes) == second
    assert first.together is not None and first.together.systems == ("First", "Second")
    (tmp_path / "plan.json").write_bytes(plan_bytes(plan))
    with pytest.raises(BadRequest, match="a plan for several systems"):
        read_plan(tmp_path / "plan.json")
    with pytest.raises(BadRequest, match="a draft for several systems"):
        plan_of_draft(tmp_path / "draft.toml", NOW)


def test_a_draft_that_asks_nothing_between_systems_asks_the_usual(tmp_path: Path) -> None:
    text = DRAFT[: DRAFT.index("[[between]]")] + DRAFT[DRAFT.index("[[systems]]") :]
    before = made(tmp_path, text).plans[1].together
    for name in ("first.csv", "second.csv"):
        answers(tmp_path / name, FEW)
    answered = made(tmp_path, text).plans[1].together
    assert before is not None and answered is not None
    assert {(one.measure, one.factor) for one in answered.between} == {("error", ""), ("error", "skin")}
    assert {one.measure for one in before.between} == {"error", "fte"}  # nobody knows yet whether all will be answered


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Second"', 'name = "First"', "each with a name of its own"),
        ('name = "Second"', 'name = "first"', "differ in case or signs only"),
        ('factor = "skin"', 'factor = "age"', "no factor or intersection"),
        ('measure = "error"\nfactor', 'measure = "fmr"\nfactor', "fmr is not measured here"),
        ('measure = "error"\nfactor', 'measure = "tpr"\nfactor', "needs a positive class"),
        ('factor = "skin"', 'reference = "Third"', "none of First, Second"),
        ("[[between]]", '[system]\nname = "x"\n[[between]]', "no 'system' of its own"),
        ('answered = "2025"', 'answered = "May"', "a day, a month or a year"),
        ('answered = "2025"', 'answered = "2025-13"', "a day, a month or a year"),
        ('outcomes = { file = "second.csv", subject = "subject" }', "", "exactly one of"),
    ],
)
def test_a_draft_of_systems_that_is_wrong_is_refused_with_what_is_wrong(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in DRAFT
    with pytest.raises(BadRequest, match=said):
        made(tmp_path, DRAFT.replace(old, new, 1))


def test_systems_asked_about_the_same_people_are_compared_in_pairs(pair: list[Bundle], tmp_path: Path) -> None:
    found = compare_systems(pair)
    assert between(found, "everybody") == (True, True, True)
    assert between(found, "dark") == (True, True, True)
    assert between(found, "light") == (False, False, True)
    assert found.headline == "Second is wrong about 17.0 % of darker-skinned people and none of lighter-skinned people."
    unnamed = DRAFT.replace(', subject = "subject"', "")
    alone = compare_systems(audited(tmp_path / "unnamed", (FEW, MORE), unnamed))
    assert between(alone, "everybody") == (False, False, True)  # the same counts, of nobody knows whom


def test_blocks_add_up_to_every_group_and_none_is_of_fewer_people_than_may_be_told(pair: list[Bundle]) -> None:
    outcomes = pair[1].results.outcomes
    assert outcomes is not None
    assert sum(block.errors for block in outcomes.blocks) == outcomes.everybody.error.errors == len(set(MORE))
    for group in outcomes.analyses[0].groups:
        own = [block for block in outcomes.blocks if block.groups == (group.group,)]
        assert (sum(b.errors for b in own), sum(b.trials for b in own)) == (group.error.errors, group.error.trials)
    assert min(block.trials for block in outcomes.blocks) >= pair[1].plan.small_cell
    assert pair[0].results.outcomes is not None
    assert pair[0].results.outcomes.people_digest == outcomes.people_digest


def test_blocks_that_do_not_add_up_are_found(pair: list[Bundle], tmp_path: Path) -> None:
    outcomes = pair[1].results.outcomes
    assert outcomes is not None
    less = replace(pair[1].results, outcomes=replace(outcomes, blocks=outcomes.blocks[1:]))
    signer = Signer.from_file(tmp_path / "audit.key")
    write_bundle(tmp_path / "b.zip", bundle_files(pair[1].plan, less, pair[1].environment, "2026", signer))
    assert any("the blocks of everybody do not add up" in line for line in read_bundle(tmp_path / "b.zip").problems)


def test_there_are_no_blocks_where_people_alike_in_every_group_are_few(tmp_path: Path) -> None:
    lines = [f"s{at},{'dark' if at < 100 else 'light'},{'old' if at in (0, 1, 2) or at > 150 else 'young'},y,y"
             for at in range(200)]  # fmt: skip
    (tmp_path / "first.csv").write_text("\n".join(["subject,skin,age,truth,predicted", *lines]) + "\n")
    (tmp_path / "second.csv").write_bytes((tmp_path / "first.csv").read_bytes())
    text = DRAFT.replace('["skin"]', '["skin", "age"]')  # three dark old people; skin and age are told apart only
    (tmp_path / "plan.json").write_bytes(plan_bytes(made(tmp_path, text)))
    signer = Signer.from_file(tmp_path / "audit.key")
    for path in run_systems(tmp_path / "plan.json", tmp_path / "out", signer, clock=lambda: NOW):
        outcomes = read_bundle(path).results.outcomes
        assert outcomes is not None and not outcomes.blocks and outcomes.people_digest
        assert {g.error.known for a in outcomes.analyses for g in a.groups} == {True}


def test_a_later_audit_is_compared_with_the_one_before_and_no_change_is_claimed_that_is_not_shown(
    pair: list[Bundle], tmp_path: Path
) -> None:
    later = DRAFT.replace('answered = "2025"', 'answered = "2026-02"')
    after = audited(tmp_path, (FEW, FEW), later)
    found = compare_systems([*after, *pair])  # in whatever order
    assert [[audit.answered for audit in system.audits] for system in found.systems] == [["2025", "2026-02"]] * 2
    first, second = ([line for line in found.said if line.startswith(name)] for name in ("First", "Second"))
    assert first and all("no change is shown" in line and "fewer" not in line for line in first)
    assert second[0] == ("Second, 2025 to 2026-02, wrong answers: fewer are shown for everybody (8.50 % → 5.00 %).")
    verdicts = {(c.system, c.found.group): c.found.verdict for c in found.changes if c.found.measure == "error"}
    assert verdicts["First", "everybody"] == "no change shown" and verdicts["Second", "dark"] == "better"
    assert ("Second", "light") not in verdicts  # no error in either: there is nothing to test


def test_the_page_has_a_panel_for_each_system_on_one_axis_and_says_what_was_asked(pair: list[Bundle]) -> None:
    page = systems_page(compare_systems(pair), pair)
    assert page.count('<p class="panel">') == 2
    ticks = [part.split("</svg>")[0].count("%</text>") for part in page.split('<p class="panel">')[1:]]
    assert ticks[0] == ticks[1] > 0
    assert "Declared in the plans: one family of 3 (Holm)" in page and "(paired)" in page
    assert "darker-skinned people" in page and ">dark<" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_what_cannot_be_compared_is_refused(pair: list[Bundle]) -> None:
    with pytest.raises(BadRequest, match="two bundles or more"):
        compare_systems(pair[:1])
    with pytest.raises(BadRequest, match="named twice"):
        compare_systems([pair[0], pair[0]])
    with pytest.raises(BadRequest, match="not what was signed"):
        compare_systems([pair[0], replace(pair[1], problems=("a file was altered",))])
    risks = replace(pair[1], results=replace(pair[1].results, task="risk"))
    with pytest.raises(BadRequest, match="cannot be compared"):
        compare_systems([pair[0], risks])


def test_bundles_without_a_common_plan_are_compared_as_exploratory(pair: list[Bundle]) -> None:
    alone = [replace(bundle, plan=replace(bundle.plan, together=None)) for bundle in pair]
    found = compare_systems(alone)
    assert not any(difference.declared for difference in found.between)
    assert any("those comparisons are exploratory" in note for note in found.notes)


def test_each_live_system_has_a_cassette_of_its_own_and_what_is_done_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(tmp_path / "first.csv", FEW)
    answers(tmp_path / "second.csv", MORE)
    (tmp_path / "plan.json").write_bytes(plan_bytes(made(tmp_path)))
    tapes, load = [], running.load

    def noting(plan: Plan, folder: Path, equipment: Equipment | None = None) -> Loaded:
        assert equipment is not None and equipment.cassette is not None
        tapes.append(equipment.cassette.name)
        return load(plan, folder, equipment)

    monkeypatch.setattr(running, "load", noting)
    signer = Signer.from_file(tmp_path / "audit.key")
    for _ in range(2):
        run_systems(tmp_path / "plan.json", tmp_path / "out", signer, clock=lambda: NOW)
    assert tapes == ["plan.cassette.first.jsonl", "plan.cassette.second.jsonl"]


def test_score_files_of_two_systems_are_paired_by_their_people(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    people = ["subject,sex", *(f"p{at},{'f' if at % 2 else 'm'}" for at in range(240))]
    (tmp_path / "people.csv").write_text("\n".join(people) + "\n")
    pairs = [(at, at) for at in range(240) for _ in range(2)] + [(at, (at + step) % 240) for at in range(240)
                                                                for step in (2, 4, 6)]  # fmt: skip
    shared = rng.normal(size=len(pairs))
    for name, weight in (("a", 1.0), ("b", 0.7)):
        rows = [
            f"{(2.2 * weight if one == other else 0) + noise:.6f},{int(one == other)},p{one},p{other}"
            for (one, other), noise in zip(pairs, shared + rng.normal(scale=0.2, size=len(pairs)), strict=True)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(["score,same,subject_a,subject_b", *rows]) + "\n")
    text = """
title = "Two matchers"
question = "Which misses more?"
threshold = { rule = "fixed", value = 1.2 }
groups = { factors = ["sex"], labelled_by = "nobody" }
[[systems]]
name = "A"
scores = { file = "a.csv", labels = "people.csv" }
[[systems]]
name = "B"
scores = { file = "b.csv", labels = "people.csv" }
"""
    (tmp_path / "plan.json").write_bytes(plan_bytes(made(tmp_path, text)))
    signer = Signer.from_file(tmp_path / "audit.key")
    read = [read_bundle(p) for p in run_systems(tmp_path / "plan.json", tmp_path / "out", signer, clock=lambda: NOW)]
    found = compare_systems(read)
    (missed,) = [d for d in found.between if (d.found.measure, d.found.group) == ("fnmr", "everybody")]
    assert missed.shown and missed.declared and missed.found.paired and missed.found.verdict == "worse"
    assert "B fails to recognise" in found.headline
    assert "Not recognised as themselves" in systems_page(found, read)


def test_the_commands_plan_run_and_report_several_systems(tmp_path: Path) -> None:
    answers(tmp_path / "first.csv", FEW)
    answers(tmp_path / "second.csv", MORE)
    (tmp_path / "draft.toml").write_text(DRAFT)

    def said(*args: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, ["audit", *args])
        assert done.exit_code == code, done.output
        return done.output

    plan, out, key = str(tmp_path / "draft.plan.json"), str(tmp_path / "out"), str(tmp_path / "audit.key")
    assert "systems First, Second" in said("plan", str(tmp_path / "draft.toml"))
    assert "a difference is shown in 2 of 3 comparisons" in said("run", plan, "-o", out, "--key", key)
    bundles = [f"{out}/first.zip", f"{out}/second.zip"]
    said("report", *bundles, "-o", str(tmp_path / "pages"))
    assert json.loads((tmp_path / "pages" / "systems.json").read_text())["task"] == "classification"
    assert "for one bundle" in said("report", *bundles, "-o", out, "--before", bundles[0], code=2)
    said("report", *bundles, "-o", str(tmp_path / "pages"), "--embed")
    svg = (tmp_path / "pages" / "embed.svg").read_text()
    told = [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]
    assert told[0].startswith("Second is wrong about 17.0 % of darker-skinned people")
    assert told[1].startswith("Wrongly classified, by skin; First, Second: darker-skinned people: 10.0 %")
    assert {"First", "Second"} <= set(told) and any(line.startswith("Source: Two classifiers") for line in told)


def test_a_difference_within_one_of_several_systems_leads_only_if_it_holds_for_so_many(pair: list[Bundle]) -> None:
    barely = [
        replace(b, results=replace(b.results, judged=tuple(replace(j, p_corrected=0.03) for j in b.results.judged)))
        for b in pair
    ]
    found = compare_systems(barely)
    assert found.headline == "Second is wrong about everybody 1.7 times as often as First."
    assert found.numbers.worst.startswith("8.50 % (1 in 12) for everybody, by Second")


def test_rows_that_name_nobody_are_not_called_people(tmp_path: Path) -> None:
    bundles = audited(tmp_path, (FEW, MORE), DRAFT.replace(', subject = "subject"', ""))
    found = compare_systems(bundles)
    page = systems_page(found, bundles)
    assert found.headline == (
        "Second is wrong about 17.0 % of rows labelled darker-skinned people and none of rows labelled "
        "lighter-skinned people."
    )
    assert "all rows" in page and "everybody" not in page.partition("What could not be told")[0]


CHECKS = """
title = "Two checks"
question = "Whom does each check stop?"
small_cell = 5
[groups]
factors = ["skin"]
labelled_by = "perceived"
[[between]]
measure = "bpcer"
factor = "skin"
[[between]]
measure = "apcer"
[[systems]]
name = "First"
answered = "2025"
presentations = { file = "first.csv", decision = "decision" }
[[systems]]
name = "Second"
answered = "2025"
presentations = { file = "second.csv", decision = "decision" }
"""


def checked(folder: Path, stopped: tuple[int, int], accepted: tuple[int, int], day: str) -> list[Bundle]:
    """Two checks of 100 dark and 100 light people, and of 100 attacks by print: how many each stops and accepts."""
    folder.mkdir(exist_ok=True)
    for name, stops, lets in zip(("first", "second"), stopped, accepted, strict=True):
        rows = [f"bona fide,{'attack' if at < stops else 'bona fide'},s{at},{'dark' if at < 100 else 'light'}"
                for at in range(200)]  # fmt: skip
        rows += [f"print by phone,{'bona fide' if at < lets else 'attack'},s{at},dark" for at in range(100)]
        (folder / f"{name}.csv").write_text("\n".join(["attack_type,decision,subject,skin", *rows]) + "\n")
    (folder / "plan.json").write_bytes(plan_bytes(made(folder, CHECKS.replace('"2025"', f'"{day}"'))))
    signer = Signer.from_file(folder / "audit.key")
    return [read_bundle(path) for path in run_systems(folder / "plan.json", folder / "out", signer, clock=lambda: NOW)]


def test_liveness_checks_stand_side_by_side_and_audit_by_audit(tmp_path: Path) -> None:
    before, after = (
        checked(tmp_path / "a", (8, 10), (30, 60), "2025"),
        checked(tmp_path / "b", (8, 60), (30, 8), "2026"),
    )
    found = compare_systems(before)
    (attacks,) = [d for d in found.between if d.found.measure == "apcer of print by phone" and not d.found.analysis]
    assert attacks.shown and attacks.declared
    page = systems_page(found, before)
    assert page.count('<p class="panel">') >= 2 and "Attacks by print by phone accepted (APCER)" in page
    twice = compare_systems([*before, *after])
    assert any(
        line == "Second, 2025 to 2026, accepted attacks by print by phone: fewer are shown for everybody "
        "(60.0 % → 8.00 %)."
        for line in twice.said
    )
    assert any(line.startswith("Second") and "called attacks by skin: more are shown for dark" in line
               for line in twice.said)  # fmt: skip
    assert "audit by audit" in systems_page(twice, [*before, *after])
    diff = CliRunner().invoke(cli, ["audit", "diff", *(str(tmp_path / x / "out" / "second.zip") for x in "ab")])
    assert diff.exit_code == 0 and "apcer of print by phone" in diff.output and "worse" in diff.output


LIVE = """
title = "Two services"
question = "Which misses more?"
threshold = { rule = "fixed", value = 80 }
groups = { factors = ["sex"], labelled_by = "nobody" }
[[systems]]
name = "One"
api = { client = "deepface", folder = "p", labels = "l.csv", endpoint = "http://127.0.0.1:9" }
[[systems]]
name = "Two"
api = { client = "compreface", folder = "p", labels = "l.csv", endpoint = "http://127.0.0.1:9" }
"""


def test_what_all_live_systems_cost_together_is_asked_before_the_first_call(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    people = [f"{at}.jpg,s{at // 2},{'f' if at % 4 < 2 else 'm'}" for at in range(40)]
    for at in range(40):
        (tmp_path / "p" / f"{at}.jpg").write_bytes(f"picture {at}".encode())
    (tmp_path / "l.csv").write_text("\n".join(["file,subject,sex", *people]) + "\n")
    (tmp_path / "plan.json").write_bytes(plan_bytes(made(tmp_path, LIVE)))
    command = ["audit", "run", str(tmp_path / "plan.json"), "-o", str(tmp_path / "out"), "--key", str(tmp_path / "k")]
    keys = {"COMPREFACE_VERIFICATION_KEY": "v", "COMPREFACE_DETECTION_KEY": "d"}
    done = CliRunner().invoke(cli, command, input="n\n", env=keys)
    assert done.exit_code == 1, done.output
    lines = [line for line in done.output.splitlines() if "calls" in line]
    assert [line.partition(":")[0] for line in lines] == ["One", "Two", "all 2 systems together"]
    alone = [int(line.partition(" calls")[0].rpartition(" ")[2].replace(",", "")) for line in lines]
    assert alone[0] + alone[1] == alone[2] > 0
    assert done.output.count("go on?") == 1 and not (tmp_path / "out").exists()
