"""The table that a matrix is made of: places, groups, actors, uses and safeguards, read from data and checked.

fine_print/matrix.toml says what each key means. Whoever writes a pack can add actors and uses (`extended`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from countenance.errors import BadRequest, PolicyError
from countenance.policy.description import request_of
from countenance.policy.packs.cases import merged
from countenance.policy.places import enclosing
from countenance.policy.request import Request

Table = Mapping[str, object]

_KEYS = {"now", "place", "places", "facts", "group", "actor", "use", "safeguard"}
_ROWS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "group": (("id", "title"), ()),
    "actor": (("id", "title", "group", "party"), ("on_behalf_of", "place", "facts", "picture")),
    "use": (("id", "title", "facts"), ("short", "claims", "picture")),
    "safeguard": (("id", "says", "facts"), ("instead_of",)),
}
"""Of each kind of row, the keys that it must have and those that it may have."""

_TABLES = {"party", "on_behalf_of", "facts", "claims"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A group, an actor or a use. short: a title in few words. group: the id of an actor's group.

    picture: whether it is shown in the picture: actors who have no place of their own are.
    """

    id: str
    title: str
    short: str = ""
    group: str = ""
    picture: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Safeguard:
    """What the asker could bring. says: the condition. instead_of: of those that say the same, one is brought."""

    id: str
    says: str
    facts: Table
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class MatrixTable:
    """Everything that requests are made of. place: where actors without a place of their own stand."""

    now: datetime
    place: str
    places: Mapping[str, str]
    facts: Table
    groups: tuple[Heading, ...]
    actors: Mapping[Heading, Table]
    uses: Mapping[Heading, Table]
    safeguards: tuple[Safeguard, ...]

    def place_name(self) -> str:
        """The place in words, or its code."""
        return self.places.get(self.place, self.place)

    def at(self, place: str) -> MatrixTable:
        """The same table at `place`: actors who stand elsewhere are left out, and so is whoever is there twice."""
        try:
            inside = enclosing(place)
        except BadRequest as error:
            raise PolicyError(str(error)) from error
        movable = [_who(row) for row in self.actors.values() if "place" not in row]
        actors = {
            heading: row
            for heading, row in self.actors.items()
            if "place" not in row
            or (str(row["place"]) in inside and (str(row["place"]) != place or _who(row) not in movable))
        }
        return replace(self, place=place, actors=actors)

    def only(self, actors: Iterable[str] = (), uses: Iterable[str] = ()) -> MatrixTable:
        """The same table with these actors and uses alone; an id that is not there is a `PolicyError`."""
        return replace(self, actors=_chosen("actor", self.actors, actors), uses=_chosen("use", self.uses, uses))

    def described(self, use: Heading, actor: Heading) -> dict[str, object]:
        """The request of `actor` for `use`, without safeguards, as `description` reads it."""
        row = self.actors[actor]
        own = str(row.get("place", self.place))
        party = {"jurisdictions": [own], **_inner(row, "party")}
        who: dict[str, object] = {"actor": party, "jurisdictions": sorted({own, self._touched(own)})}
        if "on_behalf_of" in row:
            who["on_behalf_of"] = {"jurisdictions": [own], **_inner(row, "on_behalf_of")}
        return merged(self._stated(use, actor), who)

    def fixed(self, use: Heading, actor: Heading) -> dict[str, object]:
        """The facts that make the use and the actor what they are; no safeguard may contradict them."""
        return merged(_inner(self.actors[actor], "facts"), _inner(self.uses[use], "facts"))

    def _stated(self, use: Heading, actor: Heading) -> dict[str, object]:
        return merged(merged(self.facts, _inner(self.uses[use], "claims")), self.fixed(use, actor))

    def _touched(self, own: str) -> str:
        """Where an actor of `own` acts: at the matrix's place, if that lies within its own."""
        return self.place if own in enclosing(self.place) else own


def table_of(table: Table) -> MatrixTable:
    """The checked table; `PolicyError` names the row and what would be accepted."""
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise PolicyError(f"the matrix has an unknown key {unknown[0]}; it holds {', '.join(sorted(_KEYS))}")
    now, place, places = table.get("now"), table.get("place", "US"), table.get("places", {})
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise PolicyError("the matrix says now, a time with a zone")
    if not isinstance(place, str) or not isinstance(places, Mapping) or not isinstance(table.get("facts", {}), Mapping):
        raise PolicyError("the matrix's place is a code such as US-WA; its places and its facts are tables")
    rows = {kind: _rows(table, kind) for kind in _ROWS}
    groups = tuple(Heading(str(row["id"]), str(row["title"])) for row in rows["group"])
    known = [group.id for group in groups]
    for row in rows["actor"]:
        if row["group"] not in known:
            raise PolicyError(f"matrix, actor {row['id']}: its group is one of {', '.join(known)}")
    for row in rows["safeguard"]:
        _checked(row, now.astimezone(UTC))
    try:
        for code in (place, *(str(row["place"]) for row in rows["actor"] if "place" in row)):
            enclosing(code)
    except BadRequest as error:
        raise PolicyError(f"matrix: {error}") from error
    return MatrixTable(
        now=now,
        place=place,
        places={str(code): str(name) for code, name in places.items()},
        facts=_inner(table, "facts"),
        groups=groups,
        actors={_heading(row): row for row in rows["actor"]},
        uses={_heading(row): row for row in rows["use"]},
        safeguards=tuple(
            Safeguard(str(row["id"]), str(row["says"]), _inner(row, "facts"), str(row.get("instead_of", "")))
            for row in rows["safeguard"]
        ),
    )


def extended(table: Table, own: Table) -> dict[str, object]:
    """`table` with the rows of `own` added; a row with an id that is there already takes its place."""
    result = merged(table, {key: value for key, value in own.items() if key not in _ROWS})
    for kind in _ROWS:
        added = {str(row["id"]): row for row in _rows(own, kind, may_lack=True)}
        rows = [row for row in _rows(table, kind, may_lack=True) if str(row["id"]) not in added]
        result[kind] = [*rows, *added.values()]
    return result


def leaves(facts: Table, prefix: str = "") -> dict[str, object]:
    """The facts of a nested table by their paths."""
    flat: dict[str, object] = {}
    for key, value in facts.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _chosen(kind: str, rows: Mapping[Heading, Table], ids: Iterable[str]) -> Mapping[Heading, Table]:
    wanted = tuple(ids)
    unknown = [one for one in wanted if one not in {heading.id for heading in rows}]
    if unknown:
        raise PolicyError(f"there is no {kind} {unknown[0]}; there is {', '.join(heading.id for heading in rows)}")
    return {heading: row for heading, row in rows.items() if not wanted or heading.id in wanted}


def _rows(table: Table, kind: str, *, may_lack: bool = False) -> list[Table]:
    rows = table.get(kind, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise PolicyError(f"the matrix's rows are written [[{kind}]]")
    if not rows and not may_lack and kind in ("actor", "use", "group"):
        raise PolicyError(f"the matrix has no {kind}")
    must, may = _ROWS[kind]
    for number, row in enumerate(rows, 1):
        where = f"matrix, {kind} {row.get('id', number)}"
        lacking, unknown = [key for key in must if key not in row], sorted(set(row) - {*must, *may})
        if lacking or unknown:
            what = f"has no {lacking[0]}" if lacking else f"has an unknown key {unknown[0]}"
            raise PolicyError(f"{where} {what}; its keys are {', '.join((*must, *may))}")
        for key, value in row.items():
            kind_of = Mapping if key in _TABLES else bool if key == "picture" else str
            if not isinstance(value, kind_of):
                word = {"Mapping": "a table", "bool": "true or false"}.get(kind_of.__name__, "a text in quotes")
                raise PolicyError(f"{where}: {key} is {word}")
    ids = [str(row["id"]) for row in rows]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise PolicyError(f"the matrix has two rows of kind {kind} with the id {twice[0]}")
    return rows


def _checked(row: Table, now: datetime) -> Request:
    try:
        return request_of({"operation": "detect", "actor": {"class_name": "anybody"}, **_inner(row, "facts")}, now)
    except BadRequest as error:
        raise PolicyError(f"matrix, safeguard {row['id']}: {error}") from error


def _who(row: Table) -> dict[str, object]:
    """What rules can see of an actor."""
    parties = {
        key: {k: v for k, v in _inner(row, key).items() if k != "class_name"} for key in ("party", "on_behalf_of")
    }
    return {**parties, "facts": _inner(row, "facts")}


def _heading(row: Table) -> Heading:
    title = str(row["title"])
    return Heading(
        str(row["id"]), title, str(row.get("short", title)), str(row.get("group", "")),
        bool(row.get("picture", "party" in row and "place" not in row)),
    )  # fmt: skip


def _inner(row: Table, key: str) -> dict[str, object]:
    value = row.get(key, {})
    assert isinstance(value, Mapping)
    return dict(value)
