"""What happens to a lead after a search: its case, the people who judge it blind, and what may be exported.

This room has values, rules, and one store of sealed records to which records are only added. Permissions and the
ledger's entries are in `administration`.
"""

from countenance.casework.cases import (
    Authorisation,
    Case,
    CaseLead,
    CaseSearch,
    CaseVideo,
    EvidenceKind,
    ExportUse,
    IndependentEvidence,
    ProbeQuality,
    SearchKind,
    SearchOutcome,
    VideoSight,
    sight_json,
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
from countenance.casework.records import CaseRecord, CaseRecords, case_number_rows, case_rows
from countenance.casework.statement import TAINT, export_text, two_digits
from countenance.casework.waiting import WaitingPictures

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
    "CaseVideo",
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
    "SearchKind",
    "SearchOutcome",
    "VideoSight",
    "WaitingPictures",
    "case_number_rows",
    "case_rows",
    "exceeded",
    "export_text",
    "fused",
    "rates_of",
    "sight_json",
    "still_wanted",
    "two_digits",
]
