"""Mandate templates for common lawful uses, from `templates.toml`, and the facts that each leaves to be stated."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from countenance.errors import BadRequest, NotFound
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class MandateTemplate:
    """A form for mandates.

    facts: those that define the use, by group. to_state: facts to be stated, each with an example.
    """

    name: str
    title: str
    says: str
    kind: str
    purpose: str
    legal_basis: str
    operations: tuple[str, ...]
    facts: Mapping[str, JSON]
    to_state: Mapping[str, JSON]

    def filled(self, stated: Mapping[str, JSON]) -> dict[str, JSON]:
        """The template's facts, overridden by `stated` (by group). `BadRequest` names facts that are missing."""
        missing = [path for path in self.to_state if not _holds(stated, path)]
        if missing:
            raise BadRequest(f"the template {self.name} leaves these to be stated: {', '.join(missing)}")
        facts = dict(self.facts)
        for group, value in stated.items():
            below = facts.get(group)
            facts[group] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
        return facts

    def example(self) -> dict[str, JSON]:
        """The examples of `to_state`, by group."""
        facts: dict[str, JSON] = {}
        for path, value in self.to_state.items():
            group, _, fact = path.partition(".")
            table = facts.setdefault(group, {})
            assert isinstance(table, dict)
            table[fact] = value
        return facts

    def example_json(self) -> str:
        """The examples as one line of JSON, ready to be changed."""
        return json.dumps(self.example())


def templates() -> Mapping[str, MandateTemplate]:
    """The templates that ship, by name, in their order."""
    text = resources.files("countenance.mandates").joinpath("templates.toml").read_text(encoding="utf-8")
    read = (_template(table) for table in tomllib.loads(text)["template"])
    return MappingProxyType({each.name: each for each in read})


def template(name: str) -> MandateTemplate:
    """The template with that name, or `NotFound`."""
    known = templates()
    if name not in known:
        raise NotFound(f"there is no such template; there are {', '.join(known)}")
    return known[name]


def _template(table: dict[str, JSON]) -> MandateTemplate:
    texts = {key: str(table[key]) for key in ("name", "title", "says", "kind", "purpose", "legal_basis")}
    operations, facts, to_state = table["operations"], table["facts"], table.get("to_state", {})
    assert isinstance(operations, list)
    assert isinstance(facts, dict)
    assert isinstance(to_state, dict)
    return MandateTemplate(
        **texts,
        operations=tuple(map(str, operations)),
        facts=MappingProxyType(facts),
        to_state=MappingProxyType(to_state),
    )


def _holds(facts: Mapping[str, JSON], path: str) -> bool:
    group, _, fact = path.partition(".")
    table = facts.get(group)
    return isinstance(table, dict) and fact in table
