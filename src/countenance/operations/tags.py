"""Tags of galleries and stream processors: the operator's own words, on which nothing here acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from countenance.errors import LimitExceeded
from countenance.operations.operation import Operation, Permit, Result, Tools
from countenance.policy import Action
from countenance.signing import JSON

MOST_TAGS = 200
"""The most tags of one thing; Rekognition's limit."""


class Tagged(StrEnum):
    """What can have tags."""

    GALLERY = "gallery"
    PROCESSOR = "stream processor"


class _OfOne(Operation[None, Result]):
    __slots__ = ()
    kind: Tagged
    of: str

    @property
    def gallery(self) -> str | None:
        """The gallery, if it is one."""
        return self.of if self.kind is Tagged.GALLERY else None

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def private(self) -> Mapping[str, JSON]:
        """Which gallery or stream processor."""
        return {self.kind: self.of}


@dataclass(frozen=True, slots=True)
class SetTags(_OfOne[None]):
    """Add tags; those of the same key are replaced. `NotFound`, `LimitExceeded` beyond `MOST_TAGS`."""

    kind: Tagged
    of: str
    tags: Mapping[str, str]
    name: ClassVar[str] = "set_tags"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Add them."""

        def add(held: dict[str, str]) -> None:
            held.update(self.tags)
            if len(held) > MOST_TAGS:
                raise LimitExceeded(f"at most {MOST_TAGS} tags are kept, got {len(held)}")

        if self.kind is Tagged.GALLERY:
            tools.gallery.change_tags(self.of, add)
        else:
            tools.jobs.processors.change_tags(permit.mandate.mandate_id, self.of, add)


@dataclass(frozen=True, slots=True)
class RemoveTags(_OfOne[None]):
    """Remove the tags with these keys; a key that is not there is no error. `NotFound`."""

    kind: Tagged
    of: str
    keys: tuple[str, ...]
    name: ClassVar[str] = "remove_tags"
    action: ClassVar[Action] = Action.MANAGE

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Remove them."""

        def remove(held: dict[str, str]) -> None:
            for key in self.keys:
                held.pop(key, None)

        if self.kind is Tagged.GALLERY:
            tools.gallery.change_tags(self.of, remove)
        else:
            tools.jobs.processors.change_tags(permit.mandate.mandate_id, self.of, remove)


@dataclass(frozen=True, slots=True)
class ListTags(_OfOne[Mapping[str, str]]):
    """The tags; `NotFound` if there is no such thing."""

    kind: Tagged
    of: str
    name: ClassVar[str] = "list_tags"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> Mapping[str, str]:
        """Read them."""
        if self.kind is Tagged.GALLERY:
            return tools.gallery.describe(self.of).tags
        return tools.jobs.processors.describe(permit.mandate.mandate_id, self.of).tags
