"""Galleries with a kind, and with names and data of the caller's own: groups of people, and lists of faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import FaceGroup, GroupKind, GroupProfile, Page
from countenance.operations.operation import GalleryOperation, Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class CreateGroup(GalleryOperation[None]):
    """Make an empty group, bound to the model in use; `AlreadyExists` if any gallery has that id."""

    gallery_id: str
    profile: GroupProfile
    name: ClassVar[str] = "create_group"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Make it."""
        tools.gallery.create(self.gallery_id, tools.engine.model, tools.engine.version, {}, self.profile)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, called what."""
        return {"gallery": self.gallery_id, "called": self.profile.name, "data": self.profile.user_data}


@dataclass(frozen=True, slots=True)
class ReadGroup(GalleryOperation[FaceGroup]):
    """What a group is; `NotFound` without one of that kind."""

    gallery_id: str
    kind: GroupKind
    name: ClassVar[str] = "read_group"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> FaceGroup:
        """Read it."""
        return tools.gallery.profiles.group(self.gallery_id, self.kind)


@dataclass(frozen=True, slots=True)
class ListGroups(Operation[None, Page[FaceGroup]]):
    """At most `limit` groups of a kind with ids above `after`, in order of id; those that the mandate covers."""

    kind: GroupKind
    after: str = ""
    limit: int = 1000
    name: ClassVar[str] = "list_groups"
    action: ClassVar[Action] = Action.READ

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[FaceGroup]:
        """Read pages until enough groups are covered."""
        covered: list[FaceGroup] = []
        after: str | None = self.after
        while after is not None:
            page = tools.gallery.profiles.groups(self.kind, after, self.limit)
            covered += [each for each in page.items if permit.mandate.terms.covers(each.gallery_id)]
            if len(covered) >= self.limit:
                return Page(tuple(covered[: self.limit]), covered[self.limit - 1].gallery_id)
            after = page.next
        return Page(tuple(covered), None)

    def counts(self, result: Page[FaceGroup]) -> Mapping[str, JSON]:
        """How many."""
        return {"galleries": len(result.items)}


@dataclass(frozen=True, slots=True)
class UpdateGroup(GalleryOperation[None]):
    """Store a new name or new data (None keeps what is there); `NotFound` without a group of that kind."""

    gallery_id: str
    kind: GroupKind
    called: str | None = None
    user_data: str | None = None
    name: ClassVar[str] = "update_group"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Write."""
        tools.gallery.profiles.update_group(self.gallery_id, self.kind, self.called, self.user_data)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, called what."""
        return {"gallery": self.gallery_id, "called": self.called, "data": self.user_data}


@dataclass(frozen=True, slots=True)
class DeleteGroup(GalleryOperation[None]):
    """Delete a group with everything in it; `NotFound` without one of that kind."""

    gallery_id: str
    kind: GroupKind
    name: ClassVar[str] = "delete_group"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        tools.gallery.delete(self.gallery_id)


@dataclass(frozen=True, slots=True)
class TrainGroup(GalleryOperation[None]):
    """Note that training was requested. Nothing is trained: a search finds every enrolled face as it is."""

    gallery_id: str
    kind: GroupKind
    name: ClassVar[str] = "train_group"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Note it."""
        tools.gallery.profiles.note_training(self.gallery_id, self.kind)
