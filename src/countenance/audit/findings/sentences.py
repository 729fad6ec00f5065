"""One sentence on one difference, of at most 25 words: who is worse off, in what, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

from countenance.audit.findings.questions import LOW_IS_BAD
from countenance.audit.findings.words import NOT_STATED, Names, one_sided, percent, times
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Bounds, Judged, Share, rate_of
from countenance.metrics import RateDifference

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
    cut = [(_cut(words[1], most), _cut(other[1], most), most) for most in (4, 3, 2, 1)
           for words, other in ((sides.worse, sides.better),)]  # fmt: skip
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


def _cut(words: str, most: int) -> str:
    parts = words.split()
    return words if len(parts) <= most else f"{' '.join(parts[:most])}…"
