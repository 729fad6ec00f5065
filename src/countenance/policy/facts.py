"""Every fact of a `Request` as one named, typed leaf of Cedar's context, and the Cedar schema made of them.

The schema is generated from the dataclasses of `request`, so the two cannot drift apart. A leaf is `group.name`.
Optional leaves are absent where the request does not state them. Numbers in Cedar are whole: times are seconds since
1970 (rounded down), rates are parts per 10^9 or 10^6 (rounded to the stricter side), years are whole months.
"""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from countenance.policy import request as vocabulary
from countenance.policy.enums import COERCIVE_POWERS, Action, AuthorisationKind, Power, Tier
from countenance.policy.places import touched
from countenance.policy.request import Request

CedarValue = bool | int | str | list[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """What the guard knows besides the request: the time, the latest time ever seen, whether a moratorium applies."""

    now: datetime
    latest_seen: datetime
    halted: bool = False


Reader = Callable[[Request, Moment], CedarValue | None]
Getter = Callable[[Request], CedarValue | None]


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """One leaf, compared by identity. cedar: its Cedar type. choices: the words it may take, empty if any.

    read(request, moment): the Cedar value, or None if the request does not state it. plain: a cheaper reader for facts
    that need no conversion.
    """

    group: str
    name: str
    cedar: str
    optional: bool
    says: str
    read: Reader
    choices: tuple[str, ...] = ()
    plain: Getter | None = None

    @property
    def path(self) -> str:
        """group.name, as rules and messages write it."""
        return f"{self.group}.{self.name}"

    @property
    def flat(self) -> str:
        """group_name, as compiled rules call it."""
        return f"{self.group}_{self.name}"


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return int(moment.timestamp() // 1)


def whole(value: float, factor: int, *, up: bool) -> int:
    """value x factor as a whole number, after rounding away float noise past 12 significant digits."""
    exact = Decimal(f"{value:.12g}") * factor
    return int(exact.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR))


def _given(says: str, cedar: str, read: Callable[[Request, Moment], CedarValue], *choices: str) -> Fact:
    group, name = says.split(" ", 1)[0].split(".")
    return Fact(group, name, cedar, False, says.split(" ", 1)[1], read, choices)


def _party(who: str, party: Callable[[Request], vocabulary.Party | None], says: str) -> tuple[Fact, ...]:
    return (
        _given(
            f"{who}.powers powers that {says}",
            "Set<String>",
            lambda r, m: sorted(p.powers) if (p := party(r)) else [],
            *(power.value for power in Power),
        ),
        _given(
            f"{who}.tier level of government of {says}",
            "String",
            lambda r, m: str(p.tier) if (p := party(r)) else str(Tier.NONE),
            *(tier.value for tier in Tier),
        ),
        _given(
            f"{who}.jurisdictions places of {says}",
            "Set<String>",
            lambda r, m: sorted(touched(p.jurisdictions)) if (p := party(r)) else [],
        ),
    )


def _powers(request: Request) -> frozenset[str]:
    behalf = request.on_behalf_of
    return request.actor.powers | (behalf.powers if behalf else frozenset())


_BASIC: tuple[Fact, ...] = (
    _given("time.now the time", "Long", lambda r, m: seconds(m.now)),
    _given("time.latest_seen the latest time that was ever seen", "Long", lambda r, m: seconds(m.latest_seen)),
    _given("moratorium.in_force whether a moratorium covers this use", "Bool", lambda r, m: m.halted),
    *_party("actor", lambda r: r.actor, "the holder of the mandate has"),
    *_party("behalf", lambda r: r.on_behalf_of, "whoever it is done for has"),
    _given("behalf.stated whether it is done for somebody else", "Bool", lambda r, m: r.on_behalf_of is not None),
    _given(
        "holder.powers powers of the holder and of whoever it acts for", "Set<String>", lambda r, m: sorted(_powers(r))
    ),
    _given(
        "holder.coercive whether either may take away freedom, or spies or fights",
        "Bool",
        lambda r, m: bool(_powers(r) & COERCIVE_POWERS),
    ),
    _given(
        "holder.public whether either is a public body",
        "Bool",
        lambda r, m: any(p is not None and p.tier is not Tier.NONE for p in (r.actor, r.on_behalf_of)),
    ),
    _given("mandate.active whether the mandate is approved and not revoked", "Bool", lambda r, m: r.mandate.active),
    _given("mandate.starts_at when the mandate begins", "Long", lambda r, m: seconds(r.mandate.starts_at)),
    _given("mandate.expires_at when the mandate expires", "Long", lambda r, m: seconds(r.mandate.expires_at)),
    _given(
        "mandate.operation_granted whether the mandate grants the operation",
        "Bool",
        lambda r, m: r.mandate.operation_granted,
    ),
    _given(
        "mandate.gallery_granted whether the mandate grants the gallery", "Bool", lambda r, m: r.mandate.gallery_granted
    ),
    _given(
        "places.touched jurisdictions that the call touches",
        "Set<String>",
        lambda r, m: sorted(touched(r.jurisdictions)),
    ),
    Fact(
        "authorisation",
        "kind",
        "String",
        True,
        "whose authorisation there is",
        lambda r, m: None if r.authorisation is None else str(r.authorisation.kind),
        tuple(kind.value for kind in AuthorisationKind),
    ),
    Fact(
        "authorisation",
        "state",
        "String",
        True,
        "whether authorisation was requested, granted or refused",
        lambda r, m: None if r.authorisation is None else r.authorisation.state,
        ("none", "requested", "granted", "refused"),
    ),
)

_GROUPS: tuple[tuple[str, type], ...] = (
    ("use", vocabulary.UseFacts),
    ("space", vocabulary.SpaceFacts),
    ("case", vocabulary.CaseFacts),
    ("authorisation", vocabulary.AuthorisationFacts),
    ("gallery", vocabulary.GalleryFacts),
    ("probe", vocabulary.ProbeFacts),
    ("subject", vocabulary.SubjectFacts),
    ("model", vocabulary.ModelFacts),
    ("evidence", vocabulary.EvidenceFacts),
    ("review", vocabulary.ReviewFacts),
    ("assessment", vocabulary.AssessmentFacts),
    ("notice", vocabulary.NoticeFacts),
    ("retention", vocabulary.RetentionFacts),
    ("operator", vocabulary.OperatorFacts),
)

_WHEN = {
    "requested_at": "when the authorisation was requested",
    "granted_at": "when the authorisation was granted",
    "refused_at": "when the authorisation was refused",
    "expires_at": "when the authorisation expires",
}


def _stated(group: str, kind: type) -> Iterable[Fact]:
    hints = typing.get_type_hints(kind)
    for field in fields(kind):
        says = field.metadata.get("says") or (_WHEN.get(field.name) if group == "authorisation" else None)
        if says is None:
            continue
        inner = next(t for t in typing.get_args(hints[field.name]) if t is not types.NoneType)
        yield _leaf(group, field.name, says, inner, field.metadata)


def _leaf(group: str, name: str, says: str, kind: object, metadata: Mapping[str, object]) -> Fact:
    def value(request: Request) -> object:
        holder = getattr(request, group)
        return None if holder is None else getattr(holder, name)

    def as_it_is(request: Request, _moment: Moment) -> CedarValue | None:
        return typing.cast("CedarValue | None", value(request))

    choices: tuple[str, ...] = ()
    plain: Getter | None = None if group == "authorisation" else operator.attrgetter(f"{group}.{name}")
    if kind is bool or kind is int:
        return Fact(group, name, "Bool" if kind is bool else "Long", True, says, as_it_is, (), plain)
    if kind is datetime:
        return Fact(
            group,
            name,
            "Long",
            True,
            says,
            lambda r, m: None if (v := value(r)) is None else seconds(typing.cast("datetime", v)),
        )
    if kind is float:
        up = bool(metadata["round_up"])
        if metadata["months"]:
            name, factor = name.replace("_years", "_months"), 12
            source = name.replace("_months", "_years")
        else:
            factor, source = typing.cast("int", metadata["parts_per"]), name
            name = f"{name}_{'ppb' if factor == 10**9 else 'ppm'}"

        def number(request: Request, _moment: Moment) -> int | None:
            v = getattr(getattr(request, group), source)
            return None if v is None else whole(v, factor, up=up)

        return Fact(group, name, "Long", True, says, number)
    if typing.get_origin(kind) is frozenset:
        (member,) = typing.get_args(kind)
        if isinstance(member, type) and issubclass(member, StrEnum):
            choices = tuple(word.value for word in member)

        def members(request: Request, _moment: Moment) -> list[str] | None:
            v = value(request)
            return None if v is None else sorted(typing.cast("frozenset[str]", v))

        return Fact(group, name, "Set<String>", True, says, members, choices)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        choices = tuple(word.value for word in kind)
    elif kind is not str:
        raise TypeError(f"{group}.{name} has no Cedar type")
    return Fact(group, name, "String", True, says, as_it_is, choices, plain)


FACTS: tuple[Fact, ...] = (*_BASIC, *(fact for group, kind in _GROUPS for fact in _stated(group, kind)))
"""All facts, in the order of the vocabulary."""

FACT: Mapping[str, Fact] = types.MappingProxyType({fact.path: fact for fact in FACTS})
"""The facts by path."""


def schema(facts: Iterable[Fact] = FACTS, *, all_stated: bool = False) -> str:
    """The Cedar schema (text) of a context that holds `facts`. all_stated: none is optional, as clauses are written."""
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.group, []).append(fact)
    lines = ["entity Mandate;", "entity Gallery;", "type Facts = {"]
    for group, members in groups.items():
        inner = ", ".join(f"{f.name}{'?' if f.optional and not all_stated else ''}: {f.cedar}" for f in members)
        lines.append(f"  {group}: {{ {inner} }},")
    lines += ["};", _ACTIONS]
    return "\n".join(lines) + "\n"


def flat_schema(facts: Iterable[Fact]) -> str:
    """As `schema`, but with `facts` flat, not in groups: Cedar reads a flat context a third faster."""
    members = "".join(f"  {fact.flat}{'?' if fact.optional else ''}: {fact.cedar},\n" for fact in facts)
    return f"entity Mandate;\nentity Gallery;\ntype Facts = {{\n{members}}};\n{_ACTIONS}\n"


_ACTIONS = (
    "action " + ", ".join(f'"{operation}"' for operation in Action) + " "
    "appliesTo { principal: [Mandate], resource: [Gallery], context: Facts };"
)


def context(request: Request, moment: Moment, facts: Iterable[Fact] = FACTS) -> dict[str, dict[str, CedarValue]]:
    """The stated facts among `facts` as Cedar's context. Every group is present, even if empty."""
    groups: dict[str, dict[str, CedarValue]] = {}
    for fact in facts:
        members = groups.get(fact.group)
        if members is None:
            members = groups[fact.group] = {}
        value = fact.read(request, moment)
        if value is not None:
            members[fact.name] = value
    return groups


Readers = Sequence[tuple[str, Getter | None, Reader]]


def readers(facts: Iterable[Fact]) -> Readers:
    """The readers of `facts` for `flat_context`."""
    return tuple((fact.flat, fact.plain, fact.read) for fact in facts)


def flat_context(request: Request, moment: Moment, facts: Readers) -> dict[str, CedarValue]:
    """The stated facts among `facts`, by their flat names."""
    stated: dict[str, CedarValue] = {}
    for name, plain, read in facts:
        value = read(request, moment) if plain is None else plain(request)
        if value is not None:
            stated[name] = value
    return stated
