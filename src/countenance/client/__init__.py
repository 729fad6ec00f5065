"""The Python client of /v1: of a server over HTTP (`Client`), or of a data folder in this process (`open`).

    with countenance.Client("http://127.0.0.1:8080", key=..., secret=...) as client:
        for result in client.search_all("club", picture).results: ...

Both have the same methods, go through the same guard and ledger, give frozen typed answers, and raise the errors of
`countenance.errors`. What `__all__` lists is kept from release to release.
"""

from countenance.client.bulk import BulkResult, PictureToEnrol
from countenance.client.casework import CaseClient, ReviewClient
from countenance.client.connection import Client
from countenance.client.embedded import open_home as open  # noqa: A004  # as `countenance.open`
from countenance.client.people import MandateClient
from countenance.wire.cases import (
    CaseLine,
    CaseSearchShown,
    CaseShown,
    CaseVideoShown,
    PictureSeen,
)
from countenance.wire.faces import (
    AssociationShown,
    BoxShown,
    ComparedFaceShown,
    ComparisonShown,
    DetectionShown,
    EnrolledFaceShown,
    EnrolmentShown,
    ErasureShown,
    FaceResultShown,
    FaceShown,
    GalleryDetail,
    LeadShown,
    LeftOutShown,
    NotAssociated,
    SearchShown,
    SiblingShown,
    UserShown,
    WorstGroupShown,
)
from countenance.wire.mandates import BudgetLeft, HolderShown, KeyShown, MandateShown
from countenance.wire.record import LedgerShown, ProofShown
from countenance.wire.redactions import RedactionShown
from countenance.wire.reviews import OwnReviews, PairShown, ReviewForm

__all__ = [
    "AssociationShown",
    "BoxShown",
    "BudgetLeft",
    "BulkResult",
    "CaseClient",
    "CaseLine",
    "CaseSearchShown",
    "CaseShown",
    "CaseVideoShown",
    "Client",
    "ComparedFaceShown",
    "ComparisonShown",
    "DetectionShown",
    "EnrolledFaceShown",
    "EnrolmentShown",
    "ErasureShown",
    "FaceResultShown",
    "FaceShown",
    "GalleryDetail",
    "HolderShown",
    "KeyShown",
    "LeadShown",
    "LedgerShown",
    "LeftOutShown",
    "MandateClient",
    "MandateShown",
    "NotAssociated",
    "OwnReviews",
    "PairShown",
    "PictureSeen",
    "PictureToEnrol",
    "ProofShown",
    "RedactionShown",
    "ReviewClient",
    "ReviewForm",
    "SearchShown",
    "SiblingShown",
    "UserShown",
    "WorstGroupShown",
    "open",
]
