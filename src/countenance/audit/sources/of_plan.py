"""Which source a plan's data comes from."""

from __future__ import annotations

from pathlib import Path

from countenance.audit.formats.plan import Plan
from countenance.audit.sources.decisions import OutcomeSource, RiskSource
from countenance.audit.sources.images import ImageSource
from countenance.audit.sources.live.audit import LiveSource
from countenance.audit.sources.scores import ScoreSource
from countenance.audit.sources.source import Source
from countenance.audit.sources.templates import TemplateSource

_SOURCES: dict[str, type[Source]] = {
    "scores": ScoreSource,
    "templates": TemplateSource,
    "images": ImageSource,
    "api": LiveSource,
    "outcomes": OutcomeSource,
    "risks": RiskSource,
}


def source_of(plan: Plan, folder: Path) -> Source:
    """The one source of `plan`. folder: what the plan's paths are relative to."""
    return _SOURCES[plan.source](plan, folder)
