"""Who is enrolled, and who is like whom: the store, users, and the exact search."""

from countenance.gallery.answers import (
    Erased,
    GalleryInfo,
    Matches,
    Page,
    Reason,
    Reassigned,
    Refusal,
    SearchCounts,
    Token,
    User,
    UserMatch,
    UserMatches,
)
from countenance.gallery.gallery import Gallery
from countenance.gallery.store import damaged_rows

__all__ = [
    "Erased",
    "Gallery",
    "GalleryInfo",
    "Matches",
    "Page",
    "Reason",
    "Reassigned",
    "Refusal",
    "SearchCounts",
    "Token",
    "User",
    "UserMatch",
    "UserMatches",
    "damaged_rows",
]
