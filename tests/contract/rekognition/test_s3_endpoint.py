"""Objects from a real S3 server (moto's): the same limits and errors as from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.contract.rekognition.rekognition_fakes import FakeGuard, boto_client, picture, serving

from countenance.api.rekognition import Objects, S3Endpoint, S3Place
from countenance.errors import NoSuchObject, VideoTooLarge

moto_server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def s3(endpoint: str) -> Any:
    client = boto3.session.Session().client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(proxies={}),
    )  # fmt: skip
    for bucket in ("photos", "private"):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="private", Key="ann.jpg", Body=picture("ann"))
    return client


@pytest.fixture
def objects(endpoint: str, tmp_path: Path) -> Objects:
    folder = tmp_path / "folder"
    folder.mkdir()
    place = S3Place(endpoint, "us-east-1", "a", "b", ("photos", "folder", "none"))
    return Objects({"folder": folder}, S3Endpoint(place))


@pytest.fixture
def client(objects: Objects) -> Iterator[Any]:
    with serving(FakeGuard(), objects=objects) as url:
        yield boto_client(url)


def test_images_come_from_the_endpoint_in_the_version_that_is_named(client: Any, s3: Any) -> None:
    old = s3.put_object(Bucket="photos", Key="day/one é.jpg", Body=picture("ann"))["VersionId"]
    s3.put_object(Bucket="photos", Key="day/one é.jpg", Body=picture("ann", "ben"))
    place = {"Bucket": "photos", "Name": "day/one é.jpg"}
    assert len(client.detect_faces(Image={"S3Object": place})["FaceDetails"]) == 2
    assert len(client.detect_faces(Image={"S3Object": {**place, "Version": old}})["FaceDetails"]) == 1


@pytest.mark.parametrize(
    "place",
    [
        {"Bucket": "photos", "Name": "not-there.jpg"},
        {"Bucket": "none", "Name": "ann.jpg"},
        {"Bucket": "private", "Name": "ann.jpg"},
        {"Bucket": "photos", "Name": "day/one.jpg", "Version": "made-up"},
        {"Bucket": "folder", "Name": "ann.jpg"},
    ],
)
def test_what_cannot_be_had_is_said_as_of_a_folder(client: Any, s3: Any, place: dict[str, str]) -> None:
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.detect_faces(Image={"S3Object": place})


def test_an_image_above_15_mib_is_refused_before_it_is_read(client: Any, s3: Any) -> None:
    s3.put_object(Bucket="photos", Key="large", Body=bytes(15 * 1024 * 1024 + 1))
    with pytest.raises(client.exceptions.ImageTooLargeException):
        client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": "large"}})


def test_videos_are_checked_and_copied_within_their_limit(objects: Objects, s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="photos", Key="film", Body=b"v" * 3_000_000)
    objects.check("photos", "film", None, 3_000_000)
    objects.copy("photos", "film", None, tmp_path / "copy", 3_000_000)
    assert (tmp_path / "copy").read_bytes() == b"v" * 3_000_000
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    with pytest.raises(VideoTooLarge):
        objects.check("photos", "film", None, 2_999_999)
    with pytest.raises(VideoTooLarge):
        objects.copy("photos", "film", None, tmp_path / "other", 2_999_999)
    with pytest.raises(NoSuchObject):
        objects.copy("photos", "nothing", None, tmp_path / "other", 10)
    assert not (tmp_path / "other").exists()


def test_an_endpoint_that_does_not_answer_is_no_500(tmp_path: Path) -> None:
    place = S3Place("http://127.0.0.1:9", "us-east-1", "a", "b", ("photos",))
    with serving(FakeGuard(), objects=Objects({}, S3Endpoint(place))) as url:
        client = boto_client(url)
        with pytest.raises(client.exceptions.InvalidS3ObjectException):
            client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": "x"}})


def test_a_bucket_is_listed_in_whole_with_what_changes_with_an_object(
    objects: Objects, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # of a page
    for number in range(35):
        s3.put_object(Bucket="photos", Key=f"listed/{number:04}.jpg", Body=b"x")
    s3.put_object(Bucket="photos", Key="other.jpg", Body=b"x")
    listed = {each.name: each for each in objects.listed("photos", "listed/")}
    assert list(listed) == [f"listed/{number:04}.jpg" for number in range(35)]
    s3.put_object(Bucket="photos", Key="listed/0007.jpg", Body=b"y")
    changed = [each.name for each in objects.listed("photos", "listed/") if each != listed[each.name]]
    assert changed == ["listed/0007.jpg"]
    for bucket in ("private", "nowhere"):
        with pytest.raises(NoSuchObject):
            list(objects.listed(bucket, ""))
