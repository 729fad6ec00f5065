"""What an audit will do, written down and hashed before any score exists; plans read from files, and changed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args

from countenance.audit.formats.codec import LATER, Json, from_json, later, to_json
from countenance.errors import BadRequest
from countenance.said_once import loads
from countenance.signing import digest

PlanFormat = Literal["countenance-audit-plan/1", "countenance-audit-plan/2"]
FORMATS: tuple[PlanFormat, ...] = ("countenance-audit-plan/1", "countenance-audit-plan/2")
"""Formats that are read: the first had a margin of 2 where a draft named none, and no words for groups."""
FORMAT: PlanFormat = FORMATS[-1]
CROSS = " x "
"""Between the factors of an intersection: "race x gender"."""
JOINT = " · "
"""Between the labels of a group of an intersection: "Black · female"."""
SOURCES = ("scores", "templates", "images", "api", "outcomes", "risks", "presentations")

Measure = Literal[
    "fmr", "fnmr", "fte", "error", "tpr", "fpr", "ppv", "fnr", "npv", "selection", "calibration", "apcer", "bpcer",
    "apnrr", "bpnrr",
]  # fmt: skip
FACE_MEASURES = frozenset({"fmr", "fnmr", "fte"})
OUTCOME_MEASURES = frozenset({"error", "fte", "tpr", "fpr", "ppv"})
RISK_MEASURES = frozenset({"fpr", "fnr", "ppv", "npv", "selection", "calibration"})
PRESENTATION_MEASURES = frozenset({"apcer", "bpcer", "apnrr", "bpnrr"})
BY_SPECIES = frozenset({"apcer", "apnrr"})
"""Rates of attacks: a hypothesis about one is a hypothesis about every species, since they are never pooled."""
NEAR_ONE = frozenset({"tpr", "ppv", "npv", "selection"})
"""Rates that are good, or usual, when high: their margin is `margin_points` or `four_fifths`, never a ratio."""


@dataclass(frozen=True, slots=True)
class System:
    """Which system is audited, as its operator names it."""

    name: Annotated[str, "product or model"]
    version: Annotated[str, "version, model hash or date; an audit is of this version only"] = "not stated"
    provider: Annotated[str, "who makes or runs it"] = "not stated"
    answered: Annotated[
        str, "day, month or year of its answers (2018-08-21), where that is not when the audit ran: for time lines"
    ] = later("")

    def __post_init__(self) -> None:
        if self.answered:
            day_of(self.answered)


def day_of(answered: str) -> date:
    """The first day of a day, month or year as plans have it ("2018-08-21", "2018-08", "2018"); ValueError: none."""
    try:
        if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", answered):
            raise ValueError
        return date.fromisoformat(f"{answered}-01-01"[:10])
    except ValueError:
        raise ValueError(f"answered is a day, a month or a year, such as 2018-08-21, got {answered!r}") from None


@dataclass(frozen=True, slots=True)
class Groups:
    """Whom the audit tells apart, and who said who belongs where."""

    factors: Annotated[tuple[str, ...], "label columns, one analysis each"]
    labelled_by: Annotated[str, "how the labels came about: self-reported, perceived by annotators, from a register …"]
    intersections: Annotated[tuple[tuple[str, ...], ...], "factors to cross, one analysis each"] = ()
    expected: Annotated[Mapping[str, tuple[str, ...]], "per factor, every group that should be there"] = field(
        default_factory=dict
    )
    labels: Annotated[Mapping[str, str], "words for groups and factors, by their names in the data"] = later(dict)
    spellings: Annotated[
        Mapping[str, Mapping[str, str]], "per factor, what the file says and the group that it means"
    ] = field(default_factory=dict, metadata=LATER)

    def __post_init__(self) -> None:
        for factor in self.spellings:
            if factor not in self.factors:
                raise ValueError(f"spellings names {factor!r}, which is no factor")
        if not self.factors:
            raise ValueError("an audit needs at least one factor to tell groups apart")
        if len(set(self.factors)) != len(self.factors):
            raise ValueError("a factor is named twice")
        for crossed in self.intersections:
            if len(crossed) < 2 or not set(crossed) <= set(self.factors):
                raise ValueError(f"an intersection crosses two or more of the factors, got {list(crossed)}")
        for name in self.expected:
            if name not in self.factors:
                raise ValueError(f"expected names {name!r}, which is no factor")
        for name, words in self.labels.items():
            if not words.strip():
                raise ValueError(f"labels has no words for {name!r}")

    @property
    def analyses(self) -> tuple[str, ...]:
        """Names of all groupings: the factors, then the intersections as 'a x b'."""
        return (*self.factors, *(CROSS.join(crossed) for crossed in self.intersections))


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """The one threshold at which everybody is compared."""

    rule: Annotated[
        Literal["fixed", "fmr"], "fixed: value is the score itself; fmr: the score whose FMR over `population` is value"
    ]
    value: Annotated[float, "a score in the unit of the data, or an FMR between 0 and 1, as `rule` says"]
    population: Annotated[str, "'all' impostor comparisons, or those within one group, as 'factor=label'"] = "all"

    def __post_init__(self) -> None:
        if self.rule == "fmr" and not 0 < self.value < 1:
            raise ValueError(f"a threshold at an FMR needs a value between 0 and 1, got {self.value}")
        if self.population != "all" and "=" not in self.population:
            raise ValueError(f"population is 'all' or 'factor=label', got {self.population!r}")


@dataclass(frozen=True, slots=True)
class DeclaredHypothesis:
    """Every group's rate against the reference, as a ratio: one comparison per group, all in one family."""

    measure: Annotated[Measure, "the rate that is compared"]
    factor: Annotated[str, "a factor, or an intersection as 'a x b'"]
    reference: Annotated[str, "a group, or 'others' for all the other groups together"] = "others"


@dataclass(frozen=True, slots=True)
class BetweenSystems:
    """Systems against each other in one rate: one comparison per pair of systems and group, all in one family."""

    measure: Measure
    factor: Annotated[str, "a factor, an intersection as 'a x b', or empty: everybody together"] = ""
    reference: Annotated[str, "a system that all others are compared with; empty: every pair"] = ""


@dataclass(frozen=True, slots=True)
class Together:
    """Which systems are audited side by side, and what is asked between them. The plan of each says the same."""

    systems: tuple[str, ...]
    between: tuple[BetweenSystems, ...]

    def __post_init__(self) -> None:
        if len(self.systems) < 2 or len(set(self.systems)) != len(self.systems):
            raise ValueError("systems side by side are two or more, each with a name of its own")
        for one in self.between:
            if one.reference and one.reference not in self.systems:
                raise ValueError(f"between names {one.reference!r}, which is none of {', '.join(self.systems)}")


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """A table of comparisons: CSV or Parquet, one row each."""

    file: Annotated[str, "CSV or Parquet"]
    score: Annotated[str, "column of the scores"] = "score"
    same: Annotated[str | None, "column that says whether both are one person; None: told from the subjects"] = "same"
    subjects: Annotated[tuple[str, ...], "two columns of subject ids; none: every row counts as independent"] = (
        "subject_a",
        "subject_b",
    )
    images: Annotated[tuple[str, ...], "two columns of image ids, to find duplicated pairs"] = ()
    labels: Annotated[
        str | None, "a second table of subjects and their groups; None: columns <factor>_a, <factor>_b"
    ] = None
    label_subject: Annotated[str, "column of the subject ids in `labels`"] = "subject"
    direction: Annotated[Literal["find", "similarity", "distance"], "find: told from the data and stated"] = "find"
    censored_below: Annotated[float | None, "the system tells no score under this one"] = None
    missing: Annotated[
        Literal["error", "failure", "censored"],
        "an empty score is: an error, a failure to acquire (an outcome), or one below `censored_below`",
    ] = "error"
    limits: Annotated[tuple[float, ...], "lowest and highest score the system can give, if known"] = ()
    no_score: Annotated[tuple[float, ...], "values that stand for no score, as -1 may; `missing` says what follows"] = (
        field(default=(), metadata=LATER)
    )
    unit: Annotated[
        Literal["find", "as given"],
        "find: two units in the column are an error; as given: they are one, whatever it seems",
    ] = field(default="find", metadata=LATER)

    def __post_init__(self) -> None:
        _check_limits(self.limits)
        for name, columns in (("subjects", self.subjects), ("images", self.images)):
            if len(columns) not in (0, 2):
                raise ValueError(f"{name} names two columns or none, got {len(columns)}")
        if self.same is None and not self.subjects:
            raise ValueError("without a column `same` the subjects must be named")
        if self.missing == "censored" and self.censored_below is None:
            raise ValueError("missing = 'censored' needs censored_below")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """Templates (.npz or .npy) and a table of whose they are; all pairs are compared."""

    file: Annotated[str, ".npz or .npy"]
    vectors: Annotated[str, "name of the (n, d) array inside an .npz"] = "template"
    labels: Annotated[str | None, "table with one row per template, in order; None: arrays of the .npz"] = None
    subject: Annotated[str | None, "column or array of subject ids; None: every template is another person"] = "subject"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Images and a table of who is on them, run through an engine of this project; all pairs are compared."""

    folder: Annotated[str, "where the pictures lie"]
    labels: Annotated[str, "table with one row per picture: its file, whose it is, and groups"]
    file: Annotated[str, "column of image paths, relative to the folder"] = "file"
    subject: Annotated[str | None, "column of subject ids; None: every image is another person"] = "subject"
    choose: Annotated[Literal["largest", "centre"], "which face of a picture is the subject's"] = "largest"


@dataclass(frozen=True, slots=True)
class LiveApi:
    """A service asked through its own client or an adapter: comparisons drawn from a labelled image folder."""

    client: Annotated[
        str, "rekognition, azure-face, the name of an adapter that ships, or an adapter's file, which ends in .toml"
    ]
    folder: Annotated[str, "where the pictures lie"]
    labels: Annotated[str, "table with one row per picture: its file, whose it is, and groups"]
    endpoint: Annotated[str | None, "address; None: the client's own default (Rekognition only)"] = None
    region: Annotated[str, "of the service (rekognition)"] = "us-east-1"
    file: Annotated[str, "column of image paths, relative to the folder"] = "file"
    subject: Annotated[str | None, "column of subject ids; None: every image is another person"] = "subject"
    genuine_per_subject: Annotated[int, "pairs of one person, at most"] = 3
    impostors_per_group: Annotated[int, "pairs of two people, within each group of `draw_by`"] = 300
    impostors_across: Annotated[int, "pairs of two people, drawn without regard to groups"] = 300
    draw_by: Annotated[str | None, "analysis whose groups pairs are drawn within; None: the first factor"] = None
    calls_per_second: Annotated[float, "how fast the service is asked, at most"] = 5.0
    threshold: Annotated[float, "lowest similarity the service is asked to report; scores under it are censored"] = 0.0
    model: Annotated[str, "recognition model to ask for (azure-face)"] = "recognition_04"
    detector: Annotated[str, "detection model to ask for (azure-face)"] = "detection_03"

    def __post_init__(self) -> None:
        if not self.client.endswith(".toml") and not re.fullmatch("[a-z][a-z0-9-]*", self.client):
            raise ValueError(f"client is rekognition, azure-face or an adapter, got {self.client!r}")
        if self.client == "azure-face" and not self.endpoint:
            raise ValueError("azure-face needs an endpoint")
        if self.calls_per_second <= 0:
            raise ValueError(f"calls_per_second is above 0, got {self.calls_per_second}")
        if min(self.genuine_per_subject, self.impostors_per_group, self.impostors_across) < 0:
            raise ValueError("a number of pairs is 0 or more")


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """Classification results: true class, predicted class and groups, one row per picture."""

    file: Annotated[str, "CSV or Parquet"]
    truth: Annotated[str, "column of the true class"] = "truth"
    predicted: Annotated[str, "column of the predicted class; empty: no answer, counted as an error"] = "predicted"
    positive: Annotated[str | None, "the class that TPR, FPR and PPV speak of; None: error rates only"] = None
    subject: Annotated[str | None, "column of subject ids; None: nobody is named, and rows are counted, not people"] = (
        None
    )
    classes: Annotated[Mapping[str, str], "what the file says, and the class that it means"] = field(
        default_factory=dict, metadata=LATER
    )
    no_answer: Annotated[tuple[str, ...], "predicted values that mean no answer, beside empty cells"] = field(
        default=(), metadata=LATER
    )


@dataclass(frozen=True, slots=True)
class RiskTable:
    """Risk scores: a score, what happened, and groups, one row per person unless `subject` says whose a row is."""

    file: Annotated[str, "CSV or Parquet"]
    score: Annotated[str, "column of the scores"] = "score"
    outcome: Annotated[str, "column of what happened: 1 or 0"] = "outcome"
    high_from: Annotated[float, "a score from here up counts as high risk; nobody but you can say which"] = field(
        kw_only=True
    )
    label_warning: Annotated[str, "what the outcome really measures, and what it does not"] = "not stated"
    missing: Annotated[Literal["error", "set aside"], "a row without a score is: an error, or left out and counted"] = (
        field(default="error", metadata=LATER)
    )
    no_score: Annotated[tuple[float, ...], "values that stand for no score, as -1 may; `missing` says what follows"] = (
        field(default=(), metadata=LATER)
    )
    limits: Annotated[tuple[float, ...], "lowest and highest score there can be, if known"] = field(
        default=(), metadata=LATER
    )
    unit: Annotated[
        Literal["find", "as given"],
        "find: two units in the column are an error; as given: they are one, whatever it seems",
    ] = field(default="find", metadata=LATER)
    subject: Annotated[str | None, "column of subject ids; None: every row is another person's"] = field(
        default=None, metadata=LATER
    )

    def __post_init__(self) -> None:
        _check_limits(self.limits)


@dataclass(frozen=True, slots=True)
class PresentationTable:
    """Results of presentation attack detection (ISO/IEC 30107-3): one presentation a row, of a person or of an attack.

    Either `decision` is named or `score` with one of `bona_fide_from` and `attack_from`.
    """

    file: Annotated[str, "CSV or Parquet"]
    attack: Annotated[str, "column of the type of attack, or what says that a presentation is bona fide"] = (
        "attack_type"
    )
    bona_fide: Annotated[str, "what that column says of bona fide presentations; case and _ do not matter"] = (
        "bona fide"
    )
    species: Annotated[str | None, "column of the species of attack instrument; None: each type is one species"] = None
    spellings: Annotated[Mapping[str, str], "what the file says of types and species, and what it means"] = field(
        default_factory=dict
    )
    decision: Annotated[str | None, "column of what was decided; empty: no response"] = None
    decisions: Annotated[
        Mapping[str, str], "what the file says, and what it means: bona fide, attack or no response"
    ] = field(default_factory=dict)
    score: Annotated[str | None, "column of scores, where no decision is named; empty: no response"] = None
    bona_fide_from: Annotated[float | None, "a score from here up counts as bona fide"] = None
    attack_from: Annotated[float | None, "a score from here up counts as an attack"] = None
    no_score: Annotated[tuple[float, ...], "values that stand for no score, as -1 may: no response"] = ()
    limits: Annotated[tuple[float, ...], "lowest and highest score there can be, if known"] = ()
    unit: Annotated[
        Literal["find", "as given"],
        "find: two units in the column are an error; as given: they are one, whatever it seems",
    ] = "find"
    subject: Annotated[
        str | None, "column of subject ids; None: nobody is named, and presentations are counted, not people"
    ] = "subject"
    series: Annotated[str | None, "column of series of attack instruments, which cluster attacks as subjects do"] = None

    def __post_init__(self) -> None:
        _check_limits(self.limits)
        if (self.decision is None) == (self.score is None):
            raise ValueError("presentations name either a column `decision` or a column `score`")
        cuts = sum(cut is not None for cut in (self.bona_fide_from, self.attack_from))
        if cuts != (self.score is not None):
            raise ValueError("a score needs one of bona_fide_from and attack_from, which nobody but you can say")
        if self.score is None and (self.no_score or self.limits or self.unit != "find"):
            raise ValueError("no_score, limits and unit are about scores, and this plan names decisions")
        for word, meant in self.decisions.items():
            if meant not in DECISIONS:
                raise ValueError(f"decisions says that {word!r} means {meant!r}; it is one of {', '.join(DECISIONS)}")


DECISIONS = ("bona fide", "attack", "no response")
"""What can be decided about a presentation."""


def _check_limits(limits: tuple[float, ...]) -> None:
    if len(limits) not in (0, 2) or (limits and limits[0] >= limits[1]):
        raise ValueError(f"limits are the lowest and the highest score, or none, got {list(limits)}")


@dataclass(frozen=True, slots=True)
class GallerySizes:
    """The galleries that results are spelled out for."""

    sizes: Annotated[tuple[int, ...], "people in a gallery, smallest first"] = (1_000, 10_000, 100_000, 1_000_000)
    prior: Annotated[float | None, "share of searches whose person is in the gallery; None: not stated"] = None
    searches: Annotated[int, "searches that counts are told for"] = 1_000

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1 or list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError("gallery sizes are whole numbers from 1 up, each once, in order")
        if self.prior is not None and not 0 < self.prior < 1:
            raise ValueError(f"a prior is between 0 and 1, got {self.prior}")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that the plan rests on, as it was when the plan was made."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an audit will do. Its hash is the sha256 of its canonical JSON (RFC 8785)."""

    title: Annotated[str, "what the report is called"]
    question: Annotated[str, "what the audit is to find out, in words"]
    system: System
    groups: Groups
    scores: ScoreFile | None = None
    templates: TemplateFile | None = None
    images: ImageFolder | None = None
    api: LiveApi | None = None
    outcomes: OutcomeTable | None = None
    risks: RiskTable | None = None
    threshold: Annotated[ThresholdRule | None, "needed for face comparisons"] = None
    hypotheses: tuple[DeclaredHypothesis, ...] = ()
    gallery: GallerySizes = field(default_factory=GallerySizes)
    margin: Annotated[
        float | None, "ratio within which two error rates count as equal, above 1; null: none are ever called equal"
    ] = None
    alpha: Annotated[float, "chance of a false alarm over the whole family of comparisons"] = 0.05
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"], "for the number of comparisons in a family"
    ] = "holm"
    small_cell: Annotated[int, "groups of fewer people are merged or left out of what is published"] = 10
    contradictions: Annotated[Literal["error", "set aside"], "a person with two labels, two answers for one pair"] = (
        "error"
    )
    population: Annotated[str, "whom the data stands for"] = "not stated"
    conditions: Annotated[str, "light, cameras, cooperation, year"] = "not stated"
    limits: Annotated[tuple[str, ...], "what this data cannot show, told beforehand"] = ()
    seed: Annotated[int, "where all drawing of pairs and replicates starts"] = 0
    created: Annotated[str, "when the plan was made, ISO 8601 UTC"] = "not stated"
    inputs: Annotated[tuple[InputFile, ...], "files that were there when the plan was made"] = ()
    data_seen: Annotated[bool, "whether scores were there when the plan was made: then nothing is preregistered"] = (
        False
    )
    margin_points: Annotated[
        float | None, "difference within which TPR, PPV, NPV or selection rates count as equal: 0.05 is five points"
    ] = later(None)
    four_fifths: Annotated[
        bool, "TPR, PPV, NPV and rates of favourable decisions count as equal from four fifths of the higher one up"
    ] = later(False)
    presentations: Annotated[PresentationTable | None, "results of presentation attack detection"] = field(
        default=None, metadata=LATER
    )
    usual_hypotheses: Annotated[bool, "the draft named no hypotheses: the usual ones were filled in"] = later(False)
    together: Annotated[Together | None, "the systems that are audited side by side with this one"] = field(
        default=None, metadata=LATER
    )
    format: PlanFormat = FORMAT

    def __post_init__(self) -> None:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a plan has exactly one of {', '.join(SOURCES)}; got {', '.join(given) or 'none'}")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is between 0 and 0.5, got {self.alpha}")
        if self.margin is not None and self.margin <= 1:
            raise ValueError(f"an equivalence margin is a ratio above 1, got {self.margin}")
        if self.margin_points is not None and not 0 < self.margin_points < 1:
            raise ValueError(f"margin_points is between 0 and 1 (0.05 is five points), got {self.margin_points}")
        if self.margin_points is not None and self.four_fifths:
            raise ValueError("margin_points and four_fifths are two margins for the same rates: name one")
        if self.small_cell < 2:
            raise ValueError(f"small_cell is 2 or more, got {self.small_cell}")
        if self.task == "verification" and self.threshold is None:
            raise ValueError("comparisons of faces need a [threshold]")
        measures = {
            "verification": FACE_MEASURES,
            "classification": OUTCOME_MEASURES,
            "risk": RISK_MEASURES,
            "pad": PRESENTATION_MEASURES,
        }[self.task]
        between = () if self.together is None else self.together.between
        for measure in (*(h.measure for h in self.hypotheses), *(one.measure for one in between)):
            if measure not in measures:
                raise ValueError(f"{measure} is not measured here; choose from {', '.join(sorted(measures))}")
        for hypothesis in self.hypotheses:
            if hypothesis.factor not in self.groups.analyses:
                raise ValueError(f"a hypothesis names {hypothesis.factor!r}, which is no factor or intersection")
        for one in between:
            if one.factor and one.factor not in self.groups.analyses:
                raise ValueError(f"between names {one.factor!r}, which is no factor or intersection")
            if one.measure == "calibration":
                raise ValueError("calibration is not compared between systems: their scores mean different things")
            if one.measure in ("tpr", "fpr", "ppv") and self.outcomes is not None and self.outcomes.positive is None:
                raise ValueError(f"{one.measure} between classifiers needs a positive class")
        if self.together is not None and self.system.name not in self.together.systems:
            raise ValueError(f"{self.system.name!r} is none of the systems side by side")

    @property
    def task(self) -> Literal["verification", "classification", "risk", "pad"]:
        """Which analysis the source asks for."""
        if self.outcomes is not None:
            return "classification"
        if self.presentations is not None:
            return "pad"
        return "risk" if self.risks is not None else "verification"

    @property
    def source(self) -> str:
        """Which of `SOURCES` the data comes from."""
        return next(name for name in SOURCES if getattr(self, name) is not None)

    @property
    def counted(self) -> Literal["people", "pairs", "pictures", "rows", "presentations"]:
        """What is counted: people, or, where the source names none, what stands for them."""
        if self.scores is not None:
            return "people" if self.scores.subjects else "pairs"
        if self.outcomes is not None:
            return "people" if self.outcomes.subject else "rows"
        if self.presentations is not None:
            return "people" if self.presentations.subject else "presentations"
        of_pictures = self.templates or self.images or self.api
        return "pictures" if of_pictures is not None and of_pictures.subject is None else "people"

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        return digest(to_json(self))


def file_name(system: str) -> str:
    """A system's name as that of a file: lower case letters, digits and "-"."""
    return re.sub("[^a-z0-9]+", "-", system.lower().replace("+", "plus")).strip("-") or "system"


SystemsFormat = Literal["countenance-audit-systems/1"]


@dataclass(frozen=True, slots=True)
class SystemsPlan:
    """What an audit of several systems side by side will do: a plan for each. Its hash covers all of them."""

    plans: Annotated[tuple[Plan, ...], "alike in all but the system and where its data comes from"]
    format: SystemsFormat = "countenance-audit-systems/1"

    def __post_init__(self) -> None:
        names = tuple(plan.system.name for plan in self.plans)
        if len({file_name(name) for name in names}) < len(names):
            raise ValueError("the names of two systems differ in case or signs only")
        for plan in self.plans:
            if plan.together is None or plan.together.systems != names or plan.together != self.plans[0].together:
                raise ValueError("every plan names all the systems, in this order, and asks the same between them")
            if plan.task != self.plans[0].task:
                raise ValueError(f"a {plan.task} audit and a {self.plans[0].task} audit cannot be compared")

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        return digest(to_json(self))


def margins_words(plan: Plan) -> str:
    """The margins that a plan declares, in words; "" where it declares none."""
    near_one = (
        f"{100 * plan.margin_points:g} points" if plan.margin_points else "four fifths" if plan.four_fifths else ""
    )
    parts = [
        f"a factor of {plan.margin:g} for error rates" if plan.margin else "",
        f"{near_one} for TPR, PPV, NPV and selection" if near_one else "",
    ]
    return "; ".join(filter(None, parts))


def plan_of(value: object) -> Plan:
    """A plan from its JSON value. `BadRequest` says which field is wrong."""
    if isinstance(value, Mapping) and value.get("format", FORMAT) not in FORMATS:
        raise BadRequest(f"this is not a plan of format {' or '.join(FORMATS)}, got {value.get('format')!r}")
    return from_json(Plan, value, "plan")


def systems_plan_of(value: object) -> SystemsPlan | None:
    """A plan for several systems from its JSON value; None where it is none. `BadRequest` says which field is wrong."""
    if not isinstance(value, Mapping) or value.get("format") != get_args(SystemsFormat)[0]:
        return None
    return from_json(SystemsPlan, value, "plan")


def read_plan(path: Path) -> Plan:
    """The plan in the file at `path`. BadRequest: no such file, or no plan; it says which field is wrong."""
    value = _json_of(path)
    if systems_plan_of(value) is not None:
        raise BadRequest(f"{path.name} is a plan for several systems: run it with `countenance audit run`")
    return plan_of(value)


def read_systems_plan(path: Path) -> SystemsPlan | None:
    """The plan for several systems in the file at `path`; None: a plan for one. BadRequest: as `read_plan`."""
    return systems_plan_of(_json_of(path))


def _json_of(path: Path) -> Json:
    if not path.is_file():
        raise BadRequest(f"there is no plan {path.name}")
    try:
        return loads(path.read_text())
    except ValueError as error:
        raise BadRequest(f"{path.name} is no plan: make one of a draft with `countenance audit plan`") from error


def changed_plan(plan: Plan, changes: Mapping[str, object]) -> Plan:
    """`plan` with other values (as JSON has them) in some fields, by name: "margin", "threshold.value".

    BadRequest: no such field, or a value that it cannot have.
    """
    value = to_json(plan, whole=True)
    for name, new in changes.items():
        *path, last = name.split(".")
        inner = value
        for part in path:
            inner = inner.get(part) if isinstance(inner, dict) else None
        unwritten = not path and last in {field.name for field in dataclasses.fields(plan)}
        if not isinstance(inner, dict) or not (last in inner or unwritten):
            raise BadRequest(f"the plan has no field {name!r}")
        inner[last] = new
    return plan_of(value)
