"""No withheld number can be computed from those that are published: asked of a solver, over random tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from countenance.audit.analysis.decisions import NO_ANSWER, Classified, OutcomeAudit, RiskAudit, Scores
from countenance.audit.formats.plan import Groups, OutcomeTable, Plan, RiskTable, System
from countenance.audit.formats.results import RiskResults
from countenance.audit.formats.shares import Share
from countenance.audit.labelled.people import LabelledPeople

SMALL = 10
Mask = NDArray[np.bool_]


def plan_of(source: RiskTable | OutcomeTable) -> Plan:
    groups = Groups(("race", "sex"), "x", intersections=(("race", "sex"),))
    if isinstance(source, RiskTable):
        return Plan("t", "q", System("s"), groups, risks=source, small_cell=SMALL)
    return Plan("t", "q", System("s"), groups, outcomes=source, small_cell=SMALL)


def people_of(random: np.random.Generator) -> LabelledPeople:
    sizes = random.choice([2, 4, 7, 15, 60, 200], size=random.integers(2, 5))
    race = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    sex = (random.random(len(race)) < random.choice([0.5, 0.2])).astype(np.int32)
    names = tuple(f"r{at}" for at in range(len(sizes)))
    return LabelledPeople(None, ("race", "sex"), (names, ("f", "m")), np.stack([race, sex], axis=1))


def bounds(known: list[tuple[Mask, int]], target: Mask) -> tuple[float, float]:
    rows = np.array([mask for mask, _ in known], float)
    sums = np.array([total for _, total in known], float)
    found = []
    for sign in (1, -1):
        solved = linprog(sign * target.astype(float), A_eq=rows, b_eq=sums, bounds=(0, None), method="highs")
        found.append(np.inf if solved.status == 3 else sign * solved.fun)
    return found[0], found[1]


class Rows:
    """Who is where, as a reader of the pages could set it up: cells are race, sex, and what else is told of a row."""

    def __init__(self, people: LabelledPeople, **columns: NDArray[np.int64]) -> None:
        stacked = np.stack([people.codes[:, 0], people.codes[:, 1], *columns.values()], axis=1)
        who, group = np.unique(stacked[:, :2], axis=0, return_inverse=True)
        what, kind = np.unique(stacked[:, 2:], axis=0, return_inverse=True)
        self.counts = np.bincount(group.ravel() * len(what) + kind.ravel(), minlength=len(who) * len(what))
        self.race, self.sex = (np.repeat(who[:, at], len(what)) for at in (0, 1))
        for at, name in enumerate(columns):
            setattr(self, name, np.tile(what[:, at], len(who)))
        self.people = people

    def of(self, analysis: str, group: str, others: tuple[str, ...]) -> Mask:
        """The cells of a published group; the merged ones are those that are not published by name."""
        races, sexes = self.people.labels
        names = {
            "": np.full(len(self.counts), "everybody"),
            "race": np.array(races)[self.race],
            "sex": np.array(sexes)[self.sex],
            "race x sex": np.array([f"{races[r]} · {sexes[s]}" for r, s in zip(self.race, self.sex, strict=True)]),
        }[analysis]
        if group.startswith("other groups"):
            return np.isin(names, others)
        return np.asarray(names == group)


def shares_of_risk(results: RiskResults, rows: Rows) -> Iterator[tuple[Share, Mask, Mask]]:
    high, yes = rows.score >= 5, rows.happened == 1  # type: ignore[attr-defined]
    places = [("", results.everybody, rows.of("", "everybody", ()))]
    for analysis in results.analyses:
        places += [(analysis.name, g, rows.of(analysis.name, g.group, analysis.merged)) for g in analysis.groups]
        for line in analysis.calibration:
            here = rows.of(analysis.name, line.group, analysis.merged)
            last = max(c.high for c in analysis.calibration)
            inside = (rows.score >= line.low) & ((rows.score < line.high) | (line.high == last))  # type: ignore[attr-defined]
            yield line.observed, here & inside, here & inside & yes
        for fifth in analysis.four_fifths:
            here = rows.of(analysis.name, fifth.group, analysis.merged)
            yield fifth.favourable, here, here & ~high
    for _, group, here in places:
        if group.rows is not None:
            yield dataclasses.replace(group.selected, errors=0, trials=group.rows, method="rows"), here, here & False
        yield group.fpr, here & ~yes, here & ~yes & high
        yield group.fnr, here & yes, here & yes & ~high
        yield group.ppv, here & high, here & high & yes
        yield group.npv, here & ~high, here & ~high & ~yes
        yield group.selected, here, here & high
        yield group.prevalence, here, here & yes


def leaks(shares: list[tuple[Share, Mask, Mask]], counts: NDArray[np.int64], whole: list[Mask]) -> list[str]:
    known: dict[bytes, tuple[Mask, int]] = {}
    for share, trials, errors in shares:
        if share.trials is not None and share.errors is not None:
            assert counts[trials].sum() == share.trials
            known[trials.tobytes()] = trials, share.trials
            if share.method != "rows":
                known[errors.tobytes()] = errors, share.errors
    targets = {t.tobytes(): t for share, t, _ in shares if share.method == "withheld" and 0 < counts[t].sum() < SMALL}
    targets |= {t.tobytes(): t for t in whole if 0 < counts[t].sum() < SMALL}
    found = []
    for target in targets.values():
        low, high = bounds(list(known.values()), target)
        if high - low < SMALL // 2 - 1e-6:
            found.append(f"{counts[target].sum()} is known to lie between {low:g} and {high:g}")
    return found


def small_groups(rows: Rows) -> list[Mask]:
    races, sexes = rows.people.labels
    both = [rows.of("race x sex", f"{r} · {s}", ()) for r in races for s in sexes]
    return [*(rows.of("race", race, ()) for race in races), *both]


@pytest.mark.parametrize("seed", range(12))
def test_no_withheld_number_of_a_risk_score_can_be_computed(seed: int) -> None:
    random = np.random.default_rng(seed)
    people = people_of(random)
    score = random.integers(1, random.choice([6, 11]), people.count).astype(float)
    data = Scores(people, score, random.random(people.count) < score / 15, ())
    plan = plan_of(RiskTable("r.csv", high_from=5.0))
    audit = RiskAudit(data)
    analysed = audit.analyse(plan, dict.fromkeys(plan.groups.analyses, True))
    assert analysed.risks is not None
    kept = data.without(_gone(analysed.left_out[0], plan, people))
    rows = Rows(kept.people, score=kept.scores.astype(np.int64), happened=kept.happened.astype(np.int64))
    assert leaks(list(shares_of_risk(analysed.risks, rows)), rows.counts, small_groups(rows)) == []


def _gone(count: int, plan: Plan, people: LabelledPeople) -> NDArray[np.int32]:
    from countenance.audit.analysis.disclosure import left_out

    present = np.arange(people.count, dtype=np.int32)
    out = left_out([people.grouping(name) for name in plan.groups.analyses], present, SMALL).people
    assert len(out) == count
    return out


@pytest.mark.parametrize("seed", range(12))
def test_no_withheld_number_of_a_classifier_can_be_computed(seed: int) -> None:
    random = np.random.default_rng(seed)
    people = people_of(random)
    truth = np.where(random.random(people.count) < random.choice([0.5, 0.05]), "a", "b")
    predicted = np.where(random.random(people.count) < 0.1, np.where(truth == "a", "b", "a"), truth)
    predicted = np.where(random.random(people.count) < 0.05, NO_ANSWER, predicted)
    data = Classified(people, np.arange(people.count, dtype=np.int32), truth, predicted, False, ())
    plan = plan_of(OutcomeTable("o.csv"))
    analysed = OutcomeAudit(data).analyse(plan, dict.fromkeys(plan.groups.analyses, True))
    assert analysed.outcomes is not None
    out = _gone(analysed.left_out[0], plan, people)
    kept = np.setdiff1d(np.arange(people.count), out)
    whose = LabelledPeople(None, people.factors, people.labels, people.codes[kept])
    codes = {"a": 0, "b": 1, NO_ANSWER: 2}
    rows = Rows(
        whose, truth=np.array([codes[t] for t in truth[kept]]), predicted=np.array([codes[p] for p in predicted[kept]])
    )
    shares: list[tuple[Share, Mask, Mask]] = []
    true, said = rows.truth, rows.predicted  # type: ignore[attr-defined]
    places = [(analysed.outcomes.everybody, rows.of("", "everybody", ()))]
    for analysis in analysed.outcomes.analyses:
        places += [(g, rows.of(analysis.name, g.group, analysis.merged)) for g in analysis.groups]
    for group, here in places:
        shares += [(group.error, here, here & (true != said)), (group.no_answer, here, here & (said == 2))]
        for line in group.classes:
            at = codes[line.label]
            if line.ppv.known:  # the number called so is a count of errors, no secret
                shares.append((line.ppv, here & (said == at), here & (said == at) & (true == at)))
            shares.append((line.tpr, here & (true == at), here & (true == at) & (said == at)))
            shares.append((line.fpr, here & (true != at), here & (true != at) & (said == at)))
    assert leaks(shares, rows.counts, small_groups(rows)) == []
