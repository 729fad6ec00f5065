"""What happens to a lead after a search: the case that it belongs to, the people who judge it blind, what may leave.

Values and rules, and one store of sealed records that are only ever added. Who may do what, and the ledger's entries,
are `administration`'s.
"""

from countenance.casework.cases import (
    Authorisation,
    Case,
    CaseLead,
    CaseSearch,
    EvidenceKind,
    ExportUse,
    IndependentEvidence,
    ProbeQuality,
    SearchOutcome,
)
from countenance.casework.grades import (
    COMPONENTS,
    Component,
    Grade,
    LeadConclusion,
    PartFinding,
    ReviewJudgement,
    fused,
    still_wanted,
)
from countenance.casework.rates import LEAST_KNOWN, ReviewerRates, ReviewLimits, exceeded, rates_of
from countenance.casework.records import CaseRecord, CaseRecords
from countenance.casework.statement import TAINT, export_text

__all__ = [
    "COMPONENTS",
    "LEAST_KNOWN",
    "TAINT",
    "Authorisation",
    "Case",
    "CaseLead",
    "CaseRecord",
    "CaseRecords",
    "CaseSearch",
    "Component",
    "EvidenceKind",
    "ExportUse",
    "Grade",
    "IndependentEvidence",
    "LeadConclusion",
    "PartFinding",
    "ProbeQuality",
    "ReviewJudgement",
    "ReviewLimits",
    "ReviewerRates",
    "SearchOutcome",
    "exceeded",
    "export_text",
    "fused",
    "rates_of",
    "still_wanted",
]
