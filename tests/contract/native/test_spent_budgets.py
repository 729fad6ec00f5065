"""A spent budget through unmodified clients: they wait, give up after a few attempts, and no attempt costs anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from azure.ai.vision.face import FaceClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from botocore.config import Config
from tests.contract.native.native_world import World, world
from tests.contract.rekognition.rekognition_fakes import REGION
from tests.fakes.engine import picture_of
from tests.fakes.rules import FixedRules

import countenance
from countenance.errors import BudgetSpent
from countenance.policy import Verdict

ONE, TWO = ({"Bytes": picture_of(person)} for person in (1, 2))


@pytest.fixture(scope="module")
def permitting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("spent")
    with world(folder, FixedRules(Verdict.PERMIT)) as made:
        yield made


def outcomes(made: World, after: int) -> list[Any]:
    """Of the results recorded from that entry on, the outcome and the part that was spent."""
    entries = [entry for entry in made.ledger.entries() if entry.sequence >= after and entry.kind == "result"]
    return [(entry.fields["outcome"], entry.fields.get("budget"), entry.fields.get("charged")) for entry in entries]


def left(made: World, key: dict[str, str]) -> Any:
    return made.client("ann asks").get(f"/mandates/{key['mandate_id']}/budget").json()


@pytest.mark.parametrize(("mode", "attempts"), [("legacy", 5), ("standard", 3), ("adaptive", 3)])
def test_boto3_backs_off_as_from_a_throttled_aws_and_gives_up(
    permitting: World, monkeypatch: pytest.MonkeyPatch, mode: Any, attempts: int
) -> None:
    key = permitting.granted(budget={"minute": 1})
    session: Any = boto3.session.Session()
    client = session.client(
        "rekognition",
        endpoint_url=permitting.url,
        region_name=REGION,
        aws_access_key_id=key["access_key"],
        aws_secret_access_key=key["secret"],
        config=Config(retries={"mode": mode}, proxies={}),
    )
    client.compare_faces(SourceImage=ONE, TargetImage=TWO)
    before, size = left(permitting, key), permitting.ledger.size
    slept: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=slept.append))
    with pytest.raises(client.exceptions.ThrottlingException) as caught:
        client.compare_faces(SourceImage=ONE, TargetImage=TWO)
    answer = caught.value.response["ResponseMetadata"]
    assert (answer["HTTPStatusCode"], answer["RetryAttempts"], len(slept)) == (429, attempts - 1, attempts - 1)
    assert 0 < int(answer["HTTPHeaders"]["retry-after"]) <= 70
    assert outcomes(permitting, size) == [("BudgetSpent", "minute", None)] * attempts
    assert left(permitting, key) == before


def test_microsofts_client_waits_as_long_as_it_is_told_and_gives_up(
    permitting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = permitting.granted(budget={"minute": 1})
    slept: list[float] = []
    monkeypatch.setattr(RequestsTransport, "sleep", lambda self, seconds: slept.append(seconds))
    credential = AzureKeyCredential(f"{key['access_key']}:{key['secret']}")
    with FaceClient(permitting.url, credential, retry_total=3) as client:
        more: Any = {"detection_model": "detection_03", "recognition_model": "recognition_04", "return_face_id": True}
        ids: list[Any] = [client.detect(picture_of(person), **more)[0].face_id for person in (1, 2)]
        client.verify_face_to_face(face_id1=ids[0], face_id2=ids[1])
        before, size = left(permitting, key), permitting.ledger.size
        with pytest.raises(HttpResponseError) as caught:
            client.verify_face_to_face(face_id1=ids[0], face_id2=ids[1])
    assert caught.value.status_code == 403 and "QuotaExceeded" in str(caught.value.message)
    assert len(slept) == 3 and all(0 < each <= 60 for each in slept)
    assert outcomes(permitting, size) == [("BudgetSpent", "minute", None)] * 4
    assert left(permitting, key) == before


def test_our_own_client_says_how_long_and_repeats_nothing(permitting: World) -> None:
    key = permitting.granted(budget={"minute": 1})
    with countenance.Client(permitting.url, key=key["access_key"], secret=key["secret"]) as client:
        client.compare(picture_of(1), picture_of(2))
        size = permitting.ledger.size
        with pytest.raises(BudgetSpent) as caught:
            client.compare(picture_of(1), picture_of(2))
    assert caught.value.retry_after is not None and 0 < caught.value.retry_after <= 70
    assert outcomes(permitting, size) == [("BudgetSpent", "minute", None)]
