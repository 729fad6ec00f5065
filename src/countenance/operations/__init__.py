"""The operations that a caller can request. All run through `guard.py`; similar ones share a file."""

from countenance.engine.kinds import KINDS, kind_of
from countenance.gallery import (
    Erased,
    FaceGroup,
    GalleryInfo,
    GroupKind,
    GroupProfile,
    NotedFace,
    Page,
    Person,
    Reason,
    Reassigned,
    Refusal,
    User,
    UserMatch,
)
from countenance.jobs import JobFace, JobKind, Jobs, JobState, StreamProcessor, VideoJob
from countenance.operations.best_views import BestView, BestViews, Copied, TakeBestViews
from countenance.operations.charging import BudgetKeeper
from countenance.operations.compare import Compare, Compared
from countenance.operations.detect import Detect, Detected
from countenance.operations.enrol import Enrol, Enrolled
from countenance.operations.evidence import (
    WorstGroup,
    evidence_facts,
    evidence_summary,
    trusted_evidence,
    trusted_issuers,
)
from countenance.operations.faces import Erase, FacePage, ListFaces
from countenance.operations.galleries import CreateGallery, DeleteGallery, DescribeGallery, ListGalleries
from countenance.operations.groups import CreateGroup, DeleteGroup, ListGroups, ReadGroup, TrainGroup, UpdateGroup
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.images import Image, StoredImage, content_of
from countenance.operations.kept_faces import (
    FindSimilarEnrolled,
    FindSimilarKept,
    Grouped,
    GroupKept,
    Identified,
    Identify,
    Likeness,
    SimilarFaces,
    VerifyFaces,
    VerifyPerson,
)
from countenance.operations.liveness import (
    NO_LIVENESS,
    CreateLivenessSession,
    LivenessResult,
    LivenessState,
    ReadLivenessResult,
    read_statement,
)
from countenance.operations.moratoria import MoratoriaInForce, read_charter
from countenance.operations.noted_faces import EnrolFace, EraseFace, ListNotedFaces, ReadFace, Rectangle, UpdateFace
from countenance.operations.notices import Topics
from countenance.operations.one_face import EnrolOne, Place
from countenance.operations.operation import DETECTION_ONLY, DetectionTools, Operation, Permit, Tools
from countenance.operations.persons import CreatePerson, DeletePerson, ListPersons, ReadPerson, UpdatePerson
from countenance.operations.picture_leads import FaceFound, PictureSearched, SearchPicture
from countenance.operations.quality import QualityFilter, reasons_against
from countenance.operations.recognition_faces import DetectAndKeep, KeptDetection
from countenance.operations.redact import Redact, RedactedPicture, RedactExceptEnrolled
from countenance.operations.redact_video import RedactedVideo, RedactVideo, RedactVideoExceptEnrolled
from countenance.operations.redactions import BEGINNING, RedactionWish, is_video, picture_kind
from countenance.operations.request import granted
from countenance.operations.search import SearchAnswer, SearchByFace, SearchByImage
from countenance.operations.search_users import (
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    UserSearchAnswer,
)
from countenance.operations.send_pictures import SendPictures
from countenance.operations.siblings import Sibling
from countenance.operations.stopping import Stopping
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
from countenance.operations.video_runner import SPOOL, VideoRunner, spooled
from countenance.policy import Action, EvidenceFacts
from countenance.scoring import IDENTICAL, confidence, similarity_at_confidence

__all__ = [
    "BEGINNING",
    "DETECTION_ONLY",
    "IDENTICAL",
    "KINDS",
    "NO_LIVENESS",
    "SPOOL",
    "Action",
    "Answer",
    "Associate",
    "BestView",
    "BestViews",
    "BudgetKeeper",
    "Caller",
    "Compare",
    "Compared",
    "Copied",
    "CreateGallery",
    "CreateGroup",
    "CreateLivenessSession",
    "CreatePerson",
    "CreateStreamProcessor",
    "CreateUser",
    "DeleteGallery",
    "DeleteGroup",
    "DeletePerson",
    "DeleteStreamProcessor",
    "DeleteUser",
    "DescribeGallery",
    "DescribeStreamProcessor",
    "Detect",
    "DetectAndKeep",
    "DetectInVideo",
    "Detected",
    "DetectionTools",
    "Disassociate",
    "Enrol",
    "EnrolFace",
    "EnrolOne",
    "Enrolled",
    "Erase",
    "EraseFace",
    "Erased",
    "EvidenceFacts",
    "FaceFound",
    "FaceGroup",
    "FacePage",
    "FindSimilarEnrolled",
    "FindSimilarKept",
    "GalleryInfo",
    "GroupKept",
    "GroupKind",
    "GroupProfile",
    "Grouped",
    "Guard",
    "Identified",
    "Identify",
    "Image",
    "JobFace",
    "JobKind",
    "JobOrder",
    "JobPage",
    "JobState",
    "Jobs",
    "KeptDetection",
    "Likeness",
    "ListFaces",
    "ListGalleries",
    "ListGroups",
    "ListNotedFaces",
    "ListPersons",
    "ListStreamProcessors",
    "ListTags",
    "ListUsers",
    "LivenessResult",
    "LivenessState",
    "MoratoriaInForce",
    "NotedFace",
    "Operation",
    "Page",
    "PeopleSeen",
    "Permit",
    "Person",
    "PersonFound",
    "PictureSearched",
    "Place",
    "QualityFilter",
    "ReadFace",
    "ReadGroup",
    "ReadLivenessResult",
    "ReadPerson",
    "ReadVideoDetection",
    "ReadVideoSearch",
    "Reason",
    "Reassigned",
    "Rectangle",
    "Redact",
    "RedactExceptEnrolled",
    "RedactVideo",
    "RedactVideoExceptEnrolled",
    "RedactedPicture",
    "RedactedVideo",
    "RedactionWish",
    "Refusal",
    "RemoveTags",
    "SearchAnswer",
    "SearchByFace",
    "SearchByImage",
    "SearchInVideo",
    "SearchPicture",
    "SearchUsersByFace",
    "SearchUsersByImage",
    "SearchUsersByUser",
    "SendPictures",
    "SetTags",
    "Sibling",
    "SimilarFaces",
    "StartStreamProcessor",
    "StartVideoDetection",
    "StartVideoSearch",
    "StopStreamProcessor",
    "Stopping",
    "StoredImage",
    "StoredVideo",
    "StreamProcessor",
    "Tagged",
    "TakeBestViews",
    "Tools",
    "Topics",
    "TrainGroup",
    "UpdateFace",
    "UpdateGroup",
    "UpdatePerson",
    "UpdateStreamProcessor",
    "User",
    "UserMatch",
    "UserSearchAnswer",
    "VerifyFaces",
    "VerifyPerson",
    "VideoFile",
    "VideoJob",
    "VideoRunner",
    "VideoSearchAnswer",
    "WorstGroup",
    "confidence",
    "content_of",
    "evidence_facts",
    "evidence_summary",
    "granted",
    "is_video",
    "kind_of",
    "matches_by_time",
    "picture_kind",
    "read_charter",
    "read_statement",
    "reasons_against",
    "similarity_at_confidence",
    "spooled",
    "trusted_evidence",
    "trusted_issuers",
]
