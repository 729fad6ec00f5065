"""Delete a gallery and every template in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class DeleteGallery(Operation[None, None]):
    """Delete the gallery of that id, or `NotFound`."""

    gallery_id: str
    name: ClassVar[str] = "delete_gallery"
    asks: ClassVar[Action] = Action.MANAGE

    @property
    def gallery(self) -> str:
        """The gallery that goes."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Delete it."""
        tools.gallery.delete(self.gallery_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}

    def erased(self, result: None) -> tuple[tuple[str, ...], str | None]:
        """The gallery."""
        return (), self.gallery_id
