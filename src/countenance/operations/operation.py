"""What every operation is: a value that describes a request, and two steps that only the guard may run.

`look` works on the pictures and changes nothing. `act` stores, searches or deletes, and the guard calls it only when
the decision is durable in the ledger. So the order (decide, record, look, act, record, answer) is enforced by types.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from countenance.audit.evidence import Evidence
from countenance.engine import FaceEngine
from countenance.gallery import Gallery
from countenance.mandates import Mandate
from countenance.policy import Action
from countenance.scoring import Calibration, Normaliser
from countenance.signing import JSON

Seen = TypeVar("Seen")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Tools:
    """What operations work with; made once by the composition root.

    evidence: the signed audits that this installation trusts.
    """

    engine: FaceEngine
    gallery: Gallery
    normaliser: Normaliser
    calibration: Calibration
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Permit:
    """Made by the guard for one permitted operation; `act` cannot be called without one."""

    mandate: Mandate


class Operation(ABC, Generic[Seen, Result]):
    """One thing that a caller can request. action: what it is in the vocabulary of the rules."""

    __slots__ = ()
    name: ClassVar[str]
    action: ClassVar[Action]

    @property
    def gallery(self) -> str | None:
        """The gallery that it works on, if any."""
        return None

    @property
    def min_similarity(self) -> float | None:
        """The similarity (0..100) from which on two faces count as alike, if faces are compared."""
        return None

    def search_size(self, gallery: Gallery) -> int:
        """How many enrolled faces, or users, a search compares the probe with."""
        return 0 if self.gallery is None else gallery.size(self.gallery)

    @abstractmethod
    def look(self, tools: Tools) -> Seen:
        """Work on the pictures; nothing that is kept changes."""

    @abstractmethod
    def act(self, tools: Tools, permit: Permit, seen: Seen) -> Result:
        """Store, search or delete, and make the result."""

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
        """What the answer carries beside its body, as lower-case header names and values."""
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
