"""List the users of a gallery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import Page, User
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class ListUsers(Operation[None, Page[User]]):
    """At most `limit` users after `after`, in the order of their making."""

    gallery_id: str
    after: str | None = None
    limit: int = 500
    name: ClassVar[str] = "list_users"
    asks: ClassVar[Action] = Action.READ

    @property
    def gallery(self) -> str:
        """The gallery whose users are listed."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[User]:
        """Read a page."""
        return tools.gallery.users(self.gallery_id, after=self.after, limit=self.limit)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}

    def outcome(self, result: Page[User]) -> Mapping[str, JSON]:
        """How many."""
        return {"users": len(result.items)}
