"""Operators see what was refused, by mandate and clause."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import World, now


def test_refusals_are_shown_by_mandate_and_clause(shared: World) -> None:
    began = now().isoformat()
    key = shared.granted(operations=["detect"])
    boto = shared.boto(key["access_key"], key["secret"])
    for name in ("g-1", "g-2"):
        with pytest.raises(ClientError):
            boto.create_collection(CollectionId=name)
    eve = shared.client("eve audits")
    answer = eve.get("/refusals", params={"since": began})
    assert answer.status_code == 200, answer.text
    (mine,) = [each for each in answer.json()["refusals"] if each["mandate_id"] == key["mandate_id"]]
    assert (mine["operation"], mine["clauses"], mine["count"], mine["refused_for"]) == (
        "create_gallery",
        ["mandate.operation"],
        2,
        "rules",
    )
    for private in ("g-1", key["access_key"], key["secret"]):
        assert private not in answer.text
    assert eve.get("/refusals", params={"since": "2999-01-01T00:00:00Z"}).json()["refusals"] == []


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "", "0001-01-01T00:00:00+23:59"])
def test_a_start_without_a_zone_or_sense_is_refused(shared: World, since: str) -> None:
    assert shared.client("eve audits").get("/refusals", params={"since": since}).status_code == 422


def test_refusals_are_for_operators(shared: World) -> None:
    assert shared.client().get("/refusals", params={"since": "2026-01-01T00:00:00Z"}).status_code == 401
