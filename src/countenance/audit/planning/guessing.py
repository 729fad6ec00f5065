"""What a file of columns seems to be, and the draft of a plan that follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from countenance.audit.labelled.people import alike
from countenance.audit.labelled.tables import NO_ANSWERS, LabelTable, Numbers, plain, read_table, sentinels
from countenance.errors import BadRequest

Kind = Literal["scores", "outcomes", "risks", "presentations", "unknown"]
MOST_GROUPS = 12
_NAMES: Mapping[str, tuple[str, ...]] = {
    "score": (
        "score",
        "decile score",
        "similarity",
        "distance",
        "risk score",
        "confidence",
        "probability",
        "prediction",
    ),
    "same": ("same", "mated", "genuine", "match", "is same", "is match", "same person", "same identity", "label"),
    "outcome": ("outcome", "two year recid", "is recid", "happened", "y true", "label", "default", "recidivism"),
    "truth": ("truth", "true", "true class", "actual", "ground truth", "y true", "gender true"),
    "predicted": ("predicted", "prediction", "pred", "predicted class", "y pred", "answer"),
    "subject_a": ("subject a", "subject 1", "person a", "id a"),
    "subject_b": ("subject b", "subject 2", "person b", "id b"),
    "image_a": ("image a", "image 1", "file a"),
    "image_b": ("image b", "image 2", "file b"),
    "subject": (
        "subject",
        "subject id",
        "person id",
        "person",
        "individual",
        "participant id",
        "participant",
        "user id",
        "client id",
        "customer id",
        "patient id",
        "defendant id",
    ),
    "attack": ("attack type", "presentation type", "attack"),
    "species": ("pai species", "species", "attack species"),
    "decision": ("decision", "pad decision", "decided", "classified as"),
    "series": ("pai series", "series"),
}
"""Words that columns are called by, best first, as `plain` has them."""
_GROUPS = ("race", "gender", "sex", "ethnicity", "skin", "age group", "age cat", "group", "nationality", "region")


@dataclass(frozen=True, slots=True)
class ColumnOverview:
    """One column. values: different ones. low, high: of a column of numbers. groups: its values where there are few."""

    name: str
    empty: int
    values: int
    low: float | None
    high: float | None
    groups: tuple[tuple[str, int], ...]

    def line(self) -> str:
        """The column in one line."""
        if self.low is not None and len(self.groups) != 2:
            content = f"numbers from {self.low:g} to {self.high:g}, {self.values:,} different"
        elif self.groups:
            content = ", ".join(f"{name} ({count:,})" for name, count in self.groups)
        else:
            content = f"{self.values:,} different texts"
        return f"{self.name}: {content}{f'; {self.empty:,} empty' if self.empty else ''}"


@dataclass(frozen=True, slots=True)
class FileOverview:
    """A file that was looked at. roles: what its columns seem to be. doubts: what must be decided before a plan."""

    file: str
    rows: int
    columns: tuple[ColumnOverview, ...]
    kind: Kind
    roles: Mapping[str, str]
    factors: tuple[str, ...]
    findings: tuple[str, ...]
    doubts: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """What is told about the file."""
        seems = {"scores": "comparisons of faces", "outcomes": "a classifier's answers", "risks": "risk scores",
                 "presentations": "presentation attack detection"}  # fmt: skip
        by = f"by {', '.join(self.factors)}" if self.factors else "with no column of groups"
        return (
            f"file    {self.file}: {self.rows:,} rows, {len(self.columns)} columns",
            *(f"column  {column.line()}" for column in self.columns),
            *(f"found   {finding}" for finding in self.findings),
            f"seems   {seems[self.kind]}, {by}"
            if self.kind in seems
            else "seems   nothing that an audit is made of: no score, class or outcome",
        )


def seen(file: Path) -> FileOverview:
    """Look at a file of columns. NotFound, BadRequest: as `read_table`."""
    table = read_table(file)
    if not table.rows:
        raise BadRequest(f"{file.name} has a header and no rows")
    columns, doubts, numeric, faults = [], [], {}, {}
    for name in table.columns:
        column, numbers = _column(table, name)
        columns.append(column)
        if isinstance(numbers, str):
            faults[name] = numbers
        elif numbers is not None:
            numeric[name] = numbers
        spelled = alike([group for group, _ in column.groups])
        doubts += [f"{name}: {' and '.join(map(repr, same))} may be one group" for same in spelled]
    kind, roles = _kind(columns, numeric, table.rows)
    if "score" in roles and (odd := sentinels(numeric[roles["score"]])):
        doubts.append(f"{roles['score']}: {', '.join(f'{v:g}' for v in odd)} may stand for no score")
    if kind == "outcomes":
        doubts += _classes(columns, roles)
    if kind == "presentations":
        doubts += _decided(columns, roles)
    if kind == "unknown" or (kind == "scores" and "same" not in roles):
        doubts += _misfits(columns, faults)
    factors = _factors(columns, kind, roles)
    doubts += [doubt for column in columns if column.name in factors for doubt in _nothing_told(column)]
    return FileOverview(file.name, table.rows, tuple(columns), kind, roles, factors, table.findings, tuple(doubts))


def _column(table: LabelTable, name: str) -> tuple[ColumnOverview, Numbers | str | None]:
    """A column, and its numbers; what speaks against numbers, as a sentence; None where it is empty."""
    (codes,), names = table.texts(name)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    groups = tuple(zip(names, map(int, counts), strict=True)) if len(names) <= MOST_GROUPS else ()
    texts = ColumnOverview(name, int((codes < 0).sum()), len(names), None, None, groups)
    try:
        numbers = table.numbers(name)
    except BadRequest as error:
        return texts, str(error)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return texts, None
    return (
        ColumnOverview(name, int(np.isnan(numbers).sum()), len(names), float(known.min()), float(known.max()), groups),
        numbers,
    )


def _kind(columns: Sequence[ColumnOverview], numeric: Mapping[str, Numbers], rows: int) -> tuple[Kind, dict[str, str]]:
    by_word = {plain(column.name): column for column in reversed(columns)}
    for role in ("score", "outcome"):
        for word in _NAMES[role]:  # "v decile score" is a decile score, where no column is called just that
            longer = [c for c in columns if plain(c.name).endswith(f" {word}")]
            if len(longer) == 1:
                by_word.setdefault(word, longer[0])

    def of(role: str, fits: bool = True) -> str | None:
        return next((by_word[word].name for word in _NAMES[role] if word in by_word), None) if fits else None

    two = {column.name for column in columns if _is_flag(column)}
    score = next((by_word[w].name for w in _NAMES["score"] if w in by_word and by_word[w].name in numeric), None)
    same, outcome = (next((by_word[w].name for w in _NAMES[r] if w in by_word and by_word[w].name in two), None)
                     for r in ("same", "outcome"))  # fmt: skip
    sides = {role: name for role in ("subject_a", "subject_b", "image_a", "image_b") if (name := of(role))}
    if score and ((same and ("subject_a" in sides or same != outcome)) or {"subject_a", "subject_b"} <= set(sides)):
        return "scores", {"score": score, **({"same": same} if same else {}), **sides}
    presentations = _presentation_roles(of, score)
    if presentations is not None:
        return "presentations", presentations
    truth, predicted = of("truth"), of("predicted")
    if truth and predicted:
        subject = of("subject")
        return "outcomes", {"truth": truth, "predicted": predicted, **({"subject": subject} if subject else {})}
    if score and outcome:
        subject = of("subject")
        again = any(c.name == subject and not c.empty and c.values < rows for c in columns)
        return "risks", {"score": score, "outcome": outcome, **({"subject": subject} if subject and again else {})}
    return "unknown", {}


def _presentation_roles(of: Callable[[str], str | None], score: str | None) -> dict[str, str] | None:
    """The columns of presentation attack detection; None where there is no type of attack, or nothing decided."""
    species = of("species")
    attack, decision = of("attack") or species, of("decision")
    if attack is None or (decision is None and score is None):
        return None
    decided = {"decision": decision} if decision is not None else {"score": score}
    others = {"species": None if species == attack else species, "subject": of("subject"), "series": of("series")}
    return {role: name for role, name in {"attack": attack, **decided, **others}.items() if name is not None}


def _is_flag(column: ColumnOverview) -> bool:
    return len(column.groups) == 2 and {group.lower() for group, _ in column.groups} <= _YES_OR_NO


def _misfits(columns: Sequence[ColumnOverview], faults: Mapping[str, str]) -> list[str]:
    """Columns that are called as those of an audit, and say something else."""
    sentences = []
    for column in columns:
        called = {role for role, words in _NAMES.items() if plain(column.name) in words}
        if "score" in called and column.name in faults:
            sentences.append(faults[column.name])
        elif called & {"outcome", "same"} and not _is_flag(column):
            says = ", ".join(repr(group) for group, _ in column.groups) or f"{column.values:,} different things"
            sentences.append(f"{column.name} says {says}; what can happen or not is written as 1 and 0, or yes and no")
    return sentences


def _nothing_told(column: ColumnOverview) -> list[str]:
    """What a column of groups says that may mean that nothing was told."""
    names = [repr(group) for group, _ in column.groups if group.lower() in NO_ANSWERS]
    return [f"{column.name}: {' and '.join(names)} may mean that nothing was told"] if names else []


_YES_OR_NO = {"0", "1", "true", "false", "yes", "no", "same", "different", "genuine", "impostor"}


def _factors(columns: Sequence[ColumnOverview], kind: Kind, roles: Mapping[str, str]) -> tuple[str, ...]:
    taken = set(roles.values())
    if kind == "scores":
        names = {column.name for column in columns}
        return tuple(n[:-2] for n in sorted(names) if n.endswith("_a") and f"{n[:-2]}_b" in names and n not in taken)
    fitting = [c for c in columns if c.name not in taken and 2 <= len(c.groups) <= MOST_GROUPS and c.low is None]
    known = [c.name for c in fitting if any(word in plain(c.name) for word in _GROUPS)]
    return tuple(known or [c.name for c in fitting])[:3]


def _classes(columns: Sequence[ColumnOverview], roles: Mapping[str, str]) -> list[str]:
    classes = {c.name: {group for group, _ in c.groups} for c in columns}
    true, predicted = classes[roles["truth"]], classes[roles["predicted"]]
    if true and predicted and not true & predicted:
        return [
            f"{roles['predicted']} says {sorted(predicted)}, and {roles['truth']} says {sorted(true)}: they never meet"
        ]
    return []


def _decided(columns: Sequence[ColumnOverview], roles: Mapping[str, str]) -> list[str]:
    from countenance.audit.sources.presentations import MEANINGS

    groups = {c.name: [group for group, _ in c.groups] for c in columns}
    decision = roles.get("decision", "")
    unknown = [repr(name) for name in groups.get(decision, []) if plain(name) not in MEANINGS]
    doubts = [f"{decision}: what {', '.join(unknown)} means must be said in a plan"] if unknown else []
    kinds = groups[roles["attack"]]
    if kinds and not any(plain(kind) == "bona fide" for kind in kinds):
        doubts.append(f"{roles['attack']}: none of its values is 'bona fide'; say in a plan which one means that")
    return doubts


def guessed_draft(
    overview: FileOverview,
    high_from: float | None,
    factors: Sequence[str] = (),
    label_warning: str = "",
    labelled_by: str = "",
) -> str:
    """The draft of a plan as TOML; its limits say what was guessed and what nobody stated, for the report.

    factors: the columns of groups, instead of those found. label_warning: what the outcome of a risk score really
    measures. labelled_by: how the labels of groups came about.

    BadRequest: a file that is nothing an audit is made of, or has no groups.
    """
    by = tuple(factors) or overview.factors
    if overview.kind == "unknown" and overview.doubts:
        raise BadRequest(f"{overview.file} cannot be audited as it is: {'; '.join(overview.doubts)}")
    if overview.kind == "unknown":
        raise BadRequest(
            f"{overview.file} has no columns that an audit is made of: comparisons (score, same), a classifier's "
            "answers (truth, predicted), risk scores (score, outcome) or presentation attack detection (attack_type, "
            "decision). Name its columns in a draft: countenance audit plan --example scores, outcomes, risks or pad"
        )
    if not by:
        raise BadRequest(f"{overview.file} has no column that looks like groups: name one with --by")
    if "score" in overview.roles and overview.kind == "presentations":
        raise BadRequest(
            f"{overview.file} has scores of presentations: from which one up they count, and as what, nobody can "
            "guess. Say bona_fide_from or attack_from in a draft: countenance audit plan --example pad"
        )
    question = {
        "scores": "Is one group falsely accepted or missed more often than another?",
        "outcomes": "Who is misclassified most?",
        "risks": "Who is wrongly called high risk?",
        "presentations": "Which attacks are accepted, and whose bona fide presentations are called attacks?",
    }[overview.kind]
    lines = [
        "# Guessed from the data by `countenance audit quick`. Read every line; nothing here was declared beforehand.",
        f"title = {_text(overview.file)}",
        f"question = {_text(question)}",
        f"limits = {_texts(_limits(overview, by, factors, label_warning, labelled_by))}",
        "",
        "[system]",
        'name = "not stated"',
        "",
        "[groups]",
        f"factors = {_texts(by)}",
        f"labelled_by = {_text(labelled_by or 'not stated')}",
        "",
        f"[{overview.kind}]",
        f"file = {_text(overview.file)}",
    ]
    roles = dict(overview.roles)
    if overview.kind == "scores":
        lines += [f"score = {_text(roles['score'])}", f"same = {_text(roles.get('same', ''))}"]
        for key, pair in (("subjects", ("subject_a", "subject_b")), ("images", ("image_a", "image_b"))):
            lines.append(f"{key} = {_texts([roles[side] for side in pair] if set(pair) <= set(roles) else [])}")
        lines += ["", "[threshold]", 'rule = "fmr"', f"value = {_fmr(overview.rows)}"]
    else:
        lines += [f"{role} = {_text(column)}" for role, column in roles.items()]
    if overview.kind == "presentations" and "subject" not in roles:
        lines.append('subject = ""')
    if overview.kind == "risks":
        lines += [f"high_from = {high_from!r}", f"label_warning = {_text(label_warning or 'not stated')}"]
    return "\n".join(lines) + "\n"


def _limits(
    overview: FileOverview, by: Sequence[str], factors: Sequence[str], label_warning: str, labelled_by: str
) -> tuple[str, ...]:
    """What a reader of the report must know about a plan that nobody made: each guess, and what nobody stated."""
    columns = ", ".join(f"{role} is {column!r}" for role, column in overview.roles.items())
    guessed = [columns, *([] if factors else [f"groups are {', '.join(map(repr, by))}"])]
    if overview.kind == "scores":
        guessed.append(f"the threshold is where {100 * _fmr(overview.rows):g} % of impostors are accepted")
    limits = ["the plan was guessed from the data: exploratory", f"guessed from names and values: {'; '.join(guessed)}"]
    if overview.kind == "risks" and not label_warning:
        limits.append(
            f"nobody stated what {overview.roles['outcome']!r} really measures: an arrest is not an offence, a refused "
            "loan is no default, and a biased outcome makes a biased score look right"
        )
    if not labelled_by:
        limits.append("nobody stated how the labels of groups came about")
    return tuple(limits)


def _fmr(rows: int) -> float:
    """The lowest of the usual rates at which a file of so many comparisons can show 30 false matches."""
    return next((rate for rate in (0.0001, 0.001, 0.01) if rows * rate >= 30), 0.01)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"
