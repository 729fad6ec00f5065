"""What an entry says, and how it commits to private values without showing them.

An entry is one canonical JSON object (RFC 8785). Its own fields, beside the public ones that the caller gave:

    sequence      its index in the ledger, from 0
    time          when it was written: ISO 8601, UTC, microseconds, ending in Z
    kind          "decision", "result", … from the caller; "key", "clock", "erasure" and "state" are the ledger's own
    commitments   name of each private value -> hex of SHA-256(salt || canonical JSON of the value)
    after_checkpoint   true where a checkpoint speaks for exactly the entries before this one, so that it cannot go

A commitment's opening (salt and value) is kept beside the ledger and can be erased; without its 32 random bytes the
commitment says nothing about the value, and the tree stands as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from countenance.errors import BadRequest
from countenance.signing import JSON, canonical

MAX_ENTRY_BYTES = 65_535
"""The most bytes that the entry bundles of C2SP tlog-tiles can hold."""
SALT_BYTES = 32
AFTER_CHECKPOINT = '"after_checkpoint":true'
"""How an entry says that a checkpoint speaks for the entries before it, in its own text."""
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
OWN_FIELDS = frozenset({"sequence", "time", "commitments", "after_checkpoint"})
OWN_KINDS = frozenset({"key", "clock", "erasure", "state"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the ledger holds it. text: the canonical JSON, exactly the bytes (UTF-8) that are hashed."""

    sequence: int
    time: str
    kind: str
    fields: Mapping[str, JSON]
    text: str

    @property
    def commitments(self) -> Mapping[str, str]:
        """Name of each private value -> its commitment, 64 hex digits."""
        commitments = self.fields.get("commitments")
        return {name: str(value) for name, value in commitments.items()} if isinstance(commitments, dict) else {}

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Read an entry; `BadRequest` if it is not one."""
        try:
            fields = json.loads(text)
            sequence, time, kind = fields["sequence"], fields["time"], fields["kind"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadRequest("an entry is a JSON object with sequence, time and kind") from error
        if not (type(sequence) is int and isinstance(time, str) and isinstance(kind, str)):
            raise BadRequest("an entry's sequence is a whole number, its time and kind are text")
        return cls(sequence, time, kind, MappingProxyType(fields), text)


@dataclass(frozen=True, slots=True)
class Opening:
    """What was committed to under `name`. salt: 32 bytes. value: its canonical JSON."""

    name: str
    salt: bytes
    value: str

    @property
    def commitment(self) -> str:
        """See `commitment`."""
        return commitment(self.salt, self.value)


def commitment(salt: bytes, value: str) -> str:
    """Hex of SHA-256(salt || value)."""
    return hashlib.sha256(salt + value.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that waits to be written; later changes to what it was made from do not affect it.

    members: name -> `"name":value` in canonical JSON. private: name -> canonical JSON of the value. opens: whether it
    is a decision that a result must follow, since it permits or gives no verdict. closes: the index of the decision
    whose result it is.
    """

    members: Mapping[str, str]
    private: Mapping[str, str]
    opens: bool
    closes: int | None

    @classmethod
    def of(cls, public: Mapping[str, JSON], private: Mapping[str, JSON] | None = None) -> Draft:
        """A draft that says this; `BadRequest` if canonical JSON cannot express it."""
        kind, decision = public["kind"], public.get("decision")
        return cls(
            {
                name: _word(name, value) if type(value) is str else _member(name, value)
                for name, value in public.items()
            },
            {name: say(value) for name, value in (private or {}).items()},
            opens=kind == "decision" and public.get("verdict", "permit") == "permit",
            closes=decision if kind == "result" and type(decision) is int else None,
        )


def draft(public: Mapping[str, JSON], private: Mapping[str, JSON] | None) -> Draft:
    """Check what a caller wants to record. `ValueError` if the caller's code is wrong: no kind, a field or kind of the
    ledger's own, a result that does not name its decision. `BadRequest` if canonical JSON cannot express a value (NaN,
    half of a surrogate pair, a whole number beyond 2**53), or the entry is too long.
    """
    kind = public.get("kind")
    if not isinstance(kind, str) or not kind or kind in OWN_KINDS:
        raise ValueError(f"an entry's kind is text, not empty and none of {sorted(OWN_KINDS)}, got {kind!r}")
    if taken := OWN_FIELDS & public.keys():
        raise ValueError(f"the ledger fills in {sorted(taken)} itself")
    decision = public.get("decision")
    if kind == "result" and not (type(decision) is int and decision >= 0):
        raise ValueError(f"a result names its decision by index, got {decision!r}")
    made = Draft.of(public, private)
    if not _surely_fits(made):
        longest = compose(
            made, dict.fromkeys(made.private, "0" * 64), 2**53 - 1, timestamp(LAST_MOMENT), after_checkpoint=True
        )
        if (size := len(longest.encode())) > MAX_ENTRY_BYTES:
            raise BadRequest(f"an entry has room for {MAX_ENTRY_BYTES} bytes, this one could take {size}")
    return made


def _surely_fits(draft: Draft) -> bool:
    """Whether it is far below the limit, as nearly all entries are, and its private values have plain names."""
    if not all(isinstance(name, str) and name.isascii() for name in draft.private):
        return False
    characters = sum(map(len, draft.members.values())) + sum(len(name) + 100 for name in draft.private)
    return 6 * characters < MAX_ENTRY_BYTES - 1000  # a character takes at most 4 bytes, or 6 if it is escaped


def compose(
    draft: Draft, commitments: Mapping[str, str], sequence: int, time: str, *, after_checkpoint: bool = False
) -> str:
    """The entry's canonical JSON, put together from that of its fields."""
    members = {**draft.members, "sequence": f'"sequence":{sequence}', "time": f'"time":"{time}"'}
    if after_checkpoint:
        members["after_checkpoint"] = AFTER_CHECKPOINT
    if commitments:
        members["commitments"] = _member("commitments", dict(commitments))
    return "{" + ",".join([members[name] for name in _ordered(tuple(members))]) + "}"


@lru_cache(maxsize=1024)
def _ordered(names: tuple[str, ...]) -> list[str]:
    """Sorted by UTF-16 code units (RFC 8785, section 3.2.3); kinds of entries have the same names again and again."""
    return sorted(names, key=lambda name: name.encode("utf-16-be"))


def _member(name: str, value: JSON) -> str:
    if not isinstance(name, str):
        raise BadRequest(f"a field's name is text, got {type(name).__name__}")
    return f"{_said(name)}:{say(value)}"


@lru_cache(maxsize=1024)
def _said(name: str) -> str:
    """As `say`; names repeat from entry to entry."""
    return say(name)


@lru_cache(maxsize=1024)
def _word(name: str, value: str) -> str:
    """As `_member`; public texts repeat from entry to entry."""
    return _member(name, value)


def say(value: JSON) -> str:
    """`value` as canonical JSON text of at most `MAX_ENTRY_BYTES`; else `BadRequest`."""
    try:
        raw = canonical(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRequest(f"canonical JSON cannot say this: {type(error).__name__}") from error
    if len(raw) > MAX_ENTRY_BYTES:
        raise BadRequest(f"a value has room for {MAX_ENTRY_BYTES} bytes, this one takes {len(raw)}")
    return raw.decode()


def timestamp(moment: datetime) -> str:
    """`moment` (timezone-aware) as the ledger writes it: as text, later times sort after earlier ones."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be recorded")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
