"""Say of enrolled faces that they are a user's."""

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
class Associate(Operation[None, Reassigned]):
    """Make faces the user's; where the user has some, those at least `similarity` like them. `NotFound` without it.

    Faces that are not there, are another user's or are not alike are reported, not an error.
    """

    gallery_id: str
    user_id: str
    face_ids: tuple[str, ...]
    similarity: float = 75.0
    token: str | None = None
    name: ClassVar[str] = "associate"
    asks: ClassVar[Action] = Action.ENROL

    @property
    def gallery(self) -> str:
        """The gallery of user and faces."""
        return self.gallery_id

    @property
    def min_similarity(self) -> float:
        """The similarity asked for."""
        return self.similarity

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Reassigned:
        """Compare and associate."""
        return tools.gallery.associate(
            self.gallery_id,
            self.user_id,
            self.face_ids,
            calibration=tools.calibration,
            similarity=self.similarity,
            token=token_of(self.token, permit, self),
        )

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user, which faces."""
        return {"gallery": self.gallery_id, "user": self.user_id, "faces": list(self.face_ids)}

    def outcome(self, result: Reassigned) -> Mapping[str, JSON]:
        """How many."""
        return {"associated": len(result.face_ids), "refused": len(result.refused)}

    def found(self, result: Reassigned) -> Mapping[str, JSON]:
        """Which were associated, which were not and why."""
        refused: list[JSON] = [[each.face_id, each.reason, each.similarity] for each in result.refused]
        return {"faces": list(result.face_ids), "refused": refused}
