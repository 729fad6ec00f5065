"""A gallery whose faces are in several indexes, all of them in this process: what a cluster does, without one."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.errors import NotSearched
from countenance.gallery import FoundRows, GalleryHead, GallerySearch, SearchCounts, gathered
from countenance.gallery.search.chunk import Rows


class Parts:
    """Asks each of `parts`; `away` are the places of those that do not answer."""

    def __init__(self, parts: Sequence[GallerySearch]) -> None:
        self.parts = parts
        self.away: set[int] = set()

    def find(
        self,
        gallery_id: str,
        head: GalleryHead,
        probes: Rows,
        limit: int,
        min_score: float,
        *,
        without: int | None = None,
        owned: bool = False,
    ) -> FoundRows | None:
        found: list[FoundRows] = []
        for place, part in enumerate(self.parts):
            if place in self.away:
                raise NotSearched(f"part {place} is away")
            one = part.find(gallery_id, head, probes, limit, min_score, without=without, owned=owned)
            if one is None:
                return None
            found.append(one)
        return gathered(found, limit)

    def read(self, gallery_id: str, head: GalleryHead) -> None:
        for part in self.parts:
            part.read(gallery_id, head)

    def forget(self, gallery_id: str) -> None:
        for part in self.parts:
            part.forget(gallery_id)

    @property
    def counts(self) -> SearchCounts:
        return SearchCounts()
