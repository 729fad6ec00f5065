"""What can go wrong in one search of a gallery, in numbers that fit a leaflet."""

from __future__ import annotations

from dataclasses import dataclass

from countenance.audit.bundle import Bundle
from countenance.audit.findings.words import REST, count, one_in, percent
from countenance.audit.formats.results import ENOUGH
from countenance.errors import BadRequest
from countenance.metrics import Rate, chance_of_any, expected_false_matches, lead, plain_rate, search_test


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """One kind of search. fmr, fmr_low, fmr_high: per comparison, 0..1. fnmr: None where not known.

    prior: share of searches whose person is in the gallery; None where nobody states it. source: where the rates are
    from, in words. group: whom they are about. seen: false matches among so many trials that the rate rests on; None
    where somebody states it. of_searches: the trials were whole searches, not comparisons.
    """

    gallery: int
    fmr: float
    fmr_low: float
    fmr_high: float
    fnmr: float | None
    prior: float | None
    group: str
    source: str
    seen: tuple[int, int] | None = None
    of_searches: bool = False

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

    @property
    def too_few(self) -> bool:
        """Whether so few false matches were seen that only the ends of the rate's interval mean something."""
        return self.seen is not None and self.seen[0] < ENOUGH

    def right_between(self, prior: float) -> str:
        """The chance that a candidate is the right person, as far as it is known, in words."""
        if not self.too_few:
            return percent(self.right_at(prior))
        worst, best = (percent(_right(prior, fmr, self.fnmr, self.gallery)) for fmr in (self.fmr_high, self.fmr_low))
        if not self.seen or not self.seen[0]:
            return f"at least {worst}"
        return worst if worst == best else f"{worst} to {best}"

    def right_at(self, prior: float) -> float:
        """Chance that a candidate is the right person, where a share `prior` of those searched for are enrolled.

        Misses count as none where the miss rate is not known: the best case.
        """
        return _right(prior, self.fmr, self.fnmr, self.gallery)

    def sentences(self) -> tuple[str, ...]:
        """The facts, one sentence each."""
        if self.too_few:
            return self._few()
        span = (
            ""
            if self.of_thousand_span == self.of_thousand
            else (f" ({self.of_thousand_span}, as far as the measurement can tell)")
        )
        lines = [
            f"One comparison of two different people ({self.group}) is a false match in {percent(self.fmr)} of cases "
            f"({one_in(self.fmr)}).",
            f"One search makes {self.gallery:,} comparisons: on average {count(self.expected)} false candidates.",
            f"Of 1,000 searches for people who are not in the gallery, {self.of_thousand} name somebody "
            f"all the same{span}.",
        ]
        if self.prior is None:
            lines.append(
                "How likely a candidate is the right person depends on how often the person searched for is in the "
                f"gallery at all: if in 1 of 10 searches, a candidate is right with a chance of "
                f"{percent(self.right_at(0.1))}; if in 1 of 2, {percent(self.right_at(0.5))}."
            )
        else:
            lines.append(
                f"If {percent(self.prior)} of the people searched for are in the gallery, a candidate is the right "
                f"person with a chance of {percent(self.right_at(self.prior))}."
            )
        return tuple(lines)

    @property
    def few_words(self) -> str:
        """How few false matches were seen, and what the rate may be, as a sentence."""
        assert self.seen is not None
        errors, trials = self.seen
        rates = f"at most {percent(self.fmr_high)}"
        if errors:
            rates = f"{percent(self.fmr_low)} to {percent(self.fmr_high)}"
        matches = "false match was" if errors == 1 else "false matches were"
        tried = "searches" if self.of_searches else "comparisons of two different people"
        return (
            f"{errors:,} {matches} seen in {trials:,} {tried} ({self.group}): of comparisons of two different people, "
            f"{rates} are false matches."
        )

    @property
    def few_of_thousand(self) -> str:
        """How many name somebody, of 1,000 searches for people who are not in the gallery, as far as it is known."""
        low, high = (_of_thousand(chance).removeprefix("about ") for chance in self.chance_bounds)
        if not self.seen or not self.seen[0]:
            return "anything from none to practically all" if high == _ALL else f"at most {high}"
        return low if low == high else f"anything from {low} to {high}"

    def _few(self) -> tuple[str, ...]:
        share = 0.1 if self.prior is None else self.prior
        return (
            self.few_words,
            f"That is too few to tell how many false candidates a search of {self.gallery:,} pictures gives: of 1,000 "
            f"searches for people who are not in the gallery, {self.few_of_thousand} may name somebody all the same.",
            f"If {percent(share)} of the people searched for are in the gallery, a candidate is the right person with "
            f"a chance of {self.right_between(share)}.",
        )


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
    # Nobody says of themselves that they belong to a merger of small groups: it speaks only where it is alone or named.
    whole = [key for key in lines if not lines[key].group.startswith(REST)] or list(lines)
    name = group or max(whole, key=lambda key: lines[key].fmr.estimate or 0.0)
    if name not in lines:
        raise BadRequest(f"no rate of {name!r}; there are {', '.join(lines)}")
    line = lines[name]
    words = name.replace("=", " ", 1) if line.group[:1].isdecimal() else line.group  # "age 60-69", but "women"
    assert line.fmr.estimate is not None and line.fmr.low is not None and line.fmr.high is not None
    return SearchFacts(
        gallery, line.fmr.estimate, line.fmr.low, line.fmr.high, line.fnmr.estimate, prior, words,
        f"audit {bundle.hash[:16]}, {bundle.results.system.name} {bundle.results.system.version}, false matches among "
        f"{words} at threshold {faces.threshold:.4g}", (line.fmr.errors or 0, line.fmr.trials or 0),
    )  # fmt: skip


def facts_of_test(probes: int, matched: int, gallery: int, prior: float | None) -> SearchFacts:
    """The facts of a published test: how many were searched for, how many falsely matched, how large the gallery."""
    test = search_test(probes, matched, gallery)
    bounds = test.implied_interval
    rate = plain_rate(matched, probes)
    return SearchFacts(
        gallery, test.implied_fmr, bounds.low, bounds.high, None, prior, "everybody searched for",
        f"a test in which {matched} of {probes} people ({percent(rate.estimate)}) were falsely matched against "
        f"{gallery:,} pictures", (matched, probes), of_searches=True,
    )  # fmt: skip


def _right(prior: float, fmr: float, fnmr: float | None, gallery: int) -> float:
    rate = Rate(0, 1, 0, 1.0, float("inf"), 0.95, "stated") if fmr == 0 else _stated(fmr)
    return lead(prior, rate, fnmr or 0.0, gallery).right


_ALL = "practically all"


def _of_thousand(chance: float) -> str:
    return _ALL if chance > 0.9995 else f"about {count(1000 * chance)}"


def _stated(fmr: float) -> Rate:
    """A stated rate as mathematics takes it: its interval is not used."""
    trials = max(1, round(1 / fmr))
    errors = round(trials * fmr)
    return Rate(errors, trials, 0, float(trials), float("inf"), 0.95, "stated")
