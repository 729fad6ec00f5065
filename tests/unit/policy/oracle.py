"""A second reading of packs, written from the language's description and sharing no code with `countenance.policy`.

Own parser of the subset of Cedar that clauses use, own three-valued evaluation, own rule for combining. It takes the
text of clauses.cedar and a context (nested dicts), and returns what is due.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

TOKEN = re.compile(
    r"\s+|//[^\n]*|(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<number>\d+)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>::|==|!=|<=|>=|&&|\|\||[@(){}\[\],;.!<>+\-*])"
)

Node = tuple[Any, ...]


@dataclass(frozen=True)
class Rule:
    effect: str
    notes: dict[str, str]
    operations: frozenset[str] | None
    condition: Node

    @property
    def id(self) -> str:
        return self.notes["id"]

    def in_force(self, day: date) -> bool:
        begins = date.fromisoformat(self.notes["in_force_from"])
        ends = date.fromisoformat(self.notes.get("in_force_until", "9999-12-31"))
        return begins <= day < ends and not (self.notes["status"] == "disputed" and self.effect == "permit")


@dataclass(frozen=True)
class Text:
    name: str
    closed: bool
    rules: tuple[Rule, ...]


def read(folder: Path) -> Text:
    about = tomllib.loads((folder / "pack.toml").read_text())
    return Text(folder.name, about["default"] == "closed", tuple(parse((folder / "clauses.cedar").read_text())))


def parse(text: str) -> list[Rule]:
    return Reader(text).policies()


class Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise SyntaxError(text[at : at + 30])
            if found.lastgroup:
                self.tokens.append(found.group())
            at = found.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if expected and token not in expected:
            raise SyntaxError(f"{expected} expected, got {token}")
        self.at += 1
        return token

    def policies(self) -> list[Rule]:
        found, scopes = [], {}
        while self.peek():
            rule = self.policy()
            if "scope" in rule.notes:
                scopes[rule.notes["scope"]] = rule.condition
            elif "within" in rule.notes:
                both = ("and", scopes[rule.notes["within"]], rule.condition)
                found.append(Rule(rule.effect, rule.notes, rule.operations, both))
            else:
                found.append(rule)
        return found

    def policy(self) -> Rule:
        notes: dict[str, str] = {}
        while self.peek() == "@":
            self.take("@")
            name = self.take()
            notes[name] = ""
            if self.peek() == "(":
                self.take("(")
                notes[name] = string(self.take())
                self.take(")")
        effect = self.take("permit", "forbid")
        if "duty" in notes:
            effect = "duty"
        self.take("(")
        self.take("principal")
        self.take(",")
        self.take("action")
        operations: frozenset[str] | None = None
        if self.peek() == "==":
            self.take("==")
            operations = frozenset({self.action()})
        elif self.peek() == "in":
            self.take("in")
            self.take("[")
            names = {self.action()}
            while self.peek() == ",":
                self.take(",")
                names.add(self.action())
            self.take("]")
            operations = frozenset(names)
        self.take(",")
        self.take("resource")
        self.take(")")
        condition: Node = ("value", True)
        while self.peek() in ("when", "unless"):
            kind = self.take()
            self.take("{")
            part = self.either()
            self.take("}")
            condition = ("and", condition, part if kind == "when" else ("not", part))
        self.take(";")
        return Rule(effect, notes, operations, condition)

    def action(self) -> str:
        self.take("Action")
        self.take("::")
        return string(self.take())

    def either(self) -> Node:
        node = self.both()
        while self.peek() == "||":
            self.take()
            node = ("or", node, self.both())
        return node

    def both(self) -> Node:
        node = self.relation()
        while self.peek() == "&&":
            self.take()
            node = ("and", node, self.relation())
        return node

    def relation(self) -> Node:
        node = self.sum()
        if self.peek() in ("==", "!=", "<", "<=", ">", ">="):
            return (self.take(), node, self.sum())
        return node

    def sum(self) -> Node:
        node = self.unary()
        while self.peek() in ("+", "-"):
            node = (self.take(), node, self.unary())
        return node

    def unary(self) -> Node:
        if self.peek() == "!":
            self.take()
            return ("not", self.unary())
        return self.member()

    def member(self) -> Node:
        node = self.primary()
        while self.peek() == ".":
            self.take()
            name = self.take()
            if self.peek() == "(":
                self.take("(")
                node = (name, node, self.either())
                self.take(")")
            else:
                node = ("dot", node, name)
        return node

    def primary(self) -> Node:
        token = self.take()
        if token == "(":
            node = self.either()
            self.take(")")
            return node
        if token == "[":
            members = [self.either()]
            while self.peek() == ",":
                self.take()
                members.append(self.either())
            self.take("]")
            return ("set", *members)
        if token in ("true", "false"):
            return ("value", token == "true")
        if token[0] == '"':
            return ("value", string(token))
        if token.isdigit():
            return ("value", int(token))
        if token == "context":
            return ("context",)
        raise SyntaxError(token)


def string(token: str) -> str:
    return token[1:-1].replace('\\"', '"')


class Unstated(Exception):
    pass


def truth(node: Node, context: dict[str, Any]) -> bool | None:
    """Strong Kleene: True, False, or None for unknown."""
    if node[0] == "and":
        sides = [truth(part, context) for part in node[1:]]
        return False if False in sides else (None if None in sides else True)
    if node[0] == "or":
        sides = [truth(part, context) for part in node[1:]]
        return True if True in sides else (None if None in sides else False)
    if node[0] == "not":
        inner = truth(node[1], context)
        return None if inner is None else not inner
    try:
        return bool(value(node, context))
    except Unstated:
        return None


def value(node: Node, context: dict[str, Any]) -> Any:
    kind = node[0]
    if kind == "value":
        return node[1]
    if kind == "set":
        return frozenset(value(part, context) for part in node[1:])
    if kind == "dot":
        assert node[1][0] == "dot"
        assert node[1][1] == ("context",)
        group, name = node[1][2], node[2]
        if name not in context[group]:
            raise Unstated(f"{group}.{name}")
        found = context[group][name]
        return frozenset(found) if isinstance(found, list) else found
    left, right = value(node[1], context), value(node[2], context)
    match kind:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "+":
            return left + right
        case "-":
            return left - right
        case "contains":
            return right in left
        case "containsAny":
            return bool(left & right)
        case "containsAll":
            return left >= right
    raise SyntaxError(kind)


@dataclass(frozen=True)
class Due:
    verdict: str
    grounds: frozenset[str]


def due(texts: list[Text], operation: str, context: dict[str, Any], day: date) -> Due:
    """What packs in force together must answer, and the clauses that they must name."""
    speaking = [
        (text, rule, truth(rule.condition, context))
        for text in texts
        for rule in text.rules
        if rule.in_force(day) and (rule.operations is None or operation in rule.operations)
    ]
    forbidden = {rule.id for _, rule, holds in speaking if rule.effect == "forbid" and holds is True}
    if forbidden:
        return Due("deny", frozenset(forbidden))
    doubtful = {rule.id for _, rule, holds in speaking if rule.effect == "forbid" and holds is None}
    if doubtful:
        return Due("undetermined", frozenset(doubtful))
    permits: set[str] = set()
    lost: set[str] = set()
    hoped: set[str] = set()
    for text in texts:
        own = [(rule, holds) for t, rule, holds in speaking if t is text and rule.effect == "permit"]
        sure = {rule.id for rule, holds in own if holds is True}
        perhaps = {rule.id for rule, holds in own if holds is None}
        if not text.closed:
            sure.add(f"{text.name}.open")
        permits |= sure
        if not sure and perhaps:
            hoped |= perhaps
        elif not sure:
            lost.add(f"{text.name}.default")
    if lost:
        return Due("deny", frozenset(lost))
    if hoped:
        return Due("undetermined", frozenset(hoped))
    duties = {rule.id for _, rule, holds in speaking if rule.effect == "duty" and holds is not False}
    return Due("permit", frozenset(permits | duties))
