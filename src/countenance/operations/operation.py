"""The base of all operations: a value that describes a request, and two steps that only the guard may run.

`look` analyses the pictures and changes nothing. `act` stores, searches or deletes. The guard calls it only after the
decision is on disk in the ledger. So types enforce the order: decide, record, look, act, record, answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

from countenance.audit.evidence import Evidence
from countenance.budgets import Spending
from countenance.engine import FaceDetector, FaceEngine
from countenance.errors import NotOffered
from countenance.gallery import Gallery, KeptFaces
from countenance.jobs import Jobs
from countenance.mandates import Mandate, OutsideCheckStore
from countenance.policy import Action
from countenance.scoring import Calibration, Normaliser
from countenance.signing import JSON

Seen = TypeVar("Seen")
Result = TypeVar("Result")

DETECTION_ONLY = (
    "this server finds faces and recognises nobody (its profile is detection-only: no embedder is loaded, and there "
    "are no galleries)"
)


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts that operations work with, made once by the composition root.

    evidence: the signed audits that this installation trusts. jobs: on stored video, and stream processors.
    kept: detected faces whose ids callers hold. checks: outside checks of liveness; None if none can be registered.
    """

    engine: FaceEngine
    gallery: Gallery
    normaliser: Normaliser
    calibration: Calibration
    evidence: tuple[Evidence, ...]
    jobs: Jobs
    kept: KeptFaces = field(default_factory=KeptFaces)
    checks: OutsideCheckStore | None = None

    @property
    def calibration_id(self) -> str:
        """The calibration in use, by its hash."""
        return self.calibration.identity

    def check_offered(self, operation: Operation[Any, Any]) -> None:
        """`NotOffered` if these parts cannot carry out `operation`."""


class DetectionTools(Tools):
    """The parts of a server that detects faces and cannot recognise anybody.

    They include no embedder, gallery, normaliser, calibration or job: using one is `NotOffered`.
    """

    __slots__ = ()

    def __init__(self, detector: FaceDetector) -> None:
        object.__setattr__(self, "engine", detector)
        object.__setattr__(self, "evidence", ())

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotOffered(DETECTION_ONLY)

    @property
    def calibration_id(self) -> str:
        """There is none."""
        return ""

    def check_offered(self, operation: Operation[Any, Any]) -> None:
        """`NotOffered` unless it needs a detector only."""
        if operation.recognises:
            raise NotOffered(f"there is no {operation.name} here: {DETECTION_ONLY}")


@dataclass(frozen=True, slots=True)
class Permit:
    """The guard's permit for one operation. `act` cannot be called without one.

    access_key: of the caller. withheld: whether the rules demand that the result be held until people have acted.
    keep_days: days after which the rules demand that stored results be erased, if they do. at: when it was given, UTC.
    """

    mandate: Mandate
    access_key: str = ""
    withheld: bool = False
    keep_days: int | None = None
    at: datetime | None = None


class Operation(ABC, Generic[Seen, Result]):
    """One thing that a caller can request. action: what it is to the rules."""

    __slots__ = ()
    name: ClassVar[str]
    action: ClassVar[Action]
    recognises: ClassVar[bool] = True
    """Whether it needs more than a detector; a server with only a detector does not offer it."""
    goes_into_custody: ClassVar[bool] = True
    """Whether its result is of the kind that rules may demand to be verified by people first."""

    def completed(self, mandate: Mandate, tools: Tools) -> Self:
        """This operation, completed before the decision with what is stored about the thing that it names."""
        return self

    @property
    def gallery(self) -> str | None:
        """The gallery that it works on, if any."""
        return None

    @property
    def min_similarity(self) -> float | None:
        """The least similarity (0..100) of an answer, if faces are compared."""
        return None

    def at_least(self, similarity: float) -> Self:
        """The same operation with that least similarity (0..100): for searches of a gallery."""
        raise NotImplementedError(f"{self.name} searches no gallery")

    def search_size(self, gallery: Gallery) -> int:
        """The number of enrolled faces, or users, that a search compares the probe with."""
        return 0 if self.gallery is None else gallery.size(self.gallery)

    @abstractmethod
    def look(self, tools: Tools) -> Seen:
        """Analyse the pictures; nothing is stored."""

    @abstractmethod
    def act(self, tools: Tools, permit: Permit, seen: Seen) -> Result:
        """Store, search or delete, and return the result."""

    def charge_before(self, tools: Tools, seen: Seen) -> Spending | None:
        """The charge before `act`, for operations that compare faces and change something."""
        return None

    def charge_after(self, tools: Tools, seen: Seen, result: Result) -> Spending | None:
        """The charge after `act`, before the answer leaves, for operations that compare faces and only read."""
        return None

    def private(self) -> Mapping[str, JSON]:
        """What the decision entry commits to without showing it."""
        return {}

    def counts(self, result: Result) -> Mapping[str, JSON]:
        """What the result entry shows: counts only."""
        return {}

    def private_result(self, result: Result) -> Mapping[str, JSON]:
        """What the result entry commits to without showing it."""
        return {}

    def headers(self, result: Result) -> Mapping[str, str]:
        """Headers of the answer: lower-case names and values."""
        return {}


class GalleryOperation(Operation[None, Result], Generic[Result]):
    """An operation on one gallery that reads no picture."""

    __slots__ = ()
    gallery_id: str

    @property
    def gallery(self) -> str:
        """The gallery that it works on."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}
