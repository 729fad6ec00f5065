"""Moratoria: set by one key, lifted only by a quorum with a key held outside; each step in the ledger first.

What the database holds is not believed: every moratorium is worked out anew from its signatures. Where that fails, or
the charter that names the keys is not there, everything is halted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from countenance.errors import AlreadyExists, CountenanceError, NotFound, PolicyError
from countenance.ledger import Ledger
from countenance.mandates import MoratoriumStore
from countenance.policy import Action, Power
from countenance.policy.moratorium import (
    Charter,
    Lifting,
    Moratorium,
    Order,
    Scope,
    Signature,
    consent,
    replayed,
    set_moratorium,
)
from countenance.signing import JSON


def read_charter(path: Path) -> Charter:
    """The charter in a JSON file: setters, lifters, outside (public keys, 64 hex digits each) and quorum."""
    try:
        table = json.loads(path.read_text())
        keys = {
            name: frozenset(bytes.fromhex(key) for key in table[name]) for name in ("setters", "lifters", "outside")
        }
        return Charter(**keys, quorum=int(table["quorum"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PolicyError(f"the moratorium charter cannot be read: {type(error).__name__}") from error


class Moratoria:
    """The moratoria of one installation. charter: None where no moratorium can be set."""

    def __init__(self, halts: MoratoriumStore, ledger: Ledger, charter: Charter | None) -> None:
        self._halts = halts
        self._ledger = ledger
        self._charter = charter

    @property
    def chartered(self) -> bool:
        """Whether a charter names the keys that set and lift."""
        return self._charter is not None

    def standing(self) -> tuple[Moratorium, ...]:
        """All that were ever set, as their signatures make them; one over everything where that cannot be checked."""
        try:
            return tuple(self.every().values())
        except CountenanceError:
            return (_EVERYTHING,)

    def every(self) -> dict[str, Moratorium]:
        """All that were ever set, by id."""
        return {name: _checked(text, self._charter) for name, text in self._halts.every().items()}

    def set(self, order: Order, signature: Signature) -> Moratorium:
        """Put a moratorium in force."""
        made = set_moratorium(self._chartered(), order, signature)
        if order.id in self._halts.every():
            raise AlreadyExists(f"there is a moratorium {order.id!r} already")
        self._record("set", made, {"by": signature.key.hex(), "reason": order.reason})
        self._halts.add(order.id, _text(made))
        return made

    def consent(self, moratorium_id: str, statute: str, signature: Signature) -> Moratorium:
        """Enter one key's consent to lifting; lifted when the quorum is complete."""
        before = self._halts.every().get(moratorium_id)
        if before is None:
            raise NotFound(f"there is no moratorium {moratorium_id!r}")
        standing = _checked(before, self._charter)
        after = consent(standing, self._chartered(), Lifting(standing.order.digest(), statute), signature)
        self._record("lifted" if after.lifted else "consent", after, {"by": signature.key.hex(), "statute": statute})
        self._halts.replace(moratorium_id, before, _text(after))
        return after

    def _chartered(self) -> Charter:
        if self._charter is None:
            raise PolicyError("no charter names the keys that set and lift moratoria: set COUNTENANCE_CHARTER")
        return self._charter

    def _record(self, change: str, moratorium: Moratorium, more: dict[str, JSON]) -> None:
        entry: dict[str, JSON] = {
            "kind": "moratorium",
            "change": change,
            "moratorium": moratorium.order.id,
            "order": moratorium.order.digest(),
        }
        self._ledger.append({**entry, **more}).wait()


_EVERYTHING = Moratorium(
    Order("unreadable", Scope(), "a moratorium cannot be checked", datetime(2020, 1, 1, tzinfo=UTC)),
    Signature(bytes(32), bytes(64)),
)


@lru_cache(maxsize=256)
def _checked(text: str, charter: Charter | None) -> Moratorium:
    if charter is None:
        raise PolicyError("there are moratoria, and no charter to check them by")
    return replayed(charter, _read(text))


def _text(moratorium: Moratorium) -> str:
    order = moratorium.order
    return json.dumps(
        {
            "id": order.id,
            "operations": sorted(order.scope.operations),
            "powers": sorted(order.scope.powers),
            "reason": order.reason,
            "set_at": order.set_at.isoformat(),
            "look_again_at": order.look_again_at.isoformat() if order.look_again_at else None,
            "set_by": _signed(moratorium.set_by),
            "statute": moratorium.lifting.statute if moratorium.lifting else None,
            "consents": [_signed(each) for each in moratorium.consents],
        }
    )


def _read(text: str) -> Moratorium:
    try:
        table = json.loads(text)
        order = Order(
            id=table["id"],
            scope=Scope(
                frozenset(map(Action, table["operations"])),
                frozenset(map(Power, table["powers"])),
            ),
            reason=table["reason"],
            set_at=datetime.fromisoformat(table["set_at"]),
            look_again_at=datetime.fromisoformat(table["look_again_at"]) if table["look_again_at"] else None,
        )
        lifting = Lifting(order.digest(), table["statute"]) if table["statute"] else None
        return Moratorium(order, _signature(table["set_by"]), lifting, tuple(map(_signature, table["consents"])))
    except (ValueError, TypeError, KeyError) as error:
        raise PolicyError(f"a moratorium cannot be read: {type(error).__name__}") from error


def _signed(signature: Signature) -> list[str]:
    return [signature.key.hex(), signature.value.hex()]


def _signature(pair: list[str]) -> Signature:
    return Signature(bytes.fromhex(pair[0]), bytes.fromhex(pair[1]))
