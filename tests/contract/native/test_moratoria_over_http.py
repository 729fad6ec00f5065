"""One signature stops boto3 at the next call; only a quorum with the outside key goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import INSIDE, OUTSIDE, SETTER, World, world
from tests.fakes.engine import picture_of

from countenance.signing import Signer, canonical

STATUTE = "Act 12 of 2027, section 3"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def order(moratorium_id: str = "halt-1", signer: Signer = SETTER, **more: Any) -> dict[str, Any]:
    """A signed order, its statement put together as docs/native-api.md says, nothing of ours but canonical JSON."""
    set_at = datetime(2026, 1, 1, tzinfo=UTC).isoformat(timespec="seconds")
    said = {"operations": ["detect"], "powers": [], "reason": "until a law", "set_at": set_at, "look_again_at": None}
    statement = {"statement": "countenance moratorium set v1", "id": moratorium_id, **said}
    signature = signer.sign(canonical(statement)).hex()
    return {"moratorium_id": moratorium_id, **said, "public_key": signer.public.hex(), "signature": signature, **more}


def consent(digest: str, signer: Signer, statute: str = STATUTE) -> dict[str, str]:
    statement = {"statement": "countenance moratorium lift v1", "order": digest, "statute": statute}
    return {
        "statute": statute,
        "public_key": signer.public.hex(),
        "signature": signer.sign(canonical(statement)).hex(),
    }


def test_a_signed_order_stops_boto3_and_a_quorum_with_the_outside_key_goes_on(made: World) -> None:
    key = made.granted()
    boto = made.boto(key["access_key"], key["secret"])
    boto.detect_faces(Image={"Bytes": picture_of(1)})
    cleo = made.client("cleo reviews")
    standing = cleo.post("/moratoria", json=order())
    assert (standing.status_code, standing.json()["in_force"]) == (201, True)
    with pytest.raises(ClientError, match="moratorium"):
        boto.detect_faces(Image={"Bytes": picture_of(1)})
    explained = cleo.post("/policy/explain", json={"request": {"operation": "detect", "actor": {"class_name": "x"}}})
    assert explained.json()["clauses"][0]["id"] == "mandate.moratorium", "explaining knows of moratoria"
    path, digest = "/moratoria/halt-1/consents", standing.json()["order"]
    assert cleo.post(path, json=consent(digest, INSIDE)).json()["in_force"] is True
    assert cleo.post(path, json=consent(digest, OUTSIDE)).json()["in_force"] is False
    boto.detect_faces(Image={"Bytes": picture_of(1)})
    assert cleo.get("/moratoria").json()["moratoria"][0]["statute"] == STATUTE
    assert [change for kind, change in made.kinds() if kind == "moratorium"] == ["set", "consent", "lifted"]


def test_what_is_not_rightly_signed_changes_nothing(made: World) -> None:
    cleo = made.client("cleo reviews")
    digest = cleo.post("/moratoria", json=order()).json()["order"]
    before = made.ledger.size
    for body, status in (
        (order("halt-2", INSIDE), 403),
        (order("halt-2", reason="another reason"), 400),
        (order(), 409),
        (order("halt-2", operations=["fly"]), 400),
        (order("halt-2", signature="0" * 127), 422),
        (order("../x"), 422),
    ):
        assert cleo.post("/moratoria", json=body).status_code == status
    path = "/moratoria/halt-1/consents"
    for body, status in (
        (consent(digest, SETTER), 403),
        ({**consent(digest, INSIDE), "statute": "another"}, 400),
        (consent("0" * 64, INSIDE), 400),
    ):
        assert cleo.post(path, json=body).status_code == status
    assert cleo.post("/moratoria/halt-9/consents", json=consent(digest, INSIDE)).status_code == 404
    assert made.ledger.size == before
    assert [each["consents"] for each in cleo.get("/moratoria").json()["moratoria"]] == [0]


def test_without_a_charter_nothing_can_be_set_and_that_is_no_failure(tmp_path: Path) -> None:
    with world(tmp_path, charter=None) as bare:
        answer = bare.client("cleo reviews").post("/moratoria", json=order())
        assert (answer.status_code, "charter" in answer.json()["detail"]) == (409, True)
