"""A use by an actor as requests: as it is, with safeguards, without a word on them, and with almost nothing stated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from countenance.errors import BadRequest, PolicyError
from countenance.policy.description import request_of
from countenance.policy.facts import Moment
from countenance.policy.fine_print.conditions import Way
from countenance.policy.fine_print.table import Heading, MatrixTable, Safeguard, leaves
from countenance.policy.request import Request

Table = Mapping[str, object]
Facts = Mapping[str, Any]

_ASKED = ("operation", "actor", "on_behalf_of", "jurisdictions")
_OUT_OF_ORDER = {"active": False, "operation_granted": False, "gallery_granted": False}


class AskedUse:
    """One use by one actor: the request as it is, with safeguards, and with almost nothing stated."""

    def __init__(self, table: MatrixTable, use: Heading, actor: Heading, brought: Mapping[Safeguard, Facts]) -> None:
        self.use, self.actor, self.moment = use.id, actor.id, Moment(table.now, table.now)
        described = table.described(use, actor)
        self.plain = self._request(described)
        bare = {key: value for key, value in described.items() if key in _ASKED}
        self.bare = self._request({**bare, "mandate": _OUT_OF_ORDER})
        fixed = leaves(table.fixed(use, actor))
        self.safeguards = tuple(
            s
            for s in table.safeguards
            if all(fixed.get(path, value) == value for path, value in leaves(s.facts).items())
        )
        self._brought = brought
        self.guarded: Callable[[Way], Request | None] = cache(self._guarded)

    def _request(self, described: Table) -> Request:
        try:
            return request_of(described, self.moment.now)
        except BadRequest as error:
            raise PolicyError(f"matrix, {self.use} by {self.actor}: {error}") from error

    def _guarded(self, way: Way) -> Request | None:
        """The request with `way`; None if the safeguards cannot all be true of this use."""
        groups: dict[str, Facts] = {}
        for safeguard in way:
            for group, facts in self._brought[safeguard].items():
                groups[group] = {**groups.get(group, {}), **facts}
        try:
            return _with(self.plain, groups)
        except BadRequest:
            return None

    def unsaid(self) -> Request:
        """The request without a word on what the safeguards are about: denied so, none of them changes it."""
        groups: dict[str, dict[str, object]] = {}
        for safeguard in self.safeguards:
            for group, facts in self._brought[safeguard].items():
                groups.setdefault(group, {}).update(dict.fromkeys(facts))
        return _with(self.plain, groups)


def brought_facts(safeguard: Safeguard, now: datetime) -> Facts:
    """Its facts by group and name, as `Request` holds them at `now`; an authorisation is one statement, called ""."""
    stated = request_of({"operation": "detect", "actor": {"class_name": "anybody"}, **safeguard.facts}, now)
    groups: dict[str, dict[str, object]] = {}
    for path in leaves(safeguard.facts):
        group, _, name = path.partition(".")
        held = stated.authorisation if group == "authorisation" else getattr(getattr(stated, group), name)
        groups.setdefault(group, {})["" if group == "authorisation" else name] = held
    return groups


def _with(request: Request, groups: Mapping[str, Facts]) -> Request:
    """`request` with the facts of `groups` stated; a whole group where the name is ""."""
    stated: dict[str, object] = {
        group: facts[""] if "" in facts else replace(getattr(request, group), **facts)
        for group, facts in groups.items()
    }
    return replace(request, **stated)  # type: ignore[arg-type]
