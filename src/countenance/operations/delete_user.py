"""Delete a user of a gallery; the faces stay and are nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.tokens import token_of
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class DeleteUser(Operation[None, None]):
    """Delete the user of that id, or `NotFound`."""

    gallery_id: str
    user_id: str
    token: str | None = None
    name: ClassVar[str] = "delete_user"
    asks: ClassVar[Action] = Action.ERASE

    @property
    def gallery(self) -> str:
        """The gallery that loses a user."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.gallery.delete_user(self.gallery_id, self.user_id, token_of(self.token, permit, self))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user."""
        return {"gallery": self.gallery_id, "user": self.user_id}
