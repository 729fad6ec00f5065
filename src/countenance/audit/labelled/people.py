"""Who is compared: subjects, the groups they belong to, and what is wrong with their labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.formats.plan import CROSS, JOINT
from countenance.audit.labelled.tables import NO_ANSWERS, Codes, LabelTable, natural, plain
from countenance.errors import BadRequest

Spellings = Mapping[str, Mapping[str, str]]
"""By factor, what a file says and the group that it means."""
UNSAID: Spellings = {}


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """One way to tell groups apart. codes: (subjects,), int32, position in `groups`, -1 where a label is missing."""

    name: str
    groups: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPeople:
    """Subjects and their labels.

    ids: one per subject, or None where rows name nobody. They never leave the auditor.
    labels: the groups of each factor, sorted. codes: (subjects, factors), int32, -1 where nothing was told.
    """

    ids: tuple[str, ...] | None
    factors: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int32]

    @property
    def count(self) -> int:
        """How many subjects."""
        return int(self.codes.shape[0])

    def grouping(self, name: str) -> Grouping:
        """The groups of a factor ('race') or of an intersection ('race x gender')."""
        parts = name.split(CROSS)
        unknown = [part for part in parts if part not in self.factors]
        if unknown:
            raise BadRequest(f"no factor {unknown[0]!r}; there are {', '.join(self.factors)}")
        where = [self.factors.index(part) for part in parts]
        groups: tuple[str, ...] = self.labels[where[0]]
        codes = self.codes[:, where[0]].astype(np.int32)
        for at in where[1:]:
            groups = tuple(f"{a}{JOINT}{b}" for a in groups for b in self.labels[at])
            other = self.codes[:, at]
            codes = np.where((codes < 0) | (other < 0), -1, codes * len(self.labels[at]) + other).astype(np.int32)
        return Grouping(name, groups, codes)

    def expecting(self, expected: Mapping[str, Sequence[str]]) -> LabelledPeople:
        """The same people with every expected group in the lists, also those that nobody belongs to."""
        labels, codes = list(self.labels), self.codes.copy()
        for factor, groups in expected.items():
            at = self.factors.index(factor)
            full = tuple(natural({*labels[at], *groups}))
            place = np.array([full.index(label) for label in labels[at]] + [-1], np.int32)
            codes[:, at] = place[self.codes[:, at]]
            labels[at] = full
        return LabelledPeople(self.ids, self.factors, tuple(labels), codes)


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """People found in rows. subjects: (rows,), int32, row of `people`, -1 where set aside. findings: what was wrong."""

    people: LabelledPeople
    subjects: Codes
    findings: tuple[str, ...]


def group_labels(
    table: LabelTable, factor: str, columns: Sequence[str], spellings: Spellings
) -> tuple[list[Codes], tuple[str, ...]]:
    """The groups of a factor in one column or two, as codes into one sorted list of names.

    BadRequest: groups that differ in case or blanks only, a letter beside the word it begins, or "NA" and the like,
    where `spellings` does not say what is meant.
    """
    codes, names = table.texts(*columns)
    key = f"under [groups]: spellings = {{{{ {factor} = {{}} }}}}"
    meanings = spellings.get(factor, {})
    nothing = [name for name in names if name.lower() in NO_ANSWERS and name not in meanings]
    if nothing:
        raise BadRequest(
            f"the factor {factor!r} of {table.name} says {' and '.join(map(repr, nothing))}, which may mean that "
            f"nothing was told: if so, say so in the plan, {key.format(written(dict.fromkeys(nothing, '')))}; if it is "
            "a group, let it mean itself there"
        )
    return respelled(codes, names, meanings, f"the factor {factor!r} of {table.name}", key)


def alike(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Names that may mean one thing: equal but for case and blanks, or a letter beside the one word it begins."""
    by_plain: dict[str, list[str]] = {}
    for name in names:
        by_plain.setdefault(plain(name), []).append(name)
    for letter in [key for key in by_plain if len(key) == 1 and key.isalpha()]:
        words = [key for key in by_plain if len(key) >= 3 and key.isalpha() and key.startswith(letter)]
        if len(words) == 1:
            by_plain[words[0]] += by_plain.pop(letter)
    return [tuple(same) for same in by_plain.values() if len(same) > 1]


def written(meanings: Mapping[str, str]) -> str:
    """A table as TOML has it, to be pasted into a plan."""
    pairs = (f"{json.dumps(k, ensure_ascii=False)} = {json.dumps(v, ensure_ascii=False)}" for k, v in meanings.items())
    return f"{{ {', '.join(pairs)} }}"


def respelled(
    codes: Sequence[Codes], names: tuple[str, ...], meanings: Mapping[str, str], what: str, key: str
) -> tuple[list[Codes], tuple[str, ...]]:
    """Names as the plan means them. BadRequest: two that may be one thing, and the plan does not say.

    meanings: what the file says, and what it means: a name that means itself is another one than those like it, and
    one that means "" is left out. what: the column, in words. key: the plan's key with a place for the table, for the
    message.
    """
    labels = [meanings.get(name, name) for name in names]
    spellings = natural(set(labels))
    doubtful = alike([name for name in spellings if meanings.get(name) != name])
    if doubtful:
        counts = {
            n: sum(int((c == at).sum()) for c in codes for at, m in enumerate(labels) if m == n) for n in spellings
        }
        listing = "; ".join(" and ".join(f"{name!r} ({counts[name]:,} rows)" for name in same) for same in doubtful)
        usual = {name: max(same, key=lambda n: (len(plain(n)) > 1, counts[n])) for same in doubtful for name in same}
        table = written({name: best for name, best in usual.items() if name != best})
        raise BadRequest(
            f"{what} has {listing}: if they are one, say so in the plan, {key.format(table)}; if they are not, let "
            "each mean itself there"
        )
    spellings = [name for name in spellings if name]
    order = np.array([*(spellings.index(name) if name else -1 for name in labels), -1], np.int32)
    return [order[c] for c in codes], tuple(spellings)


def people_of_rows(
    table: LabelTable,
    subject: str | None,
    factors: Sequence[str],
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> Labelled:
    """The people of a table with one row per image (or person): each factor's label must be one per subject.

    subject None: every row is another person. contradictions 'error': a subject with two labels is a `BadRequest`;
    'set aside': such subjects are left out, and a finding says how many. spellings: as `group_labels` takes them.
    """
    coded = [group_labels(table, factor, [factor], spellings) for factor in factors]
    labels = tuple(names for _, names in coded)
    rows = np.stack([codes[0] for codes, _ in coded], axis=1)
    if subject is None:
        people = LabelledPeople(None, tuple(factors), labels, rows)
        findings = (*table.findings, *_unlabelled(people))
        return Labelled(people, np.arange(table.rows, dtype=np.int32), findings)
    (subjects,), ids = table.texts(subject)
    if (subjects < 0).any():
        row = int(np.flatnonzero(subjects < 0)[0]) + 2
        raise BadRequest(
            f"column {subject!r} of {table.name} has {int((subjects < 0).sum())} empty cells, the first in row {row}"
        )
    gathered = gather(ids, tuple(factors), labels, [(subjects, rows)], contradictions, table.name)
    return Labelled(gathered.people, gathered.subjects, (*table.findings, *gathered.findings))


def gather(
    ids: tuple[str, ...],
    factors: tuple[str, ...],
    labels: tuple[tuple[str, ...], ...],
    sides: Sequence[tuple[Codes, NDArray[np.int32]]],
    contradictions: str,
    name: str,
) -> Labelled:
    """Find one label for each subject and factor in many rows. told: list of (subjects (n,), labels (n, factors))."""
    subjects = np.concatenate([who for who, _ in sides])
    rows = np.concatenate([what for _, what in sides])
    codes = np.full((len(ids), len(factors)), -1, np.int32)
    torn = np.zeros(len(ids), bool)
    for at in range(len(factors)):
        known = rows[:, at] >= 0
        codes[subjects[known], at] = rows[known, at]
        differs = known & (codes[subjects, at] != rows[:, at])
        torn[subjects[differs]] = True
    findings: list[str] = []
    if torn.any():
        count = int(torn.sum())
        fault = f"{count} of {len(ids)} subjects in {name} belong to two groups of one factor"
        if contradictions == "error":
            raise BadRequest(f"{fault}; correct the labels, or set contradictions = 'set aside' in the plan")
        findings.append(f"{fault}; they were set aside")
    new_index = np.cumsum(~torn).astype(np.int32) - 1
    new_index[torn] = -1
    people = LabelledPeople(
        tuple(who for who, bad in zip(ids, torn, strict=True) if not bad), factors, labels, codes[~torn]
    )
    return Labelled(people, new_index[subjects], (*findings, *_unlabelled(people)))


def _unlabelled(people: LabelledPeople) -> tuple[str, ...]:
    missing = (people.codes < 0).sum(axis=0)
    return tuple(
        f"{int(count):,} of {people.count:,} subjects have no label for {factor}; they count in no group of it"
        for factor, count in zip(people.factors, missing, strict=True)
        if count
    )
