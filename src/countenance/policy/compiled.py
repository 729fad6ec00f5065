"""Packs compiled for Cedar, cut down to what one kind of request can meet.

Three cuts, each of which leaves every decision as it is:

- by day and operation: clauses that are not in force, or speak of other operations, are left out
- by parties and places: facts about who asks, for whom and where are always stated. A clause is a conjunction; where a
  part of it that reads only these facts is false, the clause cannot hold, and where it is true, that part says nothing.
  Cedar itself is asked which parts are true, once for each combination of parties and places.
- by facts: what no clause left reads is not put into the context, nor into its schema

So a museum in Nevada is not measured by the law of the Union, and a decision costs what its own rules cost.

And what Cedar was asked before, word for word, it is not asked again: its answer follows from the policies and the
context alone, and the time, in whole seconds, is part of the context.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import cedarpy
import orjson
from cedarpy import pst

from countenance.errors import PolicyError
from countenance.policy.clauses import Clause, Effect, Status
from countenance.policy.decision import Ground
from countenance.policy.enums import Action
from countenance.policy.explanation import Context, Weigher, facts_read, weigher
from countenance.policy.facts import (
    FACT,
    FACTS,
    CedarValue,
    Moment,
    Readers,
    flat_context,
    flat_schema,
    readers,
    schema,
)
from countenance.policy.kleene import possibly, surely
from countenance.policy.packs.pack import Pack
from countenance.policy.request import Party, Request

_WHO_AND_WHERE = frozenset({"actor", "behalf", "holder", "places"})
_MANY = 512
"""Combinations of parties and places, and answers of one book, that are remembered before all are forgotten."""

_NOBODY = {"type": "Mandate", "id": "-"}
_NOWHERE = {"type": "Gallery", "id": "-"}
_NO_ENTITIES = "[]"
_STRICT = schema(all_stated=True)


@dataclass(frozen=True, slots=True)
class CedarAnswer:
    """Cedar's answer.

    reasons: ids of the clauses that made it, in the order of the packs. facts: what Cedar was told.
    """

    allowed: bool
    reasons: tuple[str, ...]
    facts: Context


@dataclass(frozen=True, slots=True)
class PolicySlice:
    """The clauses that one kind of request can meet, compiled.

    opening: forbids that possibly hold, permits that surely do, duties that possibly do: only Allow here is a yes.
    allowing: permits that possibly hold. given: answers to what was asked before, by policies and context.
    """

    operation: Action
    clauses: Mapping[str, Clause]
    grounds: Mapping[str, Ground]
    weighers: Mapping[str, Weigher]
    facts: Readers
    schema: cedarpy.Schema
    entities: cedarpy.Entities
    opening: cedarpy.PolicySet
    allowing: cedarpy.PolicySet
    given: dict[tuple[int, bytes], CedarAnswer] = field(default_factory=dict, compare=False)

    def ask(self, policies: cedarpy.PolicySet, request: Request, moment: Moment) -> CedarAnswer | None:
        """Cedar's answer, or None where it reports an error of any kind: that is never a yes.

        policies: `opening` or `allowing`.
        """
        facts = flat_context(request, moment, self.facts)
        told = _told(facts)
        if told is None:
            return None
        answer = self.given.get((id(policies), told))
        if answer is None:
            answer = _ask(self.operation, policies, self.entities, self.schema, facts, told, self.clauses)
            if answer is not None:  # an error is no answer: next time Cedar is asked again
                if len(self.given) >= _MANY:
                    self.given.clear()
                self.given[id(policies), told] = answer
        return answer


@dataclass(frozen=True, slots=True)
class OpenedSlice:
    """The book for one combination of parties and places. surroundings: the facts about these, which it leaves out."""

    book: PolicySlice
    surroundings: Context


@dataclass(frozen=True, slots=True)
class _Chapter:
    """The clauses in force that speak of an operation. conditional: those with a part about parties and places."""

    active: tuple[tuple[Clause, Pack], ...]
    conditional: Mapping[str, Clause]
    facts: Readers
    schema: cedarpy.Schema
    parts: cedarpy.PolicySet


class PolicyCache:
    """The books of some packs, made when they are first needed. Safe to share between threads."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        """Type-check and remember `packs`; one that does not validate is a `PolicyError`."""
        for pack in packs:
            _validate(pack)
        self._packs = tuple(packs)
        days = {clause.in_force_from for pack in packs for clause in pack.clauses}
        ends = {clause.in_force_until for pack in packs for clause in pack.clauses}
        self._turns = sorted(days | {day for day in ends if day is not None})
        self._entities = cedarpy.Entities.from_json_str(_NO_ENTITIES)
        self._chapters: dict[tuple[int, Action], _Chapter] = {}
        self._books: dict[tuple[int, Action, frozenset[str]], PolicySlice] = {}
        self._known: dict[tuple[object, ...], OpenedSlice] = {}

    def open(self, request: Request, moment: Moment, day: date) -> OpenedSlice | None:
        """The book for `request` under the law of `day`; None where Cedar cannot tell which clauses it can meet."""
        epoch = bisect_right(self._turns, day)
        key = (
            epoch,
            request.operation,
            _who(request.actor),
            _who(request.on_behalf_of),
            request.jurisdictions,
        )
        opened = self._known.get(key)
        if opened is None:
            chapter = self._chapter(epoch, request.operation, day)
            facts = flat_context(request, moment, chapter.facts)
            told = _told(facts)
            met = told and _ask(
                request.operation, chapter.parts, self._entities, chapter.schema, facts, told, chapter.conditional
            )
            if not met:
                return None
            unmet = frozenset(chapter.conditional) - frozenset(met.reasons)
            opened = OpenedSlice(self._bound(epoch, request.operation, chapter, unmet), facts)
            if len(self._known) >= _MANY:
                self._known.clear()
            self._known[key] = opened
        return opened

    def _chapter(self, epoch: int, operation: Action, day: date) -> _Chapter:
        chapter = self._chapters.get((epoch, operation))
        if chapter is None:
            chapter = self._chapters[epoch, operation] = _chapter(self._packs, operation, day)
        return chapter

    def _bound(self, epoch: int, operation: Action, chapter: _Chapter, unmet: frozenset[str]) -> PolicySlice:
        key = (epoch, operation, unmet)
        book = self._books.get(key)
        if book is None:
            if len(self._books) >= _MANY:
                self._books.clear()
            left = [(clause, pack) for clause, pack in chapter.active if clause.id not in unmet]
            book = self._books[key] = _bind(operation, left, self._entities)
        return book


def _told(facts: Mapping[str, CedarValue]) -> bytes | None:
    """The context that Cedar reads; None where JSON cannot say it."""
    try:
        return orjson.dumps(facts)
    except TypeError:
        return None


def _ask(
    operation: Action,
    policies: cedarpy.PolicySet,
    entities: cedarpy.Entities,
    rules: cedarpy.Schema,
    facts: Mapping[str, CedarValue],
    told: bytes,
    order: Iterable[str],
) -> CedarAnswer | None:
    """told: `facts` as JSON."""
    try:
        call = {
            "principal": _NOBODY,
            "action": {"type": "Action", "id": operation.value},
            "resource": _NOWHERE,
            "context": told.decode(),
        }
        answer = cedarpy.is_authorized(call, policies, entities, rules)
    except (ValueError, TypeError):
        return None
    if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
        return None
    named = frozenset(answer.diagnostics.reasons)
    return CedarAnswer(bool(answer.allowed), tuple(name for name in order if name in named), facts)


def _who(party: Party | None) -> tuple[object, ...] | None:
    return None if party is None else (party.powers, party.tier, party.jurisdictions)


def _chapter(packs: Iterable[Pack], operation: Action, day: date) -> _Chapter:
    active = tuple(
        (clause, pack)
        for pack in packs
        for clause in pack.clauses
        if operation in clause.operations
        and clause.applies_on(day)
        and not (clause.status is Status.DISPUTED and clause.effect is Effect.PERMIT)
    )
    parts = {clause.id: _split(clause.condition)[0] for clause, _ in active}
    conditional = {clause.id: clause for clause, _ in active if parts[clause.id] is not None}
    facts = tuple(fact for fact in FACTS if fact.group in _WHO_AND_WHERE)
    try:
        return _Chapter(
            active,
            conditional,
            readers(facts),
            cedarpy.Schema.from_str(flat_schema(facts)),
            _policies((name, _flat(part), Effect.PERMIT) for name, part in parts.items() if part is not None),
        )
    except ValueError as error:
        raise PolicyError(f"the rules do not compile: {error}") from error


def _bind(operation: Action, left: Sequence[tuple[Clause, Pack]], entities: cedarpy.Entities) -> PolicySlice:
    rests = {clause.id: _split(clause.condition)[1] for clause, _ in left}
    read = frozenset().union(*(facts_read(rest) for rest in rests.values()))
    facts = tuple(fact for fact in FACTS if fact.path in read)

    def opening(clause: Clause) -> pst.Expr:
        return _flat((surely if clause.effect is Effect.PERMIT else possibly)(rests[clause.id]))

    permits = [clause for clause, _ in left if clause.effect is Effect.PERMIT]
    try:
        return PolicySlice(
            operation=operation,
            clauses={clause.id: clause for clause, _ in left},
            grounds={clause.id: Ground.of(clause, pack.identity) for clause, pack in left},
            weighers={clause.id: weigher(clause.condition) for clause, _ in left},
            facts=readers(facts),
            schema=cedarpy.Schema.from_str(flat_schema(facts)),
            entities=entities,
            opening=_policies((clause.id, opening(clause), clause.effect) for clause, _ in left),
            allowing=_policies((clause.id, _flat(possibly(rests[clause.id])), clause.effect) for clause in permits),
        )
    except ValueError as error:
        raise PolicyError(f"the rules do not compile: {error}") from error


def _split(condition: pst.Expr) -> tuple[pst.Expr | None, pst.Expr]:
    """The conjuncts of `condition` that read parties and places only (None: there are none), and all the others."""
    fixed: pst.Expr | None = None
    rest: pst.Expr | None = None
    for part in _conjuncts(condition):
        groups = {path.partition(".")[0] for path in facts_read(part)}
        if groups and groups <= _WHO_AND_WHERE:
            fixed = part if fixed is None else pst.BinaryOp("and", fixed, part)
        else:
            rest = part if rest is None else pst.BinaryOp("and", rest, part)
    return fixed, pst.BoolLit(True) if rest is None else rest


def _conjuncts(condition: pst.Expr) -> Iterable[pst.Expr]:
    match condition:
        case pst.BinaryOp("and", left, right):
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case _:
            yield condition


def _flat(expression: pst.Expr) -> pst.Expr:
    """`expression` with context.group.name written context.group_name, everywhere."""
    match expression:
        case pst.GetAttr(pst.GetAttr(pst.Var("context") as whole, group), name):
            return pst.GetAttr(whole, FACT[f"{group}.{name}"].flat)
        case pst.HasAttr(pst.GetAttr(pst.Var("context") as whole, group), (name,)):
            return pst.HasAttr(whole, (FACT[f"{group}.{name}"].flat,))
        case pst.UnaryOp(op, arg):
            return pst.UnaryOp(op, _flat(arg))
        case pst.BinaryOp(op, left, right):
            return pst.BinaryOp(op, _flat(left), _flat(right))
        case pst.IfThenElse(cond, then, other):
            return pst.IfThenElse(_flat(cond), _flat(then), _flat(other))
    return expression


def _validate(pack: Pack) -> None:
    """Cedar's own type check, of the clauses as written (every fact stated) and as compiled (facts optional)."""
    for conditions, rules in (((lambda e: e), _STRICT), (surely, schema()), (possibly, schema())):
        text = str(_policies((c.id, conditions(c.condition), c.effect) for c in pack.clauses))
        result = cedarpy.validate_policies(text, rules)
        if not result.validation_passed:
            raise PolicyError(f"pack {pack.name} does not validate: {result.errors[0].error}")


def _policies(entries: Iterable[tuple[str, pst.Expr, Effect]]) -> cedarpy.PolicySet:
    policies = {
        name: pst.Template(
            id=name,
            effect="forbid" if effect is Effect.FORBID else "permit",
            principal=pst.ScopeAny(),
            action=pst.ScopeAny(),
            resource=pst.ScopeAny(),
            clauses=(pst.When(condition),),
            annotations={},
        )
        for name, condition, effect in entries
    }
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=policies, template_links=()))
