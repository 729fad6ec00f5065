"""Packs as formulas for z3, made from the second reader's trees: questions about all requests at once.

A fact is a variable and a Boolean "stated". Words are numbered, sets are one Boolean per word. A condition becomes two
formulas, "surely" and "possibly", as in strong Kleene logic. Facts that follow from others are tied to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import z3
from tests.unit.policy.oracle import Node, Text

from countenance.policy.enums import COERCIVE_POWERS
from countenance.policy.facts import FACTS, Fact

BY_PATH = {fact.path: fact for fact in FACTS}


@dataclass
class World:
    """All that a request can say, as z3 variables."""

    numbers: dict[str, int] = field(default_factory=dict)
    sets: dict[tuple[str, str], Any] = field(default_factory=dict)
    tag: str = ""

    def word(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def stated(self, path: str) -> Any:
        return z3.Bool(f"{self.tag}stated {path}") if BY_PATH[path].optional else z3.BoolVal(True)

    def var(self, path: str) -> Any:
        cedar = BY_PATH[path].cedar
        name = f"{self.tag}{path}"
        return z3.Bool(name) if cedar == "Bool" else z3.Int(name)

    def holds(self, path: str, word: str) -> Any:
        """Whether the set at `path` holds `word`."""
        return self.sets.setdefault((path, word), z3.Bool(f"{self.tag}{path} has {word}"))

    def surely(self, node: Node) -> Any:
        return self._bound(node, False)

    def possibly(self, node: Node) -> Any:
        return self._bound(node, True)

    def _bound(self, node: Node, when_silent: bool) -> Any:
        if node[0] == "and":
            return z3.And(*(self._bound(part, when_silent) for part in node[1:]))
        if node[0] == "or":
            return z3.Or(*(self._bound(part, when_silent) for part in node[1:]))
        if node[0] == "not":
            return z3.Not(self._bound(node[1], not when_silent))
        stated = z3.And(*(self.stated(path) for path in paths(node)))
        test = self._test(node)
        return z3.Or(z3.Not(stated), test) if when_silent else z3.And(stated, test)

    def _test(self, node: Node) -> Any:
        if node[0] in ("contains", "containsAny", "containsAll"):
            return self._sets(node)
        return self._value(node)

    def _value(self, node: Node) -> Any:
        if node[0] == "value":
            plain = node[1]
            if isinstance(plain, bool):
                return z3.BoolVal(plain)
            return z3.IntVal(self.word(plain) if isinstance(plain, str) else plain)
        if node[0] == "dot":
            return self.var(path_of(node))
        left, right = self._value(node[1]), self._value(node[2])
        return {
            "==": lambda: left == right,
            "!=": lambda: left != right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
            "+": lambda: left + right,
            "-": lambda: left - right,
        }[node[0]]()

    def _sets(self, node: Node) -> Any:
        kind, left, right = node
        if left[0] == "set":
            assert kind == "contains"
            return z3.Or(*(self._value(right) == self._value(member) for member in left[1:]))
        members = [right] if kind == "contains" else list(right[1:])
        each = [self.holds(path_of(left), member[1]) for member in members]
        return z3.And(*each) if kind == "containsAll" else z3.Or(*each)

    def sense(self) -> list[Any]:
        """What ties facts to each other; call it last, when all words are known."""
        powers = {word for (path, word) in self.sets if path.endswith(".powers")} | set(COERCIVE_POWERS)
        rules = [
            self.holds("holder.powers", word)
            == z3.Or(self.holds("actor.powers", word), self.holds("behalf.powers", word))
            for word in sorted(powers)
        ]
        rules.append(
            self.var("holder.coercive") == z3.Or(*(self.holds("holder.powers", w) for w in sorted(COERCIVE_POWERS)))
        )
        none = self.word("none")
        rules.append(
            self.var("holder.public") == z3.Or(self.var("actor.tier") != none, self.var("behalf.tier") != none)
        )
        rules.append(z3.Implies(self.stated("authorisation.state"), self.stated("authorisation.kind")))
        nobody = z3.And(self.stated("authorisation.kind"), self.var("authorisation.kind") == none)
        rules.append(z3.Implies(nobody, self.stated("authorisation.state")))
        rules.append(z3.Implies(self.var("authorisation.kind") == none, self.var("authorisation.state") == none))
        for fact in FACTS:
            if fact.cedar == "String" and fact.choices:
                rules.append(z3.Or(*(self.var(fact.path) == self.word(choice) for choice in fact.choices)))
        for (path, word), has in list(self.sets.items()):
            place = word.split("-")
            for size in range(1, len(place)):
                outer = "-".join(place[:size])
                if (path, outer) in self.sets:
                    rules.append(z3.Implies(has, self.sets[path, outer]))
        return rules


def paths(node: Node) -> set[str]:
    if node[0] == "dot":
        return {path_of(node)}
    return set().union(*(paths(part) for part in node[1:] if isinstance(part, tuple)), set())


def path_of(node: Node) -> str:
    return f"{node[1][2]}.{node[2]}"


def permitted(world: World, texts: Iterable[Text], operation: str, day: date) -> Any:
    """The formula that says that `texts` in force together permit."""
    parts: list[str] = []
    for text in texts:
        rules = [
            rule
            for rule in text.rules
            if rule.in_force(day) and (rule.operations is None or operation in rule.operations)
        ]
        parts.extend(z3.Not(world.possibly(rule.condition)) for rule in rules if rule.effect == "forbid")
        if text.closed:
            parts.append(z3.Or(*(world.surely(rule.condition) for rule in rules if rule.effect == "permit")))
    return z3.And(*parts)


def example(world: World, *claims: Any) -> z3.ModelRef | None:
    """A request for which all `claims` are true, or None where z3 proves that there is none."""
    solver = z3.Solver()
    solver.set("timeout", 60_000)
    solver.add(*claims, *world.sense())
    answer = solver.check()
    assert answer != z3.unknown
    return solver.model() if answer == z3.sat else None


def facts_of(world: World, model: z3.ModelRef) -> dict[str, dict[str, Any]]:
    """The request that z3 found, as a context for the other readers."""
    words = {number: word for word, number in world.numbers.items()}
    found: dict[str, dict[str, Any]] = {}
    for fact in FACTS:
        group = found.setdefault(fact.group, {})
        if fact.optional and not z3.is_true(model.eval(world.stated(fact.path), model_completion=True)):
            continue
        group[fact.name] = plain(world, model, fact, words)
    return found


def plain(world: World, model: z3.ModelRef, fact: Fact, words: dict[int, str]) -> Any:
    if fact.cedar == "Set<String>":
        return sorted(
            word
            for (path, word), has in world.sets.items()
            if path == fact.path and z3.is_true(model.eval(has, model_completion=True))
        )
    value = model.eval(world.var(fact.path), model_completion=True)
    if fact.cedar == "Bool":
        return z3.is_true(value)
    number = value.as_long()
    return words.get(number, f"word {number}") if fact.cedar == "String" else number
