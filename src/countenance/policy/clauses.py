"""One clause of a pack: a Cedar policy with the annotations that say where it comes from and what would change it.

Clauses are written as if every fact were stated: plain `context.group.name`, and, or, not, comparisons, set tests and
sums. `has`, `if`, `like`, entities and tags are refused, so that one place decides what an unstated fact means
(`kleene`). Annotations: id, says, cite, status, in_force_from; in_force_until, remedy, obligation, duty, within, binds,
source, looked_up as needed.

Whom several clauses bind is said once, as a scope: a permit with `@scope("PACK.NAME")` and `@says("whom it means")` and
nothing else. A clause that says `@within("PACK.NAME")` holds only where the scope's condition holds too.
"""

from __future__ import annotations

from collections.abc import Mapping
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
class ClauseScope:
    """Whom several clauses bind. says: in words."""

    id: str
    condition: pst.Expr
    says: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as written. own: its `when` and `unless` parts as one expression. scope: the scope that it is within.

    operations: those it speaks of. says: what it demands, in one plain sentence. binds: who is bound, in words. source:
    the text that `cite` is a place in; looked_up: the day on which somebody held the clause against it, None if nobody
    has.
    """

    id: str
    effect: Effect
    operations: frozenset[Action]
    own: pst.Expr
    says: str
    cite: str
    status: Status
    in_force_from: date
    in_force_until: date | None
    remedy: str
    obligations: tuple[Obligation, ...]
    facts: frozenset[Fact]
    binds: str
    source: str
    looked_up: date | None
    scope: ClauseScope | None = None

    @property
    def condition(self) -> pst.Expr:
        """True where the clause applies: its scope's condition and its own."""
        if self.scope is None:
            return self.own
        if self.own == pst.BoolLit(True):
            return self.scope.condition
        return pst.BinaryOp("and", self.scope.condition, self.own)

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
    "within", "binds", "source", "looked_up",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackDefaults:
    """What a clause takes from its pack where it says nothing itself.

    binds: whom the text binds, in words. read_on: the day on which the text was read, and on which a clause was looked
    up unless its status is unreviewed.
    """

    source: str
    binds: str
    read_on: date


def clauses(pack: str, text: str, defaults: PackDefaults) -> tuple[Clause, ...]:
    """The clauses in the Cedar text `text`, in order; `PolicyError` if anything in it is neither clause nor scope."""
    try:
        policies = cedarpy.policies_to_pst(text)
    except ValueError as error:
        raise PolicyError(f"pack {pack}: clauses.cedar does not parse: {error}") from error
    if policies.templates or policies.template_links:
        raise PolicyError(f"pack {pack}: clauses.cedar holds a template, and clauses have no slots")
    ordered = sorted(policies.static_policies.items(), key=lambda item: int(item[0].removeprefix("policy")))
    scopes = tuple(_scope(pack, template) for _, template in ordered if "scope" in dict(template.annotations))
    by_id = {scope.id: scope for scope in scopes}
    read = tuple(
        _clause(pack, template, by_id, defaults) for _, template in ordered if "scope" not in dict(template.annotations)
    )
    names = [*(scope.id for scope in scopes), *(clause.id for clause in read)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PolicyError(f"pack {pack}: two clauses are called {twice[0]}")
    idle = sorted(set(by_id) - {clause.scope.id for clause in read if clause.scope is not None})
    if idle:
        raise PolicyError(f"pack {pack}: no clause is within the scope {idle[0]}")
    return read


def _scope(pack: str, template: pst.Template) -> ClauseScope:
    notes = dict(template.annotations)
    name = notes["scope"] or ""
    where = f"pack {pack}, scope {name}"
    if not name.startswith(f"{pack}."):
        raise PolicyError(f"{where}: its id must start with {pack}.")
    if set(notes) != {"scope", "says"} or not notes["says"]:
        raise PolicyError(f"{where}: a scope has @scope and @says, and nothing else")
    if Effect(template.effect) is not Effect.PERMIT or not isinstance(template.action, pst.ScopeAny):
        raise PolicyError(f"{where}: a scope is written permit (principal, action, resource)")
    _check_head(template, where)
    condition = _condition(template.clauses)
    _check_condition(condition, where)
    return ClauseScope(name, condition, str(notes["says"]))


def _check_head(template: pst.Template, where: str) -> None:
    if not isinstance(template.principal, pst.ScopeAny) or not isinstance(template.resource, pst.ScopeAny):
        raise PolicyError(f"{where}: principal and resource stay open; facts are in the context")


def _check_condition(condition: pst.Expr, where: str) -> frozenset[Fact]:
    facts = frozenset(_facts(condition, where))
    try:
        _check_words(condition, where)
    except BadRequest as error:
        raise PolicyError(f"{where}: {error}") from error
    return facts


def _clause(pack: str, template: pst.Template, scopes: Mapping[str, ClauseScope], defaults: PackDefaults) -> Clause:
    notes = dict(template.annotations)
    name = notes.get("id", "")
    where = f"pack {pack}, clause {name or '(without id)'}"
    if not name.startswith(f"{pack}."):
        raise PolicyError(f"{where}: its id must start with {pack}.")
    unknown = sorted(set(notes) - _NOTES)
    if unknown:
        raise PolicyError(f"{where}: unknown annotation @{unknown[0]}")
    _check_head(template, where)
    own = _condition(template.clauses)
    facts = _check_condition(own, where)
    scope = None
    if "within" in notes:
        scope = scopes.get(str(notes["within"]))
        if scope is None:
            has = ", ".join(sorted(scopes)) or "none"
            raise PolicyError(f"{where}: there is no scope {notes['within']}; this pack has {has}")
        facts |= frozenset(_facts(scope.condition, where))
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
        looked_up = date.fromisoformat(notes["looked_up"]) if "looked_up" in notes else None
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from error
    if status is Status.REPEALED and ends is None:
        raise PolicyError(f"{where}: a repealed clause says @in_force_until")
    if status is Status.UNREVIEWED and looked_up is not None:
        raise PolicyError(f"{where}: an unreviewed clause was not held against its text, so it has no @looked_up")
    if ends is not None and ends <= begins:
        raise PolicyError(f"{where}: it ends on {ends}, before it begins on {begins}")
    return Clause(
        id=name,
        effect=effect,
        operations=_operations(template.action, where),
        own=own,
        says=notes["says"],
        cite=notes["cite"],
        status=status,
        in_force_from=begins,
        in_force_until=ends,
        remedy=notes.get("remedy", ""),
        obligations=duties,
        facts=facts,
        binds=notes.get("binds") or (scope.says if scope else defaults.binds),
        source=notes.get("source") or defaults.source,
        looked_up=None if status is Status.UNREVIEWED else looked_up or defaults.read_on,
        scope=scope,
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
