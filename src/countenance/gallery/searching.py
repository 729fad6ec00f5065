"""The seam between a gallery and whatever searches it: one index in this process, or parts of it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from countenance.gallery.answers import SearchCounts
from countenance.gallery.search.chunk import Rows
from countenance.gallery.search.index import Hits
from countenance.gallery.store import GalleryHead


@dataclass(frozen=True, slots=True)
class FoundRows:
    """What a search found. size: how many rows it was among. revision: every change of the gallery up to this one was
    taken into account, and later ones may have been. hits: of each probe, best first.
    """

    size: int
    revision: int
    hits: Sequence[Hits]


class GallerySearch(Protocol):
    """Searches these galleries. Safe to use from several threads.

    The rows are in memory somewhere; the database, which `head` was read from, says which ones there are.
    """

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
        """The `limit` rows of highest inner product with each of `probes` (n, d), none below `min_score`.

        Equal scores go by number. A score is the inner product of the float32 numbers, summed in float64 and rounded to
        float32 once, so it depends neither on where a row lies nor on the other rows. All rows of the gallery at `head`
        or later are searched; None if so much changed meanwhile that `head` is out of date. without: the number of a
        row that does not count. owned: only rows that belong to a user count.

        `NotAsRecorded` where the gallery is not as the ledger recorded it, `NotSearched` where a part of it cannot be
        reached or does not catch up in time.
        """

    def read(self, gallery_id: str, head: GalleryHead) -> None:
        """Get ready for searches of the gallery at `head`."""

    def forget(self, gallery_id: str) -> None:
        """The gallery was deleted: drop its rows."""

    @property
    def counts(self) -> SearchCounts:
        """Counts of the searches among many faces in this process."""


def gathered(parts: Sequence[FoundRows], limit: int) -> FoundRows:
    """What one search of all rows finds, from what it finds in each of the parts that hold them together."""
    hits_of_probes = [
        sorted((hit for hits in of_parts for hit in hits), key=lambda hit: (-hit[1], hit[0]))[:limit]
        for of_parts in zip(*(part.hits for part in parts), strict=True)
    ]
    return FoundRows(sum(part.size for part in parts), min(part.revision for part in parts), hits_of_probes)
