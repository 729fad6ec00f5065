"""boto3 through the dialect, the real guard, the real gallery and the real ledger; only engine and rules are fakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.contract.rekognition.spine import spine
from tests.fakes.engine import picture_of

from countenance.ledger.ledger import Ledger
from countenance.policy import Verdict

UNKNOWN = "01234567-89ab-4def-8123-456789abcdef"


@pytest.fixture
def client(database: Engine, ledger: Ledger, verdict: Verdict) -> Iterator[Any]:
    with spine(database, ledger, verdict) as client:
        yield client


def test_every_operation_answers_as_the_model_says(client: Any) -> None:
    client.create_collection(CollectionId="staff", Tags={"a": "b"})
    image = {"Bytes": picture_of(1, 2, 3)}
    answer = client.index_faces(CollectionId="staff", Image=image, ExternalImageId="badge:1", MaxFaces=2)
    one, two = (record["Face"]["FaceId"] for record in answer["FaceRecords"])
    assert [face["Reasons"] for face in answer["UnindexedFaces"]] == [["EXCEEDS_MAX_FACES"]]
    found = client.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture_of(2)})
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [two]
    assert found["FaceMatches"][0]["Similarity"] > 99
    assert "x-countenance-expected-false-matches" in found["ResponseMetadata"]["HTTPHeaders"]
    assert client.search_faces(CollectionId="staff", FaceId=one)["FaceMatches"] == []
    others = client.search_faces(CollectionId="staff", FaceId=one, FaceMatchThreshold=0)["FaceMatches"]
    assert [match["Face"]["FaceId"] for match in others] in ([], [two])
    compared = client.compare_faces(SourceImage={"Bytes": picture_of(1)}, TargetImage={"Bytes": picture_of(2, 1)})
    assert (len(compared["FaceMatches"]), len(compared["UnmatchedFaces"])) == (1, 1)
    assert len(client.detect_faces(Image=image)["FaceDetails"]) == 3
    pages = client.get_paginator("list_faces").paginate(CollectionId="staff", PaginationConfig={"PageSize": 1})
    assert [face["FaceId"] for page in pages for face in page["Faces"]] == [one, two]
    deleted = client.delete_faces(CollectionId="staff", FaceIds=[one, UNKNOWN])
    assert deleted["DeletedFaces"] == [one]
    assert client.describe_collection(CollectionId="staff")["FaceCount"] == 1
    client.create_collection(CollectionId="z" * 255)
    pages = client.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 1})
    assert [name for page in pages for name in page["CollectionIds"]] == ["staff", "z" * 255]
    client.delete_collection(CollectionId="staff")
    assert len(set(client.seen)) == 11


def test_the_same_picture_sent_again_enrols_nobody_twice(client: Any) -> None:
    client.create_collection(CollectionId="staff")
    ids = set()
    for _ in range(3):
        answer = client.index_faces(CollectionId="staff", Image={"Bytes": picture_of(1, 2)}, ExternalImageId="x")
        ids.add(tuple(record["Face"]["FaceId"] for record in answer["FaceRecords"]))
    assert len(ids) == 1
    assert client.describe_collection(CollectionId="staff")["FaceCount"] == 2


def test_the_typed_exceptions_of_a_real_run(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_collection(CollectionId="none")
    client.create_collection(CollectionId="staff")
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
        client.create_collection(CollectionId="staff")
    with pytest.raises(client.exceptions.InvalidParameterException, match="no face of that id"):
        client.search_faces(CollectionId="staff", FaceId=UNKNOWN)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.search_faces(CollectionId="none", FaceId=UNKNOWN)
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture_of()})
    with pytest.raises(client.exceptions.InvalidImageFormatException):
        client.detect_faces(Image={"Bytes": b"no picture"})
    with pytest.raises(client.exceptions.InvalidPaginationTokenException):
        client.list_faces(CollectionId="staff", NextToken="forged")


def test_each_answer_and_each_failure_has_a_receipt_of_the_ledger(client: Any, ledger: Ledger) -> None:
    answer = client.detect_faces(Image={"Bytes": picture_of(1)})["ResponseMetadata"]["HTTPHeaders"]
    assert re.match(r"v1;ledger\.test;\d+;", answer["x-countenance-receipt"])
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.describe_collection(CollectionId="none")
    assert "x-countenance-receipt" in caught.value.response["ResponseMetadata"]["HTTPHeaders"]


class TestUnderRulesThatDenyAll:
    @pytest.fixture
    def verdict(self) -> Verdict:
        return Verdict.DENY

    def test_a_denial_is_an_access_denied_that_names_its_clause_and_has_a_receipt(
        self, client: Any, ledger: Ledger
    ) -> None:
        with pytest.raises(client.exceptions.AccessDeniedException, match="Nothing is allowed") as caught:
            client.create_collection(CollectionId="staff")
        assert "x-countenance-receipt" in caught.value.response["ResponseMetadata"]["HTTPHeaders"]
        kinds = [entry.kind for entry in ledger.entries()]
        assert (kinds.count("decision"), kinds.count("result")) == (1, 0)
