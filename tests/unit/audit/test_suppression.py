"""No withheld number can be computed from those that are published: asked of a solver, over random tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from countenance.audit.analysis import suppression
from countenance.audit.analysis.decisions import NO_ANSWER, Classified, OutcomeAudit, RiskAudit, Scores
from countenance.audit.analysis.faces import FaceAudit, without_few
from countenance.audit.analysis.measurement import ScoredComparisons, scored_data
from countenance.audit.findings.conclusions import untold_of
from countenance.audit.formats.plan import Groups, OutcomeTable, Plan, RiskTable, ScoreFile, System, ThresholdRule
from countenance.audit.formats.results import Analysed, FaceResults, RiskResults, Share
from countenance.audit.labelled.people import LabelledPeople
from countenance.metrics import Comparisons

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


def compared(random: np.random.Generator) -> tuple[LabelledPeople, ScoredComparisons]:
    """Comparisons in which few people of some groups have two pictures, and few of some were compared with others."""
    people = people_of(random)
    race = people.codes[:, 0]
    chance = random.choice([0.02, 0.1, 0.9], size=len(people.labels[0]))
    mates = np.flatnonzero(random.random(people.count) < chance[race])
    mates = np.append(np.repeat(mates, random.integers(1, 4, len(mates))), [0, people.count - 1])
    rare = race == random.integers(0, len(people.labels[0]))
    weight = np.where(rare, 0.01, 1.0)
    drawn = random.choice(people.count, size=(random.choice([80, 400]), 2), p=weight / weight.sum())
    drawn = drawn[drawn[:, 0] != drawn[:, 1]]
    everyone = np.stack([np.arange(people.count), np.roll(np.arange(people.count), 1)], axis=1)[~rare]
    pairs = np.concatenate([np.stack([mates, mates], axis=1), drawn, everyone]).astype(np.int32)
    a, b = pairs.T
    score = np.where(a == b, random.random(len(a)) + 0.3, random.random(len(a)) * 0.6)
    comparisons = Comparisons.of(
        score, a == b, first=a, second=b, first_group=np.zeros(len(a), np.int64), groups=("all",),
        larger_is_more_alike=True,
    )  # fmt: skip
    named = dataclasses.replace(people, ids=tuple(f"p{at}" for at in range(people.count)))
    return named, ScoredComparisons(named, comparisons, a, b, ())


QUICK = (2, 5, 8)


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed in QUICK else pytest.mark.slow) for seed in range(12)]
)
def test_no_withheld_number_of_a_comparison_of_faces_can_be_computed(seed: int) -> None:
    random = np.random.default_rng(seed)
    people, scored = compared(random)
    groups = Groups(("race", "sex"), "x", intersections=(("race", "sex"),))
    plan = Plan(
        "t", "q", System("s"), groups, scores=ScoreFile("s.csv"), threshold=ThresholdRule("fixed", 0.5),
        small_cell=SMALL,
    )  # fmt: skip
    audit = FaceAudit(scored_data(scored))
    faces = audit.analyse(plan, dict.fromkeys(plan.groups.analyses, True)).faces
    assert faces is not None
    kept, _ = without_few(plan, scored_data(scored))
    told = np.isin(scored.a, kept.present) & np.isin(scored.b, kept.present)
    a, b = scored.a[told], scored.b[told]
    wrong = (scored.comparisons.score[told] >= 0.5) != (a == b)
    kinds, kind_of = np.unique(people.codes, axis=0, return_inverse=True)
    for mated in (True, False):
        here = (a == b) == mated
        cells, place = np.unique(
            np.stack([kind_of.ravel()[a][here], kind_of.ravel()[b][here]], axis=1), axis=0, return_inverse=True
        )
        counts = np.bincount(2 * place.ravel() + wrong[here], minlength=2 * len(cells))
        sides = [np.repeat(kinds[cells[:, at]], 2, axis=0) for at in (0, 1)]
        bad = np.arange(len(counts)) % 2 == 1
        shares = list(shares_of_faces(faces, people, sides, mated))
        known = {m.tobytes(): (m, n) for share, t in shares for m, n in sums(share, t, bad)}
        whole = np.ones(len(counts), bool)
        known[whole.tobytes()] = (whole, int(counts.sum()))
        for share, trials in shares:
            if share.trials:
                assert counts[trials].sum() == share.trials and counts[trials & bad].sum() == share.errors
        for share, trials in shares:
            rows = here & np.isin(np.arange(len(a)), np.flatnonzero(here)[trials[2 * place.ravel()]])
            behind = len(np.unique(np.concatenate([a[rows], b[rows]])))
            if share.method == "withheld" and 0 < behind < SMALL <= counts.sum() and not trials.all():
                low, high = bounds(list(known.values()), trials)
                assert high - low >= SMALL // 2 - 1e-6, f"{counts[trials].sum()} lies between {low:g} and {high:g}"
    told_of = [(group.histogram, group.fnmr) for x in faces.analyses for group in x.groups]
    for histogram, fnmr in told_of:
        assert histogram is None or fnmr.method != "withheld" or sum(histogram.genuine) == 0


def sums(share: Share, trials: Mask, bad: Mask) -> Iterator[tuple[Mask, int]]:
    if share.trials is not None and share.errors is not None:
        yield trials, share.trials
        yield trials & bad, share.errors


def shares_of_faces(
    faces: FaceResults, people: LabelledPeople, sides: list[NDArray[np.int32]], mated: bool
) -> Iterator[tuple[Share, Mask]]:
    """Every published rate of misses (mated) or of false matches, with the cells of its comparisons."""
    races, sexes = people.labels
    yield faces.fnmr if mated else faces.fmr, np.ones(len(sides[0]), bool)
    for analysis in faces.analyses:
        both = []
        for side in sides:
            names = {
                "race": np.array(races)[side[:, 0]],
                "sex": np.array(sexes)[side[:, 1]],
                "race x sex": np.array([f"{races[r]} · {sexes[s]}" for r, s in side]),
            }[analysis.name]
            rest = next((g.group for g in analysis.groups if g.group.startswith("other groups")), "nowhere")
            both.append(np.where(np.isin(names, analysis.merged), rest, names))
        first, second = both
        named = [g.group for g in analysis.groups]
        for group in analysis.groups:
            if mated:
                yield group.fnmr, first == group.group
            else:
                yield group.fmr, (first == group.group) & (second == group.group)
                any_of = ((first == group.group) & np.isin(second, named)) | (
                    (second == group.group) & np.isin(first, named)
                )
                yield group.fmr_any, any_of
        for cell in () if mated else analysis.cross:
            yield (
                cell.fmr,
                ((first == cell.first) & (second == cell.second)) | ((first == cell.second) & (second == cell.first)),
            )


def test_programs_that_are_too_many_are_not_solved_and_their_analysis_is_withheld(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(3)
    race, sex = random.integers(0, 4, 600).astype(np.int32), random.integers(0, 2, 600).astype(np.int32)
    race[race == 3] = np.where(random.random((race == 3).sum()) < 0.95, 0, 3)
    names = (tuple(f"r{at}" for at in range(4)), ("f", "m"))
    people = LabelledPeople(None, ("race", "sex"), names, np.stack([race, sex], axis=1))
    data = Scores(people, random.integers(1, 11, 600).astype(float), random.random(600) < 0.4, ())
    plan = plan_of(RiskTable("r.csv", high_from=5.0))
    monkeypatch.setattr(suppression, "MOST_WORK", 100_000)
    done = list[int]()
    span = suppression._span

    def counted(sums: Any, counts: Any, target: Any, unknowns: Any) -> Any:
        done.append(len(sums) * len(unknowns))
        return span(sums, counts, target, unknowns)

    monkeypatch.setattr(suppression, "_span", counted)
    risks = RiskAudit(data).analyse(plan, dict.fromkeys(plan.groups.analyses, True)).risks
    assert risks is not None
    crossed = next(analysis for analysis in risks.analyses if analysis.name == "race x sex")
    assert not any(group.selected.known for group in crossed.groups)
    assert risks.everybody.selected.known
    untold = untold_of(plan, Analysed(risks=risks))
    assert any(line.startswith("By race x sex no rate is published") for line in untold)
    assert done and sum(done) <= 2 * 100_000
