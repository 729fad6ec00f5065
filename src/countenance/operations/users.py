"""Users of a gallery, as Rekognition has them: make, delete and list them; give them faces and take faces away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from countenance.budgets import Spending
from countenance.errors import Conflict, NoSuchFace
from countenance.gallery import Page, Reassigned, Token, User
from countenance.operations.operation import GalleryOperation, Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON, digest


@dataclass(frozen=True, slots=True)
class CreateUser(GalleryOperation[None]):
    """Make a user without faces; `Conflict` if the gallery has one with that id."""

    gallery_id: str
    user_id: str
    token: str | None = None
    name: ClassVar[str] = "create_user"
    action: ClassVar[Action] = Action.ENROL

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Make it."""
        tools.gallery.create_user(self.gallery_id, self.user_id, _token(self.token, permit, self))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user."""
        return {"gallery": self.gallery_id, "user": self.user_id}


@dataclass(frozen=True, slots=True)
class DeleteUser(GalleryOperation[None]):
    """Delete a user; `NotFound` if there is none. The faces stay, without a user."""

    gallery_id: str
    user_id: str
    token: str | None = None
    name: ClassVar[str] = "delete_user"
    action: ClassVar[Action] = Action.ERASE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.gallery.delete_user(self.gallery_id, self.user_id, _token(self.token, permit, self))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user."""
        return {"gallery": self.gallery_id, "user": self.user_id}


@dataclass(frozen=True, slots=True)
class ListUsers(GalleryOperation[Page[User]]):
    """At most `limit` users after `after`, oldest first."""

    gallery_id: str
    after: str | None = None
    limit: int = 500
    name: ClassVar[str] = "list_users"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[User]:
        """Read a page."""
        return tools.gallery.users(self.gallery_id, after=self.after, limit=self.limit)

    def counts(self, result: Page[User]) -> Mapping[str, JSON]:
        """How many."""
        return {"users": len(result.items)}


@dataclass(frozen=True, slots=True)
class Associate(GalleryOperation[Reassigned]):
    """Assign faces to a user; `NotFound` if there is no such user.

    If the user has faces already, only faces that are at least `similarity` similar to them are added. Faces that do
    not exist, belong to another user or are not similar enough are reported; none of these is an error.
    """

    gallery_id: str
    user_id: str
    face_ids: tuple[str, ...]
    similarity: float = 75.0
    token: str | None = None
    name: ClassVar[str] = "associate"
    action: ClassVar[Action] = Action.ENROL

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def charge_before(self, tools: Tools, seen: None) -> Spending | None:
        """One comparison with the user for each face that exists, whether it is associated or not."""
        templates = []
        for face_id in dict.fromkeys(self.face_ids):
            try:
                templates.append(tools.gallery.template(self.gallery_id, face_id).vector)
            except (NoSuchFace, Conflict):  # `act` reports it
                continue
        if not templates:
            return None
        return Spending(len(templates), np.stack(templates), (("user", self.user_id),) * len(templates))

    def act(self, tools: Tools, permit: Permit, seen: None) -> Reassigned:
        """Compare and associate."""
        return tools.gallery.associate(
            self.gallery_id,
            self.user_id,
            self.face_ids,
            calibration=tools.calibration,
            similarity=self.similarity,
            token=_token(self.token, permit, self),
        )

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user, which faces."""
        return {"gallery": self.gallery_id, "user": self.user_id, "faces": list(self.face_ids)}

    def counts(self, result: Reassigned) -> Mapping[str, JSON]:
        """How many."""
        return {"associated": len(result.face_ids), "refused": len(result.refused)}

    def private_result(self, result: Reassigned) -> Mapping[str, JSON]:
        """Which were associated; which were not, and why."""
        refused: list[JSON] = [[each.face_id, each.reason, each.similarity] for each in result.refused]
        return {"faces": list(result.face_ids), "refused": refused}


@dataclass(frozen=True, slots=True)
class Disassociate(GalleryOperation[Reassigned]):
    """Take faces from a user; `NotFound` if there is no such user. Faces of others are reported."""

    gallery_id: str
    user_id: str
    face_ids: tuple[str, ...]
    token: str | None = None
    name: ClassVar[str] = "disassociate"
    action: ClassVar[Action] = Action.ERASE

    def act(self, tools: Tools, permit: Permit, seen: None) -> Reassigned:
        """Disassociate them."""
        return tools.gallery.disassociate(
            self.gallery_id, self.user_id, self.face_ids, _token(self.token, permit, self)
        )

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user, which faces."""
        return {"gallery": self.gallery_id, "user": self.user_id, "faces": list(self.face_ids)}

    def counts(self, result: Reassigned) -> Mapping[str, JSON]:
        """How many."""
        return {"disassociated": len(result.face_ids), "refused": len(result.refused)}

    def private_result(self, result: Reassigned) -> Mapping[str, JSON]:
        """Which were disassociated; which were not, and why."""
        refused: list[JSON] = [[each.face_id, each.reason] for each in result.refused]
        return {"faces": list(result.face_ids), "refused": refused}


def _token(text: str | None, permit: Permit, operation: Operation[Any, Any]) -> Token | None:
    """The idempotency token of a request: a repeated request has the same one. Tokens are equal only under the same
    mandate and for the same operation. Both digests include the caller's text, so nobody without that text can find a
    user's id by guessing.
    """
    if text is None:
        return None
    return Token(
        digest([permit.mandate.mandate_id, operation.name, text]),
        digest([text, dict(operation.private()), operation.min_similarity]),
    )
