"""The answer of the rules, and how it explains itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from countenance.policy.clauses import Clause, Effect, Status
from countenance.policy.obligations import Obligation, words

_SHOWN = 4
"""How many missing facts one line names, of one group and in all; `record` names them all."""


class Verdict(StrEnum):
    """Only PERMIT permits."""

    PERMIT = "permit"
    DENY = "deny"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PackIdentity:
    """Which text decided. hash: sha256 over the pack's files, 64 hex digits."""

    name: str
    version: str
    hash: str
    title: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A clause that decided, or a pack's default if none of its clauses permits."""

    id: str
    pack: PackIdentity
    effect: Effect
    says: str
    cite: str
    status: Status
    remedy: str

    @classmethod
    def of(cls, clause: Clause, pack: PackIdentity) -> Ground:
        """`clause` of `pack` as a ground."""
        return cls(clause.id, pack, clause.effect, clause.says, clause.cite, clause.status, clause.remedy)


@dataclass(frozen=True, slots=True)
class FailedFact:
    """A stated fact without which the denying clauses would not hold. value: as the rules saw it."""

    fact: str
    says: str
    value: str


@dataclass(frozen=True, slots=True)
class MissingFact:
    """An unstated fact that a clause needs. choices: the words it may take, empty if any."""

    fact: str
    says: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say about one request, and why.

    grounds: the clauses that decided. obligations: what a permit binds to. packs: every text that was applied.
    law_date: the day whose law was applied.
    """

    verdict: Verdict
    grounds: tuple[Ground, ...]
    failed: tuple[FailedFact, ...]
    missing: tuple[MissingFact, ...]
    obligations: tuple[Obligation, ...]
    appeal_contact: str
    packs: tuple[PackIdentity, ...]
    law_date: date

    @property
    def permitted(self) -> bool:
        """Whether the operation may go on."""
        return self.verdict is Verdict.PERMIT

    @property
    def clauses(self) -> tuple[str, ...]:
        """The ids of the grounds."""
        return tuple(ground.id for ground in self.grounds)

    @property
    def obligation_words(self) -> frozenset[str]:
        """The obligations in their annotations' words."""
        return frozenset(words(obligation) for obligation in self.obligations)

    @property
    def remedy(self) -> tuple[str, ...]:
        """What would change the answer, in the order of the grounds, without repeats."""
        remedies = [ground.remedy for ground in self.grounds if ground.effect is not Effect.PERMIT and ground.remedy]
        if self.missing:
            remedies.append("State " + "; ".join(f"{fact.says} ({fact.fact})" for fact in self.missing) + ".")
        return tuple(dict.fromkeys(remedies))

    def sentence(self) -> str:
        """One line: verdict, first clause and source, the facts that failed, what would change it, whom to write to."""
        if self.permitted:
            return f"Permitted under {', '.join(pack.name for pack in self.packs)} as of {self.law_date}."
        ground = self.grounds[0]
        verdict = "Denied" if self.verdict is Verdict.DENY else "Not permitted, since it cannot be decided"
        more = f" (and {len(self.grounds) - 1} more)" if len(self.grounds) > 1 else ""
        status = "" if ground.status is Status.IN_FORCE else f", {ground.status}"
        text = (
            f"{verdict}: {ground.says} Clause {ground.id}{more}, {ground.pack.title} {ground.pack.version}{status}: "
            f"{ground.cite}."
        )
        if self.failed:
            shown = "; ".join(f"{fact.says} ({fact.fact}) = {fact.value}" for fact in self.failed[:_SHOWN])
            rest = len(self.failed) - _SHOWN
            text += f" Facts: {shown}{f'; and {rest} more' if rest > 0 else ''}."
        own = [r for r in (ground.remedy, self._missing_sentence()) if r]
        if own:
            text += f" What would change this: {' '.join(own)}"
        return f"{text} Appeal: {self.appeal_contact}."

    def _missing_sentence(self) -> str:
        if not self.missing:
            return ""
        groups: dict[str, list[MissingFact]] = {}
        for fact in self.missing:
            groups.setdefault(fact.fact.partition(".")[0], []).append(fact)
        names = [
            text
            for group, facts in groups.items()
            for text in (
                [f"{len(facts)} facts about the {group} ({group}.*)"]
                if len(facts) > _SHOWN
                else [f"{fact.says} ({fact.fact})" for fact in facts]
            )
        ]
        more = len(names) - _SHOWN
        return f"Not stated: {'; '.join(names[:_SHOWN])}{f'; and {more} more' if more > 0 else ''}."

    def problem(self) -> dict[str, object]:
        """The body of an RFC 9457 problem (application/problem+json). Not for a permitted decision."""
        if self.permitted:
            raise ValueError("a permitted decision is no problem")
        return {
            "type": f"urn:countenance:problem:{self.verdict}",
            "title": "The rules forbid this"
            if self.verdict is Verdict.DENY
            else "The rules cannot say that this is allowed",
            "status": 403,
            "detail": self.sentence(),
            **self.record(),
        }

    def record(self) -> dict[str, object]:
        """The decision as plain JSON values, for ledgers, matrices and problem bodies."""
        return {
            "verdict": str(self.verdict),
            "law_date": self.law_date.isoformat(),
            "clauses": [
                {
                    "id": ground.id,
                    "pack": ground.pack.name,
                    "version": ground.pack.version,
                    "hash": ground.pack.hash,
                    "effect": str(ground.effect),
                    "says": ground.says,
                    "citation": ground.cite,
                    "status": str(ground.status),
                }
                for ground in self.grounds
            ],
            "failed": [{"fact": f.fact, "says": f.says, "value": f.value} for f in self.failed],
            "missing": [{"fact": m.fact, "says": m.says, "choices": list(m.choices)} for m in self.missing],
            "remedy": list(self.remedy),
            "obligations": [{"clause": o.clause, "obligation": words(o)} for o in self.obligations],
            "appeal": self.appeal_contact,
            "packs": [{"name": p.name, "version": p.version, "hash": p.hash} for p in self.packs],
        }
