"""A moratorium: one key sets it, and only a quorum that includes a key held outside lifts it, citing the statute.

    in force --consent--> in force --consent that completes the quorum--> lifted

Time plays no part: a reminder date changes nothing. Every step is a signed statement (Ed25519 over canonical JSON), so
the ledger can hold it and anybody can check it. Pure: keys and times come in as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from countenance.errors import BadRequest, Conflict, Denied, PolicyError
from countenance.policy.enums import Action, Power
from countenance.policy.request import Request
from countenance.signing import canonical, digest, verified

MORATORIUM_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""The ids that a moratorium may have."""


@dataclass(frozen=True, slots=True)
class Charter:
    """Who may set and lift. Keys are raw Ed25519 public keys, 32 bytes.

    setters: any one of them can set. lifters: `quorum` of them can lift, if at least one is in `outside`. The operator
    does not hold the private keys of `outside`.
    """

    setters: frozenset[bytes]
    lifters: frozenset[bytes]
    outside: frozenset[bytes]
    quorum: int

    def __post_init__(self) -> None:
        if not all(len(key) == 32 for key in self.setters | self.lifters):
            raise PolicyError("a moratorium's keys are raw Ed25519 public keys of 32 bytes")
        if not self.setters:
            raise PolicyError("a moratorium needs a key that may set it")
        if not self.outside or not self.outside <= self.lifters:
            raise PolicyError("a moratorium needs a key held outside among those that lift it")
        if not 2 <= self.quorum <= len(self.lifters):
            raise PolicyError(f"a moratorium's quorum is 2 to {len(self.lifters)} keys, got {self.quorum}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a moratorium stops. An empty set means all."""

    operations: frozenset[Action] = frozenset()
    powers: frozenset[Power] = frozenset()

    @classmethod
    def of(cls, operations: Iterable[str], powers: Iterable[str]) -> Scope:
        """The scope that words name; `BadRequest` for one that is not in the policy vocabulary."""
        try:
            return cls(frozenset(map(Action, operations)), frozenset(map(Power, powers)))
        except ValueError as error:
            raise BadRequest("operations and powers are words of the policy vocabulary") from error

    def covers(self, request: Request) -> bool:
        """Whether it stops `request`: by the action, and by a power of the holder or of the party it acts for."""
        behalf = request.on_behalf_of
        powers = request.actor.powers | (behalf.powers if behalf else frozenset())
        return (not self.operations or request.operation in self.operations) and (
            not self.powers or bool(self.powers & powers)
        )


@dataclass(frozen=True, slots=True)
class Order:
    """The statement that sets a moratorium. look_again_at: a reminder; it ends nothing."""

    id: str
    scope: Scope
    reason: str
    set_at: datetime
    look_again_at: datetime | None = None

    def message(self) -> bytes:
        """The bytes that the setter signs."""
        return canonical({"statement": "countenance moratorium set v1", **self._content()})

    def digest(self) -> str:
        """sha256 of the statement; a lifting names it."""
        return digest(self._content())

    def _content(self) -> dict[str, str | list[str] | None]:
        return {
            "id": self.id,
            "operations": sorted(self.scope.operations),
            "powers": sorted(self.scope.powers),
            "reason": self.reason,
            "set_at": _text(self.set_at),
            "look_again_at": _text(self.look_again_at) if self.look_again_at else None,
        }


@dataclass(frozen=True, slots=True)
class Lifting:
    """The statement that lifts a moratorium. order: the digest of its order. statute: the law cited for the lifting."""

    order: str
    statute: str

    def message(self) -> bytes:
        """The bytes that every member of the quorum signs."""
        return canonical({"statement": "countenance moratorium lift v1", "order": self.order, "statute": self.statute})


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature (64 bytes) and the raw public key of its maker (32 bytes)."""

    key: bytes
    value: bytes

    @classmethod
    def of(cls, key: str, value: str) -> Signature:
        """The signature that hex digits say; `BadRequest` unless there are 64 of the key and 128 of the signature."""
        if not (re.fullmatch("[0-9a-fA-F]{64}", key) and re.fullmatch("[0-9a-fA-F]{128}", value)):
            raise BadRequest("a public key has 64 hex digits, a signature 128")
        return cls(bytes.fromhex(key), bytes.fromhex(value))


@dataclass(frozen=True, slots=True)
class Moratorium:
    """A moratorium as it stands. consents: one per key, all to the same lifting."""

    order: Order
    set_by: Signature
    lifting: Lifting | None = None
    consents: tuple[Signature, ...] = ()
    lifted: bool = False

    def stops(self, request: Request) -> bool:
        """Whether it is in force and covers `request`. Time plays no part."""
        return not self.lifted and self.order.scope.covers(request)


def set_moratorium(charter: Charter, order: Order, signature: Signature) -> Moratorium:
    """A new moratorium, in force. `Denied` if the key is no setter's; `BadRequest` if the signature is wrong."""
    if not order.id or not order.reason:
        raise BadRequest("a moratorium has an id and a reason")
    _check(signature, charter.setters, order.message(), "set a moratorium")
    return Moratorium(order, signature)


def consent(moratorium: Moratorium, charter: Charter, lifting: Lifting, signature: Signature) -> Moratorium:
    """`moratorium` with one more consent to `lifting`; lifted once the quorum is complete.

    Consents count only for the same lifting: a new statute restarts the count. `Conflict` if it is already lifted.
    """
    if moratorium.lifted:
        raise Conflict("the moratorium is lifted already")
    if not lifting.statute.strip():
        raise BadRequest("lifting a moratorium cites the statute that allows it")
    if lifting.order != moratorium.order.digest():
        raise BadRequest("the lifting names another moratorium")
    _check(signature, charter.lifters, lifting.message(), "lift a moratorium")
    earlier = moratorium.consents if moratorium.lifting == lifting else ()
    consents = (*(c for c in earlier if c.key != signature.key and c.key in charter.lifters), signature)
    keys = {c.key for c in consents}
    done = len(keys) >= charter.quorum and bool(keys & charter.outside)
    return replace(moratorium, lifting=lifting, consents=consents, lifted=done)


def replayed(charter: Charter, moratorium: Moratorium) -> Moratorium:
    """`moratorium` rebuilt from its signatures alone: claims of a store or ledger are checked, not trusted."""
    state = set_moratorium(charter, moratorium.order, moratorium.set_by)
    if moratorium.lifting is not None:
        for signature in moratorium.consents:
            if not state.lifted:
                state = consent(state, charter, moratorium.lifting, signature)
    return state


def _check(signature: Signature, keys: frozenset[bytes], message: bytes, what: str) -> None:
    if signature.key not in keys:
        raise Denied(f"this key may not {what}")
    if not verified(signature.key, signature.value, message):
        raise BadRequest(f"the signature to {what} is not by this key, or not over this statement")


def _text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise BadRequest("a moratorium's times have a zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
