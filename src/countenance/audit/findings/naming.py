"""What groups are called: the plan's words for them where it has any, else their labels in the data, marked as such."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from countenance.audit.formats.plan import CROSS, JOINT, Plan
from countenance.audit.formats.results import Numbers, Worst

R = TypeVar("R")
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
        shown = self.said(self.group(name))
        if name.startswith(REST):
            return f"{self.counted} in {shown}", f"{self.counted} in other small groups"
        if len(parts) == 1 and any(map(str.isdecimal, name)):
            return f"{self.counted} of {self.factor(factor)} {shown}", f"{self.factor(factor)} {shown}"
        return (
            f"{self.counted} labelled {shown}",
            shown if self.counted == "people" else f"{self.counted} labelled {shown}",
        )

    def others_than(self, factor: str, name: str) -> tuple[str, str]:
        """All but a group in a sentence, and shorter: "everybody but Black women"; "people not labelled Other"."""
        named, short = self.people(factor, name)
        labelled = f"{self.counted} labelled "
        if named.startswith(labelled):
            negated = f"{self.counted} not labelled {named.removeprefix(labelled)}"
            return negated, negated
        return f"{self.everybody} but {named}", f"{self.everybody} but {short}"

    @property
    def everybody(self) -> str:
        """All that were measured, in a sentence."""
        return "everybody" if self.counted == "people" else f"all {self.counted}"

    @property
    def rest(self) -> str:
        """All others, in a sentence."""
        return "everybody else" if self.counted == "people" else f"all other {self.counted}"

    def said(self, words: str) -> str:
        """Words about groups of few people, as they are said of what is counted."""
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
