"""The rules in force: packs, compiled for Cedar. `Rules.decide` makes every decision.

Several packs apply at once. A pack that forbids denies. A pack that lacks a fact makes the answer undetermined. A pack
that permits nothing denies by default. The answer is permit only if every pack permits. Each call passes the schema,
and any error that Cedar reports denies: without the schema, Cedar would skip a forbid whose condition fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from countenance.errors import PolicyError
from countenance.policy.clauses import Effect, Status
from countenance.policy.compiled import ApplicableSlice, CedarAnswer, PolicyCache
from countenance.policy.decision import Decision, FailedFact, Ground, MissingFact, PackIdentity, Verdict
from countenance.policy.explanation import Context
from countenance.policy.facts import FACT, CedarValue, Moment
from countenance.policy.moratorium import Moratorium
from countenance.policy.obligations import Obligation
from countenance.policy.packs.cases import PackCase
from countenance.policy.packs.pack import Pack, read_pack
from countenance.policy.request import Request

BASE = "mandate"
"""The pack that is always in force."""


class Rules:
    """The packs in force. Make one with `load`. Immutable and thread-safe."""

    def __init__(self, packs: Sequence[Pack], appeal_contact: str = "the operator of this server") -> None:
        """Check and compile `packs`; `PolicyError` if there is none, or one does not validate or fails a case."""
        names = [pack.name for pack in packs]
        if not names or len(set(names)) != len(names):
            raise PolicyError(f"rules are made of at least one pack, each once; got {names}")
        self.packs = tuple(packs)
        self.appeal_contact = appeal_contact
        self._identities = tuple(pack.identity for pack in packs)
        self._cache = PolicyCache(packs)

    @classmethod
    def load(
        cls,
        packs: Sequence[str],
        extra_dir: Path | None = None,
        appeal_contact: str = "the operator of this server",
    ) -> Rules:
        """The rules of `packs` and of the pack that is always in force. extra_dir: a folder of further packs.

        `PolicyError` if a pack does not parse, does not validate, or fails one of its own cases.
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
        """The decision about `request` at `now` (with a zone).

        latest_seen: the latest time that this installation has ever seen; a `now` before it denies.
        moratoria: those in force. as_of: the day whose law applies; None is the day of `now` (UTC).
        """
        if now.tzinfo is None or (latest_seen is not None and latest_seen.tzinfo is None):
            raise ValueError("decide takes times with a zone")
        halted = any(moratorium.stops(request) for moratorium in moratoria)
        return self.judge(request, Moment(now, latest_seen or now, halted), as_of or now.astimezone(UTC).date())

    def judge(self, request: Request, moment: Moment, law_date: date) -> Decision:
        """As `decide`, with the time and moratoria in one value."""
        applicable = self._cache.slice_for(request, moment, law_date)
        answer = (
            None if applicable is None else applicable.policies.evaluate(applicable.policies.deciding, request, moment)
        )
        if applicable is None or answer is None:
            return self._broken(law_date)
        policies = applicable.policies
        if not answer.allowed and answer.reasons:
            return self._refusal(answer.reasons, applicable, answer.facts, law_date)
        grounds = tuple(policies.grounds[reason] for reason in answer.reasons)
        permitting = {ground.pack.name for ground in grounds if ground.effect is Effect.PERMIT}
        silent = [pack for pack in self.packs if pack.name not in permitting]
        if silent:
            perhaps = policies.evaluate(policies.hopeful, request, moment)
            if perhaps is None:
                return self._broken(law_date)
            return self._unpermitted(silent, perhaps, applicable, law_date)
        duties = dict.fromkeys(o for reason in answer.reasons for o in policies.clauses[reason].obligations)
        return self._decision(Verdict.PERMIT, grounds, law_date, duties=tuple(duties))

    def failures(self, cases: Iterable[PackCase]) -> tuple[str, ...]:
        """The cases that these rules decide wrongly: the name, the expected and the actual verdict of each."""
        failures = []
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
                    failures.append(f"{case.name!r}: {what} due {shown[0]}, came {shown[1]}")
                    break
            else:
                if not case.bound <= set(decision.clauses) or case.free & set(decision.clauses):
                    failures.append(f"{case.name!r}: grounds came {sorted(decision.clauses)}")
        return tuple(failures)

    def _refusal(
        self, reasons: Sequence[str], applicable: ApplicableSlice, context: Context, law_date: date
    ) -> Decision:
        """The decision if clauses forbid or may forbid: deny if one surely holds, else undetermined."""
        policies, facts = applicable.policies, {**applicable.parties, **context}
        weighed = {reason: policies.weighers[reason](facts) for reason in reasons}
        if any(truth.value is False for truth in weighed.values()):
            return self._broken(law_date)  # the explanation and Cedar disagree: trust neither
        sure = {reason: truth for reason, truth in weighed.items() if truth.value}
        paths = tuple(dict.fromkeys(path for truth in (sure or weighed).values() for path in sorted(truth.facts)))
        grounds = tuple(policies.grounds[reason] for reason in sure or weighed)
        if sure:
            return self._decision(Verdict.DENY, grounds, law_date, failed=tuple(_failed(path, facts) for path in paths))
        return self._decision(Verdict.UNDETERMINED, grounds, law_date, missing=tuple(map(_missing, paths)))

    def _unpermitted(
        self, silent: Sequence[Pack], perhaps: CedarAnswer, applicable: ApplicableSlice, law_date: date
    ) -> Decision:
        """The decision if some packs permit nothing: deny by default, unless a clause may still permit."""
        grounds = applicable.policies.grounds
        hopeful = {grounds[reason].pack.name for reason in perhaps.reasons}
        hopeless = tuple(_default(pack) for pack in silent if pack.name not in hopeful)
        if hopeless:
            return self._decision(Verdict.DENY, hopeless, law_date)
        names = {pack.name for pack in silent}
        open_ = tuple(reason for reason in perhaps.reasons if grounds[reason].pack.name in names)
        return self._refusal(open_, applicable, perhaps.facts, law_date)

    def _broken(self, law_date: date) -> Decision:
        return self._decision(Verdict.DENY, (_BROKEN,), law_date)

    def _decision(
        self,
        verdict: Verdict,
        grounds: tuple[Ground, ...],
        law_date: date,
        *,
        failed: tuple[FailedFact, ...] = (),
        missing: tuple[MissingFact, ...] = (),
        duties: tuple[Obligation, ...] = (),
    ) -> Decision:
        return Decision(verdict, grounds, failed, missing, duties, self.appeal_contact, self._identities, law_date)


def check(pack: Pack) -> None:
    """Validate `pack`, run its cases, and check that every clause has one; `PolicyError` on a failure."""
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


def _failed(path: str, facts: Context) -> FailedFact:
    fact = FACT[path]
    return FailedFact(path, fact.says, _written(facts[fact.flat]))


def _written(value: CedarValue) -> str:
    """As JSON; most facts are yes, no or a number, which need no encoder."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value) if isinstance(value, int) else json.dumps(value)


def _missing(path: str) -> MissingFact:
    return MissingFact(path, FACT[path].says, FACT[path].choices)
