"""How a question is shown: in words, as the picture of its rates, and as the table of its verdicts.

The question that the headline is about leads, and its picture can stand by itself on somebody else's page. Verdicts are
grouped by question, the strongest difference first, in columns that say what they mean.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from markupsafe import Markup

from countenance.audit.bundle import Bundle
from countenance.audit.findings.conclusions import concluded_anew
from countenance.audit.findings.headline import SHOWN, by_strength, leads_undeclared, size
from countenance.audit.findings.questions import LOW_IS_BAD, Question, questions_of
from countenance.audit.findings.words import Names, between, one_sided, percent, seen, system_words, times
from countenance.audit.formats.plan import BY_SPECIES, NEAR_ONE, Plan
from countenance.audit.formats.results import VERDICTS, Bounds, Data, Judged, Results, Share
from countenance.audit.report.decisions import calibration
from countenance.audit.report.figures import Figure, Grid, forest
from countenance.drawing.svg import element

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
    question = _ASKED_RISK[measure] if task == "risk" else _ASKED[measure]
    question = question.replace(" by {c}", f" by {of_class}" if of_class else "").format(c=of_class)
    if task == "classification" and measure == "fte":
        question = "Who gets no answer?"
    return f"{question} By {factor}"


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
    declared = [j for j in judged if j.declared and (len(judged) <= MOST_ROWS or j.verdict != "insufficient evidence")]
    ordered = sorted(declared, key=lambda j: (VERDICTS.index(j.verdict), -size(j)))
    heads = ("question", *HEADS[:3], "how many times", "95 % interval", _heads(counted)[_UNSEEN])
    rows = tuple(
        (question_words(task, j.measure, j.factor, j.of_class), *_row(j)[:3], *_row(j)[5 : _UNSEEN + 1])
        for j in ordered
    )
    return Grid(heads, rows)


WIDTH, WIDTH_BESIDE = 480, 640
"""Of one picture by itself and of pictures beside each other, in their own units; they grow and shrink as a whole."""
_HEADLINE, _SMALL = 13.6, 7.4
"""Width of a letter in the widest of the fonts, bold at 20 and at 12: digits and capitals are wide."""
_OF = {
    "fmr": "Share of comparisons of two different people of one group that are accepted as the same person.",
    "fnmr": "Share of comparisons of two pictures of one person that are rejected.",
    "fte": "Share of attempts that gave no template, score or answer.",
    "error": "Share of rows whose predicted class is not the true one; no answer counts as an error.",
    "tpr": "Share called so among those who are.",
    "ppv": "Share right among those called so.",
    "npv": "Share without the outcome among those called low risk.",
    "fnr": "Share called low among those with the outcome.",
    "selection": "Share called high risk.",
    "bpcer": "Share of bona fide presentations called attacks, of those that got a response.",
    "apcer": "Share of attacks of one species called bona fide, of those that got a response.",
    "bpnrr": "Share of bona fide presentations without a response.",
    "apnrr": "Share of attacks of one species without a response.",
}


def lead_question(plan: Plan, results: Results) -> Question | None:
    """The question that the headline is about; where no difference is shown, the first with rates to compare."""
    questions = questions_of(plan, results)
    by_key = {question.key: question for question in questions}
    shown = by_strength(plan, results.judged)
    asked = [*shown, *(j for j in results.judged if j.declared)]
    for one in asked:
        same = by_key.get((one.measure, one.factor, one.of_class))
        if same is not None and sum(share.known for share in same.shares) > 1:
            return same
    return next((q for q in questions if sum(share.known for share in q.shares) > 1), None)


def picture_of(plan: Plan, results: Results, question: Question) -> Figure | None:
    """The picture of a question: rates by group, the worst first; None where there is nothing to see."""
    if question.measure == "calibration" and results.risks is not None:
        return next((calibration(a) for a in results.risks.analyses if a.name == question.factor), None)
    title = question_words(plan.task, question.measure, question.factor, question.of_class)
    note = _OF.get(question.measure, "")
    if question.measure == "fpr":
        note = (
            "Share called high among those without the outcome."
            if plan.task == "risk"
            else "Share called so among those who are not."
        )
    lines = list(zip(question.groups, question.shares, strict=True))
    return forest(title, lines, note, _everybody(results, question), question.measure in LOW_IS_BAD)


def _everybody(results: Results, question: Question) -> tuple[str, float] | None:
    share = None
    if results.faces is not None:
        share = {"fmr": results.faces.fmr, "fnmr": results.faces.fnmr, "fte": results.faces.failures}[question.measure]
    elif results.outcomes is not None:
        everybody = results.outcomes.everybody
        share = {"error": everybody.error, "fte": everybody.no_answer}.get(question.measure)
        for line in everybody.classes:
            if line.label == question.of_class and question.measure in ("tpr", "fpr", "ppv"):
                share = getattr(line, question.measure)
    elif results.presentations is not None:
        whole = results.presentations.everybody
        of = next((line for line in whole.species if line.species == question.of_class), whole)
        share = getattr(of, question.measure)
    elif results.risks is not None:
        name = "selected" if question.measure == "selection" else question.measure
        share = getattr(results.risks.everybody, name, None)
    return None if share is None or share.estimate is None else ("everybody", share.estimate)


def embed_svg(bundle: Bundle) -> str | None:
    """The headline with its picture as one SVG: a title, a source line, and a text for those who do not see it.

    None where the audit has nothing to draw.
    """
    results = Names.of(bundle.plan).applied(concluded_anew(bundle.plan, bundle.results))
    question = lead_question(bundle.plan, results)
    figure = None if question is None else picture_of(bundle.plan, results, question)
    if question is None or figure is None or figure.picture is None:
        return None
    preregistered = results.preregistered and not leads_undeclared(bundle.plan, results.judged)
    status = "preregistered" if preregistered else "exploratory"
    source = (
        f"Source: {results.title}; {system_words(results.system)}; "
        f"{'' if results.asked is None else f'asked at {results.asked.host}; '}"
        f"{amount(results.data)}; {status}; {results.finished[:10]}; bundle {bundle.hash[:16]}"
    )
    rates = "; ".join(f"{name} {seen(share)}" for name, share in question.worst_first if share.estimate is not None)
    return embedded(results.headline, f"{figure.title}: {rates}.", [("", figure.picture)], figure.note, source)


def embedded(headline: str, described: str, pictures: Sequence[tuple[str, Markup]], note: str, source: str) -> str:
    """A headline over one picture, or several under names of their own in two columns, with a note and a source line.

    described: the pictures in words, for those who do not see them.
    """
    beside = 2 if len(pictures) > 1 else 1
    whole = WIDTH_BESIDE if beside > 1 else WIDTH
    lines = textwrap.wrap(headline, int((whole - 32) / _HEADLINE))
    y = 26.0 + 26 * len(lines)
    width = (whole - 32 - 32 * (beside - 1)) / beside
    placed = []
    for at in range(0, len(pictures), beside):
        row = pictures[at : at + beside]
        over = 20 if any(name for name, _ in row) else 0
        for nth, (name, drawn) in enumerate(row):
            x = 16 + (width + 32) * nth
            placed += [_line(x, y + 14, name, 14, "700")] if name else []
            placed.append(
                str(drawn)
                .replace("<svg ", f'<svg x="{x:g}" y="{y + over:g}" ', 1)
                .replace('width="100%"', f'width="{width:g}"', 1)
            )
        y += over + max(_height(drawn) for _, drawn in row) + (12 if beside > 1 else 0)
    noted = textwrap.wrap(note, int((whole - 32) / _SMALL))
    foot = textwrap.wrap(source, int((whole - 32) / _SMALL))
    below = y + 18
    total = int(below + 17 * (len(noted) + len(foot)) + 8)
    parts = [
        element("title", escape(headline), id="title"),
        element("desc", escape(f"{described} {source}."), id="desc"),
        element("rect", width=whole, height=total, fill="#ffffff"),
        *(_line(16, 26 + 26 * at, words, 20, "700") for at, words in enumerate(lines)),
        *placed,
        *(_line(16, below + 17 * at, words, 12) for at, words in enumerate(noted)),
        *(_line(16, below + 17 * (len(noted) + at), words, 12, "", "#555555") for at, words in enumerate(foot)),
    ]
    return element(
        "svg",
        "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {whole} {total}",
        role="img",
        aria_labelledby="title desc",
        font_family="system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, DejaVu Sans, sans-serif",
    )


def _height(drawn: Markup) -> float:
    return float(str(drawn).split('height="', 1)[1].split('"', 1)[0])


def amount(data: Data) -> str:
    """How much data there is, in words: "800 people, 4,000 images, 7,998,000 comparisons"."""
    parts = [f"{data.people:,} people"] if data.people else []
    if data.unit not in ("people", "rows") or data.rows != data.people:
        parts.append(f"{data.rows:,} {data.unit}")
    if data.comparisons and data.unit != "comparisons":
        parts.append(f"{data.comparisons:,} comparisons")
    return ", ".join(parts) + ("" if data.people else " of people whom nobody named")


def _line(x: float, y: float, words: str, points: int, weight: str = "", fill: str = "#1b1b1b") -> str:
    return element("text", escape(words), x=x, y=y, font_size=points, font_weight=weight, fill=fill)
