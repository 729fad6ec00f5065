"""A picture and its twin: the same numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

PAPER_PX = 670
"""Width of A4 between the margins of the printed page, in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads of the columns and rows of texts. marked: rows to stress."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with a title that says what it shows, a note under it, and the table twin.

    min_width_px: narrower screens scroll the picture sideways.
    """

    title: str
    picture: Markup | None
    note: str
    grid: Grid
    min_width_px: int = 0

    @property
    def shrink(self) -> float:
        """By what to scale it on paper, so that all of it is there."""
        return round(min(1.0, PAPER_PX / self.min_width_px), 3) if self.min_width_px else 1.0
