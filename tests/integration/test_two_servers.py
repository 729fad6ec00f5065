"""Two server processes on one PostgreSQL database: what one of them did holds at the next call on the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.fakes.postgres import NO_SERVER, PostgresServer, postgres_server, programs
from tests.integration.serving import HOME, Live, grant, opened, serving, until, write_evidence

from countenance.demo.faces import orl_faces
from countenance.errors import Misconfigured
from countenance.ledger import Records, verify_records

BUDGET = "[research]\nday = 10\n"


@pytest.fixture(scope="module")
def faces() -> dict[tuple[int, int], bytes]:
    try:
        return {(photo.person, photo.number): photo.png for photo in orl_faces(HOME / "demo-faces")}
    except Misconfigured as error:
        pytest.skip(f"the ORL faces cannot be fetched: {error}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[tuple[Live, Live]]:
    folder = tmp_path_factory.mktemp("two")
    write_evidence(folder / "evidence")
    (folder / "budgets.toml").write_text(BUDGET)
    more = {
        "COUNTENANCE_EVIDENCE": str(folder / "evidence"),
        "COUNTENANCE_DATABASE": postgres.new_database("empty"),
        "COUNTENANCE_BUDGETS": str(folder / "budgets.toml"),
    }
    with serving(folder / "home", **more) as one, serving(folder / "home", **more) as other:
        yield one, other


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def found(client: Any, picture: bytes) -> list[str]:
    answer = client.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture})
    return [match["Face"]["ExternalImageId"] for match in answer["FaceMatches"]]


def test_enrolment_deletion_budget_and_revocation_hold_at_the_next_call_on_both(
    pair: tuple[Live, Live], faces: dict[tuple[int, int], bytes]
) -> None:
    key = grant(pair[0].environment)
    one, other = (live.client(key) for live in pair)
    one.create_collection(CollectionId="staff")
    kept: dict[int, str] = {}
    for person in range(1, 5):  # each search on the other server is the one after an enrolment
        asked = one if person % 2 else other
        record = asked.index_faces(
            CollectionId="staff", Image={"Bytes": faces[person, 1]}, ExternalImageId=f"p{person}", MaxFaces=1
        )
        kept[person] = record["FaceRecords"][0]["Face"]["FaceId"]
        assert found(other if asked is one else one, faces[person, 2]) == [f"p{person}"]
    for person in (1, 2):
        deleting, searching = (one, other) if person % 2 else (other, one)
        deleting.delete_faces(CollectionId="staff", FaceIds=[kept[person]])
        assert found(searching, faces[person, 2]) == []

    answered = 0
    with pytest.raises(ClientError) as refused:
        while True:
            found((one, other)[answered % 2], faces[3, 2])
            answered += 1
    assert "budget" in str(refused.value)
    assert answered == 10 - 6  # both draw on one budget: six searches came before

    with opened(pair[0].environment) as app:
        (mandate,) = [each.mandate_id for each in app.register.list()]
        app.mandates.end(mandate, "over", by="a test")
    for client in (one, other):
        with pytest.raises(ClientError) as denied:
            client.describe_collection(CollectionId="staff")
        assert code(denied) in ("UnrecognizedClientException", "AccessDeniedException")
    with opened(pair[0].environment) as app:
        assert verify_records(Records(app.database)).findings == []
        app.check_state()


def test_a_server_that_is_killed_leaves_the_other_answering(pair: tuple[Live, Live], tmp_path: Path) -> None:
    key = grant(pair[0].environment)
    pair[0].client(key).create_collection(CollectionId="after")
    pair[0].kill()
    client = pair[1].client(key)
    assert client.describe_collection(CollectionId="after")["FaceCount"] == 0
    client.delete_collection(CollectionId="after")


def test_a_server_whose_database_is_away_says_so_and_wants_calls_again_when_it_is_back(tmp_path: Path) -> None:
    if programs() is None:
        pytest.skip(NO_SERVER)
    with postgres_server() as server, serving(tmp_path, COUNTENANCE_DATABASE=server.new_database("empty")) as live:

        def ask(path: str) -> httpx.Response:
            return httpx.get(live.endpoint + path, timeout=30, trust_env=False)

        assert until(lambda: ask("/readyz").status_code == 200)
        server.stop(at_once=True)
        assert until(lambda: ask("/readyz").status_code == 503)
        assert ask("/readyz").headers["content-type"] == "application/problem+json"
        assert ask("/healthz").json() == {"status": "ok"}
        server.start()
        assert until(lambda: ask("/readyz").status_code == 200)
