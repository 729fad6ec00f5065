"""A budget as a value: how many comparisons of faces a mandate may make, and the defaults by purpose."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from countenance.errors import BadRequest, CountenanceError, Misconfigured

MOST = 10**9
"""The largest number that a budget may state."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Comparisons of faces, each 1..10^9. minute: in any minute under the mandate. The others: in any 24 hours.

    day: under the mandate. key: with one access key. gallery: in one gallery. subject: with one person: an enrolled
    face or user, or the person of a picture compared. alike: by probes that are near-duplicates of one another.
    """

    minute: int
    day: int
    key: int
    gallery: int
    subject: int
    alike: int

    def changed(self, text: str) -> Budget:
        """This budget with what `text` states, such as "day=1000,subject=5"; `BadRequest` if it is malformed."""
        stated: dict[str, object] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = (each.strip() for each in part.partition("="))
            if name in stated:
                raise BadRequest(f"a budget states {name!r} once")
            stated[name] = int(number) if number.isascii() and number.isdigit() and len(number) < 12 else number
        return _changed(self, stated, BadRequest)

    def text(self) -> str:
        """All of it, as `changed` reads it."""
        return ",".join(f"{name}={number}" for name, number in asdict(self).items())


NAMES = tuple(field.name for field in fields(Budget))

Defaults: TypeAlias = Mapping[str, Budget]
"""Budgets by purpose; `default` is that of every other purpose."""


def read_defaults(further: Path | None = None) -> Defaults:
    """The budgets that ship, changed by the TOML file `further`; `Misconfigured` if that is malformed.

    It has a table per purpose, or `default`, with numbers under the names of `Budget`; what it leaves out keeps its
    default.
    """
    shipped = resources.files("countenance.budgets").joinpath("defaults.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(shipped)
    if further is not None:
        try:
            stated = tomllib.loads(further.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Misconfigured(f"the file of budgets cannot be read: {error}") from error
        for purpose, table in stated.items():
            if not isinstance(table, dict):
                raise Misconfigured(f"the file of budgets: {purpose} is a table, such as [{purpose}] with day = 1000")
            tables[purpose] = {**tables.get(purpose, {}), **table}
    first = _changed(Budget(1, 1, 1, 1, 1, 1), tables.pop("default"), Misconfigured)
    budgets = {purpose: _changed(first, table, Misconfigured) for purpose, table in tables.items()}
    return MappingProxyType({"default": first, **budgets})


def budget_of(defaults: Defaults, purpose: str, own: str) -> Budget:
    """The budget of a mandate: its purpose's, changed by what the mandate states; `BadRequest` if malformed."""
    return defaults.get(purpose, defaults["default"]).changed(own)


def _changed(budget: Budget, stated: Mapping[str, object], error: type[CountenanceError]) -> Budget:
    for name, number in stated.items():
        if name not in NAMES:
            raise error(f"a budget states {', '.join(NAMES)}; got {name!r}")
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
            raise error(f"a budget's {name} is a whole number from 1 to {MOST}")
    return replace(budget, **{name: number for name, number in stated.items() if isinstance(number, int)})
