"""Where an audit's data comes from: score files, templates, images, services, outcomes, risk scores, presentations.

Each source is imported when a plan asks for it: an audit of a score file loads no engine and no service's client.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from countenance.audit.formats.plan import Plan
    from countenance.audit.sources.source import Source


def source_of(plan: Plan, folder: Path) -> Source[Any]:
    """The one source of `plan`. folder: what the plan's paths are relative to."""
    if plan.scores is not None:
        from countenance.audit.sources.scores import ScoreSource

        return ScoreSource(plan, folder)
    if plan.templates is not None:
        from countenance.audit.sources.templates import TemplateSource

        return TemplateSource(plan, folder)
    if plan.images is not None:
        from countenance.audit.sources.images import ImageSource

        return ImageSource(plan, folder)
    if plan.api is not None:
        from countenance.audit.sources.live.live_source import LiveSource

        return LiveSource(plan, folder)
    if plan.presentations is not None:
        from countenance.audit.sources.presentations import PresentationSource

        return PresentationSource(plan, folder)
    from countenance.audit.sources.decisions import OutcomeSource, RiskSource

    return OutcomeSource(plan, folder) if plan.outcomes is not None else RiskSource(plan, folder)
