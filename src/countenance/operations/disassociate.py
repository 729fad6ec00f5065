"""Take back that enrolled faces are a user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import Reassigned
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.tokens import token_of
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Disassociate(Operation[None, Reassigned]):
    """Make faces of the user nobody's; others are reported, not an error. `NotFound` without the user."""

    gallery_id: str
    user_id: str
    face_ids: tuple[str, ...]
    token: str | None = None
    name: ClassVar[str] = "disassociate"
    asks: ClassVar[Action] = Action.ERASE

    @property
    def gallery(self) -> str:
        """The gallery of user and faces."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Reassigned:
        """Disassociate them."""
        return tools.gallery.disassociate(
            self.gallery_id, self.user_id, self.face_ids, token_of(self.token, permit, self)
        )

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user, which faces."""
        return {"gallery": self.gallery_id, "user": self.user_id, "faces": list(self.face_ids)}

    def outcome(self, result: Reassigned) -> Mapping[str, JSON]:
        """How many."""
        return {"disassociated": len(result.face_ids), "refused": len(result.refused)}

    def found(self, result: Reassigned) -> Mapping[str, JSON]:
        """Which were disassociated, which were not and why."""
        refused: list[JSON] = [[each.face_id, each.reason] for each in result.refused]
        return {"faces": list(result.face_ids), "refused": refused}
