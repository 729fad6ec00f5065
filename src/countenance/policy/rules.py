"""The rules in force: packs, compiled for Cedar, and the one verb `decide`.

Several packs apply at once. One that forbids denies; one that cannot tell makes the answer undetermined; a pack that
permits nothing denies by default; only where every pack permits is the answer permit. Each call passes the schema, and
anything that Cedar reports as an error denies: without the schema a forbid whose condition errs would be skipped.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import cedarpy
from cedarpy import pst

from countenance.errors import BadRequest, PolicyError
from countenance.policy.cases import Case
from countenance.policy.certainty import possibly, surely
from countenance.policy.clauses import Clause, Effect, Status
from countenance.policy.decision import Decision, FailedFact, Ground, MissingFact, PackIdentity, Verdict
from countenance.policy.explanation import Context, Truth, weigh
from countenance.policy.facts import FACT, FACTS, Fact, Moment, context, schema
from countenance.policy.moratorium import Moratorium
from countenance.policy.obligations import Obligation
from countenance.policy.packs import Pack, read_pack
from countenance.policy.vocabulary import Request
from countenance.policy.words import Operation

BASE = "mandate"
"""The pack that is always in force."""

_NOBODY = {"type": "Mandate", "id": "-"}
_NOWHERE = {"type": "Gallery", "id": "-"}
_STRICT = schema(all_stated=True)


@dataclass(frozen=True, slots=True)
class _Book:
    """The clauses that speak of one operation under the law of one time, compiled.

    opening: forbids that possibly hold, permits that surely do, duties that possibly do: Allow here is the quick yes.
    forbidding: forbids that surely hold. allowing: permits that possibly hold.
    """

    clauses: dict[str, tuple[Clause, Pack]]
    facts: tuple[Fact, ...]
    schema: cedarpy.Schema
    opening: cedarpy.PolicySet
    forbidding: cedarpy.PolicySet
    allowing: cedarpy.PolicySet


class Rules:
    """Packs in force together. Make one with `load`; it does not change and is safe to share between threads."""

    def __init__(self, packs: Sequence[Pack], appeal_contact: str = "the operator of this server") -> None:
        """Check and compile `packs`. No pack, a pack that does not validate or one that fails a case: `PolicyError`."""
        names = [pack.name for pack in packs]
        if not names or len(set(names)) != len(names):
            raise PolicyError(f"rules are made of at least one pack, each once; got {names}")
        self.packs = tuple(packs)
        self.appeal_contact = appeal_contact
        self._identities = tuple(pack.identity for pack in packs)
        days = {clause.in_force_from for pack in packs for clause in pack.clauses}
        ends = {clause.in_force_until for pack in packs for clause in pack.clauses}
        self._turns = sorted(days | {day for day in ends if day is not None})
        self._books: dict[tuple[int, Operation], _Book] = {}
        self._entities = cedarpy.Entities.from_json_str("[]")
        for pack in packs:
            _validate(pack)

    @classmethod
    def load(
        cls,
        packs: Sequence[str],
        extra_dir: Path | None = None,
        appeal_contact: str = "the operator of this server",
    ) -> Rules:
        """The rules of `packs` and of the pack that is always in force. extra_dir: a folder of further packs.

        A pack that does not parse, validate or give the verdicts of its own cases is a `PolicyError`.
        """
        names = [BASE, *(name for name in packs if name != BASE)]
        if not any(name != BASE for name in names):
            raise PolicyError("name at least one rule pack, such as house")
        read = [read_pack(name, extra_dir) for name in names]
        for pack in read:
            check(pack)
        return cls(read, appeal_contact)

    def decide(
        self,
        request: Request,
        now: datetime,
        *,
        latest_seen: datetime | None = None,
        moratoria: Sequence[Moratorium] = (),
        as_of: date | None = None,
    ) -> Decision:
        """What the rules say about `request` at `now` (with a zone).

        latest_seen: the latest time that this installation has ever seen; a `now` before it denies.
        moratoria: those that were ever set. as_of: the day whose law applies; None is the day of `now` (UTC).
        """
        if now.tzinfo is None or (latest_seen is not None and latest_seen.tzinfo is None):
            raise ValueError("decide takes times with a zone")
        halted = any(moratorium.stops(request) for moratorium in moratoria)
        return self.judge(request, Moment(now, latest_seen or now, halted), as_of or now.astimezone(UTC).date())

    def judge(self, request: Request, moment: Moment, law_date: date) -> Decision:
        """As `decide`, with all that surrounds the request in one value."""
        book = self._book(law_date, request.operation)
        facts = context(request, moment, book.facts)
        ask = self._asker(book, request.operation, facts)
        answer = ask(book.opening)
        if answer is None:
            return self._broken(law_date)
        allowed, reasons = answer
        if not allowed and reasons:
            surely_forbidden = ask(book.forbidding)
            if surely_forbidden is None:
                return self._broken(law_date)
            denying = surely_forbidden[1]
            verdict = Verdict.DENY if denying else Verdict.UNDETERMINED
            return self._refusal(verdict, denying or reasons, book, facts, law_date)
        permitting = {book.clauses[r][1].name for r in reasons if book.clauses[r][0].effect is Effect.PERMIT}
        silent = [pack for pack in self.packs if pack.name not in permitting]
        if silent:
            perhaps = ask(book.allowing)
            if perhaps is None:
                return self._broken(law_date)
            return self._unpermitted(silent, perhaps[1], book, facts, law_date)
        return self._permission(reasons, book, law_date)

    def failures(self, cases: Iterable[Case]) -> tuple[str, ...]:
        """Which of `cases` these rules answer otherwise than they say: its name, what was due and what came."""
        found = []
        for case in cases:
            decision = self.judge(case.request, case.moment, case.moment.now.date())
            for what, due, came in (
                ("verdict", case.verdict or None, str(decision.verdict)),
                ("clauses", case.clauses, frozenset(decision.clauses)),
                ("missing", case.missing, frozenset(fact.fact for fact in decision.missing)),
                ("obligations", case.obligations, decision.obligation_words),
            ):
                if due is not None and due != came:
                    shown = [sorted(v) if isinstance(v, frozenset) else v for v in (due, came)]
                    found.append(f"{case.name!r}: {what} due {shown[0]}, came {shown[1]}")
                    break
            else:
                if not case.bound <= set(decision.clauses) or case.free & set(decision.clauses):
                    found.append(f"{case.name!r}: grounds came {sorted(decision.clauses)}")
        return tuple(found)

    def _book(self, day: date, operation: Operation) -> _Book:
        key = (bisect_right(self._turns, day), operation)
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = _book(self.packs, day, operation)
        return book

    def _asker(
        self, book: _Book, operation: Operation, facts: Context
    ) -> Callable[[cedarpy.PolicySet], tuple[bool, tuple[str, ...]] | None]:
        call = {
            "principal": _NOBODY,
            "action": {"type": "Action", "id": str(operation)},
            "resource": _NOWHERE,
            "context": json.dumps(facts),
        }

        def ask(policies: cedarpy.PolicySet) -> tuple[bool, tuple[str, ...]] | None:
            try:
                answer = cedarpy.is_authorized(call, policies, self._entities, book.schema)
            except (ValueError, TypeError):
                return None
            if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
                return None
            reasons = tuple(r for r in book.clauses if r in set(answer.diagnostics.reasons))
            return bool(answer.allowed), reasons

        return ask

    def _permission(self, reasons: Sequence[str], book: _Book, law_date: date) -> Decision:
        duties: list[Obligation] = []
        for reason in reasons:
            duties.extend(o for o in book.clauses[reason][0].obligations if o not in duties)
        return self._decision(Verdict.PERMIT, [_ground(reason, book) for reason in reasons], law_date, (), (), duties)

    def _refusal(
        self, verdict: Verdict, reasons: Sequence[str], book: _Book, facts: Context, law_date: date
    ) -> Decision:
        weighed = [weigh(book.clauses[reason][0].condition, facts) for reason in reasons]
        failed, missing = _facts(weighed, facts, denied=verdict is Verdict.DENY)
        return self._decision(verdict, [_ground(reason, book) for reason in reasons], law_date, failed, missing, ())

    def _unpermitted(
        self, silent: Sequence[Pack], perhaps: Sequence[str], book: _Book, facts: Context, law_date: date
    ) -> Decision:
        hopeful = {book.clauses[reason][1].name for reason in perhaps}
        hopeless = [pack for pack in silent if pack.name not in hopeful]
        if hopeless:
            grounds = [_default(pack) for pack in hopeless]
            return self._decision(Verdict.DENY, grounds, law_date, (), (), ())
        names = {pack.name for pack in silent}
        open_ = [reason for reason in perhaps if book.clauses[reason][1].name in names]
        weighed = [weigh(book.clauses[reason][0].condition, facts) for reason in open_]
        _, missing = _facts(weighed, facts, denied=False)
        return self._decision(
            Verdict.UNDETERMINED, [_ground(reason, book) for reason in open_], law_date, (), missing, ()
        )

    def _broken(self, law_date: date) -> Decision:
        return self._decision(Verdict.DENY, [_BROKEN], law_date, (), (), ())

    def _decision(
        self,
        verdict: Verdict,
        grounds: Sequence[Ground],
        law_date: date,
        failed: tuple[FailedFact, ...],
        missing: tuple[MissingFact, ...],
        duties: Sequence[Obligation],
    ) -> Decision:
        return Decision(
            verdict,
            tuple(grounds),
            failed,
            missing,
            tuple(duties),
            self.appeal_contact,
            self._identities,
            law_date,
        )


def check(pack: Pack) -> None:
    """Validate `pack`, run its cases, and see that each of its clauses is spoken of; `PolicyError` where it fails."""
    failures = Rules([pack]).failures(pack.cases)
    if failures:
        raise PolicyError(f"pack {pack.name} fails its own case {failures[0]}")
    spoken = frozenset().union(*(case.about for case in pack.cases))
    silent = [clause.id for clause in pack.clauses if clause.id not in spoken and clause.id != f"{pack.name}.open"]
    if silent:
        raise PolicyError(f"pack {pack.name} has no case about its clause {silent[0]}")


_BROKEN = Ground(
    id="countenance.rules-failed",
    pack=PackIdentity("countenance", "1", "0" * 64, "Countenance"),
    effect=Effect.FORBID,
    says="The rules could not be evaluated.",
    cite="what cannot be decided is not done",
    status=Status.IN_FORCE,
    remedy="Ask the operator to look at the server's messages.",
)


def _default(pack: Pack) -> Ground:
    return Ground(
        id=f"{pack.name}.default",
        pack=pack.identity,
        effect=Effect.FORBID,
        says="No clause of this text permits it, and what it does not permit it forbids.",
        cite=pack.source,
        status=Status.IN_FORCE,
        remedy="Ask for a use that a clause of this text permits.",
    )


def _ground(reason: str, book: _Book) -> Ground:
    clause, pack = book.clauses[reason]
    return Ground.of(clause, pack.identity)


def _facts(
    weighed: Iterable[Truth], facts: Context, *, denied: bool
) -> tuple[tuple[FailedFact, ...], tuple[MissingFact, ...]]:
    paths = [path for truth in weighed for path in sorted(truth.facts)]
    found = [FACT[path] for path in dict.fromkeys(paths)]
    if denied:
        return tuple(FailedFact(f.path, f.says, _shown(facts[f.group][f.name])) for f in found), ()
    return (), tuple(MissingFact(f.path, f.says, f.choices) for f in found)


def _shown(value: object) -> str:
    return json.dumps(value)


def _validate(pack: Pack) -> None:
    """Cedar's own type check, of the clauses as written (every fact stated) and as compiled (facts optional)."""
    for conditions, rules in (((lambda e: e), _STRICT), (surely, schema()), (possibly, schema())):
        text = str(_policies([(c, conditions(c.condition), c.effect) for c in pack.clauses]))
        result = cedarpy.validate_policies(text, rules)
        if not result.validation_passed:
            raise PolicyError(f"pack {pack.name} does not validate: {result.errors[0].error}")


def _book(packs: Sequence[Pack], day: date, operation: Operation) -> _Book:
    active = [
        (clause, pack)
        for pack in packs
        for clause in pack.clauses
        if operation in clause.operations
        and clause.applies_on(day)
        and not (clause.status is Status.DISPUTED and clause.effect is Effect.PERMIT)
    ]
    read = {fact for clause, _ in active for fact in clause.facts}
    facts = tuple(fact for fact in FACTS if fact in read)
    try:
        return _Book(
            clauses={clause.id: (clause, pack) for clause, pack in active},
            facts=facts,
            schema=cedarpy.Schema.from_str(schema(facts)),
            opening=_policies(
                [
                    (c, surely(c.condition) if c.effect is Effect.PERMIT else possibly(c.condition), c.effect)
                    for c, _ in active
                ]
            ),
            forbidding=_policies([(c, surely(c.condition), c.effect) for c, _ in active if c.effect is Effect.FORBID]),
            allowing=_policies([(c, possibly(c.condition), c.effect) for c, _ in active if c.effect is Effect.PERMIT]),
        )
    except (ValueError, BadRequest) as error:
        raise PolicyError(f"the rules do not compile: {error}") from error


def _policies(entries: Iterable[tuple[Clause, pst.Expr, Effect]]) -> cedarpy.PolicySet:
    policies = {
        clause.id: pst.Template(
            id=clause.id,
            effect="forbid" if effect is Effect.FORBID else "permit",
            principal=pst.ScopeAny(),
            action=pst.ScopeAny(),
            resource=pst.ScopeAny(),
            clauses=(pst.When(condition),),
            annotations={"id": clause.id},
        )
        for clause, condition, effect in entries
    }
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=policies, template_links=()))
