"""The operations that a caller can request. All run through `guard.py`; similar ones share a file."""

from countenance.engine.kinds import KINDS, kind_of
from countenance.gallery import Erased, GalleryInfo, Page, Reason, Reassigned, Refusal, User, UserMatch
from countenance.jobs import Jobs, JobState, StreamProcessor, VideoJob
from countenance.operations.charging import BudgetKeeper
from countenance.operations.compare import Compare, Compared
from countenance.operations.detect import Detect, Detected
from countenance.operations.enrol import Enrol, Enrolled
from countenance.operations.evidence import evidence_summary, trusted_evidence
from countenance.operations.faces import Erase, FacePage, ListFaces
from countenance.operations.galleries import CreateGallery, DeleteGallery, DescribeGallery, ListGalleries
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.images import Image, StoredImage, content_of
from countenance.operations.moratoria import MoratoriaInForce, read_charter
from countenance.operations.notices import Topics
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter
from countenance.operations.request import granted
from countenance.operations.search import SearchAnswer, SearchByFace, SearchByImage
from countenance.operations.search_users import (
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    UserSearchAnswer,
)
from countenance.operations.stream_processors import (
    CreateStreamProcessor,
    DeleteStreamProcessor,
    DescribeStreamProcessor,
    ListStreamProcessors,
    StartStreamProcessor,
    StopStreamProcessor,
    UpdateStreamProcessor,
)
from countenance.operations.tags import ListTags, RemoveTags, SetTags, Tagged
from countenance.operations.users import Associate, CreateUser, DeleteUser, Disassociate, ListUsers
from countenance.operations.video import (
    DetectInVideo,
    PeopleSeen,
    PersonFound,
    SearchInVideo,
    VideoFile,
    VideoSearchAnswer,
    matches_by_time,
)
from countenance.operations.video_jobs import (
    JobOrder,
    JobPage,
    ReadVideoDetection,
    ReadVideoSearch,
    StartVideoDetection,
    StartVideoSearch,
    StoredVideo,
)
from countenance.operations.video_runner import VideoRunner
from countenance.policy import Action

__all__ = [
    "KINDS",
    "Action",
    "Answer",
    "Associate",
    "BudgetKeeper",
    "Caller",
    "Compare",
    "Compared",
    "CreateGallery",
    "CreateStreamProcessor",
    "CreateUser",
    "DeleteGallery",
    "DeleteStreamProcessor",
    "DeleteUser",
    "DescribeGallery",
    "DescribeStreamProcessor",
    "Detect",
    "DetectInVideo",
    "Detected",
    "Disassociate",
    "Enrol",
    "Enrolled",
    "Erase",
    "Erased",
    "FacePage",
    "GalleryInfo",
    "Guard",
    "Image",
    "JobOrder",
    "JobPage",
    "JobState",
    "Jobs",
    "ListFaces",
    "ListGalleries",
    "ListStreamProcessors",
    "ListTags",
    "ListUsers",
    "MoratoriaInForce",
    "Operation",
    "Page",
    "PeopleSeen",
    "Permit",
    "PersonFound",
    "QualityFilter",
    "ReadVideoDetection",
    "ReadVideoSearch",
    "Reason",
    "Reassigned",
    "Refusal",
    "RemoveTags",
    "SearchAnswer",
    "SearchByFace",
    "SearchByImage",
    "SearchInVideo",
    "SearchUsersByFace",
    "SearchUsersByImage",
    "SearchUsersByUser",
    "SetTags",
    "StartStreamProcessor",
    "StartVideoDetection",
    "StartVideoSearch",
    "StopStreamProcessor",
    "StoredImage",
    "StoredVideo",
    "StreamProcessor",
    "Tagged",
    "Tools",
    "Topics",
    "UpdateStreamProcessor",
    "User",
    "UserMatch",
    "UserSearchAnswer",
    "VideoFile",
    "VideoJob",
    "VideoRunner",
    "VideoSearchAnswer",
    "content_of",
    "evidence_summary",
    "granted",
    "kind_of",
    "matches_by_time",
    "read_charter",
    "trusted_evidence",
]
