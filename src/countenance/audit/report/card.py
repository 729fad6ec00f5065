"""A model card (Mitchell et al. 2019) out of an audit: what was measured, for whom, and what it is not for."""

from __future__ import annotations

from countenance.audit.bundle.bundle import Bundle
from countenance.audit.evidence import Evidence
from countenance.audit.findings.words import interval, of, percent
from countenance.audit.report.figures import Grid
from countenance.audit.report.page import render, shown_first, verdict_grid
from countenance.errors import BadRequest


def card_page(bundle: Bundle, evidence: Evidence | None = None) -> str:
    """The card as one HTML text. evidence: what was issued on this bundle, with its dates. BadRequest: not of faces."""
    results = bundle.results
    if results.faces is None:
        raise BadRequest("a model card is made of an audit of face comparisons")
    rows = tuple(
        (analysis.name, group.group, *(
            f"{percent(share.estimate)} ({interval(share)})" if share.known else share.reason
            for share in (group.fmr, group.fnmr, group.failures)
        ), of(group.fmr))
        for analysis in results.faces.analyses
        for group in analysis.groups
    )  # fmt: skip
    heads = ("by", "group", "false matches", "misses", "no face found", "errors of comparisons")
    return render(
        "card.html.j2",
        results=results,
        faces=results.faces,
        bundle=bundle,
        environment=bundle.environment,
        evidence=evidence,
        groups=Grid(heads, rows),
        verdicts=verdict_grid(shown_first(results.judged)),
        declared=len(results.judged),
    )
