"""What can be asked of us: one file for each operation, all through `guard.py`."""

from countenance.gallery import Erased, GalleryInfo, Page, Reason, Reassigned, Refusal, User, UserMatch
from countenance.operations.associate import Associate
from countenance.operations.compare import Compare, Compared
from countenance.operations.create_gallery import CreateGallery
from countenance.operations.create_user import CreateUser
from countenance.operations.delete_gallery import DeleteGallery
from countenance.operations.delete_user import DeleteUser
from countenance.operations.describe_gallery import DescribeGallery
from countenance.operations.detect import Detect, Detected
from countenance.operations.disassociate import Disassociate
from countenance.operations.enrol import Enrol, Enrolled
from countenance.operations.erase import Erase
from countenance.operations.evidence import believed, standing
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.images import Image, StoredImage, content_of
from countenance.operations.list_faces import ListFaces
from countenance.operations.list_galleries import ListGalleries
from countenance.operations.list_users import ListUsers
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter
from countenance.operations.search import SearchAnswer, SearchByFace, SearchByImage
from countenance.operations.search_users import (
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    UserSearchAnswer,
)
from countenance.operations.video import (
    DetectInVideo,
    PeopleSeen,
    PersonFound,
    SearchInVideo,
    VideoFile,
    VideoSearchAnswer,
    matches_by_time,
)
from countenance.policy import Action

__all__ = [
    "Action",
    "Answer",
    "Associate",
    "Caller",
    "Compare",
    "Compared",
    "CreateGallery",
    "CreateUser",
    "DeleteGallery",
    "DeleteUser",
    "DescribeGallery",
    "Detect",
    "DetectInVideo",
    "Detected",
    "Disassociate",
    "Enrol",
    "Enrolled",
    "Erase",
    "Erased",
    "GalleryInfo",
    "Guard",
    "Image",
    "ListFaces",
    "ListGalleries",
    "ListUsers",
    "Operation",
    "Page",
    "PeopleSeen",
    "Permit",
    "PersonFound",
    "QualityFilter",
    "Reason",
    "Reassigned",
    "Refusal",
    "SearchAnswer",
    "SearchByFace",
    "SearchByImage",
    "SearchInVideo",
    "SearchUsersByFace",
    "SearchUsersByImage",
    "SearchUsersByUser",
    "StoredImage",
    "Tools",
    "User",
    "UserMatch",
    "UserSearchAnswer",
    "VideoFile",
    "VideoSearchAnswer",
    "believed",
    "content_of",
    "matches_by_time",
    "standing",
]
