"""Change one fact of a request: from a Cedar value back to the vocabulary.

For the comparison of packs and for tests; no decision uses it.
"""

from __future__ import annotations

import types
import typing
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import StrEnum

from countenance.policy.enums import AuthorisationKind, Power, Tier
from countenance.policy.facts import FACT, CedarValue
from countenance.policy.request import AuthorisationFacts, Party, Request

_YEARS = "_months"
_RATES = {"_ppb": 10**9, "_ppm": 10**6}
DERIVED = frozenset(
    {
        "time.now", "time.latest_seen", "moratorium.in_force", "behalf.stated",
        "holder.powers", "holder.coercive", "holder.public", "authorisation.state",
    }
)  # fmt: skip
"""Facts that follow from others, or from the moment, and cannot be stated by themselves."""


def with_fact(request: Request, path: str, value: CedarValue | None) -> Request:
    """`request` with the fact at `path` set to `value` (as Cedar sees it), or not stated where None.

    KeyError for an unknown or derived fact; ValueError where the vocabulary does not allow the value or needs one.
    """
    if path in DERIVED:
        raise KeyError(path)
    fact = FACT[path]
    if fact.group in ("actor", "behalf"):
        return _party(request, fact.group, fact.name, value)
    if fact.group == "places":
        return replace(request, jurisdictions=frozenset(_texts(value)))
    if path == "authorisation.kind":
        if value is None:
            return replace(request, authorisation=None)
        kind = AuthorisationKind(str(value))
        stated = request.authorisation
        return replace(request, authorisation=replace(stated, kind=kind) if stated else AuthorisationFacts(kind=kind))
    holder = getattr(request, fact.group)
    if holder is None and value is None:
        return request  # not stated already; to say "none" would be to state something
    if holder is None:
        holder = AuthorisationFacts(kind=AuthorisationKind.NONE)
    if value is None and not fact.optional:
        raise ValueError(f"{path} has to be stated")
    name, stated_value = _field(type(holder), fact.name, value)
    return replace(request, **{fact.group: replace(holder, **{name: stated_value})})


def _party(request: Request, who: str, name: str, value: CedarValue | None) -> Request:
    party = request.actor if who == "actor" else request.on_behalf_of
    party = party or Party(class_name="whoever it is done for")
    if name == "powers":
        party = replace(party, powers=frozenset(Power(word) for word in _texts(value)))
    elif name == "tier":
        party = replace(party, tier=Tier(str(value)))
    else:
        party = replace(party, jurisdictions=frozenset(_texts(value)))
    return replace(request, actor=party) if who == "actor" else replace(request, on_behalf_of=party)


def _field(holder: type, name: str, value: CedarValue | None) -> tuple[str, object]:
    known = {field.name for field in fields(holder)}
    factor = next((n for suffix, n in _RATES.items() if name.endswith(suffix)), 1)
    if factor > 1:
        name = name.rsplit("_", 1)[0]
    elif name.endswith(_YEARS) and name not in known:
        name, factor = name.removesuffix(_YEARS) + "_years", 12
    if value is None:
        return name, None
    hint = typing.get_type_hints(holder)[name]
    kinds = [t for t in typing.get_args(hint) if t is not types.NoneType]
    kind = kinds[0] if typing.get_origin(hint) in (types.UnionType, typing.Union) else hint
    if kind is float:
        return name, _whole(value) / factor
    if kind is datetime:
        return name, datetime.fromtimestamp(_whole(value), UTC)
    if typing.get_origin(kind) is frozenset:
        (member,) = typing.get_args(kind)
        return name, frozenset(member(word) for word in _texts(value))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return name, kind(str(value))
    return name, value


def _texts(value: CedarValue | None) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("a set of words is needed here")
    return value


def _whole(value: CedarValue) -> int:
    if not isinstance(value, int):
        raise ValueError("a whole number is needed here")
    return value
