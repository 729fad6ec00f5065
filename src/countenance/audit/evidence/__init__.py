"""Evidence: a signed audit of one model at one threshold, with an expiry date, which policy can ask for.

statement = read_evidence(path.read_bytes())       # BadRequest unless its issuer signed exactly this
statement.in_date(now); statement.covers("gender", "female"); statement.lowest_tpr
"""

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
)

__all__ = [
    "AuditEvidence",
    "Evidence",
    "EvidenceSubject",
    "GroupEvidence",
    "agrees_with",
    "issue_evidence",
    "read_evidence",
    "shipped_evidence",
    "shipped_file",
    "sign_evidence",
]
