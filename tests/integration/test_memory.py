"""What a server holds at most: under the worst pictures at once, and after pictures of many sizes."""

from __future__ import annotations

import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import cv2
import numpy as np
import pytest
from benchmarks.hardening import LONG
from botocore.config import Config
from tests.integration.serving import REGION, Live, grant, serving

from countenance.engine.decode import ROOM
from countenance.engine.limits import DEFAULT
from countenance.mandates import AccessKey

pytestmark = [pytest.mark.hardening, pytest.mark.slow]
MIB = 2**20
SOAK_S = 600 if LONG else 120
PICTURES = 100 if LONG else 50
"""Twice, in the test of new sizes."""
LFW = Path(os.environ.get("COUNTENANCE_DATA", "/nonexistent")) / "lfw" / "images"
SIDE = 6320
"""Of a square of 40 megapixels."""


def status(live: Live, name: str) -> int:
    """MiB of the server, by a line of /proc."""
    path = Path(f"/proc/{live.process.pid}/status")
    if not path.exists():
        pytest.skip("memory is read from /proc")
    return int(next(line for line in path.read_text().splitlines() if line.startswith(name)).split()[1]) // 1024


def patient(live: Live, key: AccessKey) -> Any:
    return boto3.session.Session().client(
        "rekognition",
        endpoint_url=live.endpoint,
        region_name=REGION,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
        config=Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=850),
    )


def sixteen_bits_with_alpha() -> bytes:
    """A PNG of 40 megapixels, 320 MB unpacked and 310 kB long."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer = zlib.compressobj(9)
    row = bytes(1 + 8 * SIDE)
    packed = b"".join([packer.compress(row) for _ in range(SIDE)] + [packer.flush()])
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def at_once(number: int, call: Callable[[], object]) -> None:
    done: list[object] = []
    threads = [threading.Thread(target=lambda: done.append(call())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == number


def test_the_worst_pictures_at_once_take_no_more_than_the_docs_say(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    picture = sixteen_bits_with_alpha()
    assert len(picture) < MIB
    with serving(tmp_path) as live:
        client = patient(live, grant(live.environment))
        client.detect_faces(Image={"Bytes": cv2.imencode(".jpg", np.zeros((200, 200, 3), np.uint8))[1].tobytes()})
        before = status(live, "VmHWM")
        at_once(8, lambda: client.detect_faces(Image={"Bytes": picture}))
        rose = status(live, "VmHWM") - before
    record_property("MiB that eight PNGs of 40 MP with 16 bits at once take at the peak", rose)
    pictures = 2 * len(os.sched_getaffinity(0)) * DEFAULT.max_pixels * 3
    assert rose < (ROOM.size + pictures) // MIB


def test_pictures_of_ever_new_sizes_do_not_fill_the_memory(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = np.random.default_rng(1)

    def some(number: int) -> None:
        for _ in range(number):
            height, width = map(int, chance.integers(200, 700, 2))
            noise = chance.integers(0, 255, (height, width, 3), np.uint8)
            client.detect_faces(Image={"Bytes": cv2.imencode(".jpg", noise)[1].tobytes()})

    with serving(tmp_path) as live:
        client = patient(live, grant(live.environment))
        some(PICTURES)
        middle, began = status(live, "VmRSS"), time.monotonic()
        some(PICTURES)
        end = status(live, "VmRSS")
        record_property("pictures a second of new sizes, one caller", round(PICTURES / (time.monotonic() - began), 1))
    record_property(f"MiB after {PICTURES} pictures of new sizes", middle)
    record_property(f"MiB after {2 * PICTURES}", end)
    assert end - middle < 60


def test_a_soak_of_calls_of_all_kinds_does_not_fill_the_memory(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Four callers enrol, search, compare, list and delete for `SOAK_S`; the server's memory is read twelve times."""
    photos = [path.read_bytes() for path in sorted(LFW.glob("*/*_0001.jpg"))[:40]]
    if not photos:
        pytest.skip("no faces: COUNTENANCE_DATA names a folder with lfw")
    with serving(tmp_path) as live:
        client = patient(live, grant(live.environment))
        client.create_collection(CollectionId="soak")
        began = time.monotonic()
        calls: list[int] = []

        def use() -> None:
            who = 0
            while time.monotonic() < began + SOAK_S:
                one, other = ({"Bytes": photos[(who + step) % len(photos)]} for step in (0, 1))
                made = client.index_faces(CollectionId="soak", Image=one)["FaceRecords"]
                client.search_faces_by_image(CollectionId="soak", Image=other)
                client.compare_faces(SourceImage=one, TargetImage=other)
                client.list_faces(CollectionId="soak", MaxResults=10)
                client.delete_faces(CollectionId="soak", FaceIds=[each["Face"]["FaceId"] for each in made])
                calls.append(5)
                who += 1

        series = []
        with ThreadPoolExecutor(4) as callers:
            ends = [callers.submit(use) for _ in range(4)]
            for number in range(1, 13):
                time.sleep(max(0.0, began + SOAK_S * number / 12 - time.monotonic()))
                series.append(status(live, "VmRSS"))
        assert [end.exception() for end in ends] == [None] * 4
    record_property("seconds of soak", SOAK_S)
    record_property("calls in the soak", sum(calls))
    record_property("MiB at each twelfth of the soak", series)
    assert series[-1] - series[5] < 60
