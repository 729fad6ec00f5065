"""Who is enrolled, and who is like whom: the store, the exact index, normaliser and calibration."""

from countenance.gallery.calibration import Calibration, expected_false_matches
from countenance.gallery.gallery import Gallery
from countenance.gallery.normaliser import Normaliser, RawCosine, load_normaliser
from countenance.gallery.records import (
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

__all__ = [
    "Calibration",
    "Erased",
    "Gallery",
    "GalleryInfo",
    "Matches",
    "Normaliser",
    "Page",
    "RawCosine",
    "Reason",
    "Reassigned",
    "Refusal",
    "SearchCounts",
    "Token",
    "User",
    "UserMatch",
    "UserMatches",
    "expected_false_matches",
    "load_normaliser",
]
