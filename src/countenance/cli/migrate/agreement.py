"""How far two services agree, with intervals that know that questions about one person are not independent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from countenance.cli.migrate.answers import ServiceAnswer
from countenance.cli.migrate.questions import SharedQuestion
from countenance.cli.migrate.report import write_csv
from countenance.metrics import Rate, tally

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Pairing:
    """One question with both answers."""

    question: SharedQuestion
    there: ServiceAnswer
    here: ServiceAnswer

    @property
    def outcome(self) -> str:
        """In a word or two, as the table's columns have it."""
        if self.there.found is None or self.here.found is None:
            return (
                "neither could"
                if self.there.found is self.here.found
                else ("source could not" if self.there.found is None else "here could not")
            )
        if self.there.found is not self.here.found:
            return "only source" if self.there.found else "only here"
        if not self.there.found:
            return "both no"
        if self.question.second is None and not set(self.there.labels) & set(self.here.labels):
            return "another"
        return "both yes"


@dataclass(frozen=True, slots=True)
class Measured:
    """A share, 0..1, with its interval; share None where nothing was answered. trials: questions that both answered."""

    share: float | None
    low: float
    high: float
    trials: int
    people: int
    method: str

    @property
    def text(self) -> str:
        """As a cell of a table."""
        if self.share is None:
            return "–"
        return f"{100 * self.share:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One row of the table. source_yes, here_yes: how often each found the two alike, or found somebody."""

    asked: str
    questions: int
    counts: Mapping[str, int]
    agreement: Measured
    source_yes: Measured
    here_yes: Measured


OUTCOMES = (
    "both yes", "both no", "only source", "only here", "another", "source could not", "here could not",
    "neither could",
)  # fmt: skip


def agreements(pairings: Sequence[Pairing]) -> tuple[Agreement, ...]:
    """A row for all comparisons, for those of one person and of two, and for all searches; none without a question."""
    kinds: dict[str, Callable[[SharedQuestion], bool]] = {
        "comparisons": lambda q: q.second is not None,
        "comparisons of one person": lambda q: q.same is True,
        "comparisons of two people": lambda q: q.same is False,
        "searches": lambda q: q.second is None,
    }
    rows = []
    for kind, chosen in kinds.items():
        here = [each for each in pairings if chosen(each.question)]
        if here:
            rows.append(_row(kind, here))
    return tuple(rows)


def write_agreement(
    folder: Path, pairings: Sequence[Pairing], about: Mapping[str, object], notes: Sequence[str]
) -> tuple[Agreement, ...]:
    """agreement.md, .csv and .json, and differences.csv with every question that was answered differently."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = agreements(pairings)
    cells = [_cells(row) for row in rows]
    write_csv(folder / "agreement.csv", _COLUMNS, cells)
    whole = {"about": dict(about), "notes": list(notes), "level": LEVEL, "rows": [asdict(row) for row in rows]}
    (folder / "agreement.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = ["# The same questions to both services", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", *(f"{note}\n" for note in notes)]
    used = [outcome for outcome in OUTCOMES if any(row.counts[outcome] for row in rows)]
    lines.append("| asked | n | agree | source says yes | here says yes | " + " | ".join(used) + " |")
    lines.append("|---" * (5 + len(used)) + "|")
    for row in rows:
        shares = " | ".join(each.text for each in (row.agreement, row.source_yes, row.here_yes))
        lines.append(f"| {row.asked} | {row.questions} | {shares} | {' | '.join(str(row.counts[o]) for o in used)} |")
    (folder / "agreement.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    different = [each for each in pairings if each.outcome not in ("both yes", "both no")]
    write_csv(folder / "differences.csv", _DIFFERENCE, [_difference(each) for each in different])
    return rows


_SHARES = ("agreement", "source_yes", "here_yes")
_COLUMNS = (
    "asked", "questions", *OUTCOMES, *(f"{share}{part}" for share in _SHARES for part in ("", "_low", "_high")),
)  # fmt: skip
_DIFFERENCE = (
    "outcome", "first", "second", "collection", "same_person", "source_score", "here_similarity", "source_found",
    "here_found", "source_error", "here_error",
)  # fmt: skip


def _cells(row: Agreement) -> list[object]:
    shares: list[object] = []
    for each in (row.agreement, row.source_yes, row.here_yes):
        shares += ["" if each.share is None else round(each.share, 6), round(each.low, 6), round(each.high, 6)]
    return [row.asked, row.questions, *(row.counts[outcome] for outcome in OUTCOMES), *shares]


def _difference(each: Pairing) -> list[object]:
    q = each.question
    second = "" if q.second is None else q.second.picture.name
    same = {None: "", True: "yes", False: "no"}[q.same]
    return [
        each.outcome, q.first.picture.name, second, q.gallery, same,
        *("" if reply.score is None else round(reply.score, 2) for reply in (each.there, each.here)),
        *(" ".join(reply.labels) for reply in (each.there, each.here)), each.there.error, each.here.error,
    ]  # fmt: skip


def _row(kind: str, pairings: Sequence[Pairing]) -> Agreement:
    counts = {outcome: sum(each.outcome == outcome for each in pairings) for outcome in OUTCOMES}
    both = [each for each in pairings if each.there.found is not None and each.here.found is not None]
    disagreement = _measured(both, lambda each: each.outcome in ("only source", "only here", "another"))
    agreement = Measured(
        None if disagreement.share is None else 1 - disagreement.share, 1 - disagreement.high, 1 - disagreement.low,
        disagreement.trials, disagreement.people, disagreement.method,
    )  # fmt: skip
    there = _measured(both, lambda each: bool(each.there.found))
    here = _measured(both, lambda each: bool(each.here.found))
    return Agreement(kind, len(pairings), counts, agreement, there, here)


def _measured(pairings: Sequence[Pairing], counted: Callable[[Pairing], bool]) -> Measured:
    """The share of `pairings` that is counted, by the people (or pictures) of each question."""
    codes: dict[str, int] = {}

    def code(cluster: str) -> int:
        return codes.setdefault(cluster, len(codes))

    first = [code(each.question.first.cluster) for each in pairings]
    second = [code((each.question.second or each.question.first).cluster) for each in pairings]
    if not pairings:
        return Measured(None, 0.0, 1.0, 0, 0, "no trials")
    rate: Rate = tally(first, second, np.array([counted(each) for each in pairings], bool)).rate(LEVEL)
    interval = rate.interval
    return Measured(rate.estimate, interval.low, interval.high, rate.trials, rate.subjects, rate.method)
