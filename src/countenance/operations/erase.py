"""Erase enrolled faces: gone from search and from disk when this is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import Erased
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Erase(Operation[None, Erased]):
    """Erase the faces of those ids; ids that are not there, and faces of users, are reported, not an error."""

    gallery_id: str
    face_ids: tuple[str, ...]
    name: ClassVar[str] = "erase"
    asks: ClassVar[Action] = Action.ERASE

    @property
    def gallery(self) -> str:
        """The gallery that loses faces."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Erased:
        """Erase them."""
        return tools.gallery.erase(self.gallery_id, self.face_ids, keep_owned=True)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which faces."""
        return {"gallery": self.gallery_id, "faces": list(self.face_ids)}

    def outcome(self, result: Erased) -> Mapping[str, JSON]:
        """How many."""
        return {"erased": len(result.deleted), "not_found": len(result.not_found), "owned": len(result.owned)}

    def erased(self, result: Erased) -> tuple[tuple[str, ...], str | None]:
        """The faces that were erased."""
        return result.deleted, None
