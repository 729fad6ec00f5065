"""Make a user of a gallery: somebody whom faces can be said to belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.tokens import token_of
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class CreateUser(Operation[None, None]):
    """Make a user without faces; `Conflict` if the gallery has one of that id."""

    gallery_id: str
    user_id: str
    token: str | None = None
    name: ClassVar[str] = "create_user"
    asks: ClassVar[Action] = Action.ENROL

    @property
    def gallery(self) -> str:
        """The gallery that gains a user."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Make it."""
        tools.gallery.create_user(self.gallery_id, self.user_id, token_of(self.token, permit, self))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user."""
        return {"gallery": self.gallery_id, "user": self.user_id}
