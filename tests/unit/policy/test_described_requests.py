"""Described requests that a reader decided from the texts: each pack agrees, and names the clauses that decide."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from countenance.policy import Rules
from countenance.policy.description import request_of
from countenance.policy.packs.pack import read_pack

TABLE = tomllib.loads(Path(__file__).with_name("described_requests.toml").read_text(encoding="utf-8"))


@cache
def rules(*packs: str) -> Rules:
    return Rules([read_pack(name) for name in packs])


def over(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: over(base[key], more[key]) for key in base.keys() & more if isinstance(base[key], Mapping)}
    return {**base, **more, **both}


@pytest.mark.parametrize("asked", TABLE["request"], ids=[asked["name"] for asked in TABLE["request"]])
def test_a_described_request_is_decided_as_the_text_says(asked: dict[str, Any]) -> None:
    now = datetime.combine(asked.get("on", date(2026, 11, 29)), time(12), UTC)
    request = request_of(over(TABLE["base"].get(asked.get("base"), {}), asked.get("set", {})), now)
    decision = rules(*asked["packs"]).decide(request, now)
    assert str(decision.verdict) == asked["verdict"], decision.sentence()
    if decision.verdict != "permit":
        assert set(decision.clauses) == set(asked["clauses"])
