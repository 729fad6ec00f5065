"""What an audit found: counts, rates with intervals and verdicts, as the published JSON Schema describes them.

Rates are made of measured ones (`share`) and turned back into them (`rate_of`). Whoever only reads records loads no
mathematics: `countenance.metrics` is imported where a record becomes a rate again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from countenance.audit.formats.codec import LATER, Json, from_json, later
from countenance.audit.formats.plan import System
from countenance.errors import BadRequest

if TYPE_CHECKING:
    from countenance.metrics import Interval, Rate


@dataclass(frozen=True, slots=True)
class Share:
    """Errors among trials and what is known about the rate. Numbers are null where nothing can be told: see reason."""

    errors: int | None
    trials: int | None
    people: Annotated[int | None, "different people involved; null where not known or withheld"]
    estimate: Annotated[float | None, "errors / trials, 0..1"]
    low: Annotated[float | None, "lower bound at `level`"]
    high: Annotated[float | None, "upper bound at `level`"]
    level: Annotated[float, "confidence, 0..1"]
    effective_trials: Annotated[float | None, "independent trials that would tell as much"]
    freedom: Annotated[float | None, "degrees of freedom of the variance; null: unbounded"]
    method: str
    reason: Annotated[str, "why there is no number; empty where there is one"] = ""

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return self.estimate is not None


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval; a null end is unbounded or unknown."""

    low: float | None
    high: float | None
    level: float


def share(rate: Rate, small_cell: int = 0) -> Share:
    """`rate` as a record; its counts are withheld where fewer than `small_cell` people (or trials) stand behind it."""
    if not rate.known:
        return Share(0, 0, 0, None, None, None, rate.level, None, None, rate.method, rate.reason or "no trials")
    if 0 < (rate.subjects or rate.trials) < small_cell:
        return withheld(small_cell, rate.level)
    interval = rate.interval
    freedom = rate.freedom if math.isfinite(rate.freedom) else None
    return Share(
        rate.errors, rate.trials, rate.subjects or None, rate.estimate, interval.low, interval.high, rate.level,
        rate.effective_trials, freedom, rate.method, rate.reason,
    )  # fmt: skip


def withheld(small_cell: int, level: float = 0.95) -> Share:
    """The record of a rate with too few people behind it to be published."""
    reason = f"withheld: fewer than {small_cell} people"
    return Share(None, None, None, None, None, None, level, None, None, "withheld", reason)


def rate_of(share: Share) -> Rate:
    """The rate behind a record, for computing with it; an unknown rate where its numbers are withheld."""
    from countenance.metrics import Rate, unknown_rate

    if share.errors is None or share.trials is None or share.effective_trials is None:
        return unknown_rate(share.reason, share.level)
    freedom = math.inf if share.freedom is None else share.freedom
    people = share.people or 0
    return Rate(share.errors, share.trials, people, share.effective_trials, freedom, share.level, share.method)


def finite(number: float) -> float | None:
    """`number`, or None where it is NaN or infinite: a record holds finite numbers only."""
    return float(number) if math.isfinite(number) else None


def bounds(interval: Interval) -> Bounds:
    """`interval` as a record."""
    return Bounds(finite(interval.low), finite(interval.high), interval.level)


ResultsFormat = Literal["countenance-audit-results/1", "countenance-audit-results/2"]
FORMATS: tuple[ResultsFormat, ...] = ("countenance-audit-results/1", "countenance-audit-results/2")
"""Formats that are read: the first had three verdicts (see `results_of`), and judged only what was declared."""
FORMAT: ResultsFormat = FORMATS[-1]
VerdictWords = Literal[
    "difference shown", "difference shown, within the declared margin", "equivalence shown", "insufficient evidence"
]
"""What can be concluded about one comparison. The first two are differences."""
VERDICTS: tuple[VerdictWords, ...] = get_args(VerdictWords)


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where the audit left its plan. What it touches is exploratory: it can raise a question, not answer one."""

    what: Annotated[str, "field of the plan, or what was found"]
    planned: str
    done: str
    touches: Annotated[str, "'everything', or an analysis by name, or 'gallery'"] = "everything"


@dataclass(frozen=True, slots=True)
class SpreadResult:
    """How a measure of the picture is distributed in one group, over images with a face."""

    measure: str
    images: int
    mean: float
    deciles: Annotated[tuple[float, ...], "the 10th, 20th … 90th percentile"]


@dataclass(frozen=True, slots=True)
class HistogramResult:
    """Scores by bin. The first and last bins hold what lies outside."""

    low: float
    high: float
    impostors: tuple[int, ...]
    genuine: tuple[int, ...]


FEWEST_BLOCKS = 8
"""People are cut into no fewer blocks than this: with fewer, Student's t means nothing."""


@dataclass(frozen=True, slots=True)
class Block:
    """Counts over a block of people, drawn by hash, none smaller than the small-cell bound: what a later audit of the
    same people needs for a paired test. Each false match is counted once in each of its two people."""

    fmr_errors: int
    fmr_trials: int
    fnmr_errors: int
    fnmr_trials: int


@dataclass(frozen=True, slots=True)
class GroupResult:
    """One group at the global threshold."""

    group: str
    people: Annotated[int | None, "null: fewer than the small-cell bound"]
    fmr: Annotated[Share, "false matches among different people of this group"]
    fmr_any: Annotated[Share, "false matches of this group's people with anybody else, as the data mix them"]
    fnmr: Annotated[Share, "misses among comparisons of one person"]
    failures: Annotated[Share, "images or comparisons that gave no template or score (FTE, FTA)"]
    threshold_needed: Annotated[float | None, "threshold that would give this group the overall FMR"]
    quality: tuple[SpreadResult, ...]
    histogram: HistogramResult | None
    people_digest: Annotated[str, "sha256 over the hashed subject ids; empty where they are not known"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class CrossResult:
    """False matches between people of two groups. enough: at least 30 errors, by the rule of 30."""

    first: str
    second: str
    fmr: Share
    enough: bool


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """Rates of all groups at one threshold: what DET curves and the threshold advisor need."""

    threshold: float
    fmr: Annotated[Share, "pooled"]
    cells: Annotated[tuple[Share, ...], "FMR by pair of groups, upper triangle row by row"]
    fnmr: Annotated[tuple[Share, ...], "by group"]


@dataclass(frozen=True, slots=True)
class SummaryFigure:
    """One number for many groups; read the groups first."""

    name: str
    value: float | None
    fair: Annotated[float, "value when all groups are equal"]
    larger_is_fairer: bool
    note: Annotated[str, "what was done about zero counts, or why there is no value"] = ""
    bounds: Annotated[Bounds | None, "null: no value, or made before figures had intervals"] = None


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst group against another figure of all groups, with the winner's curse taken off the interval."""

    measure: str
    contrast: Annotated[str, "max/min or max/geometric mean"]
    worst: str
    best: str
    ratio: float | None
    bounds: Bounds
    expected_if_equal: Annotated[float | None, "the same ratio, on average, if all groups were equal"]
    p: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one comparison: of the declared family, or (`declared` false) of all others, corrected apart."""

    measure: str
    factor: str
    group: str
    reference: str
    verdict: VerdictWords
    ratio: Annotated[float | None, "rate of the group over rate of the reference; null: none or unbounded"]
    bounds: Bounds
    p: float
    p_corrected: float
    equivalence_p_corrected: float
    margin: Annotated[float | None, "see `margin_kind`; null: none was declared for this measure"]
    shows_margin: Annotated[float | None, "smallest margin at which this data would have shown equivalence"]
    beyond_margin: bool
    planned: Annotated[bool, "false: exploratory, told after the data was seen"]
    reason: str
    declared: Annotated[bool, "whether the plan names this comparison"] = True
    of_class: Annotated[str, "the class that TPR, FPR or PPV of a classifier speak of"] = ""
    margin_kind: Annotated[
        Literal["", "ratio", "difference", "four fifths", "four fifths of the rest"], "what kind of number `margin` is"
    ] = ""
    sees_ratio: Annotated[float | None, "smallest ratio that so many people show with a chance of 80 %"] = None
    sees_difference: Annotated[float | None, "smallest difference of rates that they show, 0..1"] = None
    rate: Annotated[Share | None, "the group's rate; null for calibration"] = None
    against: Annotated[Share | None, "the reference's rate; null for calibration"] = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One way to tell groups apart: a factor or an intersection."""

    name: str
    groups: tuple[GroupResult, ...]
    cross: tuple[CrossResult, ...]
    sweep: tuple[SweepPoint, ...]
    summaries: tuple[SummaryFigure, ...]
    worst: tuple[Worst, ...]
    empty: Annotated[tuple[str, ...], "groups that nobody in the data belongs to"]
    merged: Annotated[tuple[str, ...], "groups under the small-cell bound: merged, or left out of what is published"]
    unlabelled: Annotated[int, "people without a label here"]
    planned: bool


@dataclass(frozen=True, slots=True)
class Operating:
    """FNMR where the overall FMR is at a target."""

    fmr_target: float
    threshold: float | None
    fmr: Share
    fnmr: Share
    enough: Annotated[bool, "whether there are the 30 / target non-mated comparisons that the rule of 30 asks for"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the choice of impostors changes: FMR where they agree in some labels, over FMR of all."""

    name: str
    fmr: Share
    ratio: float | None
    bounds: Bounds


ENOUGH = 10
"""False matches below which nothing is said about searches but a bound: too few to multiply."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a gallery of a size does to searches with a probe of one group, by the formula 1-(1-FMR)^N or measured."""

    gallery: int
    group: str
    expected_false: Annotated[float, "false candidates of one search, on average"]
    chance_any: Annotated[float, "chance of at least one false candidate"]
    chance_high: Annotated[float | None, "the same at the FMR's upper bound"]
    lead_right: Annotated[float | None, "chance that a lead is right, at the stated prior; null: no prior stated"]
    measured: Annotated[Share | None, "FPIR measured on subsampled galleries"]
    missed: Annotated[Share | None, "FNIR measured on subsampled galleries"]
    expected_low: Annotated[float | None, "false candidates of one search at the FMR's lower bound"] = None
    expected_high: Annotated[float | None, "the same at its upper bound"] = None
    enough: Annotated[
        bool | None,
        "whether 10 false matches or more stand behind it; below, only bounds mean something; null: not told",
    ] = None


@dataclass(frozen=True, slots=True)
class FaceResults:
    """1:1 comparisons at one global threshold, and what follows for 1:N."""

    threshold: Annotated[float, "in the units and direction of the data"]
    direction: Literal["similarity", "distance"]
    threshold_rule: str
    censored_below: float | None
    fmr: Annotated[Share, "all comparisons of different people"]
    fnmr: Annotated[Share, "all comparisons of one person"]
    failures: Share
    eer: float | None
    eer_threshold: float | None
    operating: tuple[Operating, ...]
    protocols: tuple[Protocol, ...]
    analyses: tuple[Analysis, ...]
    searches: tuple[SearchResult, ...]
    people_digest: Annotated[str, "of all people: sha256 over their hashed subject ids; empty where not known"] = ""
    blocks: Annotated[tuple[Block, ...], "of all people, whatever their group"] = ()


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One class within one group."""

    label: str
    ppv: Share
    tpr: Share
    fpr: Share


@dataclass(frozen=True, slots=True)
class OutcomeGroup:
    """A classifier's rates in one group."""

    group: str
    rows: int | None
    error: Share
    no_answer: Share
    classes: tuple[ClassLine, ...]


@dataclass(frozen=True, slots=True)
class OutcomeAnalysis:
    """A classifier by one way to tell groups apart."""

    name: str
    groups: tuple[OutcomeGroup, ...]
    empty: tuple[str, ...]
    merged: tuple[str, ...]
    planned: bool


@dataclass(frozen=True, slots=True)
class OutcomeBlock:
    """Errors over a block of people who are alike in every group, drawn by hash, none smaller than the small-cell
    bound: what an audit of the same people by another system, or later, needs for a paired test."""

    groups: Annotated[tuple[str, ...], "their group in each analysis, in order; empty: no label"]
    errors: int
    trials: int


@dataclass(frozen=True, slots=True)
class OutcomeResults:
    """Classification results."""

    everybody: OutcomeGroup
    analyses: tuple[OutcomeAnalysis, ...]
    people_digest: Annotated[str, "sha256 over the hashed subject ids; empty where they are not known"] = later("")
    blocks: Annotated[tuple[OutcomeBlock, ...], "none where a number had to be withheld"] = later(())


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR), with the group's own numbers."""

    prevalence: float
    ppv: float
    fnr: float
    fpr: float
    implied: float


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """A risk score's rates in one group at the cut-off."""

    group: str
    rows: int | None
    fpr: Share
    fnr: Share
    ppv: Share
    npv: Share
    selected: Share
    prevalence: Share
    auc: float | None
    auc_bounds: Bounds
    identity: IdentityCheck | None


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Share with the outcome among those of one group whose score lies in low..high."""

    group: str
    low: float
    high: float
    observed: Share


@dataclass(frozen=True, slots=True)
class FourFifthsLine:
    """One group's rate of the favourable decision against the most favoured group's."""

    group: str
    favourable: Share
    ratio: float | None
    bounds: Bounds
    passes: bool
    p: float
    flips: Annotated[int, "decisions that would have to change for the ratio to reach four fifths"]


@dataclass(frozen=True, slots=True)
class RiskAnalysis:
    """A risk score by one way to tell groups apart."""

    name: str
    groups: tuple[RiskGroup, ...]
    calibration: tuple[CalibrationLine, ...]
    four_fifths: tuple[FourFifthsLine, ...]
    empty: tuple[str, ...]
    merged: tuple[str, ...]
    planned: bool


@dataclass(frozen=True, slots=True)
class RiskResults:
    """Risk scores."""

    cutoff: float
    label_warning: str
    everybody: RiskGroup
    analyses: tuple[RiskAnalysis, ...]


@dataclass(frozen=True, slots=True)
class SpeciesLine:
    """One species of presentation attack instrument within one group."""

    attack_type: str
    species: str
    apcer: Annotated[Share, "attacks called bona fide, of those that got a response"]
    apnrr: Annotated[Share, "attacks without a response, of all"]
    series: Annotated[int | None, "series of instruments; 0: none are named; null: withheld"]


@dataclass(frozen=True, slots=True)
class HighestApcer:
    """The highest APCER over the species of one type of attack, or of all: what an attacker would choose."""

    attack_type: Annotated[str, "empty: all types"]
    species: str
    apcer: Annotated[float, "0..1"]
    bounds: Annotated[Bounds, "of the true highest, whichever species that is"]
    over: Annotated[int, "species with a number"]
    withheld: Annotated[int, "species without one: the highest may be among them"]


@dataclass(frozen=True, slots=True)
class PresentationGroup:
    """Presentation attack detection in one group."""

    group: str
    presentations: Annotated[int | None, "null: fewer than the small-cell bound"]
    bpcer: Annotated[Share, "bona fide presentations called attacks, of those that got a response"]
    bpnrr: Annotated[Share, "bona fide presentations without a response, of all"]
    species: tuple[SpeciesLine, ...]
    highest: Annotated[tuple[HighestApcer, ...], "over all species, then by type where types have several"]


@dataclass(frozen=True, slots=True)
class PresentationAnalysis:
    """Presentation attack detection by one way to tell groups apart."""

    name: str
    groups: tuple[PresentationGroup, ...]
    empty: tuple[str, ...]
    merged: tuple[str, ...]
    planned: bool


@dataclass(frozen=True, slots=True)
class PresentationResults:
    """Presentation attack detection (ISO/IEC 30107-3)."""

    decided: Annotated[str, "how a presentation came to be called an attack, in words"]
    everybody: PresentationGroup
    analyses: tuple[PresentationAnalysis, ...]


@dataclass(frozen=True, slots=True)
class Analysed:
    """One of the four parts of the results; the others are None.

    left_out: people of groups too small to count anywhere, and their rows.
    """

    faces: FaceResults | None = None
    outcomes: OutcomeResults | None = None
    risks: RiskResults | None = None
    presentations: PresentationResults | None = None
    left_out: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The three numbers of the headline, each a text with its unit."""

    worst: str
    ratio: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A model or service that made scores."""

    role: Annotated[str, "embedder, detector, service, client …"]
    name: str
    version: str
    sha256: Annotated[str, "of its weights; empty where they are not ours to hash"] = ""


@dataclass(frozen=True, slots=True)
class AskedService:
    """The live service whose answers these are."""

    host: Annotated[str, "host and port that were asked"]
    product: Annotated[str, "what answers there, or whose language it speaks"]
    model: Annotated[str, "name and version of the model, as the service answered it, or that it told none"]
    through: Annotated[str, "the client or description that asked, with its version"]


@dataclass(frozen=True, slots=True)
class Environment:
    """What ran the audit."""

    python: str
    machine: str
    packages: Mapping[str, str]
    models: tuple[ModelUsed, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """How much data there was."""

    people: Annotated[int, "0: the source of faces names nobody"]
    rows: Annotated[int, "images, comparisons or persons, as the source has them"]
    unit: str
    comparisons: int
    inputs: Annotated[Mapping[str, str], "sha256 of every input file, by its name"]


@dataclass(frozen=True, slots=True)
class Results:
    """What an audit found. Rates are 0..1; intervals are two-sided at the level beside them."""

    title: str
    question: str
    system: System
    task: Literal["verification", "classification", "risk", "pad"]
    plan_hash: str
    preregistered: Annotated[bool, "the plan was there before any score, and nothing deviates from it"]
    deviations: tuple[Deviation, ...]
    started: str
    finished: str
    data: Data
    headline: str
    numbers: Numbers
    untold: Annotated[tuple[str, ...], "what could not be told, and why"]
    findings: Annotated[tuple[str, ...], "what was wrong with the data or must be known about it"]
    judged: tuple[Judged, ...]
    faces: FaceResults | None
    outcomes: OutcomeResults | None
    risks: RiskResults | None
    labelled_by: str
    population: str
    conditions: str
    limits: tuple[str, ...]
    also: Annotated[tuple[str, ...], "every other question in which a difference is shown, the strongest of each"] = ()
    asked: Annotated[AskedService | None, "of an audit of a live service; null of all others"] = field(
        default=None, metadata=LATER
    )
    presentations: Annotated[PresentationResults | None, "results of presentation attack detection"] = field(
        default=None, metadata=LATER
    )
    format: ResultsFormat = FORMAT


def results_of(value: Json) -> Results:
    """Results from their JSON value, of any format there was, as what they say in the present one.

    Format 1 had three verdicts and called a shown difference within the margin "equivalence shown". Nothing else of an
    old file changes: its headline, its counts and its hash stay what was signed. `BadRequest` says which field is
    wrong.
    """
    if isinstance(value, Mapping) and value.get("format", FORMAT) not in FORMATS:
        raise BadRequest(f"these are no results of format {' or '.join(FORMATS)}, got {value.get('format')!r}")
    if isinstance(value, Mapping) and value.get("format") == FORMATS[0]:
        value = {**value, "judged": [_verdict(one) for one in value.get("judged", ())]}
    return from_json(Results, value, "results")


def _verdict(judged: Json) -> Json:
    if not isinstance(judged, Mapping) or "margin_kind" in judged:
        return judged
    verdict, p, bounds = judged.get("verdict"), judged.get("p_corrected"), judged.get("bounds")
    alpha = 1 - bounds["level"] if isinstance(bounds, Mapping) and isinstance(bounds.get("level"), float) else 0.05
    if verdict == "disparity shown":
        verdict = "difference shown"
    elif verdict == "equivalence shown" and isinstance(p, (int, float)) and p <= alpha + 1e-12:
        verdict = "difference shown, within the declared margin"
    return {**judged, "verdict": verdict, "margin_kind": "ratio"}
