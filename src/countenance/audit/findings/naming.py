"""What groups are called: the plan's words for them where it has any, else their labels in the data, marked as such."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from countenance.audit.formats.plan import CROSS, JOINT
from countenance.audit.formats.results import Numbers, Worst

R = TypeVar("R")
REST = "other groups of fewer than"
_GROUPS = frozenset({"group", "reference", "first", "second", "best"})
_FACTORS = frozenset({"name", "factor"})


@dataclass(frozen=True, slots=True)
class Names:
    """labels: words by the names of groups and factors in the data."""

    labels: Mapping[str, str]

    def group(self, name: str) -> str:
        """A group in a table: "North Punjab", "Black · women"."""
        return self.labels.get(name) or JOINT.join(self.labels.get(part, part) for part in name.split(JOINT))

    def factor(self, name: str) -> str:
        """A factor or an intersection: "skin x gender"."""
        return self.labels.get(name) or CROSS.join(self.labels.get(part, part) for part in name.split(CROSS))

    def people(self, factor: str, name: str) -> tuple[str, str]:
        """A group in a sentence, and shorter where there is no room: "Black women"; "people labelled Black"."""
        parts = name.split(JOINT)
        if name in self.labels or all(part in self.labels for part in parts):
            said = self.labels.get(name) or " ".join(self.labels[part] for part in parts)
            return said, said
        shown = self.group(name)
        if name.startswith(REST):
            return f"people in {shown}", "people in other small groups"
        if len(parts) == 1 and any(map(str.isdecimal, name)):
            return f"people of {self.factor(factor)} {shown}", f"{self.factor(factor)} {shown}"
        return f"people labelled {shown}", shown

    def applied(self, record: R) -> R:
        """The record with every group and factor in words."""
        return self._applied(record) if self.labels else record

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
                new = self.group(old)
            elif isinstance(old, str) and field.name in _FACTORS and hasattr(value, "planned"):
                new = self.factor(old)
            elif field.name in ("empty", "merged"):
                new = tuple(self.group(name) for name in old)
            if new is not old:
                changes[field.name] = new
        return dataclasses.replace(value, **changes) if changes else value
