"""Audits made up for tests: results with the shape of real ones, and real audits of rows that a test makes.

`results` needs no data and has no mathematics of its own; `audited` carries out an audit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from countenance.audit.bundle import Bundle, bundle_files, read_bundle
from countenance.audit.formats.plan import DeclaredHypothesis, Groups, Plan, ScoreFile, System, ThresholdRule
from countenance.audit.formats.results import (
    Analysis,
    Block,
    Bounds,
    CrossResult,
    Data,
    Environment,
    FaceResults,
    GroupResult,
    HistogramResult,
    Judged,
    ModelUsed,
    Numbers,
    Operating,
    Protocol,
    Results,
    SearchResult,
    Share,
    SpreadResult,
    SummaryFigure,
    SweepPoint,
    VerdictWords,
    Worst,
    share,
    withheld,
)
from countenance.audit.planning.plans import plan_bytes, plan_of_draft
from countenance.audit.running import run
from countenance.metrics.statistics.intervals import Rate, plain_rate
from countenance.signing import Signer

FACES = """
title = "t"
question = "q"
[system]
name = "Gatekeeper"
[groups]
factors = ["grp"]
labelled_by = "x"
[scores]
file = "s.csv"
[threshold]
rule = "fixed"
value = 0.5
"""
"""A draft of an audit of the pairs that `pairs` makes."""
OUTCOMES = """
title = "t"
question = "q"
[system]
name = "Gatekeeper"
[groups]
factors = ["grp"]
labelled_by = "x"
[outcomes]
file = "o.csv"
"""
"""A draft of an audit of a classifier, whose data is columns truth, predicted and grp."""
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGNER = Signer(b"a" * 32)
MODEL = "5f" * 32
GROUPS = ("women, darker", "women, lighter", "men, darker", "men, lighter")
FALSE = (240, 61, 48, 12)
MISSED = (19, 12, 9, 6)


def plan(**changes: object) -> Plan:
    made = Plan(
        title="Gate camera, spring test",
        question="Are some people falsely accepted more often?",
        system=System("Gatekeeper", "2.4", "Example GmbH"),
        groups=Groups(("group",), "perceived by annotators"),
        scores=ScoreFile("scores.csv", labels="people.csv"),
        threshold=ThresholdRule("fmr", 1e-3),
        hypotheses=(DeclaredHypothesis("fmr", "group"),),
        population="volunteers",
        conditions="indoor, frontal",
        limits=("no children took part",),
        created="2026-02-01T00:00:00Z",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def counted(errors: int, trials: int, people: int = 200) -> Share:
    found = plain_rate(errors, trials)
    return share(dataclasses.replace(found, subjects=people) if isinstance(found, Rate) else found)


def cells(false: Sequence[int], scale: float) -> list[Share]:
    size = len(false)
    return [
        counted(round((false[a] if a == b else min(false[a], false[b]) / 4) * scale), 120_000)
        for a in range(size)
        for b in range(a, size)
    ]


def analysis(
    groups: Sequence[str] = GROUPS, false: Sequence[int] = FALSE, missed: Sequence[int] = MISSED, digest: str = "d" * 64
) -> Analysis:
    lines = tuple(
        GroupResult(
            group=name,
            people=200,
            fmr=counted(k, 120_000),
            fmr_any=counted(k * 2, 480_000),
            fnmr=counted(m, 900),
            failures=counted(at * 3, 1000),
            threshold_needed=0.36 + 0.01 * k / 48,
            quality=(SpreadResult("sharpness", 997, 41.5, tuple(float(d) for d in range(10, 100, 10))),),
            histogram=HistogramResult(
                -0.4,
                1.0,
                tuple(round(9000 * 2.718 ** (-((x - 20) ** 2) / 60)) for x in range(64)),
                tuple(round(90 * 2.718 ** (-((x - 46) ** 2) / 90)) for x in range(64)),
            ),
            people_digest=digest,
            blocks=tuple(Block(k // 5, 24_000, m // 10 + (b % 3), 90) for b in range(10)),
        )
        for at, (name, k, m) in enumerate(zip(groups, false, missed, strict=True))
    )
    where = [(a, b) for a in range(len(groups)) for b in range(a, len(groups))]
    found = cells(false, 1.0)
    return Analysis(
        name="group",
        groups=lines,
        cross=tuple(
            CrossResult(groups[a], groups[b], c, (c.errors or 0) >= 30) for (a, b), c in zip(where, found, strict=True)
        ),
        sweep=tuple(
            SweepPoint(
                0.25 + 0.03 * step,
                counted(round(sum(false) * 4 / 2**step), 1_200_000),
                tuple(cells(false, 4 / 2**step)),
                tuple(counted(min(890, round(m * 1.6**step / 6)), 900) for m in missed),
            )
            for step in range(9)
        ),
        summaries=(
            SummaryFigure("fairness discrepancy rate", 0.9985, 1.0, True),
            SummaryFigure("inequity rate", 8.2, 1.0, False),
            SummaryFigure("GARBE", 0.41, 0.0, False, "no zero counts"),
        ),
        worst=(Worst("fmr", "max/min", groups[0], groups[-1], 20.0, Bounds(9.0, 38.0, 0.95), 1.6, 0.0005),),
        empty=("nobody here",),
        merged=("under ten",),
        unlabelled=3,
        planned=True,
    )


def judged(groups: Sequence[str] = GROUPS) -> tuple[Judged, ...]:
    verdicts: tuple[VerdictWords, ...] = (
        "difference shown",
        "insufficient evidence",
        "equivalence shown",
        "difference shown",
    )
    return tuple(
        Judged("fmr", "group", name, "others", verdict, 1.5 * at + 0.4, Bounds(0.3, 2.0 + at, 0.95), 0.01, 0.04, 0.2,
               2.0, None if at == 1 else 1.8, at == 0, True, "one sentence")
        for at, (name, verdict) in enumerate(zip(groups, verdicts, strict=False))
    )  # fmt: skip


def results(of_plan: Plan | None = None, **changes: object) -> Results:
    the_plan = of_plan or plan()
    found = analysis()
    faces = FaceResults(
        threshold=0.37,
        direction="similarity",
        threshold_rule="the lowest threshold with FMR at most 0.001 over all comparisons of different people",
        censored_below=None,
        fmr=counted(361, 480_000),
        fnmr=counted(46, 3600),
        failures=counted(18, 4000),
        eer=0.011,
        eer_threshold=0.31,
        operating=(Operating(1e-3, 0.37, counted(361, 480_000), counted(46, 3600), True),),
        protocols=(
            Protocol("all impostors", counted(361, 480_000), 1.0, Bounds(1.0, 1.0, 0.95)),
            Protocol("same group", counted(361, 480_000), 2.4, Bounds(2.1, 2.8, 0.95)),
        ),
        analyses=(found,),
        searches=tuple(
            SearchResult(n, g, n * k / 120_000, 1 - (1 - k / 120_000) ** n, 1 - (1 - 1.3 * k / 120_000) ** n, None,
                         counted(round(20 * k / 12), 400) if n == 100 else None, None)
            for n in (100, 1_000, 10_000, 100_000)
            for g, k in zip(GROUPS, FALSE, strict=True)
        ),
    )  # fmt: skip
    made = Results(
        title=the_plan.title,
        question=the_plan.question,
        system=the_plan.system,
        task="verification",
        plan_hash=the_plan.hash,
        preregistered=True,
        deviations=(),
        started="2026-03-01T10:00:00Z",
        finished="2026-03-01T10:02:00Z",
        data=Data(800, 484_000, "comparisons", 484_000, {"scores.csv": "ab" * 32}),
        headline=(
            "People are falsely matched at different rates: 0.200 % in women, darker, 0.010 % in men, lighter. "
            "women, darker against everybody else: 5.9 times (95 % interval 4.1 to 8.6)."
        ),
        numbers=Numbers(
            "0.200 % (1 in 500) in women, darker",
            "20 times as often as in men, lighter (95 % interval 9.0 to 38)",
            "1,000 searches in a gallery of 10,000 people of their own group give about 20,000 false candidates for "
            "women, darker, 1,000 for men, lighter",
        ),
        untold=("By group, nothing is told about nobody here: nobody in the data.",),
        findings=("the scores are read as similarities: found from the data, not declared",),
        judged=judged(),
        faces=faces,
        outcomes=None,
        risks=None,
        labelled_by="perceived by annotators",
        population=the_plan.population,
        conditions=the_plan.conditions,
        limits=the_plan.limits,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def environment() -> Environment:
    return Environment("3.11.4", "Linux x86_64", {"numpy": "2.4"}, (ModelUsed("embedder", "toy", "toy-1", MODEL),))


def files(the_plan: Plan | None = None, found: Results | None = None, signer: Signer = SIGNER) -> dict[str, bytes]:
    the_plan = the_plan or plan()
    return bundle_files(the_plan, found or results(the_plan), environment(), "2026-03-01T10:02:01Z", signer)


def hidden() -> Share:
    return withheld(10)


def pairs(group: str, mates: int, missed: int, impostors: Iterable[tuple[int, int]], false: int) -> list[str]:
    """Rows for `audited`: mates of whom the first are missed, impostors of whom the first are falsely matched."""
    lines = [f"{group}{at},{group}{at},1,{0.2 if at < missed else 0.9},{group},{group}" for at in range(mates)]
    return lines + [
        f"{group}{a},{group}{b},0,{0.8 if at < false else 0.1},{group},{group}" for at, (a, b) in enumerate(impostors)
    ]


def audited(folder: Path, lines: Iterable[str], draft: str = FACES) -> Bundle:
    """A real audit of such rows, carried out in `folder`."""
    heads = "subject_a,subject_b,same,score,grp_a,grp_b"
    (folder / "s.csv").write_text("\n".join([heads, *lines]) + "\n")
    return carried_out(folder, draft)


def carried_out(folder: Path, draft: str) -> Bundle:
    """The bundle of an audit, from its draft on; its data is in `folder` already."""
    (folder / "d.toml").write_text(draft)
    (folder / "p.json").write_bytes(plan_bytes(plan_of_draft(folder / "d.toml", NOW)))
    run(folder / "p.json", folder / "b", SIGNER, clock=lambda: NOW)
    return read_bundle(folder / "b")
