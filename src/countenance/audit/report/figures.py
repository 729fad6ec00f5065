"""A picture and its twin: the same numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads of the columns and rows of texts. marked: rows to stress."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with a title that says what it shows, a note under it, and the table twin.

    min_width_px: narrower screens scroll the picture sideways. wide: whether it may take the whole width.
    """

    title: str
    picture: Markup | None
    note: str
    grid: Grid
    min_width_px: int = 0
