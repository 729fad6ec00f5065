"""What can go wrong in one search of a gallery, in numbers that fit a leaflet."""

from __future__ import annotations

from dataclasses import dataclass

from countenance.audit.analysis.disclosure import rest_of
from countenance.audit.bundle import Bundle
from countenance.audit.findings.words import count, one_in, percent
from countenance.errors import BadRequest
from countenance.metrics import Rate, chance_of_any, expected_false_matches, lead, plain_rate, search_test


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """One kind of search. fmr, fmr_low, fmr_high: per comparison, 0..1. fnmr: None where not known.

    prior: share of searches whose person is in the gallery; None where nobody states it. source: where the rates are
    from, in words. group: whom they are about.
    """

    gallery: int
    fmr: float
    fmr_low: float
    fmr_high: float
    fnmr: float | None
    prior: float | None
    group: str
    source: str

    def __post_init__(self) -> None:
        if self.gallery < 1:
            raise BadRequest(f"a gallery holds one person or more, got {self.gallery}")
        if not 0 <= self.fmr_low <= self.fmr <= self.fmr_high <= 1:
            raise BadRequest(f"a false match rate lies between 0 and 1 and within its interval, got {self.fmr}")
        if self.prior is not None and not 0 < self.prior < 1:
            raise BadRequest(f"a prior lies between 0 and 1, got {self.prior}")

    @property
    def expected(self) -> float:
        """False candidates of one search, on average."""
        return expected_false_matches([self.fmr], [self.gallery])

    @property
    def chance(self) -> float:
        """Chance that a search for somebody who is not in the gallery gives a candidate."""
        return chance_of_any([self.fmr], [self.gallery])

    @property
    def chance_bounds(self) -> tuple[float, float]:
        """The chance at both ends of the rate's interval."""
        return chance_of_any([self.fmr_low], [self.gallery]), chance_of_any([self.fmr_high], [self.gallery])

    @property
    def of_thousand(self) -> str:
        """Of 1,000 searches for people who are not in the gallery, how many name somebody, in words."""
        return _of_thousand(self.chance)

    @property
    def of_thousand_span(self) -> str:
        """The same at both ends of the rate's interval."""
        low, high = (_of_thousand(chance) for chance in self.chance_bounds)
        return low if low == high else f"between {low.removeprefix('about ')} and {high.removeprefix('about ')}"

    def right_at(self, prior: float) -> float:
        """Chance that a candidate is the right person, where a share `prior` of those searched for are enrolled.

        Misses count as none where the miss rate is not known: the best case.
        """
        rate = Rate(0, 1, 0, 1.0, float("inf"), 0.95, "stated") if self.fmr == 0 else _stated(self.fmr)
        return lead(prior, rate, self.fnmr or 0.0, self.gallery).right

    def sentences(self) -> tuple[str, ...]:
        """The facts, one sentence each."""
        span = (
            ""
            if self.of_thousand_span == self.of_thousand
            else (f" ({self.of_thousand_span}, as far as the measurement can tell)")
        )
        said = [
            f"One comparison of two different people ({self.group}) is a false match in {percent(self.fmr)} of cases "
            f"({one_in(self.fmr)}).",
            f"One search makes {self.gallery:,} comparisons: on average {count(self.expected)} false candidates.",
            f"Of 1,000 searches for people who are not in the gallery, {self.of_thousand} name somebody "
            f"all the same{span}.",
        ]
        if self.prior is None:
            said.append(
                "How likely a candidate is the right person depends on how often the person searched for is in the "
                f"gallery at all: if in 1 of 10 searches, a candidate is right with a chance of "
                f"{percent(self.right_at(0.1))}; if in 1 of 2, {percent(self.right_at(0.5))}."
            )
        else:
            said.append(
                f"If {percent(self.prior)} of the people searched for are in the gallery, a candidate is the right "
                f"person with a chance of {percent(self.right_at(self.prior))}."
            )
        return tuple(said)


def facts_of_bundle(bundle: Bundle, gallery: int, group: str | None, prior: float | None) -> SearchFacts:
    """The facts for a group of an audit, 'factor=group', or for the group most often falsely matched.

    BadRequest: no such group, or its rate is not known.
    """
    faces = bundle.results.faces
    if faces is None:
        raise BadRequest("this bundle is not about face comparisons")
    lines = {f"{a.name}={g.group}": g for a in faces.analyses for g in a.groups if g.fmr.estimate is not None}
    if not lines:
        raise BadRequest("this bundle knows no group's false match rate")
    rest = rest_of(bundle.plan.small_cell)
    # Nobody says of themselves that they belong to a merger of small groups: it speaks only where it is alone or named.
    whole = [key for key in lines if lines[key].group != rest] or list(lines)
    name = group or max(whole, key=lambda key: lines[key].fmr.estimate or 0.0)
    if name not in lines:
        raise BadRequest(f"no rate of {name!r}; there are {', '.join(lines)}")
    found = lines[name]
    said = name.replace("=", " ", 1) if found.group[:1].isdecimal() else found.group  # "age 60-69", but "women"
    assert found.fmr.estimate is not None and found.fmr.low is not None and found.fmr.high is not None
    return SearchFacts(
        gallery, found.fmr.estimate, found.fmr.low, found.fmr.high, found.fnmr.estimate, prior, said,
        f"audit {bundle.hash[:16]}, {bundle.results.system.name} {bundle.results.system.version}, false matches among "
        f"{said} at threshold {faces.threshold:.4g}",
    )  # fmt: skip


def facts_of_test(probes: int, matched: int, gallery: int, prior: float | None) -> SearchFacts:
    """The facts of a published test: how many were searched for, how many falsely matched, how large the gallery."""
    found = search_test(probes, matched, gallery)
    bounds = found.implied_interval
    rate = plain_rate(matched, probes)
    return SearchFacts(
        gallery, found.implied_fmr, bounds.low, bounds.high, None, prior, "everybody searched for",
        f"a test in which {matched} of {probes} people ({percent(rate.estimate)}) were falsely matched against "
        f"{gallery:,} pictures",
    )  # fmt: skip


def _of_thousand(chance: float) -> str:
    return "practically all" if chance > 0.9995 else f"about {count(1000 * chance)}"


def _stated(fmr: float) -> Rate:
    """A stated rate as mathematics takes it: its interval is not used."""
    trials = max(1, round(1 / fmr))
    errors = round(trials * fmr)
    return Rate(errors, trials, 0, float(trials), float("inf"), 0.95, "stated")
