"""The semantic difference of two versions of a pack: requests that one permits and the other does not.

A search, not a proof. Both versions are asked about the cases of both and about neighbours of these: every fact that a
changed clause reads is set to the values round each literal that it meets there, and left unstated, alone and in
pairs. Each example found is real; none found is no proof that there is none.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from cedarpy import pst

from countenance.errors import BadRequest
from countenance.policy.authoring.changed_facts import DERIVED, with_fact
from countenance.policy.clauses import Clause
from countenance.policy.decision import Decision, Verdict
from countenance.policy.enums import Tier
from countenance.policy.facts import FACT, CedarValue, Moment, context, seconds
from countenance.policy.packs.cases import PackCase
from countenance.policy.packs.pack import Pack
from countenance.policy.request import Request
from countenance.policy.rules import Rules


@dataclass(frozen=True, slots=True)
class Example:
    """A request about which the versions disagree: a case with some facts changed.

    asked: the request in a few words. facts: all that it states, as rules see it.
    """

    case: str
    changes: tuple[tuple[str, CedarValue | None], ...]
    asked: str
    facts: Mapping[str, Mapping[str, CedarValue]]
    before: Decision
    after: Decision

    def sentence(self) -> str:
        """One line: what is asked, what each version says and why, and where the request comes from."""
        changes = ", ".join(f"{path} {'not stated' if v is None else f'= {v!r}'}" for path, v in self.changes)
        origin = f"{self.case}, with {changes}" if changes else self.case
        return (
            f"{self.asked}: {self.before.verdict} ({', '.join(self.before.clauses)}) "
            f"-> {self.after.verdict} ({', '.join(self.after.clauses)}); {origin}"
        )


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """What changed from one version to the other. asked: how many requests both were asked about."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    permitted: tuple[Example, ...]
    denied: tuple[Example, ...]
    asked: int


def difference(before: Pack, after: Pack, tries: int = 1000, each: int = 12) -> RuleDifference:
    """Compare two versions of a pack. tries: neighbours to ask about; each: how many examples of a kind to keep.

    Versions of one name are compared clause by clause; so are packs of different names, by what follows their name.
    """
    old, new = ({_local(clause, pack): clause for clause in pack.clauses} for pack in (before, after))
    touched = sorted({name for name in old.keys() | new.keys() if not _same(old.get(name), new.get(name))})
    values = _values([c for name in touched for c in (old.get(name), new.get(name)) if c is not None])
    asked = 0
    seen: dict[tuple[object, ...], Example] = {}
    rules = Rules([before]), Rules([after])
    for case, changes, request, moment in _requests((*before.cases, *after.cases), values, tries):
        asked += 1
        first, second = (rule.judge(request, moment, moment.now.astimezone(UTC).date()) for rule in rules)
        if first.permitted is not second.permitted:
            key = (second.permitted, first.clauses, second.clauses)
            if key not in seen or len(changes) < len(seen[key].changes):
                seen[key] = Example(case, changes, _asked(request), context(request, moment), first, second)
    examples = sorted(seen.values(), key=lambda example: (len(example.changes), example.case))
    return RuleDifference(
        added=tuple(name for name in touched if name not in old),
        removed=tuple(name for name in touched if name not in new),
        changed=tuple(name for name in touched if name in old and name in new),
        permitted=tuple(e for e in examples if e.after.verdict is Verdict.PERMIT)[:each],
        denied=tuple(e for e in examples if e.after.verdict is not Verdict.PERMIT)[:each],
        asked=asked,
    )


def _asked(request: Request) -> str:
    """A request in a few words: who, what, how, for what."""
    who = []
    for party in (request.actor, request.on_behalf_of):
        if party is not None:
            held = ", ".join((*sorted(party.powers), *([party.tier] if party.tier is not Tier.NONE else [])))
            who.append(f"{party.class_name}{f' ({held})' if held else ''}")
    use = request.use
    how = f" {use.mode.replace('_', ' ')}" if use.mode else ""
    why = f" for {use.purpose.replace('_', ' ')}" if use.purpose else ""
    where = f" in {', '.join(sorted(request.jurisdictions))}" if request.jurisdictions else ""
    return f"{request.operation}{how}{why} by {' for '.join(who)}{where}"


def _local(clause: Clause, pack: Pack) -> str:
    return clause.id.removeprefix(f"{pack.name}.")


def _same(one: Clause | None, other: Clause | None) -> bool:
    return (
        one is not None
        and other is not None
        and (one.effect, one.operations, one.condition, one.in_force_from, one.in_force_until, one.status)
        == (other.effect, other.operations, other.condition, other.in_force_from, other.in_force_until, other.status)
    )


def _requests(
    cases: Sequence[PackCase], values: Mapping[str, Sequence[CedarValue | None]], tries: int
) -> Iterator[tuple[str, tuple[tuple[str, CedarValue | None], ...], Request, Moment]]:
    """Each case, then its neighbours at one change, then a fixed sample at two."""
    for case in cases:
        yield case.name, (), case.request, case.moment
    single = [(path, value) for path, those in sorted(values.items()) for value in those]
    draw = random.Random(20)  # noqa: S311  # a fixed sample, no secret
    pairs = [(case, (change,)) for case in cases for change in single]
    draw.shuffle(pairs)
    more = ((draw.choice(cases), tuple(draw.sample(single, 2))) for _ in range(tries) if cases and len(single) >= 2)
    for case, changes in (*pairs[:tries], *more):
        changed = _changed(case, changes)
        if changed is not None:
            yield case.name, changes, changed, case.moment


def _changed(case: PackCase, changes: Iterable[tuple[str, CedarValue | None]]) -> Request | None:
    request = case.request
    for path, value in changes:
        try:
            at = value + seconds(case.moment.now) if path.endswith("_at") and isinstance(value, int) else value
            request = with_fact(request, path, at)
        except (ValueError, KeyError, BadRequest):
            return None
    return request


def _values(clauses: Sequence[Clause]) -> dict[str, tuple[CedarValue | None, ...]]:
    """For each fact that `clauses` read, the values at which their answer may turn. Times are relative to now."""
    numbers = {0, 1}
    words: dict[str, set[str]] = {}
    for clause in clauses:
        for literal in _literals(clause.condition):
            numbers |= {literal - 1, literal, literal + 1, -literal, -literal - 1, -literal + 1}
        _words(clause.condition, words)
    values: dict[str, tuple[CedarValue | None, ...]] = {}
    for path in sorted({fact.path for clause in clauses for fact in clause.facts} - DERIVED):
        fact = FACT[path]
        named = sorted(words.get(path, set()))
        if fact.cedar == "Bool":
            choices: tuple[CedarValue | None, ...] = (True, False)
        elif fact.cedar == "Long":
            choices = tuple(sorted(numbers if path.endswith("_at") else {n for n in numbers if n >= 0}))
        elif fact.cedar == "String":
            choices = tuple(dict.fromkeys((*named, *fact.choices[:3], *([] if fact.choices else ["another"]))))
        else:
            choices = ([], *([word] for word in named), named)
        values[path] = (*choices, *([None] if fact.optional else []))
    return values


def _literals(expression: pst.Expr) -> set[int]:
    match expression:
        case pst.LongLit(value):
            return {value}
        case pst.UnaryOp(_, arg):
            return _literals(arg)
        case pst.BinaryOp(_, left, right):
            return _literals(left) | _literals(right)
    return set()


def _words(expression: pst.Expr, values: dict[str, set[str]]) -> None:
    match expression:
        case pst.UnaryOp(_, arg):
            _words(arg, values)
        case pst.BinaryOp(_, left, right):
            for fact_side, word_side in ((left, right), (right, left)):
                match fact_side, word_side:
                    case pst.GetAttr(pst.GetAttr(_, group), name), pst.StringLit(value):
                        values.setdefault(f"{group}.{name}", set()).add(value)
                    case pst.GetAttr(pst.GetAttr(_, group), name), pst.Set(elements):
                        texts = {e.value for e in elements if isinstance(e, pst.StringLit)}
                        values.setdefault(f"{group}.{name}", set()).update(texts)
            _words(left, values)
            _words(right, values)
