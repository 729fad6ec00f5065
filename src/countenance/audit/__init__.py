"""Audits of whole systems: a plan, its data, what was found by group, and a signed bundle that anybody can check.

`plan_of_draft` makes a plan and `read_plan` reads one; `run` carries it out. `verify_bundle` and `read_bundle` check
and read what it left, `report_page` shows it to people, `compare_bundles` compares two versions of a
system. `systems_plan_of_draft` and `run_systems` audit several systems; `compare_systems` and `systems_page` show
systems, and audits in time, side by side.

Importing this loads nothing else: each name is fetched when it is first asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countenance.audit.bundle import Bundle, counts_csv, read_bundle, verify_bundle
    from countenance.audit.evidence import Evidence, PadEvidence, read_evidence, read_pad_evidence
    from countenance.audit.findings.differences import AuditDifference, compare_bundles
    from countenance.audit.findings.systems import SystemsComparison, compare_systems
    from countenance.audit.formats.plan import (
        BetweenSystems,
        DeclaredHypothesis,
        Groups,
        ImageFolder,
        LiveApi,
        OutcomeTable,
        Plan,
        PresentationTable,
        RiskTable,
        ScoreFile,
        System,
        SystemsPlan,
        TemplateFile,
        ThresholdRule,
        Together,
        read_plan,
        read_systems_plan,
    )
    from countenance.audit.formats.results import (
        Analysis,
        Bounds,
        FaceResults,
        GroupResult,
        Judged,
        OutcomeResults,
        PresentationResults,
        Results,
        RiskResults,
        Share,
    )
    from countenance.audit.planning.plans import plan_bytes, plan_of_draft, systems_plan_of_draft
    from countenance.audit.report.page import report_page
    from countenance.audit.report.systems import systems_page
    from countenance.audit.running import run, run_systems
    from countenance.audit.sources.live.cost import Estimate
    from countenance.audit.sources.source import Equipment
    from countenance.signing import Signer

__all__ = [
    "Analysis",
    "AuditDifference",
    "BetweenSystems",
    "Bounds",
    "Bundle",
    "DeclaredHypothesis",
    "Equipment",
    "Estimate",
    "Evidence",
    "FaceResults",
    "GroupResult",
    "Groups",
    "ImageFolder",
    "Judged",
    "LiveApi",
    "OutcomeResults",
    "OutcomeTable",
    "PadEvidence",
    "Plan",
    "PresentationResults",
    "PresentationTable",
    "Results",
    "RiskResults",
    "RiskTable",
    "ScoreFile",
    "Share",
    "Signer",
    "System",
    "SystemsComparison",
    "SystemsPlan",
    "TemplateFile",
    "ThresholdRule",
    "Together",
    "compare_bundles",
    "compare_systems",
    "counts_csv",
    "plan_bytes",
    "plan_of_draft",
    "read_bundle",
    "read_evidence",
    "read_pad_evidence",
    "read_plan",
    "read_systems_plan",
    "report_page",
    "run",
    "run_systems",
    "systems_page",
    "systems_plan_of_draft",
    "verify_bundle",
]

_HOMES = {
    "countenance.audit.bundle": (
        "Bundle",
        "counts_csv",
        "read_bundle",
        "verify_bundle",
    ),
    "countenance.audit.evidence": (
        "Evidence",
        "PadEvidence",
        "read_evidence",
        "read_pad_evidence",
    ),
    "countenance.audit.findings.differences": (
        "AuditDifference",
        "compare_bundles",
    ),
    "countenance.audit.findings.systems": (
        "SystemsComparison",
        "compare_systems",
    ),
    "countenance.audit.formats.plan": (
        "BetweenSystems",
        "DeclaredHypothesis",
        "Groups",
        "ImageFolder",
        "LiveApi",
        "OutcomeTable",
        "Plan",
        "PresentationTable",
        "RiskTable",
        "ScoreFile",
        "System",
        "SystemsPlan",
        "TemplateFile",
        "ThresholdRule",
        "Together",
        "read_plan",
        "read_systems_plan",
    ),
    "countenance.audit.formats.results": (
        "Analysis",
        "Bounds",
        "FaceResults",
        "GroupResult",
        "Judged",
        "OutcomeResults",
        "PresentationResults",
        "Results",
        "RiskResults",
        "Share",
    ),
    "countenance.audit.planning.plans": (
        "plan_bytes",
        "plan_of_draft",
        "systems_plan_of_draft",
    ),
    "countenance.audit.report.page": ("report_page",),
    "countenance.audit.report.systems": ("systems_page",),
    "countenance.audit.running": (
        "run",
        "run_systems",
    ),
    "countenance.audit.sources.live.cost": ("Estimate",),
    "countenance.audit.sources.source": ("Equipment",),
    "countenance.signing": ("Signer",),
}
"""The module that each public name is fetched from."""


def __getattr__(name: str) -> object:
    """A public name, imported when it is first asked for."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            public: object = getattr(import_module(module), name)
            globals()[name] = public
            return public
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
