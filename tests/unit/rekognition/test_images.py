from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from countenance.api.rekognition.errors import Refused, fault_of
from countenance.api.rekognition.images import image_of
from countenance.api.rekognition.objects import Objects
from countenance.errors import ImageTooLarge, NoSuchObject
from countenance.operations import content_of


@pytest.fixture
def buckets(tmp_path: Path) -> Objects:
    (tmp_path / "a.jpg").write_bytes(b"stored")
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(15 * 1024 * 1024 + 1)
    with (tmp_path / "just.jpg").open("wb") as file:
        file.truncate(15 * 1024 * 1024)
    return Objects({"photos": tmp_path})


def refused(image: Mapping[str, object], buckets: Objects) -> str:
    with pytest.raises((Refused, NoSuchObject)) as caught:
        content_of(image_of(image, buckets))
    return fault_of(caught.value)[0].type


def test_bytes_are_taken_as_they_are(buckets: Objects) -> None:
    assert content_of(image_of({"Bytes": b"sent"}, buckets)) == b"sent"


def test_an_s3_object_is_read_from_its_folder(buckets: Objects) -> None:
    assert content_of(image_of({"S3Object": {"Bucket": "photos", "Name": "a.jpg"}}, buckets)) == b"stored"


def test_an_image_is_one_thing(buckets: Objects) -> None:
    assert refused({}, buckets) == "InvalidParameterException"
    both = {"Bytes": b"x", "S3Object": {"Bucket": "photos", "Name": "a.jpg"}}
    assert refused(both, buckets) == "InvalidParameterException"


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"Bucket": "photos"},
        {"Name": "a.jpg"},
        {"Bucket": "other", "Name": "a.jpg"},
        {"Bucket": "photos", "Name": "b.jpg"},
        {"Bucket": "photos", "Name": "../a.jpg"},
        {"Bucket": "photos", "Name": "a.jpg", "Version": "1"},
    ],
)
def test_an_object_that_cannot_be_had_is_an_invalid_s3_object(buckets: Objects, place: dict[str, str]) -> None:
    assert refused({"S3Object": place}, buckets) == "InvalidS3ObjectException"


def test_objects_may_hold_15_mib(buckets: Objects) -> None:
    just = content_of(image_of({"S3Object": {"Bucket": "photos", "Name": "just.jpg"}}, buckets))
    assert len(just) == 15 * 1024 * 1024
    with pytest.raises(ImageTooLarge):
        content_of(image_of({"S3Object": {"Bucket": "photos", "Name": "big.jpg"}}, buckets))
