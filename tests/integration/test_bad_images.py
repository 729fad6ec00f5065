"""Bad pictures through the whole server: `countenance serve` with its real engine, asked by boto3.

Every picture gives an answer or the AWS error type that a client expects; the server lives on and stays small.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import boto3
import cv2
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from countenance import settings
from countenance.app import Countenance
from countenance.engine import load_manifests
from countenance.engine.weights import state
from countenance.mandates import Holder, Terms
from countenance.mandates.mandate import AccessKey

pytestmark = pytest.mark.hardening

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
REFUSALS = {"InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"}
MIB = 1024 * 1024


def evaluation_data() -> Path:
    return Path(os.environ.get("COUNTENANCE_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Popen[bytes], Any]]:
    """A running `countenance serve`: its process, and a boto3 client with a mandate for everything but searches."""
    weights = Path(os.environ.get("COUNTENANCE_HOME", ROOT / "data")) / "models"
    if any(state(manifest, weights) != "ok" for manifest in load_manifests().values()):
        pytest.skip(f"no model weights in {weights}; run `countenance models fetch`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    photos = tmp_path_factory.mktemp("photos")
    (photos / "large.jpg").write_bytes(jpeg(3000, 2400))
    environment = {
        "COUNTENANCE_BUCKETS": f"photos={photos}",
        "COUNTENANCE_HOME": str(tmp_path_factory.mktemp("home")),
        "COUNTENANCE_WEIGHTS": str(weights),
        "COUNTENANCE_PORT": str(port),
    }
    app = Countenance.open(settings.load(environment))
    try:
        key = key_for_everything(app)
    finally:
        app.close()
    process = subprocess.Popen(
        [sys.executable, "-c", "from countenance.cli import main; main()", "serve"],
        env={**{name: v for name, v in os.environ.items() if not name.startswith("COUNTENANCE_")}, **environment},
        stdout=subprocess.DEVNULL,
    )
    client = boto3.session.Session().client(
        "rekognition",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60, proxies={}, max_pool_connections=16),
    )
    try:
        wait_until_it_answers(process, port)
        client.create_collection(CollectionId="bad")
        yield process, client
        assert process.poll() is None, "the server must live on"
    finally:
        process.terminate()
        process.wait(30)


def key_for_everything(app: Countenance) -> AccessKey:
    asked = app.mandates.request(
        Holder("tests", kind="individual"),
        Terms("testing", "consent", ("*",), ("*",), '{"gallery": {"provenance": "published_set"}}'),
        requested_by="one",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    app.mandates.approve(asked.mandate_id, approved_by="another")
    return app.mandates.issue_key(asked.mandate_id, to=asked.requested_by)


def wait_until_it_answers(process: Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.1)


def outcome(call: Callable[..., Any]) -> str | None:
    """None if `call` was answered, else the type of the error."""
    try:
        call()
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
        return error.response["Error"]["Code"]
    return None


def detect(client: Any, content: bytes) -> str | None:
    return outcome(lambda: client.detect_faces(Image={"Bytes": content}))


def jpeg(width: int = 200, height: int = 200) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def png(width: Any, height: Any, rows: Any = b"") -> Any:
    """A PNG that says it is so large; `rows` is what its data really holds."""

    def chunk(kind: Any, content: Any) -> Any:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def jpeg_that_says(width: Any, height: Any) -> Any:
    content = bytearray(jpeg())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def peak_mib(process: Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        pytest.skip("the peak of memory is read from /proc")
    return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


BAD = {
    "one byte": (b"\xff", "InvalidImageFormatException"),
    "text": (b"this is no picture", "InvalidImageFormatException"),
    "gif": (b"GIF89a" + bytes(100), "InvalidImageFormatException"),
    "jpeg cut after its magic": (jpeg()[:4], "InvalidImageFormatException"),
    "jpeg cut in the middle": (jpeg()[: len(jpeg()) // 2], "InvalidImageFormatException"),
    "png bomb of 65,000 x 65,000": (png(65_000, 65_000), "ImageTooLargeException"),
    "png bomb with 100 MB of real rows": (png(10_000, 10_000, bytes(10_001 * 10_000)), "ImageTooLargeException"),
    "png of the largest size there is": (png(2**31 - 1, 2**31 - 1), "ImageTooLargeException"),
    "png with more rows than it says": (png(100, 100, bytes(200_000_000)), None),
    "jpeg bomb of 65,000 x 65,000": (jpeg_that_says(65_000, 65_000), "ImageTooLargeException"),
    "png of no size": (png(0, 0), "InvalidImageFormatException"),
    "79 pixels": (jpeg(79, 200), "InvalidParameterException"),
    "6 MB": (jpeg() + bytes(6_000_000), "ImageTooLargeException"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_gets_its_aws_error(server: tuple[Popen[bytes], Any], name: str) -> None:
    process, client = server
    content, expected = BAD[name]
    before = peak_mib(process)
    told = detect(client, content)
    if expected is not None:
        assert told == expected
    assert told in REFUSALS | {None}
    assert peak_mib(process) - before < 300, "a bomb must not be unpacked"


def test_a_picture_from_a_bucket_may_hold_more_than_one_in_a_request(server: tuple[Popen[bytes], Any]) -> None:
    _, client = server
    assert len(jpeg(3000, 2400)) > 5 * MIB
    assert detect(client, jpeg(3000, 2400)) == "ImageTooLargeException"
    stored = {"S3Object": {"Bucket": "photos", "Name": "large.jpg"}}
    assert outcome(lambda: client.detect_faces(Image=stored)) is None


def test_a_picture_without_a_face_is_an_invalid_parameter_where_one_is_needed(
    server: tuple[Popen[bytes], Any],
) -> None:
    _, client = server
    blank = {"Bytes": cv2.imencode(".png", np.full((200, 200, 3), 127, np.uint8))[1].tobytes()}
    assert detect(client, blank["Bytes"]) is None
    assert outcome(lambda: client.compare_faces(SourceImage=blank, TargetImage=blank)) == "InvalidParameterException"


def test_every_file_of_the_fuzzers_is_answered_or_refused(server: tuple[Popen[bytes], Any]) -> None:
    process, client = server
    folder = evaluation_data() / "bad-images"
    if not folder.is_dir():
        pytest.skip(f"no evaluation data at {folder}; name its folder in COUNTENANCE_DATA")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 400

    def ask(path: Path) -> tuple[str | None, ...]:
        content = path.read_bytes() or b"\0"  # boto3 itself refuses to send nothing
        enrolled = outcome(
            lambda: client.index_faces(CollectionId="bad", Image={"Bytes": content}, QualityFilter="NONE")
        )
        return detect(client, content), enrolled

    before = peak_mib(process)
    with ThreadPoolExecutor(8) as clients:
        told = dict(zip(files, clients.map(ask, files), strict=True))
    for path, (detected, enrolled) in told.items():
        assert {detected, enrolled} <= REFUSALS | {None}, path.name
        if path.suffix in (".gif", ".webp"):
            assert detected == enrolled == "InvalidImageFormatException", path.name
    assert sum(detected is None for detected, _ in told.values()) >= 18, "the 18 orientations are good pictures"
    assert peak_mib(process) - before < 1000
    assert client.describe_collection(CollectionId="bad")["FaceCount"] >= 0
