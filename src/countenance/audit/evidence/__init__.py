"""Evidence: a signed audit of one model at one threshold, with an expiry date, which policy can ask for.

statement = read_evidence(path.read_bytes())       # BadRequest unless its issuer signed exactly this
statement.in_date(now); statement.covers("gender", "female"); statement.lowest_tpr

`read_pad_evidence` does the same for presentation attack detection.
"""

from countenance.audit.evidence.presentations import (
    PadAudit,
    PadEvidence,
    issue_pad_evidence,
    pad_agrees_with,
    read_pad_evidence,
)
from countenance.audit.evidence.statement import (
    AuditEvidence,
    Evidence,
    EvidenceSubject,
    GroupEvidence,
    agrees_with,
    issue_evidence,
    read_evidence,
    shipped_evidence,
    shipped_file,
    sign_evidence,
    subject_of,
)

__all__ = [
    "AuditEvidence",
    "Evidence",
    "EvidenceSubject",
    "GroupEvidence",
    "PadAudit",
    "PadEvidence",
    "agrees_with",
    "issue_evidence",
    "issue_pad_evidence",
    "pad_agrees_with",
    "read_evidence",
    "read_pad_evidence",
    "shipped_evidence",
    "shipped_file",
    "sign_evidence",
    "subject_of",
]
