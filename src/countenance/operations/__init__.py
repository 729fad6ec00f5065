"""What can be asked of us: one file for each operation, all through `guard.py`."""

from countenance.gallery import Erased, GalleryInfo, Page
from countenance.operations.compare import Compare, Compared
from countenance.operations.create_gallery import CreateGallery
from countenance.operations.custodian import Custodian, Report
from countenance.operations.delete_gallery import DeleteGallery
from countenance.operations.describe_gallery import DescribeGallery
from countenance.operations.detect import Detect, Detected
from countenance.operations.enrol import Enrol, Enrolled
from countenance.operations.erase import Erase
from countenance.operations.evidence import believed
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.list_faces import ListFaces
from countenance.operations.list_galleries import ListGalleries
from countenance.operations.mandates import Mandates
from countenance.operations.moratoria import Moratoria, read_charter
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter
from countenance.operations.search import Found, SearchByFace, SearchByImage

__all__ = [
    "Answer",
    "Caller",
    "Compare",
    "Compared",
    "CreateGallery",
    "Custodian",
    "DeleteGallery",
    "DescribeGallery",
    "Detect",
    "Detected",
    "Enrol",
    "Enrolled",
    "Erase",
    "Erased",
    "Found",
    "GalleryInfo",
    "Guard",
    "ListFaces",
    "ListGalleries",
    "Mandates",
    "Moratoria",
    "Operation",
    "Page",
    "Permit",
    "QualityFilter",
    "Report",
    "SearchByFace",
    "SearchByImage",
    "Tools",
    "believed",
    "read_charter",
]
