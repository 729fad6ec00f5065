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
from countenance.gallery.bound import gallery_rows, miscounted, recount, user_rows
from countenance.gallery.gallery import Gallery
from countenance.gallery.kept_faces import KeptFaces
from countenance.gallery.part import GalleryPart
from countenance.gallery.profiles import FaceGroup, GroupKind, GroupProfile, NotedFace, Person
from countenance.gallery.search.row_file import RowsOnDisk
from countenance.gallery.searching import FoundRows, GallerySearch, gathered
from countenance.gallery.share import FaceShare
from countenance.gallery.store import GalleryHead, any_gallery, damaged_rows, size_of_all

__all__ = [
    "Erased",
    "FaceGroup",
    "FaceShare",
    "FoundRows",
    "Gallery",
    "GalleryHead",
    "GalleryInfo",
    "GalleryPart",
    "GallerySearch",
    "GroupKind",
    "GroupProfile",
    "KeptFaces",
    "Matches",
    "NotedFace",
    "Page",
    "Person",
    "Reason",
    "Reassigned",
    "Refusal",
    "RowsOnDisk",
    "SearchCounts",
    "Token",
    "User",
    "UserMatch",
    "UserMatches",
    "any_gallery",
    "damaged_rows",
    "gallery_rows",
    "gathered",
    "miscounted",
    "recount",
    "size_of_all",
    "user_rows",
]
