"""Packs compiled for Cedar, sliced: each request is decided with only the clauses that can apply to it.

Slicing takes three steps. None of them changes a decision:

- By day and action: clauses that are not in force, or are about other actions, are left out.
- By parties and places: the facts about the caller, its principal and the places are always stated. A clause is a
  conjunction. If a part that reads only these facts is false, the clause cannot hold; if it is true, the part can be
  dropped. Cedar itself evaluates these parts, once for each combination of parties and places.
- By facts: facts that no remaining clause reads are left out of the context and of its schema.

So European law costs a museum in Nevada nothing.

Cedar's answers are cached by policies and context. Nothing else affects them; the context holds the time, in whole
seconds.
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
_CACHE_SIZE = 512
"""Most entries of a cache (combinations of parties and places; slices; answers of one slice). A full one is emptied."""

_NOBODY = {"type": "Mandate", "id": "-"}
_NOWHERE = {"type": "Gallery", "id": "-"}
_NO_ENTITIES = "[]"
_STRICT = schema(all_stated=True)


@dataclass(frozen=True, slots=True)
class CedarAnswer:
    """Cedar's answer.

    reasons: ids of the clauses that decided, in the order of the packs. facts: the context that Cedar was given.
    """

    allowed: bool
    reasons: tuple[str, ...]
    facts: Context


@dataclass(frozen=True, slots=True)
class PolicySlice:
    """The clauses that can apply to one kind of request, compiled.

    deciding: forbids that possibly hold, permits that surely hold, duties that possibly hold; only Allow from these
    permits. hopeful: permits that possibly hold. answers: earlier answers by policies and context.
    """

    action: Action
    clauses: Mapping[str, Clause]
    grounds: Mapping[str, Ground]
    weighers: Mapping[str, Weigher]
    facts: Readers
    schema: cedarpy.Schema
    entities: cedarpy.Entities
    deciding: cedarpy.PolicySet
    hopeful: cedarpy.PolicySet
    answers: dict[tuple[int, bytes], CedarAnswer] = field(default_factory=dict, compare=False)

    def evaluate(self, policies: cedarpy.PolicySet, request: Request, moment: Moment) -> CedarAnswer | None:
        """Cedar's answer, or None where it reports an error of any kind: an error never permits.

        policies: `deciding` or `hopeful`.
        """
        facts = flat_context(request, moment, self.facts)
        encoded = _encoded(facts)
        if encoded is None:
            return None
        answer = self.answers.get((id(policies), encoded))
        if answer is None:
            answer = _evaluated(self.action, policies, self.entities, self.schema, facts, encoded, self.clauses)
            if answer is not None:  # errors are not cached
                if len(self.answers) >= _CACHE_SIZE:
                    self.answers.clear()
                self.answers[id(policies), encoded] = answer
        return answer


@dataclass(frozen=True, slots=True)
class ApplicableSlice:
    """The slice for one combination of parties and places. parties: the facts about these; the slice omits them."""

    policies: PolicySlice
    parties: Context


@dataclass(frozen=True, slots=True)
class _ActionClauses:
    """The clauses in force for one action. conditional: those with a part about parties and places."""

    active: tuple[tuple[Clause, Pack], ...]
    conditional: Mapping[str, Clause]
    facts: Readers
    schema: cedarpy.Schema
    parts: cedarpy.PolicySet


class PolicyCache:
    """The slices of a set of packs, each compiled when it is first needed. Thread-safe."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        """Type-check `packs`; `PolicyError` if one does not validate."""
        for pack in packs:
            _validate(pack)
        self._packs = tuple(packs)
        days = {clause.in_force_from for pack in packs for clause in pack.clauses}
        ends = {clause.in_force_until for pack in packs for clause in pack.clauses}
        self._turns = sorted(days | {day for day in ends if day is not None})
        self._entities = cedarpy.Entities.from_json_str(_NO_ENTITIES)
        self._by_action: dict[tuple[int, Action], _ActionClauses] = {}
        self._slices: dict[tuple[int, Action, frozenset[str]], PolicySlice] = {}
        self._applicable: dict[tuple[object, ...], ApplicableSlice] = {}

    def slice_for(self, request: Request, moment: Moment, day: date) -> ApplicableSlice | None:
        """The slice for `request` under the law of `day`; None where Cedar reports an error."""
        epoch = bisect_right(self._turns, day)
        key = (
            epoch,
            request.operation,
            _who(request.actor),
            _who(request.on_behalf_of),
            request.jurisdictions,
        )
        applicable = self._applicable.get(key)
        if applicable is None:
            action_clauses = self._action_clauses(epoch, request.operation, day)
            facts = flat_context(request, moment, action_clauses.facts)
            encoded = _encoded(facts)
            met = encoded and _evaluated(
                request.operation,
                action_clauses.parts,
                self._entities,
                action_clauses.schema,
                facts,
                encoded,
                action_clauses.conditional,
            )
            if not met:
                return None
            unmet = frozenset(action_clauses.conditional) - frozenset(met.reasons)
            applicable = ApplicableSlice(self._bound(epoch, request.operation, action_clauses, unmet), facts)
            if len(self._applicable) >= _CACHE_SIZE:
                self._applicable.clear()
            self._applicable[key] = applicable
        return applicable

    def _action_clauses(self, epoch: int, action: Action, day: date) -> _ActionClauses:
        action_clauses = self._by_action.get((epoch, action))
        if action_clauses is None:
            action_clauses = self._by_action[epoch, action] = _action_clauses(self._packs, action, day)
        return action_clauses

    def _bound(self, epoch: int, action: Action, action_clauses: _ActionClauses, unmet: frozenset[str]) -> PolicySlice:
        key = (epoch, action, unmet)
        policy_slice = self._slices.get(key)
        if policy_slice is None:
            if len(self._slices) >= _CACHE_SIZE:
                self._slices.clear()
            left = [(clause, pack) for clause, pack in action_clauses.active if clause.id not in unmet]
            policy_slice = self._slices[key] = _compile_slice(action, left, self._entities)
        return policy_slice


def _encoded(facts: Mapping[str, CedarValue]) -> bytes | None:
    """The context as JSON for Cedar; None if a value has no JSON form."""
    try:
        return orjson.dumps(facts)
    except TypeError:
        return None


def _evaluated(
    action: Action,
    policies: cedarpy.PolicySet,
    entities: cedarpy.Entities,
    rules: cedarpy.Schema,
    facts: Mapping[str, CedarValue],
    encoded: bytes,
    order: Iterable[str],
) -> CedarAnswer | None:
    """Cedar's answer; None on any error. encoded: `facts` as JSON. order: the clause ids in the order of the packs."""
    try:
        call = {
            "principal": _NOBODY,
            "action": {"type": "Action", "id": action.value},
            "resource": _NOWHERE,
            "context": encoded.decode(),
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


def _action_clauses(packs: Iterable[Pack], action: Action, day: date) -> _ActionClauses:
    active = tuple(
        (clause, pack)
        for pack in packs
        for clause in pack.clauses
        if action in clause.operations
        and clause.applies_on(day)
        and not (clause.status is Status.DISPUTED and clause.effect is Effect.PERMIT)
    )
    parts = {clause.id: _split(clause.condition)[0] for clause, _ in active}
    conditional = {clause.id: clause for clause, _ in active if parts[clause.id] is not None}
    facts = tuple(fact for fact in FACTS if fact.group in _WHO_AND_WHERE)
    try:
        return _ActionClauses(
            active,
            conditional,
            readers(facts),
            cedarpy.Schema.from_str(flat_schema(facts)),
            _policies((name, _flat(part), Effect.PERMIT) for name, part in parts.items() if part is not None),
        )
    except ValueError as error:
        raise PolicyError(f"the rules do not compile: {error}") from error


def _compile_slice(action: Action, left: Sequence[tuple[Clause, Pack]], entities: cedarpy.Entities) -> PolicySlice:
    rests = {clause.id: _split(clause.condition)[1] for clause, _ in left}
    read = frozenset().union(*(facts_read(rest) for rest in rests.values()))
    facts = tuple(fact for fact in FACTS if fact.path in read)

    def deciding(clause: Clause) -> pst.Expr:
        return _flat((surely if clause.effect is Effect.PERMIT else possibly)(rests[clause.id]))

    permits = [clause for clause, _ in left if clause.effect is Effect.PERMIT]
    try:
        return PolicySlice(
            action=action,
            clauses={clause.id: clause for clause, _ in left},
            grounds={clause.id: Ground.of(clause, pack.identity) for clause, pack in left},
            weighers={clause.id: weigher(clause.condition) for clause, _ in left},
            facts=readers(facts),
            schema=cedarpy.Schema.from_str(flat_schema(facts)),
            entities=entities,
            deciding=_policies((clause.id, deciding(clause), clause.effect) for clause, _ in left),
            hopeful=_policies((clause.id, _flat(possibly(rests[clause.id])), clause.effect) for clause in permits),
        )
    except ValueError as error:
        raise PolicyError(f"the rules do not compile: {error}") from error


def _split(condition: pst.Expr) -> tuple[pst.Expr | None, pst.Expr]:
    """The conjuncts of `condition` that read only parties and places (None if there are none), and the rest."""
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
    """`expression` with every context.group.name rewritten as context.group_name."""
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
    """Run Cedar's type check on the clauses as written (all facts stated) and as compiled (facts optional)."""
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
