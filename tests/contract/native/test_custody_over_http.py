"""Two people, each on their own, over HTTP: only then does boto3 get its answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import World, world
from tests.fakes.engine import picture_of
from tests.fakes.rules import FixedRules

from countenance.policy import Verdict
from countenance.policy.obligations import obligations


@pytest.fixture
def bound(tmp_path: Path) -> object:
    rules = FixedRules(Verdict.PERMIT)
    with world(tmp_path, rules) as made:
        key = made.granted()
        boto = made.boto(key["access_key"], key["secret"])
        boto.create_collection(CollectionId="g")
        boto.index_faces(CollectionId="g", Image={"Bytes": picture_of(1)}, ExternalImageId="person-1")
        yield made, boto, rules


def search(boto: object) -> object:
    return boto.search_faces_by_image(CollectionId="g", Image={"Bytes": picture_of(1)})  # type: ignore[attr-defined]


def test_two_reviewers_over_http_release_the_boto3_call(bound: tuple[World, object, FixedRules]) -> None:
    made, boto, rules = bound
    rules.obligations = obligations("reviewers 2", "test-1")
    with pytest.raises(ClientError, match="Held as hold-"):
        search(boto)
    cleo, dora, eve = (made.client(name) for name in ("cleo reviews", "dora reviews", "eve audits"))
    (hold,) = cleo.get("/custody").json()["holds"]
    assert (hold["state"], hold["reviewers"]) == ("waiting", 2)
    path = f"/custody/{hold['hold_id']}"
    assert "person-1" not in eve.get(path).text
    assert eve.get(path + "/contents").status_code == 403
    assert cleo.get(path + "/contents").json()["says"]["candidates"][0][2] == "person-1"
    assert made.kinds()[-1] == ("custody", "shown"), "who looked is on the record"
    assert cleo.post(path + "/reviews", json={"agrees": True}).json()["agreed"] == ["cleo reviews"]
    assert cleo.post(path + "/reviews", json={"agrees": True}).status_code == 409
    with pytest.raises(ClientError, match="1 of 2"):
        search(boto)
    assert dora.post(path + "/reviews", json={"agrees": True}).json()["state"] == "released"
    assert search(boto)["FaceMatches"][0]["Face"]["ExternalImageId"] == "person-1"  # type: ignore[index]


def test_who_asked_for_the_mandate_neither_reads_nor_reviews_its_results(
    bound: tuple[World, object, FixedRules],
) -> None:
    made, _, rules = bound
    flo = made.client("flo does all")
    body = {"holder": {"name": "x y"}, "purpose": "photo_library", "legal_basis": "consent", "galleries": ["g*"],
            "operations": ["*"], "expires_at": "2999-01-01T00:00:00Z"}  # fmt: skip
    mandate_id = flo.post("/mandates", json=body).json()["mandate_id"]
    made.client("ben approves").post(f"/mandates/{mandate_id}/approval")
    key = flo.post(f"/mandates/{mandate_id}/keys").json()
    rules.obligations = obligations("reviewers 1", "test-1")
    with pytest.raises(ClientError, match="Held"):
        search(made.boto(key["access_key"], key["secret"]))
    (hold,) = flo.get("/custody").json()["holds"]
    before = made.ledger.size
    for answer in (
        flo.get(f"/custody/{hold['hold_id']}/contents"),
        flo.post(f"/custody/{hold['hold_id']}/reviews", json={"agrees": True}),
    ):
        assert answer.status_code == 409
        assert "person-1" not in answer.text
    assert made.ledger.size == before


def test_a_refused_authorisation_shreds_the_result_and_ends_the_mandate(
    bound: tuple[World, object, FixedRules],
) -> None:
    made, boto, rules = bound
    rules.obligations = obligations("authorise-within 24h; shred-on-refusal", "test-1")
    search(boto)
    ben, cleo = made.client("ben approves"), made.client("cleo reviews")
    (hold,) = ben.get("/custody").json()["holds"]
    path = f"/custody/{hold['hold_id']}"
    asked = ben.post(path + "/authorisation", json={"outcome": "requested"}).json()
    assert asked["requested_at"]
    assert ben.post(path + "/authorisation", json={"outcome": "refused"}).json()["state"] == "shredded"
    assert cleo.get(path + "/contents").status_code == 409
    before = made.ledger.size
    assert ben.post(path + "/authorisation", json={"outcome": "granted"}).status_code == 409
    assert cleo.post(path + "/reviews", json={"agrees": True}).status_code == 409
    assert made.ledger.size == before
    with pytest.raises(ClientError, match="AccessDenied"):
        rules._verdict = Verdict.DENY
        search(boto)
    assert ben.get(f"/mandates/{hold['mandate_id']}").json()["state"] == "revoked"


def test_a_report_counts_what_was_decided(bound: tuple[World, object, FixedRules]) -> None:
    made, boto, rules = bound
    rules.obligations = obligations("count us-md.searches", "test-1")
    search(boto)
    eve = made.client("eve audits")
    period = {"first": "2020-01-01", "last": "2999-01-01"}
    report = eve.get("/report", params=period).json()
    assert report["decisions"]["search"] == {"permit": 1}
    assert report["counters"] == {"us-md.searches": 1}
    assert eve.get("/report", params={"first": "2021-01-01", "last": "2020-01-01"}).status_code == 400
    assert eve.get("/report", params={"first": "yesterday", "last": "2020-01-01"}).status_code == 422
