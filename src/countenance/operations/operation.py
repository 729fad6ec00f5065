"""What every operation is: a value that says what is asked, and two steps that only the guard may run.

`look` works on the pictures and touches nothing. `act` stores, searches or deletes, and the guard calls it only when
the decision is durable in the ledger. So the order (decide, record, look, act, record, answer) is not a convention.
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

    evidence: the signed audits that this installation believes.
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
    """One thing a caller can ask for. asks: what that is in the words of the rules."""

    __slots__ = ()
    name: ClassVar[str]
    asks: ClassVar[Action]

    @property
    def gallery(self) -> str | None:
        """The gallery that is asked for, if any."""
        return None

    @property
    def min_similarity(self) -> float | None:
        """The similarity (0..100) from which on a face counts as like another, if faces are compared."""
        return None

    def crowd(self, gallery: Gallery) -> int:
        """Among how many one is looked for, if that is asked: the faces of the gallery, or what else it holds."""
        return 0 if self.gallery is None else gallery.size(self.gallery)

    @abstractmethod
    def look(self, tools: Tools) -> Seen:
        """Work on the pictures; no effect on anything that is kept."""

    @abstractmethod
    def act(self, tools: Tools, permit: Permit, seen: Seen) -> Result:
        """Store, search or delete, and make the result."""

    def private(self) -> Mapping[str, JSON]:
        """What the decision entry commits to without showing it."""
        return {}

    def outcome(self, result: Result) -> Mapping[str, JSON]:
        """What the result entry says openly: counts only."""
        return {}

    def found(self, result: Result) -> Mapping[str, JSON]:
        """What the result entry commits to without showing it."""
        return {}

    def erased(self, result: Result) -> tuple[tuple[str, ...], str | None]:
        """Faces by id, and the gallery, that are gone now; the openings of calls that name them go too."""
        return (), None

    def notes(self, result: Result) -> Mapping[str, str]:
        """What the answer says beside its body, as lower-case header names and values."""
        return {}
