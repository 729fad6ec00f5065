"""The main finding in one sentence and three numbers: the strongest difference that is shown, whatever it is about.

Nothing calmer is ever said first: that groups are alike, or that nothing can be told, is the headline only where no
comparison of any rate, declared or not, shows a difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from countenance.audit.findings.questions import LOW_IS_BAD, Question
from countenance.audit.findings.words import (
    NOT_STATED,
    Names,
    between,
    count,
    interval,
    listed,
    of,
    one_in,
    one_sided,
    percent,
    times,
)
from countenance.audit.formats.plan import NEAR_ONE, GallerySizes, Plan
from countenance.audit.formats.results import ENOUGH, Bounds, Judged, Numbers, Share, rate_of
from countenance.metrics import RateDifference

SHOWN = ("difference shown", "difference shown, within the declared margin")
UNKNOWN = Numbers("unknown", "unknown", "unknown")


@dataclass(frozen=True, slots=True)
class ReportHead:
    """The head of a report. also: every other question in which a difference is shown, the strongest of each."""

    headline: str
    numbers: Numbers
    also: tuple[str, ...] = ()


def by_strength(plan: Plan, judged: Sequence[Judged]) -> list[Judged]:
    """The differences that are shown, the one to lead with first.

    Those beyond the declared margin (or without one) come before those within it; then what the draft named before what
    it did not; then the larger ratio, whichever way it goes.
    """
    shown = [j for j in judged if j.verdict in SHOWN]

    def rank(j: Judged) -> tuple[bool, bool, float]:
        return j.verdict == SHOWN[0], j.declared and not plan.usual_hypotheses, size(j)

    return sorted(shown, key=rank, reverse=True)


def leads_undeclared(plan: Plan, judged: Sequence[Judged]) -> bool:
    """Whether the headline is about a difference that nobody asked about beforehand."""
    return any(not one.declared for one in by_strength(plan, judged)[:1])


def headline_of(plan: Plan, questions: Sequence[Question], judged: Sequence[Judged]) -> ReportHead:
    """What the report says first."""
    shown = by_strength(plan, judged)
    if not shown:
        return _calm(plan, questions, judged)
    lead = shown[0]
    first: dict[tuple[str, str, str], Judged] = {}
    for one in shown:
        first.setdefault((one.measure, one.factor, one.of_class), one)
    also = tuple(
        sentence(plan, one) + ("" if one.declared else " Not declared beforehand.")
        for key, one in first.items()
        if key != (lead.measure, lead.factor, lead.of_class)
    )
    return ReportHead(sentence(plan, lead), numbers_of(plan, lead), also)


def numbers_of(plan: Plan, lead: Judged) -> Numbers:
    """The three numbers of a difference that is shown."""
    sides = sides_of(lead, Names.of(plan))
    if sides.rate is None or sides.against is None:
        comparison = (
            f"{times(sides.ratio)} as frequent as for {sides.better[0]} (95 % interval {between(sides.bounds)})"
        )
        return Numbers(f"{sides.worse[0]}, at equal scores", comparison, "one score stands for different risks")
    worst = f"{rate_words(sides.rate)} for {sides.worse[0]}"
    return Numbers(worst, _gap(lead, sides), _meaning(plan, lead, sides))


def rate_words(share: Share) -> str:
    """A rate in a sentence: "14 % (1 in 7.1)"; "0 of 54, at most 6.6 %"."""
    if one_sided(share):
        return f"{of(share)}, {interval(share)}"
    return f"{percent(share.estimate)} ({one_in(share.estimate)})"


def _gap(lead: Judged, sides: Sides) -> str:
    assert sides.rate is not None and sides.against is not None
    points = sides.points
    if lead.measure in NEAR_ONE and points is not None:
        apart, ends = points
        way = "more" if (sides.rate.estimate or 0.0) > (sides.against.estimate or 0.0) else "fewer"
        return (
            f"{apart:.1f} points {way} than for {sides.better[0]} "
            f"(95 % interval {ends.low or 0:.1f} to {ends.high or 0:.1f})"
        )
    if sides.ratio is None:
        return f"{between(sides.bounds)} times as often as {sides.better[0]}, where none was seen (95 % interval)"
    return f"{times(sides.ratio)} as often as for {sides.better[0]} (95 % interval {between(sides.bounds)})"


_OF = {
    ("verification", "fnmr"): "comparisons of a person with themselves, {a} fail for {x}, {b} for {y}",
    ("verification", "fte"): "attempts, {a} find no face for {x}, {b} for {y}",
    ("classification", "error"): "answers, {a} are wrong for {x}, {b} for {y}",
    ("classification", "fte"): "questions, {a} have no answer for {x}, {b} for {y}",
    ("classification", "tpr"): "who are “{c}”, {a} are recognised among {x}, {b} among {y}",
    ("classification", "fpr"): "who are not “{c}”, {a} are called so among {x}, {b} among {y}",
    ("classification", "ppv"): "answers of “{c}”, {a} are right for {x}, {b} for {y}",
    ("pad", "bpcer"): "bona fide presentations, {a} are called attacks for {x}, {b} for {y}",
    ("pad", "apcer"): "attacks by {c}, {a} are accepted for {x}, {b} for {y}",
    ("pad", "bpnrr"): "bona fide presentations, {a} get no response for {x}, {b} for {y}",
    ("pad", "apnrr"): "attacks by {c}, {a} get no response for {x}, {b} for {y}",
    ("risk", "fpr"): "without the outcome, {a} are called high risk among {x}, {b} among {y}",
    ("risk", "fnr"): "with the outcome, {a} are called low risk among {x}, {b} among {y}",
    ("risk", "ppv"): "called high risk, {a} have the outcome among {x}, {b} among {y}",
    ("risk", "npv"): "called low risk, {a} stay without the outcome among {x}, {b} among {y}",
    ("risk", "selection"): "people, {a} are called high risk among {x}, {b} among {y}",
}


def _meaning(plan: Plan, lead: Judged, sides: Sides) -> str:
    assert sides.rate is not None and sides.against is not None
    if lead.measure == "fmr":
        return _in_searches(plan.gallery, sides)
    form = "of 1,000 " + _OF[plan.task, lead.measure]
    return form.format(
        a=_of_thousand(sides.rate), b=_of_thousand(sides.against), x=sides.worse[0], y=sides.better[0], c=lead.of_class
    )


def _of_thousand(share: Share) -> str:
    if one_sided(share):
        most = not share.errors
        return f"at {'most' if most else 'least'} {count(1000 * ((share.high if most else share.low) or 0.0))}"
    return f"about {count(1000 * (share.estimate or 0.0))}"


def _in_searches(gallery: GallerySizes, sides: Sides) -> str:
    """What the two rates mean for searches in the plan's first gallery of 10,000 or more."""
    assert sides.rate is not None and sides.against is not None
    if (sides.rate.errors or 0) < ENOUGH:
        return f"{sides.rate.errors} false matches were seen: too few to say what that means for searches"
    size_of = next((n for n in gallery.sizes if n >= 10_000), gallery.sizes[-1])
    lowest = min(share.estimate or 0.0 for share in (sides.rate, sides.against))
    searches = 1 if lowest * size_of >= 1 else gallery.searches

    def each(share: Share) -> str:
        low, high = (count(searches * size_of * (end or 0.0)) for end in (share.low, share.high))
        if (share.errors or 0) < ENOUGH:
            return f"at most {high}"
        return f"about {count(searches * size_of * (share.estimate or 0.0))} ({low} to {high})"

    begins = "every search" if searches == 1 else f"{searches:,} searches"
    return (
        f"{begins} in a gallery of {size_of:,} people of their own group give{'s' * (searches == 1)} "
        f"{each(sides.rate)} false candidates for {sides.worse[0]}, {each(sides.against)} for {sides.better[0]}"
    )


def _calm(plan: Plan, questions: Sequence[Question], judged: Sequence[Judged]) -> ReportHead:
    names = Names.of(plan)
    declared = [j for j in judged if j.declared] or list(judged)
    known = [q for q in questions if sum(share.known for share in q.shares) > 1]
    if not known:
        return ReportHead("This data shows no rate that could be compared between groups.", UNKNOWN)
    of_errors = [q for q in known if q.measure not in NEAR_ONE and q.measure != "calibration"]
    if of_errors and not any(share.errors for question in of_errors for share in question.shares):
        text = "No error was seen in any group; that does not show that there are none."
        return ReportHead(text, _seen(plan, of_errors[0]))
    lead = next((q for j in declared for q in known if q.key == (j.measure, j.factor, j.of_class)), known[0])
    what = dict.fromkeys(things(plan.task, j.measure) for j in declared)
    factors = dict.fromkeys(names.factor(j.factor) for j in declared)
    by = listed(list(factors), 2) if declared else names.factor(lead.factor)
    if declared and all(j.declared and j.verdict == "equivalence shown" for j in declared):
        if len(what) > 1 or len(by.split()) > 8:
            words = "Every difference that was asked about is shown to lie within the declared margin."
        else:
            words = f"By {by}, {next(iter(what))} are shown to lie within the declared margin of each other."
        return ReportHead(words, _seen(plan, lead))
    subject = " and ".join(list(what)[:2]) if len(what) <= 2 else "error rates"
    subject = subject or things(plan.task, lead.measure)
    by = by if len(by.split()) <= 8 else "group"
    return ReportHead(f"This data cannot tell whether {subject} differ by {by}.", _open(plan, lead, declared))


def _seen(plan: Plan, question: Question) -> Numbers:
    """The highest and the lowest rate, where no difference is shown."""
    names = Names.of(plan)
    lines = [line for line in question.worst_first if line[1].known]
    (bad, worst), (good, best) = lines[0], lines[-1]
    return Numbers(
        f"{rate_words(worst)} for {names.people(question.factor, bad)[0]}",
        f"{rate_words(best)} for {names.people(question.factor, good)[0]}: chance may explain the difference",
        f"about {things(plan.task, question.measure)}",
    )


def _open(plan: Plan, question: Question, asked: Sequence[Judged]) -> Numbers:
    seen = _seen(plan, question)
    family = [j for j in asked if (j.measure, j.factor, j.of_class) == question.key]
    near_one = question.measure in NEAR_ONE
    sees = [x for j in family if (x := j.sees_difference if near_one else j.sees_ratio) is not None]
    limit = seen.meaning
    if family and not any(share.errors for share in question.shares):
        limit = f"with so many {plan.counted} and no error seen, nothing is known about differences"
    if sees:
        words = f"{100 * max(sees):.0f} points" if near_one else f"{times(max(sees))}"
        limit = f"with so many {plan.counted}, differences under {words} would not be seen"
    return Numbers(seen.worst, seen.ratio, limit)


MOST_WORDS = 25
SMALL_RATIO = 1.1
"""Ratios below this are told as two rates."""

_THINGS = {
    "fmr": "false matches",
    "fnmr": "misses",
    "fte": "failures to find a face",
    "error": "errors",
    "tpr": "true positive rates",
    "fpr": "false positives",
    "ppv": "positive predictive values",
    "bpcer": "false alarms on bona fide presentations (BPCER)",
    "apcer": "accepted attacks (APCER)",
    "bpnrr": "bona fide presentations without a response (BPNRR)",
    "apnrr": "attacks without a response (APNRR)",
}
_THINGS_RISK = {
    "fpr": "wrong calls of high risk",
    "fnr": "wrong calls of low risk",
    "ppv": "how often high risk is right",
    "npv": "how often low risk is right",
    "selection": "calls of high risk",
    "calibration": "what a score stands for",
}

_FORMS = {
    "fmr": (
        "{s} takes strangers for the same person {t} as often among {x} as among {y}.",
        "{s} takes strangers for the same person in {a} of comparisons among {x}, in {b} among {y}.",
    ),
    "fnmr": (
        "{s} fails to recognise {x} {t} as often as {y}.",
        "{s} fails to recognise {x} in {a} of comparisons, {y} in {b}.",
    ),
    "fte": (
        "{s} finds no face {t} as often for {x} as for {y}.",
        "{s} finds no face in {a} of attempts for {x}, in {b} for {y}.",
    ),
    "error": (
        "{s} is wrong about {x} {t} as often as about {y}.",
        "{s} is wrong about {a} of {x} and {b} of {y}.",
    ),
    "tpr": ("", "Where “{c}” is true, {s} says so for {a} of {x} and {b} of {y}."),
    "fpr": (
        "{s} wrongly says “{c}” of {x} {t} as often as of {y}.",
        "{s} wrongly says “{c}” of {a} of {x} and {b} of {y}.",
    ),
    "ppv": ("", "Where {s} says “{c}”, it is right for {a} of {x} and {b} of {y}."),
}
"""By measure: a sentence with a ratio, and one with two rates."""
_FORMS_OUTCOME = {
    "fte": (
        "{s} gives no answer {t} as often for {x} as for {y}.",
        "{s} gives no answer for {a} of {x} and {b} of {y}.",
    )
}
_FORMS_PAD = {
    "bpcer": (
        "{s} calls bona fide presentations attacks {t} as often for {x} as for {y}.",
        "{s} calls {a} of bona fide presentations attacks for {x}, {b} for {y}.",
    ),
    "apcer": (
        "{s} accepts attacks by {c} {t} as often for {x} as for {y}.",
        "{s} accepts {a} of attacks by {c} for {x}, {b} for {y}.",
    ),
    "bpnrr": (
        "{s} does not respond to bona fide presentations {t} as often for {x} as for {y}.",
        "{s} does not respond to {a} of bona fide presentations for {x}, {b} for {y}.",
    ),
    "apnrr": (
        "{s} does not respond to attacks by {c} {t} as often for {x} as for {y}.",
        "{s} does not respond to {a} of attacks by {c} for {x}, {b} for {y}.",
    ),
}
_FORMS_RISK = {
    "fpr": (
        "{s} wrongly calls {x} high risk {t} as often as {y}.",
        "{s} wrongly calls {a} of {x} and {b} of {y} high risk.",
    ),
    "fnr": (
        "{s} wrongly calls {x} low risk {t} as often as {y}.",
        "{s} wrongly calls {a} of {x} and {b} of {y} low risk.",
    ),
    "ppv": ("", "Where {s} says high risk, it is right for {a} of {x} and {b} of {y}."),
    "npv": ("", "Where {s} says low risk, it is right for {a} of {x} and {b} of {y}."),
    "selection": ("{s} calls {x} high risk {t} as often as {y}.", "{s} calls {a} of {x} and {b} of {y} high risk."),
    "calibration": ("At equal scores of {s}, the outcome is {t} as frequent among {x} as among {y}.", ""),
}


def things(task: str, measure: str) -> str:
    """What a measure counts, in the plural: "false matches"."""
    if task == "risk":
        return _THINGS_RISK[measure]
    return "missing answers" if task == "classification" and measure == "fte" else _THINGS[measure]


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is worse off and who is better off in one comparison, as sentences name them, and their rates.

    ratio: worse over better rate for measures of errors, > 1; None where it is unbounded. bounds: of it.
    """

    worse: tuple[str, str]
    better: tuple[str, str]
    rate: Share | None
    against: Share | None
    ratio: float | None
    bounds: Bounds

    @property
    def points(self) -> tuple[float, Bounds] | None:
        """How many points apart the two rates are, 0..100, with the interval of that at 95 %."""
        if self.rate is None or self.against is None:
            return None
        apart = RateDifference(rate_of(self.rate), rate_of(self.against))
        interval = apart.at(self.bounds.level)
        ends = sorted((100 * interval.low, 100 * interval.high))
        if apart.estimate < 0:
            ends = [-ends[1], -ends[0]]
        return 100 * abs(apart.estimate), Bounds(ends[0], ends[1], self.bounds.level)


def sides_of(judged: Judged, names: Names) -> Sides:
    """The two sides of a comparison."""
    group = names.people(judged.factor, judged.group)
    if judged.reference == "others":
        rest = (names.rest, names.rest)
        but = names.others_than(judged.factor, judged.group)
    else:
        rest = but = names.people(judged.factor, judged.reference)
    if judged.rate is not None and judged.against is not None:
        higher = (judged.rate.estimate or 0.0) >= (judged.against.estimate or 0.0)
    else:
        higher = judged.ratio is None or judged.ratio >= 1
    group_is_worse = higher != (judged.measure in LOW_IS_BAD)
    ratio, bounds = (judged.ratio, judged.bounds) if higher else _inverted(judged)
    if group_is_worse:
        return Sides(group, rest, judged.rate, judged.against, ratio, bounds)
    return Sides(but, group, judged.against, judged.rate, ratio, bounds)


def _inverted(judged: Judged) -> tuple[float | None, Bounds]:
    low, high = judged.bounds.low, judged.bounds.high
    return (
        1 / judged.ratio if judged.ratio else None,
        Bounds(1 / high if high else None, 1 / low if low else None, judged.bounds.level),
    )


def size(judged: Judged) -> float:
    """How large a difference is, whichever way: |ln ratio|; a rate without an error is taken as half an error."""
    if judged.ratio:
        return abs(math.log(judged.ratio))
    rates = [share for share in (judged.rate, judged.against) if share is not None and share.trials]
    if len(rates) == 2:
        one, other = (max(share.errors or 0, 0.5) / (share.trials or 1) for share in rates)
        return abs(math.log(one / other))
    low, high = judged.bounds.low, judged.bounds.high
    return max(math.log(low) if low else 0.0, -math.log(high) if high else 0.0)


def sentence(plan: Plan, judged: Judged) -> str:
    """The difference in at most `MOST_WORDS` words. What is longer than that loses the system's name first."""
    sides = sides_of(judged, Names.of(plan))
    own = {"risk": _FORMS_RISK, "classification": _FORMS_OUTCOME, "pad": _FORMS_PAD}.get(plan.task, {})
    by_ratio, by_rates = own.get(judged.measure) or _FORMS[judged.measure]
    use_rates = sides.rate is not None and (not by_ratio or sides.ratio is None or sides.ratio < SMALL_RATIO)
    form = by_rates if use_rates else by_ratio
    if judged.verdict == "difference shown, within the declared margin":
        form = f"{form[:-1]}: within the declared margin."
    parts = {
        "t": times(sides.ratio, sides.bounds),
        "a": _rate(sides.rate),
        "b": _rate(sides.against),
    }
    alike = _shared_words(sides.worse[1], sides.better[1])
    cut = [(_cut(sides.worse[1], most, alike), _cut(sides.better[1], most, alike), most) for most in (4, 3, 2, 1)]
    text = ""
    name = "the system" if plan.system.name == NOT_STATED else plan.system.name
    lengths = ((0, 0), (1, 0), (0, 1), (1, 1)) if judged.reference == "others" else ((0, 0), (1, 1))
    for system, worse, better, most in (
        *((system, sides.worse[a], sides.better[b], 99) for system in (name, "the system") for a, b in lengths),
        *(("the system", *one) for one in cut),
    ):
        text = form.format(s=system, x=worse, y=better, c=_cut(judged.of_class, most), **parts)
        if len(text.split()) <= MOST_WORDS:
            break
    return _started(text)


def _started(text: str) -> str:
    return text[0].upper() + text[1:] if text.startswith("the system") else text


def _rate(share: Share | None) -> str:
    if share is None:
        return ""
    if one_sided(share):  # the numbers beside the sentence give the bound
        return "all" if share.errors else "none"
    return percent(share.estimate)


def _shared_words(one: str, other: str) -> int:
    """How many words two names begin with alike."""
    pairs = zip(one.split(), other.split(), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), 0)


def _cut(words: str, most: int, alike: int = 0) -> str:
    """The first `most` words of a name, or those up to where it differs from another that begins alike."""
    parts = words.split()
    begins = max(0, min(alike + 1, len(parts)) - most)
    window = parts[begins : begins + most]
    if window == parts:
        return words
    return f"{'…' if begins else ''}{' '.join(window)}{'…' if begins + most < len(parts) else ''}"
