"""From asking to revoking, each step by who may take it, and felt by boto3 at its next call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import World, now, request_body
from tests.fakes.engine import picture_of


def test_a_mandate_from_asking_to_revoking_and_boto3_feels_each_step(shared: World) -> None:
    key = shared.granted()
    boto = shared.boto(key["access_key"], key["secret"])
    boto.create_collection(CollectionId="g-1")
    assert len(boto.index_faces(CollectionId="g-1", Image={"Bytes": picture_of(1)})["FaceRecords"]) == 1
    ben = shared.client("ben approves")
    later = (now() + timedelta(days=30)).isoformat()
    renewed = ben.post(f"/mandates/{key['mandate_id']}/renewal", json={"expires_at": later}).json()
    assert renewed["state"] == "active"
    ended = ben.post(f"/mandates/{key['mandate_id']}/revocation", json={"why": "the work is done"}).json()
    assert (ended["state"], ended["ended_why"]) == ("revoked", "the work is done")
    with pytest.raises(ClientError, match=r"mandate\.active"):
        boto.describe_collection(CollectionId="g-1")
    about = [e for e in shared.ledger.entries() if e.fields.get("mandate") == key["mandate_id"]]
    changes = [entry.fields["change"] for entry in about if entry.kind == "mandate"]
    assert changes == ["requested", "approved", "key issued", "renewed", "ended"]


def test_who_asked_or_is_to_hold_it_cannot_approve_or_renew_and_the_ledger_says_nothing(shared: World) -> None:
    flo, ben = shared.client("flo does all"), shared.client("ben approves")
    mandate_id = flo.post("/mandates", json=request_body()).json()["mandate_id"]
    for_ben = shared.client("ann asks").post("/mandates", json=request_body(holder={"name": "ben approves"}))
    before = shared.ledger.size
    refused = flo.post(f"/mandates/{mandate_id}/approval")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:countenance:problem:denied")
    assert ben.post(f"/mandates/{for_ben.json()['mandate_id']}/approval").status_code == 403
    assert shared.ledger.size == before
    assert ben.post(f"/mandates/{mandate_id}/approval").json()["approved_by"] == "ben approves"
    later = (now() + timedelta(days=30)).isoformat()
    assert flo.post(f"/mandates/{mandate_id}/renewal", json={"expires_at": later}).status_code == 403


def test_a_refused_mandate_gets_no_key_and_cannot_be_approved(shared: World) -> None:
    ann, ben = shared.client("ann asks"), shared.client("ben approves")
    mandate_id = ann.post("/mandates", json=request_body()).json()["mandate_id"]
    assert ann.post(f"/mandates/{mandate_id}/keys").status_code == 409
    assert ben.post(f"/mandates/{mandate_id}/refusal", json={"why": "no need"}).json()["state"] == "refused"
    before = shared.ledger.size
    assert ben.post(f"/mandates/{mandate_id}/approval").status_code == 409
    assert ben.post(f"/mandates/{mandate_id}/refusal", json={"why": "again"}).status_code == 409
    assert ben.post(f"/mandates/{mandate_id}/revocation", json={"why": "again"}).status_code == 409
    assert ann.post(f"/mandates/{mandate_id}/keys").status_code == 409
    assert shared.ledger.size == before


def test_a_secret_is_shown_once_and_only_to_who_asked(shared: World) -> None:
    key = shared.granted()
    assert shared.client("flo does all").post(f"/mandates/{key['mandate_id']}/keys").status_code == 403
    everything = "".join(
        shared.client(name).get(path).text
        for name in shared.tokens
        for path in ("/mandates", f"/mandates/{key['mandate_id']}")
    )
    assert key["secret"] not in everything
    assert key["access_key"] not in everything


def test_a_template_fills_what_is_left_out_and_wants_the_rest_stated(shared: World) -> None:
    ann = shared.client("ann asks")
    body = {"holder": {"name": "A site"}, "template": "access-control", "expires_at": request_body()["expires_at"]}
    lacking = ann.post("/mandates", json=body)
    assert lacking.status_code == 400
    assert "space.kind" in lacking.json()["detail"]
    forms = {each["name"]: each for each in ann.get("/mandate-templates").json()["templates"]}
    facts: dict[str, dict[str, object]] = {}
    for path, example in forms["access-control"]["to_state"].items():
        group, _, fact = path.partition(".")
        facts.setdefault(group, {})[fact] = example
    made = ann.post("/mandates", json={**body, "facts": facts}).json()
    assert (made["purpose"], made["operations"]) == ("access_control", ["detect", "verify"])
    assert made["facts"]["subject"] == {**forms["access-control"]["facts"]["subject"], **facts["subject"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"surprise": 1}, 422),
        ({"holder": {"name": "x", "surprise": 1}}, 422),
        ({"holder": {"name": ""}}, 422),
        ({"holder": {"name": "a\nb"}}, 422),
        ({"purpose": "no such purpose"}, 422),
        ({"purpose": "no_such_purpose"}, 400),
        ({"operations": ["fly"]}, 400),
        ({"operations": []}, 422),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400),
        ({"expires_at": "2030-01-01T00:00:00"}, 422),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, 422),
        ({"facts": {"use": 5}}, 400),
        ({"facts": {"mandate": {"active": True}}}, 400),
        ({"facts": {"gallery": {"provenance": "moon"}}}, 400),
        ({"facts": {"use": {"began_at": "now+999999999999999d"}}}, 400),
        ({"facts": {"retention": {"days": 10**400}}}, 400),
        ({"facts": {"a": [[[[[[[[1]]]]]]]]}}, 400),
        ({"template": "no-such"}, 404),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_not_entered(
    shared: World, change: dict[str, object], status: int
) -> None:
    before = shared.ledger.size
    answer = shared.client("ann asks").post("/mandates", json=request_body(**change))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert shared.ledger.size == before
