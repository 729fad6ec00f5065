from __future__ import annotations

from pathlib import Path

import pytest

from countenance.api.rekognition.buckets import Buckets
from countenance.api.rekognition.errors import Refused
from countenance.api.rekognition.images import image_bytes
from countenance.errors import ImageTooLarge


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    (tmp_path / "a.jpg").write_bytes(b"stored")
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(15 * 1024 * 1024 + 1)
    with (tmp_path / "just.jpg").open("wb") as file:
        file.truncate(15 * 1024 * 1024)
    return Buckets({"photos": tmp_path})


def refused(image: dict[str, bytes | dict[str, str]], buckets: Buckets) -> str:
    with pytest.raises(Refused) as caught:
        image_bytes(image, buckets)
    return caught.value.fault.type


def test_bytes_are_taken_as_they_are(buckets: Buckets) -> None:
    assert image_bytes({"Bytes": b"sent"}, buckets) == b"sent"


def test_an_s3_object_is_read_from_its_folder(buckets: Buckets) -> None:
    assert image_bytes({"S3Object": {"Bucket": "photos", "Name": "a.jpg"}}, buckets) == b"stored"


def test_an_image_is_one_thing(buckets: Buckets) -> None:
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
def test_an_object_that_cannot_be_had_is_an_invalid_s3_object(buckets: Buckets, place: dict[str, str]) -> None:
    assert refused({"S3Object": place}, buckets) == "InvalidS3ObjectException"


def test_objects_may_hold_15_mib(buckets: Buckets) -> None:
    assert len(image_bytes({"S3Object": {"Bucket": "photos", "Name": "just.jpg"}}, buckets)) == 15 * 1024 * 1024
    with pytest.raises(ImageTooLarge):
        image_bytes({"S3Object": {"Bucket": "photos", "Name": "big.jpg"}}, buckets)
