"""What every source of data can do: name its files, say whom its data is about, and load it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from countenance.audit.analysis.measurement import Sides
from countenance.audit.formats.plan import Measure, Plan, System
from countenance.audit.formats.results import Analysed, AskedService, Data, ModelUsed
from countenance.audit.labelled.people import Grouping, LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.audit.sources.live.cost import Estimate
from countenance.errors import BadRequest
from countenance.metrics import HERE, Counting

if TYPE_CHECKING:
    from countenance.engine import FaceEngine


@dataclass(frozen=True, slots=True, eq=False)
class OwnEngine:
    """An engine of this project and where its templates are kept while an audit runs.

    detector: the detector's name, for the record. sides: how templates are compared (None: plain cosine).
    """

    engine: FaceEngine
    detector: str
    cache: Path
    sides: Sides | None = None


def _agreed(estimate: Estimate) -> None:
    """Calls are made without asking."""


def _no_engine() -> OwnEngine:
    raise BadRequest("images need an engine")


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a run may use besides the files of its plan.

    engine: opens an engine, called for images only. cassette: where a live service's answers are kept. replay: ask
    nothing, use the cassette alone. agree: told the estimate before the first call that may cost money; raises to stop.
    environment: variables that adapters name, for their keys. spread: where parts of many comparisons are counted.
    """

    engine: Callable[[], OwnEngine] = _no_engine
    cassette: Path | None = None
    replay: bool = False
    azure_key: str = ""
    agree: Callable[[Estimate], None] = _agreed
    environment: Mapping[str, str] = field(default_factory=dict)
    spread: Counting = HERE


class LabelledData(Protocol):
    """Data about people whose groups are known."""

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""


class Audit(Protocol):
    """Data together with its analysis, whatever its kind."""

    @property
    def data(self) -> LabelledData:
        """What is analysed."""

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is. inputs: sha256 by file name."""

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """Compute what `plan` asks for. planned: for each analysis, whether it is carried out as planned."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Data that was read for a plan. inputs: sha256 by file name. models: what made the scores, where known.

    asked: the live service that was asked. system: what was audited, where that is not what the plan calls it.
    """

    data: Audit
    inputs: Mapping[str, str]
    models: tuple[ModelUsed, ...] = ()
    asked: AskedService | None = None
    system: System | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Present:
    """Whom the data is about. present: rows of the people, each once.

    behind: by measure and grouping, the rows of the people behind the rates of their groups, each once. unmated: the
    reason to give where nobody is behind the miss rate. findings: what must be known about the data.
    """

    people: LabelledPeople
    present: Codes
    behind: Callable[[str, Grouping], Codes]
    unmated: str = "nobody has two pictures"
    findings: tuple[str, ...] = ()


class _Described(Protocol):
    """The part of a plan that describes a source. file: its table or array, or, beside a folder, a column of names."""

    @property
    def file(self) -> str: ...


D = TypeVar("D", bound=_Described)


class Source(ABC, Generic[D]):
    """The data of a plan.

    plan: with exactly one description of a source. folder: what the paths in it are relative to.
    """

    measures: ClassVar[tuple[Measure, ...]] = ("fmr", "fnmr")
    """What is compared where a draft does not say."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._described: D = getattr(plan, plan.source)

    def usual(self) -> tuple[Measure, ...]:
        """The same for this data, as far as it is there."""
        return self.measures

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the files that hold labels only."""
        table: str | None = getattr(self._described, "labels", None)
        return (table,) if table else ()

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the files that hold scores, or templates that scores follow from."""
        return (self._described.file,)

    @property
    def names_subjects(self) -> bool:
        """Whether it is known which rows are of one person. Without it nothing is known about misses."""
        return True

    def estimated(self, equipment: Equipment) -> Estimate | None:
        """What is still to be asked of a live service, and what it costs; None: nothing is asked of anybody."""
        return None

    def hashes(self) -> dict[str, str]:
        """sha256 of the files that are there, by name."""
        files = {name: self._folder / name for name in (*self.labels, *self.scores)}
        return {name: sha256_of(path) for name, path in files.items() if path.is_file()}

    def present(self) -> Present | None:
        """Whom the data is about; None where any hypothesis can be decided. BadRequest, NotFound: as `load`."""
        return None

    def check(self) -> tuple[str, ...]:
        """Look the data over before a plan of it is hashed: findings, with those that the report will have.

        BadRequest: as `load`. NotFound: a file is not there yet. No score is computed, no service asked.
        """
        there = self.present()
        return () if there is None else there.findings

    @abstractmethod
    def load(self, equipment: Equipment) -> Loaded:
        """Read the data. BadRequest, NotFound: data that is wrong or not there."""


def source_of(plan: Plan, folder: Path) -> Source[Any]:
    """The one source of `plan`, imported now: an audit of a score file loads no engine and no service's client.

    folder: what the plan's paths are relative to.
    """
    if plan.scores is not None:
        from countenance.audit.sources.scores import ScoreSource

        return ScoreSource(plan, folder)
    if plan.templates is not None:
        from countenance.audit.sources.templates import TemplateSource

        return TemplateSource(plan, folder)
    if plan.images is not None:
        from countenance.audit.sources.images import ImageSource

        return ImageSource(plan, folder)
    if plan.api is not None:
        from countenance.audit.sources.live.live_source import LiveSource

        return LiveSource(plan, folder)
    if plan.presentations is not None:
        from countenance.audit.sources.presentations import PresentationSource

        return PresentationSource(plan, folder)
    from countenance.audit.sources.decisions import OutcomeSource, RiskSource

    return OutcomeSource(plan, folder) if plan.outcomes is not None else RiskSource(plan, folder)


def by_pictures(people: LabelledPeople, subjects: Codes, findings: tuple[str, ...] = ()) -> Present:
    """Whom the data is about if all pairs of pictures are compared. subjects: (pictures,), row of `people`, or -1."""
    rows, pictures = np.unique(subjects[subjects >= 0], return_counts=True)
    twice = rows[pictures >= 2]
    behind = lambda measure, grouping: twice if measure == "fnmr" else rows  # noqa: E731
    return Present(people, rows, behind, findings=findings)


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
