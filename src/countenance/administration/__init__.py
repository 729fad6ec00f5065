"""What the people who run the server do: mandates, operators, custody, cases, reviews, moratoria, the record.

Every change is in the ledger before it is in force.
"""

from countenance.administration.accounts import Accounts, SignedIn, new_seed, seed_picture
from countenance.administration.attempts import Attempts
from countenance.administration.audit_reports import AUDIT_FILES, AuditReport, AuditReports
from countenance.administration.case_file import CaseFile, CaseResult, SearchOfCase, SearchState
from countenance.administration.case_videos import CaseVideos
from countenance.administration.cases import PROBE_LIMITS, Cases, limits_of
from countenance.administration.custodian import Custodian, CustodyReport
from countenance.administration.drafts import MandateDraft
from countenance.administration.explainer import FINE_PRINT_SCRIPT, Explainer
from countenance.administration.identity_provider import IdentityProvider, ProviderTerms
from countenance.administration.mandates import Mandates
from countenance.administration.moratoria import Moratoria
from countenance.administration.operators import Operators
from countenance.administration.outside_checks import OutsideChecks
from countenance.administration.passkeys import Passkeys
from countenance.administration.pending_pictures import PendingPicture
from countenance.administration.provider_sign_in import ProviderSignIn
from countenance.administration.record import FoundEntries, Proof, Record, Sought
from countenance.administration.retention import RetentionSweep
from countenance.administration.reviews import ReviewerStatus, ReviewItem, Reviews
from countenance.administration.status import EvidenceStanding, InstallationStatus, LedgerCheck
from countenance.administration.video_job_list import ListedVideoJob, VideoJobList
from countenance.audit.uploaded import AuditOrder
from countenance.casework import (
    COMPONENTS,
    Case,
    CaseSearch,
    CaseVideo,
    EvidenceKind,
    ExportUse,
    Grade,
    LeadConclusion,
    PartFinding,
    ProbeQuality,
    ReviewLimits,
    SearchKind,
    VideoSight,
    two_digits,
)
from countenance.custody import AuthorisationOutcome, Hold
from countenance.ledger import RefusedCount
from countenance.mandates import (
    AccessKey,
    Holder,
    Mandate,
    MandateTemplate,
    Operator,
    OutsideCheck,
    Passkey,
    ProvenBy,
    Role,
    StoredSession,
    Terms,
    template,
    templates,
)
from countenance.policy import Action, Decision, Power
from countenance.policy.moratorium import MORATORIUM_ID, Moratorium, Order, Scope, Signature

__all__ = [
    "AUDIT_FILES",
    "COMPONENTS",
    "FINE_PRINT_SCRIPT",
    "MORATORIUM_ID",
    "PROBE_LIMITS",
    "AccessKey",
    "Accounts",
    "Action",
    "Attempts",
    "AuditOrder",
    "AuditReport",
    "AuditReports",
    "AuthorisationOutcome",
    "Case",
    "CaseFile",
    "CaseResult",
    "CaseSearch",
    "CaseVideo",
    "CaseVideos",
    "Cases",
    "Custodian",
    "CustodyReport",
    "Decision",
    "EvidenceKind",
    "EvidenceStanding",
    "Explainer",
    "ExportUse",
    "FoundEntries",
    "Grade",
    "Hold",
    "Holder",
    "IdentityProvider",
    "InstallationStatus",
    "LeadConclusion",
    "LedgerCheck",
    "ListedVideoJob",
    "Mandate",
    "MandateDraft",
    "MandateTemplate",
    "Mandates",
    "Moratoria",
    "Moratorium",
    "Operator",
    "Operators",
    "Order",
    "OutsideCheck",
    "OutsideChecks",
    "PartFinding",
    "Passkey",
    "Passkeys",
    "PendingPicture",
    "Power",
    "ProbeQuality",
    "Proof",
    "ProvenBy",
    "ProviderSignIn",
    "ProviderTerms",
    "Record",
    "RefusedCount",
    "RetentionSweep",
    "ReviewItem",
    "ReviewLimits",
    "ReviewerStatus",
    "Reviews",
    "Role",
    "Scope",
    "SearchKind",
    "SearchOfCase",
    "SearchState",
    "Signature",
    "SignedIn",
    "Sought",
    "StoredSession",
    "Terms",
    "VideoJobList",
    "VideoSight",
    "limits_of",
    "new_seed",
    "seed_picture",
    "template",
    "templates",
    "two_digits",
]
