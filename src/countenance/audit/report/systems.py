"""Systems side by side as one page: a panel for each on the same axis, tables, tests, and what changed in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from countenance.audit.bundle import Bundle
from countenance.audit.findings.systems import (
    EVERYBODY,
    SystemAudit,
    SystemChange,
    SystemDifference,
    SystemsComparison,
    asked_about,
    kind_of,
    main_measure,
    names_of,
)
from countenance.audit.findings.words import Names, between, interval, of, percent, times
from countenance.audit.formats.plan import day_of
from countenance.audit.formats.results import Share
from countenance.audit.report.figures import Grid, LinearAxis, forest, rate_axis, rate_label
from countenance.audit.report.page import render
from countenance.audit.report.questions import embedded
from countenance.drawing.svg import BLACK, INK, LINES, PALE, line, mark, picture, text

_TITLES = {
    "error": ("Wrongly classified", "Share of rows whose predicted class is not the true one; no answer is an error."),
    "no answer": ("No answer", "Share of rows for which the classifier said nothing."),
    "fmr": ("Falsely matched with others of their group", "Share of comparisons of two different people of one group "
            "that are accepted as the same person."),
    "fnmr": ("Not recognised as themselves", "Share of comparisons of two pictures of one person that are rejected."),
    "failures": ("No face found", "Share of images (or comparisons) that gave no template or score."),
    "fpr": ("Called high, and it did not happen (FPR)", "Share called high among those without the outcome."),
    "bpcer": ("Bona fide presentations called attacks (BPCER)", "Of those that got a response."),
    "bpnrr": ("Bona fide presentations without a response (BPNRR)", "Of all of them."),
    "apcer": ("Attacks by {c} accepted (APCER)", "Of those that got a response."),
    "apnrr": ("Attacks by {c} without a response (APNRR)", "Of all of them."),
    "fnr": ("Called low, and it happened (FNR)", "Share called low among those with the outcome."),
}  # fmt: skip
HEIGHT = 190
"""Of the box of a time line, px."""


@dataclass(frozen=True, slots=True)
class Panels:
    """Pictures of the same kind beside each other, under the names of their systems, and their table twin.

    first: whether this is the one that is asked about first; its table is open.
    """

    title: str
    panels: tuple[tuple[str, Markup], ...]
    note: str
    grid: Grid
    first: bool = False


def _title(measure: str) -> tuple[str, str]:
    kind, species = kind_of(measure)
    title, note = _TITLES[kind]
    return title.format(c=species), note


def systems_page(comparison: SystemsComparison, bundles: Sequence[Bundle]) -> str:
    """The comparison of systems that `compare_systems` made of `bundles`, as one HTML text that needs no network."""
    names = names_of(bundles)
    plans = dict.fromkeys(bundle.plan.groups.labelled_by for bundle in bundles)
    limits = dict.fromkeys(limit for bundle in bundles for limit in bundle.results.limits)
    findings = dict.fromkeys(line for bundle in bundles for line in bundle.results.findings)
    tests = [d for d in comparison.between if d.found.p is not None]
    return render(
        "systems.html.j2",
        title=_listed([s.name for s in comparison.systems]),
        found=comparison,
        questions=list(dict.fromkeys(bundle.plan.question for bundle in bundles)),
        pictures=[*_side_by_side(comparison, names)],
        shown=_tests([d for d in tests if d.declared and d.shown], names),
        open=_tests([d for d in tests if d.declared and not d.shown], names),
        others=_tests([d for d in tests if not d.declared], names),
        in_time=[*_in_time(comparison, names)],
        changes=_changes([c for c in comparison.changes if c.found.p is not None], names),
        labelled_by=list(plans),
        limits=list(limits),
        findings=list(findings),
        audits=_audits(comparison),
    )


def systems_embed(comparison: SystemsComparison, bundles: Sequence[Bundle]) -> str | None:
    """The headline with a panel for each system as one SVG; None where there is nothing to draw. As `embed_svg`."""
    drawn = next(_side_by_side(comparison, names_of(bundles)), None)
    if drawn is None or not drawn.panels:
        return None
    rates = "; ".join(f"{name}: {', '.join(row)}" for name, *row in drawn.grid.rows)
    audits = [(s.name, s.audits[-1]) for s in comparison.systems]
    status = "preregistered" if all(audit.preregistered for _, audit in audits) else "exploratory"
    titles = list(dict.fromkeys(audit.title for _, audit in audits))
    who = ", ".join(f"{name} ({audit.answered}; bundle {audit.bundle[:16]})" for name, audit in audits)
    return embedded(
        comparison.headline,
        f"{drawn.title}; {', '.join(drawn.grid.heads[1:])}: {rates}.",
        drawn.panels,
        f"{drawn.title}. {drawn.note}",
        f"Source: {', '.join(titles)}; {status}; {who}",
    )


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]}, audit by audit"
    return f"{', '.join(names[:-1])} and {names[-1]}, side by side"


def _rates(audit: SystemAudit) -> dict[tuple[str, str], dict[str, Share]]:
    """Shares by group, by measure and analysis, of the measures that have pictures."""
    rates: dict[tuple[str, str], dict[str, Share]] = {}
    for rate in audit.rates:
        if main_measure(rate.measure) and rate.analysis:
            rates.setdefault((rate.measure, rate.analysis), {})[rate.group] = rate.share
    return rates


def _everybody(audit: SystemAudit, measure: str) -> Share | None:
    return next((r.share for r in audit.rates if (r.analysis, r.measure) == ("", measure)), None)


def _side_by_side(comparison: SystemsComparison, names: Names) -> Iterator[Panels]:
    """For each rate and each way of grouping, a panel for each system, all on one axis with groups in one order."""
    last = {system.name: (system.audits[-1], _rates(system.audits[-1])) for system in comparison.systems}
    first = True
    for measure, analysis in _asked_first(comparison, [key for _, rates in last.values() for key in rates]):
        own = {name: rates[measure, analysis] for name, (_, rates) in last.items() if (measure, analysis) in rates}
        known = [share for shares in own.values() for share in shares.values() if share.known]
        if not any(share.errors for share in known):
            continue
        order = _worst_first(own)
        axis = rate_axis(known)
        panels = []
        for name, shares in own.items():
            lines = [(names.group(group), shares[group]) for group in order if group in shares]
            drawn = forest(f"{name}: {_title(measure)[0]}", lines, "", shared=axis)
            if drawn is not None and drawn.picture is not None:
                panels.append((name, drawn.picture))
        rows = [(names.group(group), *(_cell(shares.get(group)) for shares in own.values())) for group in order]
        rows.append((names.everybody, *(_cell(_everybody(last[name][0], measure)) for name in own)))
        title, note = _title(measure)
        bars = "Bars: 95 % intervals. All panels have the same axis; a ring is a rate without an error seen."
        grid = Grid(("group", *own), tuple(rows))
        yield Panels(f"{title}, by {names.factor(analysis)}", tuple(panels), f"{note} {bars}", grid, first)
        first = False


def _asked_first(comparison: SystemsComparison, keys: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Measures and analyses, each once: the headline's, then those that the plans declare something about."""
    measure, _, analysis = comparison.about.rpartition(" by ")

    def rank(key: tuple[str, str]) -> tuple[bool, bool]:
        of_lead = key[0] == measure and (key[1] == analysis or not analysis)
        return not of_lead, not asked_about(comparison.asked, f"{key[0]} by {key[1]}")

    return sorted(dict.fromkeys(keys), key=rank)


def _cell(share: Share | None) -> str:
    if share is None or not share.known:
        return "not in this audit" if share is None else share.reason
    return f"{percent(share.estimate)} ({of(share)}; {interval(share)})"


def _worst_first(own: Mapping[str, Mapping[str, Share]]) -> list[str]:
    """Groups by their rates on average over the systems, highest first."""
    groups = list(dict.fromkeys(group for shares in own.values() for group in shares))

    def average(group: str) -> float:
        rates = [s.estimate for shares in own.values() if (s := shares.get(group)) and s.estimate is not None]
        return sum(rates) / len(rates) if rates else -1.0

    return sorted(groups, key=average, reverse=True)


def _tests(differences: Sequence[SystemDifference], names: Names) -> Grid:
    """Tests between systems: those that are shown first, and the clearest of them."""
    heads = ("rate", "group", "systems", "rates", "ratio", "95 % interval", "corrected p", "verdict")
    shown = sorted(differences, key=lambda d: (not d.shown, d.found.p_corrected or 0.0))
    return Grid(
        heads,
        tuple(
            (
                _rate_name(d.found.measure, d.found.analysis, names),
                _group(names, d.found.group),
                f"{d.second} over {d.first}",
                f"{percent(d.found.after.estimate)} over {percent(d.found.before.estimate)}",
                times(d.found.ratio, d.found.bounds),
                between(d.found.bounds),
                f"{d.found.p_corrected:.2g}",
                f"{'difference shown' if d.shown else 'no difference shown'}{_how(d.found.paired)}",
            )
            for d in shown
        ),
    )


def _changes(changes: Sequence[SystemChange], names: Names) -> Grid:
    heads = ("system", "from, to", "rate", "group", "rates", "ratio", "95 % interval", "corrected p", "verdict")
    return Grid(
        heads,
        tuple(
            (
                c.system,
                f"{c.since}, {c.until}",
                _rate_name(c.found.measure, c.found.analysis, names),
                _group(names, c.found.group),
                f"{percent(c.found.before.estimate)} → {percent(c.found.after.estimate)}",
                times(c.found.ratio, c.found.bounds),
                between(c.found.bounds),
                f"{c.found.p_corrected:.2g}",
                c.found.verdict + _how(c.found.paired),
            )
            for c in changes
        ),
    )


def _rate_name(measure: str, analysis: str, names: Names) -> str:
    plain = measure in ("error", "no answer") or kind_of(measure)[0] in ("bpcer", "bpnrr", "apcer", "apnrr")
    words = _title(measure)[0] if plain else measure
    words = f"{words[0].lower()}{words[1:]}"
    return f"{words}, by {names.factor(analysis)}" if analysis else words


def _how(paired: bool) -> str:
    return " (paired)" if paired else ""


def _group(names: Names, group: str) -> str:
    return names.everybody if group == EVERYBODY else names.group(group)


def _in_time(comparison: SystemsComparison, names: Names) -> Iterator[Panels]:
    """For each rate and way of grouping, the time line of every system that was audited more than once."""
    series = {s.name: s.audits for s in comparison.systems if len(s.audits) > 1}
    rates = {name: [_rates(audit) for audit in audits] for name, audits in series.items()}
    for key in _asked_first(comparison, [key for own in rates.values() for one in own for key in one]):
        measure, analysis = key
        by_audit = {name: [one.get(key, {}) for one in own] for name, own in rates.items()}
        shares = [s for own in by_audit.values() for one in own for s in one.values() if s.known]
        if not any(share.errors for share in shares):
            continue
        order = _worst_first({f"{name} {at}": one for name, own in by_audit.items() for at, one in enumerate(own)})
        days = [_day(audit) for audits in series.values() for audit in audits]
        highest = max(share.high or 0.0 for share in shares)
        axes = LinearAxis(min(days), max(days)), LinearAxis(0.0, highest)
        panels, rows = [], []
        for name, audits in series.items():
            lines = {names.group(g): [one.get(g) for one in by_audit[name]] for g in order}
            panels.append((name, _time_line(name, audits, lines, *axes)))
            rows += [
                (name, audit.answered, group, _cell(share))
                for group, own_shares in lines.items()
                for audit, share in zip(audits, own_shares, strict=True)
                if share is not None
            ]
        note = (
            "Upright bars: 95 % intervals. A line joins two audits; whether a change is shown is said in words above."
        )
        heads = ("system", "answered", "group", "rate (errors of n; 95 % interval)")
        title = f"{_title(measure)[0]}, by {names.factor(analysis)}, audit by audit"
        yield Panels(title, tuple(panels), note, Grid(heads, tuple(rows)))


def _day(audit: SystemAudit) -> float:
    return float(day_of(audit.answered).toordinal())


def _time_line(
    name: str,
    audits: Sequence[SystemAudit],
    lines: Mapping[str, Sequence[Share | None]],
    across: LinearAxis,
    down: LinearAxis,
) -> Markup:
    left, top, width = 24.0, 12.0, 68.0
    places = [left + width * across.place(_day(audit)) for audit in audits]
    if len(set(places)) < len(places):  # audits of one day stand in their order
        places = [left + width * at / (len(audits) - 1) for at in range(len(audits))]
    parts = []
    for tick in down.ticks():
        y = top + HEIGHT * (1 - down.place(tick))
        parts += [
            line(left - 5, y, left + width + 6, y, PALE),
            text(left - 7, y + 4, rate_label(tick), "end", 11, "#555555"),
        ]
    parts.append(line(left - 5, top + HEIGHT, left + width + 6, top + HEIGHT, BLACK))
    for at, (x, audit) in enumerate(zip(places, audits, strict=True)):
        if at == 0 or x - places[at - 1] > 24:
            anchor = "start" if at == 0 else "end" if x > 85 else "middle"
            parts.append(text(x - (6 if at == 0 else 0), top + HEIGHT + 17, audit.answered, anchor, 11, "#555555"))
    shift = 1.3
    for nth, (group, shares) in enumerate(lines.items()):
        colour, dash = LINES[nth % len(LINES)]
        points = [
            (x + shift * (nth - (len(lines) - 1) / 2), s) for x, s in zip(places, shares, strict=True) if s and s.known
        ]
        height = [top + HEIGHT * (1 - down.place(s.estimate or 0.0)) for _, s in points]
        for at in range(1, len(points)):
            parts.append(line(points[at - 1][0], height[at - 1], points[at][0], height[at], colour, 2, dash))
        for (x, share), y in zip(points, height, strict=True):
            low, high = (top + HEIGHT * (1 - down.place(end or 0.0)) for end in (share.low, share.high))
            parts.append(line(x, low, x, high, colour, 1.5))
            parts.append(mark(x, y, "dot" if share.errors else "ring", colour, f"{group}: {percent(share.estimate)}"))
        y = top + HEIGHT + 42 + 20 * nth
        rates = " → ".join(percent(s.estimate) if s and s.known else "no rate" for s in shares)
        parts += [line(1, y - 4, 9, y - 4, colour, 3, dash), text(11, y, group, "start", 12, INK)]
        parts.append(text(99, y, rates, "end", 12, INK, halo=True))
    return picture(top + HEIGHT + 42 + 20 * len(lines), "".join(parts), f"{name}: rates by group, audit by audit")


def _audits(comparison: SystemsComparison) -> Grid:
    heads = ("system", "version", "answered", "status", "audit", "bundle", "signed with")
    return Grid(
        heads,
        tuple(
            (s.name, a.version, a.answered, "preregistered" if a.preregistered else "exploratory", a.title,
             f"{a.bundle[:16]}…", f"{a.signer[:16]}…")
            for s in comparison.systems
            for a in s.audits
        ),
    )  # fmt: skip
