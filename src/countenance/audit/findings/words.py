"""Groups and numbers as people read them.

Groups have the plan's words where it has any, else their labels in the data, marked as such.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from countenance.audit.formats.plan import CROSS, JOINT, Plan, System
from countenance.audit.formats.results import Bounds, Numbers, Share, Worst

R = TypeVar("R")
_UNSAID = frozenset({"not stated", "not known", "not disclosed", "not specified", "unknown", "undisclosed",
                     "unspecified"})  # fmt: skip
"""Labels of people about whom nobody said what their group is."""
REST = "other groups of fewer than"
_GROUPS = frozenset({"group", "reference", "first", "second", "best"})
_FACTORS = frozenset({"name", "factor"})


@dataclass(frozen=True, slots=True)
class Names:
    """labels: words by the names of groups and factors in the data. counted: what is in a group, see `Plan.counted`."""

    labels: Mapping[str, str]
    counted: str = "people"

    @classmethod
    def of(cls, plan: Plan) -> Names:
        """The names that `plan` gives."""
        return cls(plan.groups.labels, plan.counted)

    def group(self, name: str) -> str:
        """A group in a table: "North Punjab", "Black · women"."""
        return self.labels.get(name) or JOINT.join(self.labels.get(part, part) for part in name.split(JOINT))

    def factor(self, name: str) -> str:
        """A factor or an intersection: "skin x gender"."""
        return self.labels.get(name) or CROSS.join(self.labels.get(part, part) for part in name.split(CROSS))

    def people(self, factor: str, name: str) -> tuple[str, str]:
        """A group in a sentence, and shorter where there is no room: "Black women"; "people labelled Black"."""
        parts = name.split(JOINT)
        if self.counted == "people" and (name in self.labels or all(part in self.labels for part in parts)):
            words = self.labels.get(name) or " ".join(self.labels[part] for part in parts)
            return words, words
        if name.casefold() in _UNSAID:
            return (f"{self.counted} whose {self.factor(factor)} is {name.lower()}",) * 2
        group = self.said(self.group(name))
        if name.startswith(REST):
            return f"{self.counted} in {group}", f"{self.counted} in other small groups"
        if len(parts) == 1 and any(map(str.isdecimal, name)):
            return f"{self.counted} of {self.factor(factor)} {group}", f"{self.factor(factor)} {group}"
        return (
            f"{self.counted} labelled {group}",
            group if self.counted == "people" else f"{self.counted} labelled {group}",
        )

    def others_than(self, factor: str, name: str) -> tuple[str, str]:
        """All but a group in a sentence: "everybody but Black women", "people not labelled Other"; "everybody else"."""
        named = self.people(factor, name)[0]
        labelled = f"{self.counted} labelled "
        if named.startswith(labelled):
            return f"{self.counted} not labelled {named.removeprefix(labelled)}", self.rest
        return f"{self.everybody} but {named}", self.rest

    @property
    def everybody(self) -> str:
        """All that were measured, in a sentence."""
        return "everybody" if self.counted == "people" else f"all {self.counted}"

    @property
    def rest(self) -> str:
        """All others, in a sentence."""
        return "everybody else" if self.counted == "people" else f"all other {self.counted}"

    def said(self, words: str) -> str:
        """Words about groups of few people, on one line, as they are said of what is counted."""
        words = " ".join(words.split())  # a cell of a table may hold line breaks
        return words if self.counted == "people" else re.sub(r"(fewer than \d+) people", rf"\1 {self.counted}", words)

    def applied(self, record: R) -> R:
        """The record with every group and factor in words."""
        return self._applied(record) if self.labels or self.counted != "people" else record

    def _applied(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._applied(item) for item in value)
        if not dataclasses.is_dataclass(value) or isinstance(value, (type, Numbers)):
            return value
        changes = {}
        for field in dataclasses.fields(value):
            old = getattr(value, field.name)
            new = self._applied(old)
            if isinstance(old, str) and (field.name in _GROUPS or (field.name == "worst" and isinstance(value, Worst))):
                new = self.said(self.group(old))
            elif isinstance(old, str) and field.name == "reason":
                new = self.said(old)
            elif isinstance(old, str) and field.name in _FACTORS and hasattr(value, "planned"):
                new = self.factor(old)
            elif field.name in ("empty", "merged"):
                new = tuple(self.said(self.group(name)) for name in old)
            if new is not old:
                changes[field.name] = new
        return dataclasses.replace(value, **changes) if changes else value


NOT_STATED = "not stated"


def system_words(system: System) -> str:
    """A system as a report names it: "Gatekeeper, version 3, of Northwind"; what nobody stated is said to be so."""
    version = "of a version not stated" if system.version == NOT_STATED else f"version {system.version}"
    if system.name == NOT_STATED:
        return f"A system that nobody named, {version}"
    name = f"{system.name[:1].upper()}{system.name[1:]}" if system.name.startswith("the ") else system.name
    return f"{name}, {version}" + ("" if system.provider == NOT_STATED else f", of {system.provider}")


def percent(rate: float | None) -> str:
    """A rate as a percentage with three significant digits; "unknown" for None."""
    if rate is None:
        return "unknown"
    if rate == 0:
        return "0 %"
    rate = float(f"{rate:.3g}")
    digits = max(0, 2 - math.floor(math.log10(abs(100 * rate))))
    return f"{100 * rate:.{min(digits, 8)}f} %"


def one_in(rate: float | None) -> str:
    """A rate as "1 in 1,234"."""
    if rate is None:
        return "unknown"
    if rate == 0:
        return "none seen"
    each = 1 / rate
    return f"1 in {each:,.0f}" if each >= 10 else f"1 in {each:.1f}"


def count(number: float) -> str:
    """A count, which may be an average: "63", "0.4"."""
    if number >= 10:
        return f"{number:,.0f}"
    return f"{number:.2g}" if number else "0"


def times(ratio: float | None, bounds: Bounds | None = None) -> str:
    """A ratio as "12 times". None: "unbounded" where its interval says that it is not small, else "not known"."""
    if ratio is None:
        return "not known" if bounds is None or not bounds.low else "unbounded"
    if ratio >= 10:
        return f"{ratio:,.0f} times"
    return f"{ratio:.{3 if 0.9 < ratio < 1.1 else 2}g} times"


def between(bounds: Bounds) -> str:
    """An interval of a ratio: "8.1 to 17", "2.0 or more", "1.02 to 1.4"."""
    low, high = (None if end is None else _end(end) for end in (bounds.low, bounds.high))
    return f"{low or 0} or more" if high is None else f"{low or 0} to {high}"


def _end(ratio: float) -> str:
    """An end in two digits, or in as many as show on which side of 1 it lies."""
    if ratio >= 10:
        return f"{ratio:,.0f}"
    return next((rounded for digits in (2, 3, 4) if float(rounded := f"{ratio:.{digits}g}") != 1), f"{ratio:.5g}")


def of(share: Share) -> str:
    """Counts as "12 of 3,456", or why there are none."""
    if share.errors is None or share.trials is None:
        return share.reason
    if not share.trials:
        return share.reason or "no trials"
    return f"{share.errors:,} of {share.trials:,}"


def interval(share: Share) -> str:
    """The interval of a rate: "0.10 % to 0.34 %"; one-sided where nothing, or everything, went wrong."""
    if share.low is None or share.high is None:
        return ""
    if share.trials and not share.errors:
        return f"at most {percent(share.high)}"
    if share.trials and share.errors == share.trials:
        return f"at least {percent(share.low)}"
    return f"{percent(share.low)} to {percent(share.high)}"


def rate(share: Share) -> str:
    """A rate with one number: "14.0 %"; the bound where it is none or all: "at most 6.6 %", "at least 93.4 %"."""
    if not share.known:
        return share.reason
    return interval(share) if one_sided(share) else percent(share.estimate)


def seen(share: Share) -> str:
    """A rate and its counts: "14.0 % (12 of 86)"; "0 of 54, at most 6.6 %"; "54 of 54, at least 93.4 %"."""
    if not share.known:
        return share.reason
    return f"{of(share)}, {interval(share)}" if one_sided(share) else f"{percent(share.estimate)} ({of(share)})"


def one_sided(share: Share) -> bool:
    """Whether nothing, or everything, went wrong: such a rate is known from one side only."""
    return share.known and bool(share.trials) and share.errors in (0, share.trials)


def listed(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Names in a row: "a, b and c", or "a, b, c and 12 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
