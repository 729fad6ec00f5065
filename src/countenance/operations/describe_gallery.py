"""Say what a gallery is: its model, how many faces it holds, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.gallery import GalleryInfo
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class DescribeGallery(Operation[None, GalleryInfo]):
    """What the gallery of that id is, or `NotFound`."""

    gallery_id: str
    name: ClassVar[str] = "describe_gallery"
    asks: ClassVar[Action] = Action.READ

    @property
    def gallery(self) -> str:
        """The gallery described."""
        return self.gallery_id

    def look(self, tools: Tools) -> None:
        """Nothing to look at."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> GalleryInfo:
        """Read it."""
        return tools.gallery.describe(self.gallery_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery."""
        return {"gallery": self.gallery_id}
