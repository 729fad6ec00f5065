"""The cases that a pack brings along: requests, and the verdict that it must give. A pack that fails one is refused.

    now = 2026-06-01T12:00:00Z          # the time of every case that says no other
    [base]                              # the request that cases start from: all is in order
    [bases.live]                        # another one: base with these facts stated over it

    [[clause]]                          # one clause, tried from all sides
    id = "eu.5-1-h"
    name = "whom it binds"              # may be left out; tells two entries about one clause apart
    base = "live"                       # may be left out
    now = 2027-12-02T00:00:00Z          # may be left out
    permit = [{}, { use.purpose = "missing_person" }]     # changes of the base that leave it permitted
    deny = [{ use.purpose = "marketing" }]                # changes that this clause alone denies
    missing = ["use.purpose"]                             # facts whose silence makes this clause undetermined
    begins = 2025-02-02                 # the first of deny (of binds, of missing) holds on this day, not the day before
    ends = 2028-06-28                   # and on the day before this one, not on it
    also_for = ["track"]                # and holds for these operations too
    also_by = ["detain"]                # and for an actor who holds this power alone

    [[case]]                            # one request, said in full
    name = "a judge granted it"
    verdict = "permit"                  # permit | deny | undetermined
    clauses = ["eu.5-1-h"]              # the ids of all grounds; may be left out for a permit
    missing = ["authorisation.kind"]    # all missing facts; may be left out
    obligations = ["reviewers 2"]       # all obligations; may be left out
    unset = ["authorisation"]           # facts of the base to forget: a group, or group.fact
    set = { use.mode = "real_time" }    # facts to state
    halted = true                       # a moratorium covers it
    latest_seen = "now+1h"              # the clock was once later than now

Of a change, `also = ["eu.5-3"]` names other clauses that it denies too, `unset = [...]` facts that it forgets. A duty
has `binds` and `free` in place of `deny` and `missing`: changes that leave the request permitted, with and without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from countenance.errors import BadRequest
from countenance.policy.description import moment_of, request_of
from countenance.policy.facts import Moment
from countenance.policy.request import Request

Table = Mapping[str, object]

_CASE = {
    "name", "base", "now", "verdict", "clauses", "missing", "obligations", "unset", "set", "halted", "latest_seen",
}  # fmt: skip
_CLAUSE = {
    "id", "name", "base", "now", "permit", "deny", "missing", "binds", "free", "begins", "ends", "also_for", "also_by",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PackCase:
    """A request with the answer that is due. bound, free: grounds that must, must not, be there.

    None, and a verdict "": not looked at.
    """

    name: str
    request: Request
    moment: Moment
    verdict: str
    clauses: frozenset[str] | None = None
    missing: frozenset[str] | None = None
    obligations: frozenset[str] | None = None
    bound: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()

    @property
    def about(self) -> frozenset[str]:
        """The clauses that this case says something about."""
        return (self.clauses or frozenset()) | self.bound | self.free


def cases(table: Table) -> tuple[PackCase, ...]:
    """The cases in a parsed cases.toml; anything else is a `BadRequest` that names the case."""
    if set(table) - {"base", "bases", "case", "clause", "now"}:
        raise BadRequest("it holds now, [base], [bases.NAME], [[clause]] and [[case]]")
    now = table.get("now")
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise BadRequest("now: a time with a zone is expected")
    base = _table(table, "base")
    others = _table(table, "bases")
    bases = {"": base, **{name: merged(base, _table(others, name)) for name in others}}
    read = (
        *(case for entry in _tables(table, "clause") for case in _around(entry, bases, now)),
        *(_case(entry, bases, now) for entry in _tables(table, "case")),
    )
    names = [case.name for case in read]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadRequest(f"two cases are called {twice[0]!r}")
    return read


def _case(entry: Table, bases: Mapping[str, Table], now: datetime) -> PackCase:
    name = _text(entry, "name")
    if set(entry) - _CASE:
        raise BadRequest(f"{name}: unknown key {min(set(entry) - _CASE)}")
    verdict = entry.get("verdict")
    if verdict not in ("permit", "deny", "undetermined"):
        raise BadRequest(f"{name}: verdict is permit, deny or undetermined")
    try:
        when = moment_of(entry.get("now", now), now, "now")
        seen = moment_of(entry.get("latest_seen", when), when, "latest_seen")
        case = PackCase(
            name=name,
            request=request_of(_changed(_base(entry, bases), entry.get("set", {}), _texts(entry, "unset")), when),
            moment=Moment(when, seen, entry.get("halted") is True),
            verdict=str(verdict),
            clauses=frozenset(_texts(entry, "clauses")) if "clauses" in entry else None,
            missing=frozenset(_texts(entry, "missing")) if "missing" in entry else None,
            obligations=frozenset(_texts(entry, "obligations")) if "obligations" in entry else None,
        )
    except BadRequest as error:
        raise BadRequest(f"{name}: {error}") from error
    if case.clauses is None and verdict != "permit":
        raise BadRequest(f"{name}: a case that is not permitted names its clauses")
    return case


def _around(entry: Table, bases: Mapping[str, Table], now: datetime) -> Iterator[PackCase]:
    """The cases of a [[clause]]."""
    clause = _text(entry, "id")
    if set(entry) - _CLAUSE:
        raise BadRequest(f"{clause}: unknown key {min(set(entry) - _CLAUSE)}")
    label = f"{clause}{' from ' + str(entry['base']) if 'base' in entry else ''}"
    label += f" ({_text(entry, 'name')})" if "name" in entry else ""
    base = _base(entry, bases)
    try:
        when = moment_of(entry.get("now", now), now, "now")
        label += f" at {when:%Y-%m-%d}" if "now" in entry else ""
        moment = Moment(when, when)
        for key in ("permit", "binds", "free", "deny"):
            for number, change in enumerate(_tables(entry, key), 1):
                facts = {name: value for name, value in change.items() if name not in ("also", "unset")}
                request = request_of(_changed(base, facts, _texts(change, "unset")), when)
                case = PackCase(f"{label}: {key} {number}", request, moment, "deny" if key == "deny" else "permit")
                if key == "deny":
                    yield _with(case, clauses=frozenset({clause, *_texts(change, "also")}))
                elif key == "binds":
                    yield _with(case, bound=frozenset({clause}))
                elif key == "free":
                    yield _with(case, free=frozenset({clause}))
                else:
                    yield case
        yield from _turns(entry, clause, label, base)
        for key, values in (("also_for", _texts(entry, "also_for")), ("also_by", _texts(entry, "also_by"))):
            for value in values:
                first, unset = _first(entry)
                other: Table = {"operation": value} if key == "also_for" else {"actor": {"powers": [value]}}
                request = request_of(merged(_changed(base, first, unset), other), when)
                yield _with(PackCase(f"{label}: {value} too", request, moment, ""), bound=frozenset({clause}))
        for fact in _texts(entry, "missing"):
            request = request_of(forgotten(base, (fact,)), when)
            case = PackCase(f"{label}: {fact} is not stated", request, moment, "undetermined")
            yield _with(case, clauses=frozenset({clause}), missing=frozenset({fact}) if "." in fact else None)
    except BadRequest as error:
        raise BadRequest(f"{label}: {error}") from error


def _turns(entry: Table, clause: str, label: str, base: Table) -> Iterator[PackCase]:
    """The cases at midnight (UTC) of the days on which the clause begins and ends, and a second before."""
    facts, unset = _first(entry)
    for key in ("begins", "ends"):
        day = entry.get(key)
        if day is None:
            continue
        if type(day) is not date:
            raise BadRequest(f"{key} is a date")
        midnight = datetime.combine(day, time(), UTC)
        for when, holds in ((midnight, key == "begins"), (midnight - timedelta(seconds=1), key == "ends")):
            request = request_of(_changed(base, facts, unset), when)
            case = PackCase(f"{label}: {key}, {'in' if holds else 'out of'} force", request, Moment(when, when), "")
            yield _with(case, **{"bound" if holds else "free": frozenset({clause})})


def _first(entry: Table) -> tuple[Table, tuple[str, ...]]:
    """The first change that makes the clause hold: facts to state and facts to forget."""
    change = next((change for key in ("deny", "binds") for change in _tables(entry, key)), None)
    if change is None:
        return {}, _texts(entry, "missing")[:1]
    return {k: v for k, v in change.items() if k not in ("also", "unset")}, _texts(change, "unset")


def _with(
    case: PackCase,
    clauses: frozenset[str] | None = None,
    missing: frozenset[str] | None = None,
    bound: frozenset[str] = frozenset(),
    free: frozenset[str] = frozenset(),
) -> PackCase:
    return PackCase(case.name, case.request, case.moment, case.verdict, clauses, missing, None, bound, free)


def _base(entry: Table, bases: Mapping[str, Table]) -> Table:
    name = entry.get("base", "")
    if not isinstance(name, str) or name not in bases:
        raise BadRequest(f"there is no base {name!r}")
    return bases[name]


def _changed(base: Table, change: object, unset: Iterable[str]) -> dict[str, object]:
    if not isinstance(change, Mapping):
        raise BadRequest("set is a table")
    return merged(forgotten(base, unset), change)


def merged(base: Table, change: Table) -> dict[str, object]:
    """`base` with the facts of `change` stated over it, table by table."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def forgotten(base: Table, paths: Iterable[str]) -> dict[str, object]:
    """`base` without the groups or facts that `paths` name."""
    result = dict(base)
    for path in paths:
        group, _, fact = path.partition(".")
        inner = result.get(group)
        source = _SOURCE.get(fact, fact)
        if not fact and group in result:
            del result[group]
        elif isinstance(inner, Mapping) and source in inner:
            result[group] = {name: value for name, value in inner.items() if name != source}
        else:
            raise BadRequest(f"unset: {path} is not stated")
    return result


_SOURCE = {
    "fmr_ppb": "fmr",
    "fpir_ppb": "fpir",
    "fmr_worst_ppb": "fmr_worst",
    "tpr_min_ppm": "tpr_min",
    "max_penalty_months": "max_penalty_years",
}
"""Facts that Cedar calls by another name than the request does."""


def _table(table: Table, key: str) -> Table:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise BadRequest(f"{key} is a table")
    return value


def _tables(table: Table, key: str) -> list[Table]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadRequest(f"{key} is a list of tables")
    return value


def _text(entry: Table, key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"a case has no {key}")
    return value


def _texts(entry: Table, key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"{key} is a list of texts")
    return tuple(value)
