"""What in a file may not mean what it says: groups spelled in two ways, scores that stand for none, units mixed, rows
that are there more than once.

Each is found from the values alone. Whoever made the plan knows what they mean, so the messages name the plan's key.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from countenance.audit.labelled.tables import Codes, natural, read_table
from countenance.errors import BadRequest

Numbers = NDArray[np.float64]
FEWEST = 20
"""Values that are needed before anything is said about how they are spread."""
_IDS = frozenset({"id", "person id", "subject", "subject id", "person", "case id", "user id", "name id", "individual"})


def plain(spelling: str) -> str:
    """A text without what people type differently: case, kinds of blanks, underscores and hyphens, a last full stop."""
    text = unicodedata.normalize("NFKC", spelling).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return re.sub(r"[\s_\-]+", " ", text).strip(" .") if any(c.isalpha() for c in text) else text.strip()


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

    meanings: what the file says, and what it means; a name that means itself is meant to be another one than those
    like it. what: the column, in words. key: the plan's key with a place for the table, for the message.
    """
    meant = [meanings.get(name, name) for name in names]
    spellings = natural(set(meant))
    doubtful = alike([name for name in spellings if meanings.get(name) != name])
    if doubtful:
        counts = {
            n: sum(int((c == at).sum()) for c in codes for at, m in enumerate(meant) if m == n) for n in spellings
        }
        listing = "; ".join(" and ".join(f"{name!r} ({counts[name]:,} rows)" for name in same) for same in doubtful)
        usual = {name: max(same, key=lambda n: (len(plain(n)) > 1, counts[n])) for same in doubtful for name in same}
        table = written({name: best for name, best in usual.items() if name != best})
        raise BadRequest(
            f"{what} has {listing}: if they are one, say so in the plan, {key.format(table)}; if they are not, let "
            "each mean itself there"
        )
    order = np.array([*(spellings.index(name) for name in meant), -1], np.int32)
    return [order[c] for c in codes], tuple(spellings)


def sentinels(values: Numbers) -> tuple[float, ...]:
    """Values that stand apart from all others as codes for "no score" do: -1, -9, 0, 999.

    A few whole negative numbers below scores that are none; a number farther from all others than they are from each
    other; a known code that is at least a quarter as far. values: (n,), NaN left out.
    """
    distinct = np.unique(values[np.isfinite(values)])
    suspects: list[float] = []
    if np.isfinite(values).sum() < FEWEST:
        return ()
    negative = distinct[distinct < 0]
    if 0 < len(negative) <= 2 and (negative == np.round(negative)).all() and len(distinct) - len(negative) >= 5:
        suspects += negative.tolist()
        distinct = distinct[distinct >= 0]
    for _ in range(3):
        for end in (0, -1):
            if len(distinct) < 6:
                return tuple(suspects)
            rest = distinct[1:] if end == 0 else distinct[:-1]
            gap = rest[0] - distinct[0] if end == 0 else distinct[-1] - rest[-1]
            spread = rest[-1] - rest[0]
            known = distinct[end] in _KNOWN and gap > spread / 4
            if gap > spread or known:
                suspects.append(float(distinct[end]))
                distinct = rest
    return tuple(suspects)


_KNOWN = frozenset({0.0, -1.0, -9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0})


def refuse_sentinels(values: Numbers, limits: Sequence[float], name: str, where: str, outcome: str) -> None:
    """BadRequest where scores hold what may be a code, and the plan's limits do not cover it.

    where: the plan's table. outcome: how `missing` is to be set, for the message.
    """
    covered = limits if len(limits) == 2 else (math.inf, -math.inf)
    odd = [value for value in sentinels(values) if not covered[0] <= value <= covered[1]]
    if not odd:
        return
    rest = values[np.isfinite(values) & ~np.isin(values, odd)]
    count, row = int((values == odd[0]).sum()), int(np.flatnonzero(values == odd[0])[0])
    low, high = min(odd[0], rest.min()), max(odd[0], rest.max())
    codes = ", ".join(f"{value:g}" for value in odd)
    raise BadRequest(
        f"{count:,} of {len(values):,} scores of {name} are {odd[0]:g} (the first is score {row + 1}), apart from all "
        f"others, which lie between {rest.min():g} and {rest.max():g}. If that means no score, say so in the plan "
        f"under [{where}]: no_score = [{codes}] and {outcome}; if it is a score, limits = [{low:g}, {high:g}]"
    )


def mixed_units(values: Numbers, positive: NDArray[np.bool_], groups: Mapping[str, tuple[Codes, Sequence[str]]]) -> str:
    """What speaks for two units in one column, as a sentence without its full stop; empty where nothing does.

    positive: (n,), pairs of one person, or people with the outcome. groups: by factor, the codes (n,) and their names.
    """
    known = np.isfinite(values)
    for factor, (codes, names) in groups.items():
        spreads = {}
        for at, group in enumerate(names):
            here = values[known & (codes == at)]
            if len(here) >= FEWEST:
                low, high = np.quantile(here, [0.05, 0.95])
                spreads[group] = (float(high - low), float(low), float(high))
        wide = {group: spread for group, spread in spreads.items() if spread[0] > 0}
        if len(wide) > 1:
            most, least = max(wide, key=lambda g: wide[g][0]), min(wide, key=lambda g: wide[g][0])
            if wide[most][0] > 10 * wide[least][0]:
                return (
                    f"scores of {most!r} ({factor}) mostly lie between {wide[most][1]:.4g} and {wide[most][2]:.4g}, "
                    f"those of {least!r} between {wide[least][1]:.4g} and {wide[least][2]:.4g}"
                )
    return _percent_beside_fractions(values, positive, known)


def _percent_beside_fractions(values: Numbers, positive: NDArray[np.bool_], known: NDArray[np.bool_]) -> str:
    small, large = known & (np.abs(values) <= 1), known & (np.abs(values) > 1)
    few = max(FEWEST, known.sum() // 20)
    if min(small.sum(), large.sum()) < few or not 10 < values[large].max() <= 105:
        return ""
    fractions = values[small] != np.round(values[small])
    top = np.quantile(values[small], 0.99) * 100 / np.quantile(values[large], 0.99)
    share = positive[small].mean() / max(float(positive[known].mean()), 1e-9)
    if fractions.mean() < 0.8 or not 0.5 < top < 2 or not 0.5 < share < 2:
        return ""
    return (
        f"{int(small.sum()):,} scores lie between -1 and 1, and {int(large.sum()):,} run up to "
        f"{values[large].max():.4g}: fractions beside percentages"
    )


def refuse_mixed_units(
    values: Numbers,
    positive: NDArray[np.bool_],
    groups: Mapping[str, tuple[Codes, Sequence[str]]],
    name: str,
    where: str,
) -> None:
    """BadRequest where a column seems to hold two units; the plan's `unit = "as given"` says that it does not."""
    suspicion = mixed_units(values, positive, groups)
    if suspicion:
        raise BadRequest(
            f"{name} seems to hold scores in two units: {suspicion}. Write all in one, or, if they are, say so in the "
            f"plan under [{where}]: unit = 'as given'"
        )


def repeated_rows(path: Path, subject: str | None) -> tuple[str, ...]:
    """Findings about rows that are the same in every column, and about a column of ids that no plan names.

    subject: the column of subjects that the plan names; None: every row counts as another person.
    """
    table = read_table(path)
    data = pa.table({name: _texts(table.data.column(name)) for name in table.columns})
    counts = data.group_by(list(table.columns)).aggregate([([], "count_all")]).column("count_all").to_pylist()
    findings = []
    if again := table.rows - len(counts):
        copies = math.gcd(*counts)
        text = f"{again:,} of {table.rows:,} rows of {path.name} are the same as an earlier row in every column"
        possible = math.prod(len(pc.unique(data.column(name))) for name in table.columns)
        fullest = max((len(pc.unique(data.column(name))) for name in table.columns), default=0)
        whole = copies > 1 and len(counts) >= 20
        if not whole and (possible < table.rows or 2 * fullest < table.rows):
            again = 0  # nothing in a row says whose it is, so that two people may well have the same one
        if whole:
            text += (
                f"; every row is there {copies} times or a multiple of it, as if the file held itself more than once"
            )
        if again:
            findings.append(f"{text}. Each counts: if they are copies, every interval is too narrow")
    if subject is None:
        distinct = {name: len(pc.unique(data.column(name))) for name in table.columns if plain(name) in _IDS}
        findings += [
            f"the column {name!r} of {path.name} names {people:,} different in {table.rows:,} rows, and the plan does "
            "not use it: every row counts as another person"
            for name, people in distinct.items()
            if people < table.rows
        ]
    return tuple(findings)


def _texts(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
