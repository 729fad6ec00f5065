"""Columns of labels, checked and coded: flags, groups, people, intersections of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.errors import BadRequest

Codes = NDArray[np.int64]
"""int64 codes, shape (n,): 0.. into a tuple of names, or any number that stands for a person."""

Mask = NDArray[np.bool_]
"""bool, shape (n,)."""

Numbers = NDArray[np.float64]
"""float64, shape (n,)."""

NO_LABEL = ("", "nan", "None", "<NA>")
"""What a missing label looks like once it is text."""


def column(values: ArrayLike, name: str, rows: int | None = None) -> NDArray[np.generic]:
    """One column (n,), of `rows` rows where that is given. None in a column of objects is a `BadRequest`."""
    one = np.asarray(values)
    if one.ndim != 1:
        raise BadRequest(f"{name} is one column, got shape {one.shape}")
    if rows is not None and len(one) != rows:
        raise BadRequest(f"{name} has {len(one)} rows, expected {rows}")
    if one.dtype == object and any(v is None for v in one):
        raise BadRequest(f"{name} has missing values")
    return one


def numbers(values: ArrayLike, name: str, rows: int | None = None) -> Numbers:
    """One column of numbers, (n,) float64; NaN is let through."""
    try:
        return column(values, name, rows).astype(np.float64)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} is a number in every row") from None


def flags(values: ArrayLike, name: str, rows: int) -> Mask:
    """One column of booleans, given as such or as 0 and 1."""
    one = column(values, name, rows)
    if one.dtype == bool:
        return np.asarray(one, bool)
    try:
        number = one.astype(np.float64)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} is 0 or 1 in every row") from None
    if not np.isin(number, (0.0, 1.0)).all():
        raise BadRequest(f"{name} is 0 or 1 in every row")
    return np.asarray(number == 1, bool)


def code_labels(values: ArrayLike, names: Sequence[str] | None, what: str, rows: int) -> tuple[tuple[str, ...], Codes]:
    """Names and codes of a column of labels: strings, or codes into `names`.

    Names default to the labels found, sorted. A label outside `names`, a name given twice and a missing label are a
    `BadRequest`.
    """
    labels = column(values, what, rows)
    if names is not None and len(set(names)) != len(names):
        raise BadRequest(f"{what}: a name is given twice")
    if names is not None and np.issubdtype(labels.dtype, np.integer):
        codes = labels.astype(np.int64)
        if rows and (codes.min() < 0 or codes.max() >= len(names)):
            raise BadRequest(f"{what}: codes run from 0 to {len(names) - 1}")
        return tuple(names), codes
    distinct, codes = np.unique(labels.astype(np.str_), return_inverse=True)
    if np.isin(distinct, NO_LABEL).any():
        raise BadRequest(f"{what}: some rows have no label; give those who are not labelled a name of their own")
    if names is None:
        return tuple(str(f) for f in distinct), codes.astype(np.int64)
    place = {name: i for i, name in enumerate(names)}
    strange = [str(f) for f in distinct if str(f) not in place]
    if strange:
        raise BadRequest(f"{what}: {len(strange)} labels are not among those declared, the first is {strange[0]!r}")
    return tuple(names), np.array([place[str(f)] for f in distinct], np.int64)[codes]


def code_groups(
    first: ArrayLike | None, second: ArrayLike | None, names: Sequence[str] | None, rows: int
) -> tuple[tuple[str, ...], Codes, Codes]:
    """Names and codes of the groups of two sides; the second defaults to the first, and both to one group, "all"."""
    if first is None:
        if second is not None:
            raise BadRequest("the second side has groups and the first has none")
        return tuple(names) if names else ("all",), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    if second is None:
        named, codes = code_labels(first, names, "groups", rows)
        return named, codes, codes
    both = np.concatenate([column(first, "first groups", rows), column(second, "second groups", rows)])
    named, codes = code_labels(both, names, "groups", 2 * rows)
    return named, codes[:rows], codes[rows:]


def code_people(first: ArrayLike | None, second: ArrayLike | None, rows: int) -> tuple[Codes, Codes]:
    """Codes 0.. of the people of two sides, or two empty columns where they are not known."""
    if first is None and second is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if first is None or second is None:
        raise BadRequest("people are given for one side only")
    both = np.concatenate([column(first, "first people", rows), column(second, "second people", rows)])
    _, codes = np.unique(both, return_inverse=True)
    return codes[:rows].astype(np.int64), codes[rows:].astype(np.int64)


def intersections(labels: Mapping[str, ArrayLike]) -> NDArray[np.str_]:
    """One composite label per row, "woman / 20-29", from several columns of labels, each (n,)."""
    columns = [np.asarray(one).astype(np.str_) for one in labels.values()]
    if not columns or any(c.shape != columns[0].shape or c.ndim != 1 for c in columns):
        raise BadRequest("intersections are of one or more columns of one length")
    joined = columns[0]
    for one in columns[1:]:
        joined = np.char.add(np.char.add(joined, " / "), one)
    return joined
