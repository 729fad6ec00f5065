"""Verdicts on a page: grouped by question, the strongest difference first, in columns that say what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from countenance.audit.findings.headline import SHOWN
from countenance.audit.findings.sentences import size
from countenance.audit.findings.words import between, one_sided, percent, seen, times
from countenance.audit.formats.plan import BY_SPECIES, NEAR_ONE
from countenance.audit.formats.results import VERDICTS, Judged
from countenance.audit.formats.shares import Bounds, Share
from countenance.audit.report.figures import Grid

SIGNS = dict(zip(VERDICTS, ("▲", "△", "≈", "?"), strict=True))
MOST_ROWS = 12
"""Of longer tables only the rows that show something stand open."""
_ASKED = {
    "fmr": "Who is taken for somebody else?",
    "fnmr": "Who is not recognised?",
    "fte": "For whom is no face found?",
    "error": "Who is classified wrongly?",
    "tpr": "Who is recognised as “{c}”?",
    "fpr": "Who is wrongly called “{c}”?",
    "ppv": "For whom is “{c}” right when it is said?",
    "bpcer": "Whose bona fide presentations are called attacks?",
    "apcer": "For whom are attacks by {c} accepted?",
    "bpnrr": "Whose bona fide presentations get no response?",
    "apnrr": "For whom do attacks by {c} get no response?",
}
_ASKED_RISK = {
    "fpr": "Who is wrongly called high risk?",
    "fnr": "Who is wrongly called low risk?",
    "ppv": "For whom is “high risk” right?",
    "npv": "For whom is “low risk” right?",
    "selection": "Who is called high risk?",
    "calibration": "Does one score stand for the same in every group?",
}
HEADS = (
    "group", "against", "verdict", "its rate", "the other rate", "how many times", "95 % interval",
    "with this many {counted}, differences not seen", "corrected p",
)  # fmt: skip
_UNSEEN = 7


def _heads(counted: str) -> tuple[str, ...]:
    return tuple(head.format(counted=counted) for head in HEADS)


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of the page. all_rows: the whole table where `grid` leaves out what shows nothing, else None."""

    heading: str
    summary: str
    declared: bool
    grid: Grid
    all_rows: Grid | None


def question_words(task: str, measure: str, factor: str, of_class: str) -> str:
    """A question as a heading: "Who is not recognised? By race"."""
    asked = _ASKED_RISK[measure] if task == "risk" else _ASKED[measure]
    asked = asked.replace(" by {c}", f" by {of_class}" if of_class else "").format(c=of_class)
    if task == "classification" and measure == "fte":
        asked = "Who gets no answer?"
    return f"{asked} By {factor}"


def answered(task: str, judged: Sequence[Judged], counted: str = "people") -> tuple[Answered, ...]:
    """Verdicts by question: those that the plan declares first, then those that show most.

    counted: what is in a group, see `Plan.counted`.
    """
    by_key: dict[tuple[bool, str, str, str], list[Judged]] = {}
    for one in judged:
        of_class = "" if one.measure in BY_SPECIES else one.of_class  # species share a table
        by_key.setdefault((not one.declared, one.measure, one.factor, of_class), []).append(one)

    def strength(item: tuple[tuple[bool, str, str, str], list[Judged]]) -> tuple[bool, bool, float]:
        shown = [j for j in item[1] if j.verdict in SHOWN]
        return item[0][0], not shown, -max(map(size, shown), default=0.0)

    return tuple(_answered(task, key, family, counted) for key, family in sorted(by_key.items(), key=strength))


def _answered(task: str, key: tuple[bool, str, str, str], family: Sequence[Judged], counted: str) -> Answered:
    other, measure, factor, of_class = key
    counts = [(v, sum(j.verdict == v for j in family)) for v in VERDICTS]
    summary = "; ".join(f"{v}: {n} of {len(family)}" for v, n in counts if n)
    ordered = sorted(family, key=lambda j: (VERDICTS.index(j.verdict), -size(j)))
    telling = [j for j in ordered if j.verdict != "insufficient evidence"]
    whole = _grid(ordered, counted)
    cut = len(ordered) > MOST_ROWS and len(telling) < len(ordered)
    return Answered(
        question_words(task, measure, factor, of_class),
        f"{summary[0].upper()}{summary[1:]}.",
        not other,
        _grid(telling, counted) if cut else whole,
        whole if cut else None,
    )


def _grid(judged: Sequence[Judged], counted: str) -> Grid:
    heads = _heads(counted)
    if any(j.measure in BY_SPECIES for j in judged):
        return Grid(("attacks by", *heads), tuple((j.of_class, *_row(j)) for j in judged))
    return Grid(heads, tuple(_row(j) for j in judged))


def _row(j: Judged) -> tuple[str, ...]:
    """A row; of two groups the one with the higher rate first, so that "times" is above 1."""
    if j.reference != "others" and j.ratio is not None and j.ratio < 1:
        bounds = Bounds(1 / j.bounds.high if j.bounds.high else None, 1 / j.bounds.low if j.bounds.low else None, 0.95)
        ratio = 1 / j.ratio if j.ratio else None
        j = replace(j, group=j.reference, reference=j.group, rate=j.against, against=j.rate, ratio=ratio, bounds=bounds)
    return (
        j.group,
        "all others" if j.reference == "others" else j.reference,
        f"{SIGNS[j.verdict]} {j.verdict}{'' if j.planned or not j.declared else ' (exploratory)'}",
        _rate(j.rate),
        _rate(j.against),
        times(j.ratio, j.bounds),
        between(j.bounds),
        unseen(j),
        f"{j.p_corrected:.2g}",
    )


def unseen(j: Judged) -> str:
    """The differences that so many people would not have shown: "under 2.6 times"; "any", where no error was seen."""
    if j.measure in NEAR_ONE and j.sees_difference is not None:
        return f"under {100 * j.sees_difference:.1f} points"
    if j.sees_ratio is not None:
        return f"under {times(j.sees_ratio)}"
    if j.rate is None and j.margin_kind == "ratio" and j.shows_margin is not None and not j.of_class:
        return ""
    return "any" if j.verdict == "insufficient evidence" else ""


def _rate(share: Share | None) -> str:
    if share is None or not share.known:
        return ""
    return seen(share) if one_sided(share) else percent(share.estimate)


def card_grid(judged: Sequence[Judged], task: str, counted: str = "people") -> Grid:
    """The declared verdicts in one table, for a page with little room: those that show something, strongest first."""
    shown = [j for j in judged if j.declared and (len(judged) <= MOST_ROWS or j.verdict != "insufficient evidence")]
    ordered = sorted(shown, key=lambda j: (VERDICTS.index(j.verdict), -size(j)))
    heads = ("question", *HEADS[:3], "how many times", "95 % interval", _heads(counted)[_UNSEEN])
    rows = tuple(
        (question_words(task, j.measure, j.factor, j.of_class), *_row(j)[:3], *_row(j)[5 : _UNSEEN + 1])
        for j in ordered
    )
    return Grid(heads, rows)
