"""Several systems side by side, and each before and after (Gender Shades 2018, Actionable Auditing 2019).

Everything comes from signed bundles: systems are compared in the last audit of each, rate by rate, and every audit of a
system with the one before it. Where audits are about the same people, tests are paired (see `differences`). What the
plans declare between systems is one family, every other comparison between systems a second one, and all changes in
time a third; each is corrected by Holm's method, and no other difference or change is called shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Annotated

from countenance.audit.bundle import Bundle
from countenance.audit.findings.conclusions import concluded_anew
from countenance.audit.findings.differences import Change, corrected, rates_of, raw_changes
from countenance.audit.findings.headline import UNKNOWN, by_strength, numbers_of, rate_words, sentence, size
from countenance.audit.findings.words import Names, between, count, listed, percent, times
from countenance.audit.formats.codec import to_json
from countenance.audit.formats.plan import BY_SPECIES, SOURCES, BetweenSystems, Plan, Together, day_of
from countenance.audit.formats.results import Numbers, Share
from countenance.errors import BadRequest

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class SystemRate:
    """One rate of one audit; the names are those of counts.csv."""

    analysis: str
    measure: str
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class SystemAudit:
    """One audit of a system."""

    version: str
    answered: Annotated[str, "day the system's answers were given, or, where no plan says it, when the audit ran"]
    title: str
    preregistered: bool
    bundle: str
    signer: str
    rates: tuple[SystemRate, ...]


@dataclass(frozen=True, slots=True)
class SystemAudits:
    """All audits of one system, the first one first."""

    name: str
    audits: tuple[SystemAudit, ...]


@dataclass(frozen=True, slots=True)
class SystemDifference:
    """One rate of two systems. found.before: of the first, found.after: of the second, found.ratio: second over first.

    shown: whether a difference is, after correction; found.verdict then says how the second does.
    """

    first: str
    second: str
    found: Change
    shown: bool
    declared: bool


@dataclass(frozen=True, slots=True)
class SystemChange:
    """One rate of a system in two audits that follow each other. since, until: days of the answers."""

    system: str
    since: str
    until: str
    found: Change


@dataclass(frozen=True, slots=True)
class SystemsComparison:
    """Several systems, or several audits of some, side by side."""

    task: str
    headline: str
    numbers: Numbers
    about: Annotated[str, "what the headline is about, as 'measure by analysis'; empty where nothing is shown"]
    systems: tuple[SystemAudits, ...]
    between: tuple[SystemDifference, ...]
    changes: tuple[SystemChange, ...]
    asked: Annotated[tuple[str, ...], "what the plans declare something about, as 'measure by analysis'"]
    said: Annotated[tuple[str, ...], "what changed, one sentence for each system, rate and pair of audits"]
    said_too: Annotated[tuple[str, ...], "the same about what no plan declares"]
    notes: Annotated[tuple[str, ...], "what speaks against comparing them"]


def compare_systems(bundles: Sequence[Bundle], alpha: float = 0.05) -> SystemsComparison:
    """Compare systems and their audits in time. A system is known by its name.

    alpha: chance of a false alarm in each family. BadRequest: fewer than two bundles, one with problems, one that comes
    twice, or bundles of different tasks.
    """
    if len(bundles) < 2:
        raise BadRequest("systems side by side take two bundles or more")
    for bundle in bundles:
        if bundle.problems:
            raise BadRequest(f"the bundle of {bundle.plan.system.name} is not what was signed: {bundle.problems[0]}")
        if bundle.results.task != bundles[0].results.task:
            raise BadRequest(f"a {bundles[0].results.task} audit and a {bundle.results.task} audit cannot be compared")
    if len({bundle.hash for bundle in bundles}) < len(bundles):
        raise BadRequest("a bundle is named twice")
    series = _series(bundles)
    last = {name: audits[-1] for name, audits in series.items()}
    differences = _between(last, alpha)
    changes = _changes(series, alpha)
    names = names_of(bundles)
    headline, numbers, about = _strongest(last, differences, names)
    asked = _declared_about(last)
    lines = list(_said(changes, names))
    return SystemsComparison(
        task=bundles[0].results.task,
        headline=headline,
        numbers=numbers,
        about=about,
        systems=tuple(SystemAudits(name, tuple(_audit(one) for one in audits)) for name, audits in series.items()),
        between=differences,
        changes=changes,
        asked=asked,
        said=tuple(line for key, line in lines if asked_about(asked, key) or not asked),
        said_too=tuple(line for key, line in lines if asked and not asked_about(asked, key)),
        notes=tuple(_notes(series, last)),
    )


def names_of(bundles: Sequence[Bundle]) -> Names:
    """What groups are called in all of `bundles`: people are people only where every plan knows who they are."""
    unnamed = (bundle.plan for bundle in bundles if bundle.plan.counted != "people")
    return Names.of(next(unnamed, bundles[0].plan))


def answered(bundle: Bundle) -> str:
    """The day on which a system gave the answers that a bundle counts, as far as anybody says."""
    return bundle.plan.system.answered or bundle.results.finished[:10]


def _series(bundles: Sequence[Bundle]) -> dict[str, tuple[Bundle, ...]]:
    """The audits of each system in the order of their days; systems as the plan that names most of them has them."""
    together = [bundle.plan.together.systems for bundle in bundles if bundle.plan.together is not None]
    there = [bundle.plan.system.name for bundle in bundles]
    names = dict.fromkeys(name for name in (*max(together, key=len, default=()), *there) if name in there)
    own = {name: [bundle for bundle in bundles if bundle.plan.system.name == name] for name in names}
    return {name: tuple(sorted(audits, key=lambda audit: day_of(answered(audit)))) for name, audits in own.items()}


def _audit(bundle: Bundle) -> SystemAudit:
    return SystemAudit(
        bundle.plan.system.version,
        answered(bundle),
        bundle.results.title,
        bundle.results.preregistered,
        bundle.hash,
        bundle.signer,
        tuple(SystemRate(*cell, share) for cell, share in rates_of(bundle.results).items()),
    )


def _between(last: dict[str, Bundle], alpha: float) -> tuple[SystemDifference, ...]:
    """Every rate of every pair of systems: the declared family, then the others."""
    together = _together(list(last.values()))
    families: dict[bool, list[tuple[str, str, Change]]] = {True: [], False: []}
    for (first, one), (second, other) in combinations(last.items(), 2):
        for change in _asked(one.plan, raw_changes(one.results, other.results, 1 - alpha)):
            declared = together is not None and _declared(together, one.plan, first, second, change)
            if declared or _seen(change):
                families[declared].append((first, second, change))
    changes = []
    for declared, family in families.items():
        judged = corrected([change for _, _, change in family], alpha)
        for (first, second, _), change in zip(family, judged, strict=True):
            changes.append(SystemDifference(first, second, change, change.verdict in ("better", "worse"), declared))
    return tuple(changes)


def _asked(plan: Plan, changes: Sequence[Change]) -> Iterator[Change]:
    """The changes without rates of classes that the plan does not ask about, and without what is no rate of errors."""
    positive = None if plan.outcomes is None else plan.outcomes.positive
    for change in changes:
        kind, of_what = kind_of(change.measure)
        if change.measure != "prevalence" and (not of_what or kind in BY_SPECIES or of_what == positive):
            yield change


def _seen(change: Change) -> bool:
    """Whether there is anything to test: of two rates without an error no test could ever show a difference."""
    return not (change.before.errors == 0 and change.after.errors == 0)


def _together(bundles: Sequence[Bundle]) -> Together | None:
    """What the plans of the bundles declare between their systems; None unless they are alike and name them all."""
    first = bundles[0].plan.together
    if first is None or any(bundle.plan.together != first for bundle in bundles):
        return None
    named = {bundle.plan.system.name for bundle in bundles}
    return first if len(bundles) > 1 and named == set(first.systems) else None


def _declared(together: Together, plan: Plan, first: str, second: str, change: Change) -> bool:
    return any(
        change.analysis == one.factor
        and _row_name(plan, one.measure) in (change.measure, kind_of(change.measure)[0])
        and (not one.reference or one.reference in (first, second))
        for one in together.between
    )


def _row_name(plan: Plan, measure: str) -> str:
    """What counts.csv calls a measure."""
    if measure == "fte":
        return "no answer" if plan.task == "classification" else "failures"
    if plan.outcomes is not None and measure in ("tpr", "fpr", "ppv"):
        return f"{measure} of {plan.outcomes.positive}"
    return "selected" if measure == "selection" else measure


def _changes(series: dict[str, tuple[Bundle, ...]], alpha: float) -> tuple[SystemChange, ...]:
    """Every rate of every system in audits that follow each other: one family."""
    changes = [
        (name, answered(old), answered(new), change)
        for name, audits in series.items()
        for old, new in pairwise(audits)
        for change in _asked(new.plan, raw_changes(old.results, new.results, 1 - alpha))
        if _seen(change)
    ]
    judged = corrected([change for *_, change in changes], alpha)
    return tuple(
        SystemChange(name, since, until, change)
        for (name, since, until, _), change in zip(changes, judged, strict=True)
    )


_LESS = {
    "error": "wrong answers",
    "no answer": "missing answers",
    "fmr": "false matches",
    "fnmr": "misses",
    "failures": "failures to find a face",
    "fpr": "false positives",
    "fnr": "false negatives",
    "bpcer": "bona fide presentations called attacks",
    "bpnrr": "bona fide presentations without a response",
    "apcer": "accepted attacks by {c}",
    "apnrr": "attacks by {c} without a response",
}


def kind_of(measure: str) -> tuple[str, str]:
    """A rate's name in counts.csv without what it is of, and what that is: "apcer" and "print"; "error" and ""."""
    kind, _, of_what = measure.partition(" of ")
    return kind, of_what


def main_measure(measure: str) -> bool:
    """Whether a measure has pictures and sentences of its own; the others are in tables."""
    return kind_of(measure)[0] in _LESS and (kind_of(measure)[0] in BY_SPECIES or not kind_of(measure)[1])


def _less(measure: str) -> str:
    kind, species = kind_of(measure)
    return _LESS[kind].format(c=species)


def _said(changes: Sequence[SystemChange], names: Names) -> Iterator[tuple[str, str]]:
    """Sentences on changes, each under its "measure by analysis". What is not shown is not called the same either."""
    keys = dict.fromkeys((c.system, c.since, c.until, c.found.measure, c.found.analysis) for c in changes)
    for system, since, until, measure, analysis in keys:
        own = [
            c.found
            for c in changes
            if (c.system, c.since, c.until, c.found.measure, c.found.analysis)
            == (system, since, until, measure, analysis)
        ]
        if not main_measure(measure) or not any(c.before.errors or c.after.errors for c in own):
            continue
        parts = []
        for verdict, words in (("better", "fewer are shown"), ("worse", "more are shown")):
            shown = [
                f"{_group(names, c.group)} ({percent(c.before.estimate)} → {percent(c.after.estimate)})"
                for c in own
                if c.verdict == verdict
            ]
            if shown:
                parts.append(f"{words} for {listed(shown)}")
        rest = [_group(names, c.group) for c in own if c.verdict == "no change shown"]
        if rest:
            parts.append(f"no change is shown for {listed(rest)}")
        where = f" by {names.factor(analysis)}" if analysis else ""
        if parts:
            line = f"{system}, {since} to {until}, {_less(measure)}{where}: {'; '.join(parts)}."
            yield f"{measure} by {analysis}", line


def _declared_about(last: dict[str, Bundle]) -> tuple[str, ...]:
    """What the plans declare something about, within systems or between them; not the usual questions."""
    keys: dict[str, None] = {}
    for bundle in last.values():
        plan = bundle.plan
        between = () if plan.together is None else plan.together.between
        within = () if plan.usual_hypotheses else plan.hypotheses
        for one in (*between, *(BetweenSystems(h.measure, h.factor) for h in within)):
            keys[f"{_row_name(plan, one.measure)} by {one.factor}"] = None
    return tuple(keys)


def asked_about(asked: Sequence[str], key: str) -> bool:
    """Whether the plans declare something about a rate, "measure by analysis"; of attacks they mean every species."""
    measure, _, analysis = key.rpartition(" by ")
    return key in asked or f"{kind_of(measure)[0]} by {analysis}" in asked


def _group(names: Names, group: str) -> str:
    return names.everybody if group == EVERYBODY else names.group(group)


_FORMS = {
    "error": ("is wrong about {x} {t} as often as {o}", "is wrong about {a} of {x}, {o} about {b}"),
    "no answer": ("gives no answer {t} as often as {o} for {x}", "gives no answer for {a} of {x}, {o} for {b}"),
    "fmr": (
        "takes strangers for the same person {t} as often as {o} among {x}",
        "takes strangers for the same person in {a} of comparisons among {x}, {o} in {b}",
    ),
    "fnmr": (
        "fails to recognise {x} {t} as often as {o}",
        "fails to recognise {x} in {a} of comparisons, {o} in {b}",
    ),
    "failures": ("finds no face {t} as often as {o} for {x}", "finds no face in {a} of attempts for {x}, {o} in {b}"),
    "fpr": ("has false positives {t} as often as {o} among {x}", "has {a} false positives among {x}, {o} {b}"),
    "fnr": ("has false negatives {t} as often as {o} among {x}", "has {a} false negatives among {x}, {o} {b}"),
    "bpcer": (
        "calls bona fide presentations attacks {t} as often as {o} for {x}",
        "calls {a} of bona fide presentations attacks for {x}, {o} {b}",
    ),
    "bpnrr": (
        "does not respond to bona fide presentations {t} as often as {o} for {x}",
        "does not respond to {a} of bona fide presentations for {x}, {o} to {b}",
    ),
    "apcer": (
        "accepts attacks by {c} {t} as often as {o} for {x}",
        "accepts {a} of attacks by {c} for {x}, {o} {b}",
    ),
    "apnrr": (
        "does not respond to attacks by {c} {t} as often as {o} for {x}",
        "does not respond to {a} of attacks by {c} for {x}, {o} to {b}",
    ),
}
"""After the worse system's name: with a ratio, and with two rates, where the other has no error."""


def _strongest(
    last: dict[str, Bundle], differences: Sequence[SystemDifference], names: Names
) -> tuple[str, Numbers, str]:
    """The strongest difference that is shown, within a system or between two of them.

    Within systems a difference must hold after correction for the number of systems, too: each had a family of its own.
    """
    candidates: list[tuple[tuple[bool, bool, float], str, Numbers, str]] = []
    for bundle in last.values():
        again = concluded_anew(bundle.plan, bundle.results)
        for one in by_strength(bundle.plan, again.judged):
            if one.p_corrected * len(last) <= bundle.plan.alpha:
                rank = (one.verdict == "difference shown", one.declared, size(one))
                row = _row_name(bundle.plan, one.measure)
                about = f"{row} of {one.of_class}" if one.measure in BY_SPECIES else row
                told_of = f"{about} by {one.factor}"
                candidates.append((rank, sentence(bundle.plan, one), numbers_of(bundle.plan, one), told_of))
                break
    for difference in differences:
        if difference.shown and main_measure(difference.found.measure):
            rank = (True, difference.declared, _size(difference.found))
            about = f"{difference.found.measure} by {difference.found.analysis}"
            candidates.append((rank, *_between_words(difference, names), about))
    if not candidates:
        return "No difference is shown between groups of any system, or between systems.", UNKNOWN, ""
    return max(candidates, key=lambda one: one[0])[1:]


def _size(change: Change) -> float:
    """|ln ratio|; a rate without an error is taken as half an error."""
    one, other = (max(share.errors or 0, 0.5) / (share.trials or 1) for share in (change.before, change.after))
    return abs(math.log(one / other))


def _between_words(difference: SystemDifference, names: Names) -> tuple[str, Numbers]:
    change = difference.found
    sides = [(difference.first, change.before), (difference.second, change.after)]
    sides.sort(key=lambda side: side[1].estimate or 0.0, reverse=True)
    (worse, rate), (better, against) = sides
    ratio, ends = change.ratio, change.bounds
    if rate is change.before:
        ratio = 1 / ratio if ratio else None
        ends = replace(ends, low=1 / ends.high if ends.high else None, high=1 / ends.low if ends.low else None)
    people = names.everybody if change.group == EVERYBODY else names.people(change.analysis, change.group)[0]
    kind, species = kind_of(change.measure)
    by_ratio, by_rates = _FORMS[kind]
    words = {"c": species, "x": people, "o": better, "t": times(ratio, ends), "a": percent(rate.estimate)}
    b = percent(against.estimate) if against.errors else "none"
    text = f"{worse} {(by_rates if ratio is None else by_ratio).format(b=b, **words)}."
    of_thousand = [
        f"about {count(1000 * (share.estimate or 0.0))}"
        if share.errors
        else f"at most {count(1000 * (share.high or 0))}"
        for share in (rate, against)
    ]
    return text, Numbers(
        f"{rate_words(rate)} for {people}, by {worse}",
        f"{times(ratio, ends)} as often as {better} (95 % interval {between(ends)})",
        f"of 1,000 for {people}, {of_thousand[0]} {_less(change.measure)} by {worse}, {of_thousand[1]} by {better}",
    )


_OWN = ("system", "title", "inputs", "created", "data_seen", "together", "hypotheses", "usual_hypotheses", "limits",
        "conditions", "population", "question", "format", *SOURCES)  # fmt: skip
"""Fields in which plans may differ without their rates meaning something else."""


def _notes(series: dict[str, tuple[Bundle, ...]], last: dict[str, Bundle]) -> Iterator[str]:
    bundles = [bundle for audits in series.values() for bundle in audits]
    plans = [to_json(bundle.plan, whole=True) for bundle in bundles]
    differ = [name for name in plans[0] if name not in _OWN and any(plan[name] != plans[0][name] for plan in plans)]
    if differ:
        yield f"The plans differ in {listed(differ)}: a difference may be the plan's, not the system's."
    if len(last) > 1 and _together(list(last.values())) is None:
        yield "No common plan declares what is compared between systems: those comparisons are exploratory."
    days = {answered(bundle) for bundle in last.values()}
    if len(days) > 1:
        yield f"The last audits are not of one time: answers were given between {min(days)} and {max(days)}."
    exploratory = dict.fromkeys(b.plan.system.name for b in bundles if not b.results.preregistered)
    if exploratory:
        yield f"Exploratory, not preregistered: {listed(list(exploratory), 12)}."
    if len({bundle.signer for bundle in bundles}) > 1:
        yield "The bundles were signed with different keys."
    once = [name for name, audits in series.items() if len(audits) == 1]
    if len(once) < len(series) and once:
        yield f"Audited once, so that nothing is said about changes: {listed(once, 12)}."
    if any(len(audits) > 1 for audits in series.values()):
        yield "Where no change is shown there may still be one: it is neither proved nor excluded."
