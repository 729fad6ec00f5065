"""What a report says first: never calmer than the worst that any of its tables shows."""

from __future__ import annotations

import csv
import dataclasses
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.audit.made_up import FACES, NOW

from countenance.audit.findings.conclusions import judge_all
from countenance.audit.findings.headline import (
    MOST_WORDS,
    SHOWN,
    ReportHead,
    by_strength,
    headline_of,
    leads_undeclared,
    sentence,
    size,
)
from countenance.audit.findings.questions import Question
from countenance.audit.findings.words import Names
from countenance.audit.formats.plan import DeclaredHypothesis, Groups, OutcomeTable, Plan, RiskTable, System
from countenance.audit.formats.results import Judged, Results, share
from countenance.audit.planning.plans import plan_of_draft
from countenance.audit.running import load, run_audit
from countenance.metrics import plain_rate

CALM = ("are shown to lie", "is shown to lie", "cannot tell", "No error was seen", "no rate that could be compared")


def table(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([heads, *rows])


def audit(folder: Path, draft: str) -> Results:
    (folder / "draft.toml").write_text(draft)
    plan = plan_of_draft(folder / "draft.toml", NOW)
    return run_audit(plan, plan, load(plan, folder), lambda: NOW)


def faces(folder: Path, missed: tuple[float, float], matched: tuple[float, float]) -> None:
    draw = random.Random(3)
    rows: list[Sequence[object]] = []
    for group, miss, match in zip("AB", missed, matched, strict=True):
        rows += [(f"{group}{i}", f"{group}{i}", 1, 0.1 if draw.random() < miss else 0.9, group, group)
                 for i in range(600)]  # fmt: skip
        rows += [(f"{group}{i}", f"{group}{i + 600}", 0, 0.9 if draw.random() < match else 0.1, group, group)
                 for i in range(600)]  # fmt: skip
    table(folder / "s.csv", ("subject_a", "subject_b", "same", "score", "grp_a", "grp_b"), rows)


def test_misses_ten_times_as_frequent_lead_where_false_matches_are_alike(tmp_path: Path) -> None:
    faces(tmp_path, (0.02, 0.24), (0.05, 0.05))
    labels = 'labels = {A = "North Punjab", B = "Sindh"}\nlabelled_by'
    found = audit(tmp_path, "margin = 2.0\n" + FACES.replace("labelled_by", labels))
    assert found.headline.startswith("Gatekeeper fails to recognise Sindh ")
    assert found.headline.endswith(" times as often as North Punjab.")
    assert "for Sindh" in found.numbers.worst and "North Punjab" in found.numbers.ratio


def test_a_ratio_below_one_is_as_large_a_difference(tmp_path: Path) -> None:
    faces(tmp_path, (0.24, 0.02), (0.04, 0.10))
    found = audit(tmp_path, FACES)
    misses = next(j for j in found.judged if j.measure == "fnmr")
    assert misses.ratio is not None and misses.ratio > 5
    turned = dataclasses.replace(misses, ratio=1 / misses.ratio)
    assert size(turned) == pytest.approx(size(misses))
    assert "fails to recognise people labelled A" in found.headline
    assert any("strangers" in line for line in found.also)


OUTCOMES = """
title = "t"
question = "q"
{margins}
[system]
name = "s"
[groups]
factors = ["race"]
labelled_by = "x"
[outcomes]
positive = "face"
file = "o.csv"
[[hypotheses]]
measure = "tpr"
factor = "race"
"""


@pytest.mark.parametrize("margins", ["", "margin = 2.0", "margin_points = 0.1", "four_fifths = true"])
def test_55_against_99_in_100_is_shown_leads_and_is_never_equivalent(tmp_path: Path, margins: str) -> None:
    said = [("Black", "face"), ("Black", "none"), ("White", "face"), ("White", "none")]
    counts = (550, 450, 990, 10)
    rows = [(race, "face", answer) for (race, answer), n in zip(said, counts, strict=True) for _ in range(n)]
    rows += [(race, "none", "none") for race in ("Black", "White") for _ in range(250)]
    table(tmp_path / "o.csv", ("race", "truth", "predicted"), rows)
    found = audit(tmp_path, OUTCOMES.format(margins=margins))
    first = found.judged[0]
    assert (first.measure, first.verdict, first.declared) == ("tpr", "difference shown", True)
    assert "55.0 %" in found.headline and "99.0 %" in found.headline and len(found.headline.split()) <= MOST_WORDS
    assert "44.0 points fewer" in found.numbers.ratio
    assert any(j.measure == "error" and j.verdict == "difference shown" and not j.declared for j in found.judged)


RISKS = """
title = "t"
question = "q"
{margins}
[system]
name = "COMPAS violent recidivism"
[groups]
factors = ["race"]
labelled_by = "register"
[risks]
file = "r.csv"
high_from = 5.0
{hypotheses}
"""


def risks(folder: Path, groups: dict[str, tuple[int, int, int, int]]) -> None:
    """By group: false positives, true negatives, false negatives, true positives."""
    cells = ((7, 0), (2, 0), (2, 1), (7, 1))
    rows = [(group, *cell) for group, counts in groups.items() for cell, n in zip(cells, counts, strict=True)
            for _ in range(n)]  # fmt: skip
    table(folder / "r.csv", ("race", "score", "outcome"), rows)


COMPAS = {"Black": (1043, 1692, 169, 271), "White": (380, 1679, 129, 77), "other": (174, 750, 40, 50)}


def test_a_shown_difference_is_never_called_equivalence(tmp_path: Path) -> None:
    risks(tmp_path, COMPAS)
    wide = audit(tmp_path, RISKS.format(margins="margin = 3.0", hypotheses=""))
    shown = {j.group: j.verdict for j in wide.judged if j.measure == "fpr"}
    assert shown["Black"] == "difference shown, within the declared margin"
    assert not any(j.verdict == "equivalence shown" and j.p_corrected <= 0.05 for j in wide.judged)
    none = audit(tmp_path, RISKS.format(margins="", hypotheses=""))
    assert not any("margin" in j.verdict or "equivalence" in j.verdict for j in none.judged)
    assert any("No margin was declared" in line for line in none.untold)
    assert "high risk 2.1 times as often" in none.headline


def test_a_declared_question_leads_and_what_was_not_asked_does_not_drown_it(tmp_path: Path) -> None:
    risks(tmp_path, COMPAS)
    one = '[[hypotheses]]\nmeasure = "fnr"\nfactor = "race"\nreference = "White"\n'
    found = audit(tmp_path, RISKS.format(margins="margin = 1.25", hypotheses=one))
    declared = [j for j in found.judged if j.declared]
    assert len(declared) == 2 and {j.measure for j in declared} == {"fnr"}
    assert "wrongly calls people labelled White low risk" in found.headline
    assert any("high risk 2.1 times" in line for line in found.also)
    alone = min(declared, key=lambda j: j.p)
    assert alone.p_corrected == pytest.approx(min(1.0, 2 * alone.p))


def test_what_a_score_stands_for_is_asked_too(tmp_path: Path) -> None:
    risks(tmp_path, {"a": (200, 200, 200, 200), "b": (350, 350, 50, 50)})
    found = audit(tmp_path, RISKS.format(margins="", hypotheses=""))
    calibration = next(j for j in found.judged if j.measure == "calibration")
    assert calibration.verdict == "difference shown" and calibration.ratio == pytest.approx(4.0)
    assert any("At equal scores" in line for line in (found.headline, *found.also))


def test_missing_answers_of_a_classifier_are_a_rate_of_their_own(tmp_path: Path) -> None:
    rows = [*[("a", "face", "face")] * 300, *[("b", "face", "face")] * 200, *[("b", "face", "")] * 100]
    table(tmp_path / "o.csv", ("race", "truth", "predicted"), rows)
    draft = OUTCOMES.format(margins="").replace('"tpr"', '"fte"')
    found = audit(tmp_path, draft)
    assert found.headline == "s gives no answer for 33.3 % of rows labelled b and none of rows labelled a."


def rated(measure: str, counts: Sequence[tuple[int, int]], of_class: str = "") -> Question:
    names = tuple(f"g{at}" for at in range(len(counts)))
    return Question(measure, "f", names, tuple(share(plain_rate(k, n)) for k, n in counts), of_class)


cells = st.integers(1, 4000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tables = st.lists(cells, min_size=1, max_size=5)
margins = st.sampled_from([{}, {"margin": 1.25}, {"margin": 5.0, "margin_points": 0.2}, {"four_fifths": True}])


def plan_with(declared: Sequence[str], **changes: object) -> Plan:
    return Plan(
        title="t",
        question="q",
        system=System("A system with a name that is rather long for a newspaper"),
        groups=Groups(("f",), "x", labels={f"g{at}": f"label of g{at}" for at in range(9)}),
        risks=RiskTable("r.csv", high_from=5),
        hypotheses=tuple(DeclaredHypothesis(m, "f") for m in declared),  # type: ignore[arg-type]
        **changes,  # type: ignore[arg-type]
    )


def told(plan: Plan, questions: Sequence[Question]) -> tuple[ReportHead, tuple[Judged, ...]]:
    judged = judge_all(plan, questions, lambda analysis, group: True)
    return headline_of(plan, questions, judged), judged


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(dict.fromkeys(("fpr", "fnr", "ppv", "selection"), tables)),
    st.sets(st.sampled_from(["fpr", "fnr", "ppv", "selection"])),
    margins,
)
def test_the_headline_is_never_calmer_than_the_worst_shown_cell(
    counts: dict[str, list[tuple[int, int]]], declared: set[str], margin: dict[str, object]
) -> None:
    groups = min(map(len, counts.values()))
    questions = [rated(measure, cells[:groups]) for measure, cells in counts.items()]
    plan = plan_with(sorted(declared), **margin)
    head, judged = told(plan, questions)
    assert len(head.headline.split()) <= MOST_WORDS
    shown = [j for j in judged if j.verdict in SHOWN]
    assert (not shown) == any(words in head.headline for words in CALM)
    if not shown:
        return
    lead = by_strength(plan, judged)[0]
    assert head.headline == sentence(plan, lead)
    beyond = [j for j in shown if j.verdict == "difference shown"]
    assert ("within the declared margin" in head.headline) == (lead not in beyond)
    assert any(f"of {group}" in head.headline for group in (lead.group, lead.reference))
    tier = [j for j in beyond or shown if j.declared] or beyond or shown
    assert size(lead) == max(map(size, tier)) and lead in tier
    asked = {j.measure for j in shown}
    assert len(head.also) == len(asked) - 1  # every other question that shows a difference is on the first page
    usual = dataclasses.replace(plan, usual_hypotheses=True)
    assert size(by_strength(usual, judged)[0]) == max(map(size, beyond or shown))


@given(st.lists(st.text(st.characters(categories=["L", "Nd", "Zs"]), min_size=1, max_size=120), min_size=2, max_size=2))
def test_a_headline_is_short_whatever_people_and_systems_are_called(names: list[str]) -> None:
    labels = {"g0": names[0] or "x", "g1": names[1] or "y"}
    if not all(words.strip() for words in labels.values()):
        return
    plan = dataclasses.replace(plan_with(["fpr"]), groups=Groups(("f",), "x", labels=labels))
    head, _ = told(plan, [rated("fpr", [(900, 1000), (100, 1000)])])
    assert len(head.headline.split()) <= MOST_WORDS


def test_one_false_match_is_not_multiplied(tmp_path: Path) -> None:
    faces(tmp_path, (0.02, 0.24), (0.05, 0.05))
    found = audit(tmp_path, FACES)
    plan = plan_of_draft(tmp_path / "draft.toml", NOW)
    few = next(j for j in found.judged if j.measure == "fmr")
    rates = share(plain_rate(1, 255)), share(plain_rate(0, 54))
    few = dataclasses.replace(few, rate=rates[0], against=rates[1], verdict="difference shown", ratio=None)
    head = headline_of(plan, (), [few])
    assert "too few" in head.numbers.meaning and "candidates" not in head.numbers.meaning


def test_words_of_the_plan_stand_in_every_table() -> None:
    names = Names({"Black": "Black", "f": "women", "skin": "skin tone"})
    assert names.group("Black · f") == "Black · women" and names.factor("skin x gender") == "skin tone x gender"
    assert names.people("skin x gender", "Black · f")[0] == "Black women"
    assert names.people("age", "60-69")[0] == "people of age 60-69"
    assert names.people("skin", "white")[0] == "people labelled white"


def test_an_outcome_plan_may_ask_about_missing_answers() -> None:
    plan = Plan(
        "t", "q", System("s"), Groups(("f",), "x"), outcomes=OutcomeTable("o.csv"),
        hypotheses=(DeclaredHypothesis("fte", "f"),),
    )  # fmt: skip
    assert plan.task == "classification"


@pytest.mark.parametrize(
    ("factor", "group", "labels", "counted", "said"),
    [
        ("race", "Other", {}, "people", ("people not labelled Other", "everybody else")),
        ("race", "Other", {}, "rows", ("rows not labelled Other", "all other rows")),
        ("sex", "f", {"f": "women"}, "people", ("everybody but women", "everybody else")),
        ("age", "25 - 45", {}, "people", ("everybody but people of age 25 - 45", "everybody else")),
    ],
)
def test_all_others_are_named_as_people_would(
    factor: str, group: str, labels: dict[str, str], counted: str, said: tuple[str, str]
) -> None:
    assert Names(labels, counted).others_than(factor, group) == said


def test_a_long_name_is_not_cut_where_all_others_can_be_said_shorter() -> None:
    plan = dataclasses.replace(plan_with(["fpr"]), system=System("not stated"))
    cells = [(300, 1000), (90, 1000), (310, 1000)]
    rates = tuple(share(plain_rate(*cell)) for cell in cells)
    names = ("a · b", "Southeast Asian and Pacific Islander · male", "c · d")
    head, _ = told(plan, [Question("fpr", "f", names, rates)])
    assert head.headline == (
        "The system wrongly calls everybody else high risk 3.4 times as often as people labelled Southeast Asian and "
        "Pacific Islander · male."
    )


def test_what_is_declared_within_a_margin_is_not_told_again_by_its_mirror_image(tmp_path: Path) -> None:
    """Of two classes, who is not recognised as one is wrongly called the other: one rate, one verdict."""
    counts = {"Black": (930, 70), "White": (970, 30)}
    rows = [(race, "face", answer) for race, n in counts.items() for answer, m in zip(("face", "none"), n, strict=True)
            for _ in range(2 * m)]  # fmt: skip
    rows += [(race, "none", "none" if at > 30 else "face") for race in counts for at in range(6000)]
    table(tmp_path / "o.csv", ("race", "truth", "predicted"), rows)
    found = audit(tmp_path, OUTCOMES.format(margins="margin_points = 0.1\nmargin = 9.0"))
    asked = {(j.measure, j.of_class) for j in found.judged}
    assert ("tpr", "face") in asked and ("fpr", "face") in asked and ("ppv", "none") in asked
    assert ("fpr", "none") not in asked and ("tpr", "none") not in asked
    assert found.headline.endswith("within the declared margin.")


def test_a_headline_that_nobody_asked_for_is_marked(tmp_path: Path) -> None:
    plan = plan_with(["ppv"])
    fpr, ppv = rated("fpr", [(500, 1000), (100, 1000)]), rated("ppv", [(900, 1000), (901, 1000)])
    _, judged = told(plan, [fpr, ppv])
    assert leads_undeclared(plan, judged)
    _, asked = told(plan_with(["fpr"]), [fpr, ppv])
    assert not leads_undeclared(plan, asked)
    assert not leads_undeclared(plan, told(plan, [ppv])[1])  # no difference is shown
