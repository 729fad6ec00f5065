"""A one-page leaflet for whoever holds a search result: police, defence, court, the person named."""

from __future__ import annotations

from countenance.audit.findings.search_facts import SearchFacts
from countenance.audit.findings.words import count, one_in, percent
from countenance.audit.report.page import render

DOTS = 100
PRIORS = (0.01, 0.1, 0.5)


def leaflet_page(facts: SearchFacts) -> str:
    """The leaflet as one HTML text: what the search did, how often it is wrong, what that means, what to ask."""
    wrong = round(DOTS * facts.chance)
    priors = PRIORS if facts.prior is None else tuple(sorted({*PRIORS, facts.prior}))
    return render(
        "leaflet.html.j2",
        facts=facts,
        wrong=wrong,
        dots=DOTS,
        chance=percent(facts.chance),
        per_thousand=facts.of_thousand,
        candidates=count(facts.expected) if facts.expected >= 2 else "",
        span="" if facts.of_thousand_span == facts.of_thousand else facts.of_thousand_span,
        each=one_in(facts.fmr),
        rows=[(percent(prior), percent(facts.right_at(prior)), prior == facts.prior) for prior in priors],
        misses="not known" if facts.fnmr is None else percent(facts.fnmr),
    )
