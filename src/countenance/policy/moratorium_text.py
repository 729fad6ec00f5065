"""Moratoria and their charter as JSON text: what a store keeps and what an operator writes. Pure: no file is read."""

from __future__ import annotations

import json
from datetime import datetime

from countenance.errors import BadRequest, PolicyError
from countenance.policy.enums import Action, Power
from countenance.policy.moratorium import Charter, Lifting, Moratorium, Order, Scope, Signature
from countenance.said_once import loads


def charter_of(text: str) -> Charter:
    """The charter in `text`: setters, lifters, outside (keys of 64 hex digits) and quorum; or `PolicyError`."""
    try:
        table = loads(text)
        keys = {
            name: frozenset(bytes.fromhex(key) for key in table[name]) for name in ("setters", "lifters", "outside")
        }
        return Charter(**keys, quorum=int(table["quorum"]))
    except BadRequest as error:
        raise PolicyError(f"the moratorium charter cannot be read: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise PolicyError(f"the moratorium charter cannot be read: {type(error).__name__}") from error


def text_of(moratorium: Moratorium) -> str:
    """`moratorium` with all its signatures, as one line of JSON."""
    order = moratorium.order
    return json.dumps(
        {
            "id": order.id,
            "operations": sorted(order.scope.operations),
            "powers": sorted(order.scope.powers),
            "reason": order.reason,
            "set_at": order.set_at.isoformat(),
            "look_again_at": order.look_again_at.isoformat() if order.look_again_at else None,
            "set_by": _pair(moratorium.set_by),
            "statute": moratorium.lifting.statute if moratorium.lifting else None,
            "consents": [_pair(each) for each in moratorium.consents],
        }
    )


def moratorium_of(text: str) -> Moratorium:
    """The moratorium that `text` claims, its signatures not yet checked (see `replayed`); or `PolicyError`."""
    try:
        table = loads(text)
        order = Order(
            id=table["id"],
            scope=Scope(frozenset(map(Action, table["operations"])), frozenset(map(Power, table["powers"]))),
            reason=table["reason"],
            set_at=datetime.fromisoformat(table["set_at"]),
            look_again_at=datetime.fromisoformat(table["look_again_at"]) if table["look_again_at"] else None,
        )
        lifting = Lifting(order.digest(), table["statute"]) if table["statute"] else None
        return Moratorium(order, _signature(table["set_by"]), lifting, tuple(map(_signature, table["consents"])))
    except BadRequest as error:
        raise PolicyError(f"a moratorium cannot be read: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise PolicyError(f"a moratorium cannot be read: {type(error).__name__}") from error


def _pair(signature: Signature) -> list[str]:
    return [signature.key.hex(), signature.value.hex()]


def _signature(pair: list[str]) -> Signature:
    return Signature(bytes.fromhex(pair[0]), bytes.fromhex(pair[1]))
