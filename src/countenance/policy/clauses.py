"""One clause of a pack: a Cedar policy with the annotations that say where it comes from and what would change it.

Clauses are written as if every fact were stated: plain `context.group.name`, and, or, not, comparisons, set tests and
sums. `has`, `if`, `like`, entities and tags are refused, so that one place decides what an unstated fact means
(`kleene`). Annotations: id, says, cite, status, in_force_from; in_force_until, remedy, obligation, duty as needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import cedarpy
from cedarpy import pst

from countenance.errors import BadRequest, PolicyError
from countenance.policy.enums import Action
from countenance.policy.facts import FACT, Fact
from countenance.policy.obligations import Obligation, obligations
from countenance.policy.places import enclosing


class Status(StrEnum):
    """How well the text of a clause is sourced."""

    IN_FORCE = "in-force"
    """read in the source that is named"""
    UNREVIEWED = "unreviewed"
    """written from memory or from a second-hand source; applied all the same"""
    DISPUTED = "disputed"
    """sources contradict each other: it forbids, and it never permits"""
    REPEALED = "repealed"
    """ended; applies only under the law of an earlier date"""


class Effect(StrEnum):
    """What a clause does where its condition holds."""

    PERMIT = "permit"
    FORBID = "forbid"
    DUTY = "duty"
    """binds obligations to a permitted answer, permits nothing"""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as written. condition: its `when` and `unless` parts as one expression, true where it applies.

    operations: those it speaks of. says: what it demands, in one plain sentence.
    """

    id: str
    effect: Effect
    operations: frozenset[Action]
    condition: pst.Expr
    says: str
    cite: str
    status: Status
    in_force_from: date
    in_force_until: date | None
    remedy: str
    obligations: tuple[Obligation, ...]
    facts: frozenset[Fact]

    def applies_on(self, day: date) -> bool:
        """Whether it is in force on `day`. `in_force_until` is the first day on which it no longer is."""
        return self.in_force_from <= day and (self.in_force_until is None or day < self.in_force_until)


_UNARY = {"not", "is_empty", "neg"}
_BINARY = {
    "eq", "not_eq", "less", "less_eq", "greater", "greater_eq", "and", "or",
    "add", "sub", "mul", "contains", "contains_all", "contains_any",
}  # fmt: skip
_NOTES = {
    "id", "says", "cite", "status", "in_force_from", "in_force_until", "remedy", "obligation", "duty",
}  # fmt: skip


def clauses(pack: str, text: str) -> tuple[Clause, ...]:
    """The clauses in the Cedar text `text`, in order; `PolicyError` if anything in it is not a clause."""
    try:
        policies = cedarpy.policies_to_pst(text)
    except ValueError as error:
        raise PolicyError(f"pack {pack}: clauses.cedar does not parse: {error}") from error
    if policies.templates or policies.template_links:
        raise PolicyError(f"pack {pack}: clauses.cedar holds a template, and clauses have no slots")
    ordered = sorted(policies.static_policies.items(), key=lambda item: int(item[0].removeprefix("policy")))
    read = tuple(_clause(pack, template) for _, template in ordered)
    names = [clause.id for clause in read]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PolicyError(f"pack {pack}: two clauses are called {twice[0]}")
    return read


def _clause(pack: str, template: pst.Template) -> Clause:
    notes = dict(template.annotations)
    name = notes.get("id", "")
    where = f"pack {pack}, clause {name or '(without id)'}"
    if not name.startswith(f"{pack}."):
        raise PolicyError(f"{where}: its id must start with {pack}.")
    unknown = sorted(set(notes) - _NOTES)
    if unknown:
        raise PolicyError(f"{where}: unknown annotation @{unknown[0]}")
    if not isinstance(template.principal, pst.ScopeAny) or not isinstance(template.resource, pst.ScopeAny):
        raise PolicyError(f"{where}: principal and resource stay open; facts are in the context")
    condition = _condition(template.clauses)
    facts = frozenset(_facts(condition, where))
    try:
        _check_words(condition, where)
    except BadRequest as error:
        raise PolicyError(f"{where}: {error}") from error
    effect = Effect(template.effect)
    if "duty" in notes:
        if effect is not Effect.PERMIT or "obligation" not in notes:
            raise PolicyError(f"{where}: a duty is a permit that carries an obligation")
        effect = Effect.DUTY
    for note in ("says", "cite", "status", "in_force_from", *(["remedy"] if effect is Effect.FORBID else [])):
        if not notes.get(note):
            raise PolicyError(f"{where}: @{note} is missing")
    try:
        status = Status(notes["status"])
        begins = date.fromisoformat(notes["in_force_from"])
        ends = date.fromisoformat(notes["in_force_until"]) if "in_force_until" in notes else None
        duties = obligations(notes.get("obligation", ""), name)
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from error
    if status is Status.REPEALED and ends is None:
        raise PolicyError(f"{where}: a repealed clause says @in_force_until")
    if ends is not None and ends <= begins:
        raise PolicyError(f"{where}: it ends on {ends}, before it begins on {begins}")
    return Clause(
        id=name,
        effect=effect,
        operations=_operations(template.action, where),
        condition=condition,
        says=notes["says"],
        cite=notes["cite"],
        status=status,
        in_force_from=begins,
        in_force_until=ends,
        remedy=notes.get("remedy", ""),
        obligations=duties,
        facts=facts,
    )


def _operations(scope: pst.ActionConstraint, where: str) -> frozenset[Action]:
    match scope:
        case pst.ScopeAny():
            return frozenset(Action)
        case pst.ActionEq(entity):
            entities: tuple[pst.EntityUid, ...] = (entity,)
        case pst.ActionIn(entities):
            pass
    try:
        return frozenset(Action(entity.id) for entity in entities)
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from error


def _condition(parts: tuple[pst.Clause, ...]) -> pst.Expr:
    whole: pst.Expr | None = None
    for part in parts:
        expression = part.expr if isinstance(part, pst.When) else pst.UnaryOp("not", part.expr)
        whole = expression if whole is None else pst.BinaryOp("and", whole, expression)
    return pst.BoolLit(True) if whole is None else whole


def _check_words(expression: pst.Expr, where: str) -> None:
    """Refuse a comparison of a fact with a word that it cannot take: the clause would never hold, or always."""
    match expression:
        case pst.UnaryOp(_, arg):
            _check_words(arg, where)
        case pst.BinaryOp(_, left, right):
            for fact_side, word_side in ((left, right), (right, left)):
                match fact_side:
                    case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
                        fact = FACT[f"{group}.{name}"]
                        for word in _texts(word_side):
                            if fact.choices and word not in fact.choices:
                                raise PolicyError(f"{where}: {fact.path} is never {word!r}")
                            if fact.name in ("jurisdictions", "touched"):
                                enclosing(word)
            _check_words(left, where)
            _check_words(right, where)


def _texts(expression: pst.Expr) -> tuple[str, ...]:
    match expression:
        case pst.StringLit(value):
            return (value,)
        case pst.Set(elements):
            return tuple(text for element in elements for text in _texts(element))
    return ()


def _facts(expression: pst.Expr, where: str) -> set[Fact]:
    match expression:
        case pst.BoolLit() | pst.LongLit() | pst.StringLit():
            return set()
        case pst.Set(elements):
            return set().union(*(_facts(element, where) for element in elements))
        case pst.UnaryOp(op, arg) if op in _UNARY:
            return _facts(arg, where)
        case pst.BinaryOp(op, left, right) if op in _BINARY:
            return _facts(left, where) | _facts(right, where)
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            fact = FACT.get(f"{group}.{name}")
            if fact is None:
                raise PolicyError(f"{where}: there is no fact {group}.{name}")
            return {fact}
    raise PolicyError(f"{where}: {type(expression).__name__} has no place in a clause")
