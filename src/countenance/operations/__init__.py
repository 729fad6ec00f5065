"""What can be asked of us: one file for each operation, all through `guard.py`."""

from countenance.custody import Hold
from countenance.engine.kinds import KINDS, kind_of
from countenance.gallery import Erased, GalleryInfo, Page, Reason, Reassigned, Refusal, User, UserMatch
from countenance.mandates import Holder, Mandate, Operator, Role, Template, Terms, template, templates
from countenance.operations.associate import Associate
from countenance.operations.compare import Compare, Compared
from countenance.operations.create_gallery import CreateGallery
from countenance.operations.create_user import CreateUser
from countenance.operations.custodian import Custodian, Report
from countenance.operations.delete_gallery import DeleteGallery
from countenance.operations.delete_user import DeleteUser
from countenance.operations.describe_gallery import DescribeGallery
from countenance.operations.detect import Detect, Detected
from countenance.operations.disassociate import Disassociate
from countenance.operations.enrol import Enrol, Enrolled
from countenance.operations.erase import Erase
from countenance.operations.evidence import believed, standing
from countenance.operations.explainer import Explainer
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.list_faces import ListFaces
from countenance.operations.list_galleries import ListGalleries
from countenance.operations.list_users import ListUsers
from countenance.operations.mandates import Mandates
from countenance.operations.moratoria import Moratoria, read_charter
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.operators import Operators
from countenance.operations.quality import QualityFilter
from countenance.operations.record import Proof, Record
from countenance.operations.search import Found, SearchByFace, SearchByImage
from countenance.operations.search_users import FoundUsers, SearchUsersByFace, SearchUsersByImage, SearchUsersByUser
from countenance.policy import Decision, Power
from countenance.policy import Operation as Asks
from countenance.policy.moratorium import Moratorium, Order, Scope, Signature

__all__ = [
    "KINDS",
    "Answer",
    "Asks",
    "Associate",
    "Caller",
    "Compare",
    "Compared",
    "CreateGallery",
    "CreateUser",
    "Custodian",
    "Decision",
    "DeleteGallery",
    "DeleteUser",
    "DescribeGallery",
    "Detect",
    "Detected",
    "Disassociate",
    "Enrol",
    "Enrolled",
    "Erase",
    "Erased",
    "Explainer",
    "Found",
    "FoundUsers",
    "GalleryInfo",
    "Guard",
    "Hold",
    "Holder",
    "ListFaces",
    "ListGalleries",
    "ListUsers",
    "Mandate",
    "Mandates",
    "Moratoria",
    "Moratorium",
    "Operation",
    "Operator",
    "Operators",
    "Order",
    "Page",
    "Permit",
    "Power",
    "Proof",
    "QualityFilter",
    "Reason",
    "Reassigned",
    "Record",
    "Refusal",
    "Report",
    "Role",
    "Scope",
    "SearchByFace",
    "SearchByImage",
    "SearchUsersByFace",
    "SearchUsersByImage",
    "SearchUsersByUser",
    "Signature",
    "Template",
    "Terms",
    "Tools",
    "User",
    "UserMatch",
    "believed",
    "kind_of",
    "read_charter",
    "standing",
    "template",
    "templates",
]
