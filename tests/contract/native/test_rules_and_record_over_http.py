"""What the rules would say, and what the ledger proves, to whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import World
from tests.fakes.engine import picture_of

from countenance.ledger import verifier

USE = {"mode": "afterwards", "purpose": "access_control", "legal_basis": "consent", "next_step": "lead"}
ASKED: dict[str, object] = {
    "operation": "identify",
    "actor": {"class_name": "museum"},
    "use": USE,
    "subject": {"consent": "informed"},
    "model": {"id": "m", "calibration": "c", "fmr": 0.001},
    "evidence": {"signed": True, "model": "m", "calibration": "c", "fmr": 0.001, "groups": ["gender", "race"],
                 "expires_at": "now+1d"},
}  # fmt: skip


def test_a_described_request_is_decided_and_explained(shared: World) -> None:
    eve = shared.client("eve audits")
    before = shared.ledger.size
    assert eve.post("/policy/explain", json={"request": ASKED}).json()["verdict"] == "permit"
    denied = eve.post("/policy/explain", json={"request": {**ASKED, "use": {**USE, "purpose": "other"}}}).json()
    assert (denied["verdict"], denied["clauses"][0]["id"]) == ("deny", "house.purpose")
    assert denied["remedy"] == ["Name the purpose in the mandate."]
    unsaid = eve.post("/policy/explain", json={"request": {**ASKED, "model": {}, "evidence": {}}}).json()
    assert unsaid["verdict"] == "undetermined"
    assert "model.id" in [each["fact"] for each in unsaid["missing"]]
    assert shared.ledger.size == before, "nothing is entered"


def test_the_law_of_another_day_is_asked_with_as_of(shared: World) -> None:
    eve = shared.client("eve audits")
    before_the_rules = eve.post("/policy/explain", json={"request": ASKED, "as_of": "2019-12-31"}).json()
    assert (before_the_rules["verdict"], before_the_rules["law_date"]) == ("deny", "2019-12-31")
    later = {"request": ASKED, "now": "2027-03-01T00:00:00+01:00"}
    assert eve.post("/policy/explain", json=later).json()["law_date"] == "2027-02-28"


def test_the_packs_in_force_are_named_with_their_hashes(shared: World) -> None:
    packs = shared.client("eve audits").get("/policy/packs").json()["packs"]
    assert [each["name"] for each in packs] == ["mandate", "house"]
    assert all(len(each["hash"]) == 64 for each in packs)


def test_a_receipt_that_boto3_got_is_proved_without_a_token(shared: World, tmp_path: Path) -> None:
    key = shared.granted()
    boto = shared.boto(key["access_key"], key["secret"])
    answer = boto.detect_faces(Image={"Bytes": picture_of(1)})
    receipt = answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-receipt"]
    proved = shared.client().get("/ledger/proof", headers={"x-countenance-receipt": receipt})
    assert proved.status_code == 200, proved.text
    assert (proved.json()["receipt"], proved.json()["entry"]["kind"]) == (receipt, "result")
    file = tmp_path / "proof"
    file.write_text(proved.json()["proof"])
    key_text = shared.client("eve audits").get("/ledger").json()["key"]
    report = verifier.verify(file, [verifier.read_key(key_text)], [], [verifier.read_receipt(receipt)])
    assert not report.findings


def test_a_denial_has_a_receipt_that_can_be_proved(shared: World) -> None:
    key = shared.granted(operations=["detect"])
    boto = shared.boto(key["access_key"], key["secret"])
    with pytest.raises(ClientError) as caught:
        boto.create_collection(CollectionId="g-none")
    receipt = caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-countenance-receipt"]
    entry = shared.client().get("/ledger/proof", headers={"x-countenance-receipt": receipt}).json()["entry"]
    assert (entry["verdict"], entry["clauses"]) == ("deny", ["mandate.operation"])


def test_no_other_receipt_opens_the_ledger(shared: World) -> None:
    good = shared.ledger.receipt(0).header()
    version, origin, _, leaf, signature = good.split(";")
    other = shared.ledger.receipt(1).header().split(";")
    stranger = shared.client()
    assert stranger.get("/ledger/proof").status_code == 422
    for forged, status in (
        ("nonsense", 400),
        (f"{version};{origin};1;{leaf};{signature}", 400),
        (f"{version};{origin};0;{leaf};{other[4]}", 400),
        (f"{version};elsewhere;0;{leaf};{signature}", 404),
        (f"{version};{origin};999999999;{leaf};{signature}", 404),
        ("x" * 301, 422),
    ):
        answer = stranger.get("/ledger/proof", headers={"x-countenance-receipt": forged})
        assert answer.status_code == status, answer.text
        assert "entry" not in answer.json()


def test_an_auditor_reads_entries_and_finds_no_name_and_no_key(shared: World, tmp_path: Path) -> None:
    shared.granted(holder={"name": "Very Private Museum"})
    eve = shared.client("eve audits")
    size = eve.get("/ledger").json()["size"]
    entries = [eve.get(f"/ledger/entries/{index}").json() for index in range(max(0, size - 12), size)]
    text = json.dumps(entries)
    for name in ("Very Private Museum", *shared.tokens, *shared.tokens.values()):
        assert name not in text
    assert eve.get(f"/ledger/entries/{size + 100}").status_code == 404
    note = eve.get("/ledger/checkpoint")
    assert note.headers["content-type"].startswith("text/plain")
    assert note.text.startswith(f"ledger.test\n{shared.ledger.size}\n")


def test_anybody_may_ask_whether_the_server_is_well_and_read_the_document(shared: World) -> None:
    assert shared.client().get("/health").json() == {"status": "ok"}
    assert shared.client().get("/openapi.json").json()["openapi"].startswith("3.1")
    assert shared.client().get("/health").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("when", ["now+999999999999d", "now-9999999d", "0001-01-01T00:00:00+23:59"])
def test_a_time_beyond_the_calendar_is_a_bad_request(shared: World, when: str) -> None:
    asked = {**ASKED, "use": {**USE, "began_at": when}}
    answer = shared.client("eve audits").post("/policy/explain", json={"request": asked})
    assert (answer.status_code, "beyond all bounds" in answer.json()["detail"]) == (400, True)
