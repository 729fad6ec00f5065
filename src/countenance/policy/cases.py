"""The cases that a pack brings along: requests, and the verdict that it must give. A pack that fails one is refused.

now = 2026-06-01T12:00:00Z          # the time of every case that says no other
[base]                              # the request that every case starts from
[[case]]
name = "a judge granted it"
verdict = "permit"                  # permit | deny | undetermined
clauses = ["eu.5-1-h"]              # the ids of all grounds; may be left out for a permit
missing = ["authorisation.kind"]    # all missing facts; undetermined only, may be left out
obligations = ["reviewers 2"]       # all obligations; permit only, may be left out
unset = ["authorisation"]           # facts of the base to forget: a group, or group.fact
halted = true                       # a moratorium covers it
latest_seen = "now+1h"              # the clock was once later than now
now = 2027-12-02T00:00:00Z
[case.set.authorisation]            # facts to state
kind = "judicial"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from countenance.errors import BadRequest
from countenance.policy.description import moment_of, request_of
from countenance.policy.facts import Moment
from countenance.policy.vocabulary import Request

_KEYS = {"name", "verdict", "clauses", "missing", "obligations", "unset", "set", "halted", "latest_seen", "now"}


@dataclass(frozen=True, slots=True)
class Case:
    """A request with the answer that is due. None: not looked at."""

    name: str
    request: Request
    moment: Moment
    verdict: str
    clauses: frozenset[str] | None
    missing: frozenset[str] | None
    obligations: frozenset[str] | None


def cases(table: Mapping[str, object]) -> tuple[Case, ...]:
    """The cases in a parsed cases.toml; anything else is a `BadRequest` that names the case."""
    base, listed, now = table.get("base", {}), table.get("case", []), table.get("now")
    if set(table) - {"base", "case", "now"} or not isinstance(base, Mapping) or not isinstance(listed, list):
        raise BadRequest("it holds now, [base] and [[case]]")
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise BadRequest("now: a time with a zone is expected")
    found = tuple(_case(entry, base, now) for entry in listed)
    names = [case.name for case in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadRequest(f"two cases are called {twice[0]!r}")
    return found


def _case(entry: Mapping[str, object], base: Mapping[str, object], now: datetime) -> Case:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest("a case has no name")
    if set(entry) - _KEYS:
        raise BadRequest(f"{name}: unknown key {min(set(entry) - _KEYS)}")
    verdict = entry.get("verdict")
    if verdict not in ("permit", "deny", "undetermined"):
        raise BadRequest(f"{name}: verdict is permit, deny or undetermined")
    change = entry.get("set", {})
    if not isinstance(change, Mapping):
        raise BadRequest(f"{name}: set is a table")
    try:
        when = moment_of(entry.get("now", now), now, "now")
        seen = moment_of(entry.get("latest_seen", when), when, "latest_seen")
        request = request_of(merged(forgotten(base, _texts(entry, "unset") or ()), change), when)
        case = Case(
            name=name,
            request=request,
            moment=Moment(when, seen, entry.get("halted") is True),
            verdict=str(verdict),
            clauses=_set(entry, "clauses"),
            missing=_set(entry, "missing"),
            obligations=_set(entry, "obligations"),
        )
    except BadRequest as error:
        raise BadRequest(f"{name}: {error}") from error
    if case.clauses is None and verdict != "permit":
        raise BadRequest(f"{name}: a case that is not permitted names its clauses")
    return case


def merged(base: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    """`base` with the facts of `change` stated over it, table by table."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def forgotten(base: Mapping[str, object], paths: tuple[str, ...]) -> dict[str, object]:
    """`base` without the groups or facts that `paths` name."""
    result = dict(base)
    for path in paths:
        group, _, fact = path.partition(".")
        inner = result.get(group)
        if not fact:
            if group not in result:
                raise BadRequest(f"unset: {path} is not stated")
            del result[group]
        elif isinstance(inner, Mapping) and fact in inner:
            result[group] = {name: value for name, value in inner.items() if name != fact}
        else:
            raise BadRequest(f"unset: {path} is not stated")
    return result


def _texts(entry: Mapping[str, object], key: str) -> tuple[str, ...] | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"{key} is a list of texts")
    return tuple(value)


def _set(entry: Mapping[str, object], key: str) -> frozenset[str] | None:
    texts = _texts(entry, key)
    return None if texts is None else frozenset(texts)
