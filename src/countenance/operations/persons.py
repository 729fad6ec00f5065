"""People of a group: users with names and data of the caller's own, whose faces are erased when they are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import Erased, GroupKind, Page, Person
from countenance.operations.operation import GalleryOperation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class CreatePerson(GalleryOperation[str]):
    """Make a person without faces; the result is the person's new id. `NotFound` without a group of that kind."""

    gallery_id: str
    kind: GroupKind
    called: str
    user_data: str | None = None
    name: ClassVar[str] = "create_person"
    action: ClassVar[Action] = Action.ENROL

    def act(self, tools: Tools, permit: Permit, seen: None) -> str:
        """Make it."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        person_id = tools.gallery.new_id()
        tools.gallery.create_user(self.gallery_id, person_id)
        tools.gallery.profiles.note_person(self.gallery_id, person_id, self.called, self.user_data)
        return person_id

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, called what."""
        return {"gallery": self.gallery_id, "called": self.called, "data": self.user_data}

    def private_result(self, result: str) -> Mapping[str, JSON]:
        """Which person."""
        return {"user": result}


@dataclass(frozen=True, slots=True)
class ReadPerson(GalleryOperation[Person]):
    """A person with face ids; `NotFound` without it."""

    gallery_id: str
    kind: GroupKind
    person_id: str
    name: ClassVar[str] = "read_person"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> Person:
        """Read it."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        return tools.gallery.profiles.person(self.gallery_id, self.person_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which person."""
        return {"gallery": self.gallery_id, "user": self.person_id}


@dataclass(frozen=True, slots=True)
class ListPersons(GalleryOperation[Page[Person]]):
    """At most `limit` people with ids above `after`, in order of id."""

    gallery_id: str
    kind: GroupKind
    after: str = ""
    limit: int = 1000
    name: ClassVar[str] = "list_persons"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[Person]:
        """Read a page."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        return tools.gallery.profiles.persons(self.gallery_id, self.after, self.limit)

    def counts(self, result: Page[Person]) -> Mapping[str, JSON]:
        """How many."""
        return {"users": len(result.items)}


@dataclass(frozen=True, slots=True)
class UpdatePerson(GalleryOperation[None]):
    """Store a new name or new data (None keeps what is there); `NotFound` without the person."""

    gallery_id: str
    kind: GroupKind
    person_id: str
    called: str | None = None
    user_data: str | None = None
    name: ClassVar[str] = "update_person"
    action: ClassVar[Action] = Action.ENROL

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Write."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        tools.gallery.profiles.note_person(self.gallery_id, self.person_id, self.called, self.user_data)

    def private(self) -> Mapping[str, JSON]:
        """Which person, called what."""
        return {"gallery": self.gallery_id, "user": self.person_id, "called": self.called, "data": self.user_data}


@dataclass(frozen=True, slots=True)
class DeletePerson(GalleryOperation[Erased]):
    """Delete a person and erase the person's faces; `NotFound` without the person."""

    gallery_id: str
    kind: GroupKind
    person_id: str
    name: ClassVar[str] = "delete_person"
    action: ClassVar[Action] = Action.ERASE

    def act(self, tools: Tools, permit: Permit, seen: None) -> Erased:
        """Erase and delete."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        return tools.gallery.delete_person(self.gallery_id, self.person_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which person."""
        return {"gallery": self.gallery_id, "user": self.person_id}

    def counts(self, result: Erased) -> Mapping[str, JSON]:
        """How many faces went."""
        return {"erased": len(result.deleted)}
