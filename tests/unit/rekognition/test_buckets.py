from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from countenance.api.rekognition.buckets import Buckets
from countenance.errors import ImageTooLarge, NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside.jpg").write_bytes(b"outside")
    inside = tmp_path / "photos"
    (inside / "2024").mkdir(parents=True)
    (inside / "a.jpg").write_bytes(b"a")
    (inside / "2024" / "b ü.jpg").write_bytes(b"b")
    (inside / ".hidden").write_bytes(b"h")
    return inside


@pytest.fixture
def buckets(folder: Path) -> Buckets:
    return Buckets({"photos": folder})


def test_objects_are_read_by_their_path(buckets: Buckets) -> None:
    assert buckets.read("photos", "a.jpg") == b"a"
    assert buckets.read("photos", "2024/b ü.jpg") == b"b"
    assert buckets.read("photos", ".hidden") == b"h"


@pytest.mark.parametrize(
    "name",
    [
        "../outside.jpg",
        "2024/../../outside.jpg",
        "2024/../a.jpg",
        "./a.jpg",
        "/a.jpg",
        "2024//b ü.jpg",
        "2024/",
        "2024",
        "",
        ".",
        "..",
        "a.jpg\0",
        "a.jpg\0.png",
        "a.jpg/",
        "a.jpg/b",
        "no-such.jpg",
        "n" * 1024,
        "a/" * 511 + "a",
    ],
)
def test_names_that_are_no_plain_path_to_a_file_are_not_there(buckets: Buckets, name: str) -> None:
    with pytest.raises(NotFound):
        buckets.read("photos", name)


def test_an_absolute_name_never_leaves_the_bucket(buckets: Buckets, folder: Path) -> None:
    with pytest.raises(NotFound):
        buckets.read("photos", str(folder.parent / "outside.jpg"))


def test_a_bucket_without_a_folder_is_not_there(buckets: Buckets, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        buckets.read("other", "a.jpg")
    with pytest.raises(NotFound):
        Buckets({"gone": tmp_path / "gone"}).read("gone", "a.jpg")


def test_links_are_refused_wherever_they_lead(buckets: Buckets, folder: Path) -> None:
    (folder / "out.jpg").symlink_to(folder.parent / "outside.jpg")
    (folder / "in.jpg").symlink_to(folder / "a.jpg")
    (folder / "up").symlink_to(folder.parent)
    for name in ("out.jpg", "in.jpg", "up/outside.jpg"):
        with pytest.raises(NotFound):
            buckets.read("photos", name)


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert Buckets({"photos": tmp_path / "link"}).read("photos", "a.jpg") == b"a"


def test_pipes_sockets_and_devices_are_refused_without_waiting(
    buckets: Buckets, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    for name in ("pipe", "socket"):
        with pytest.raises(NotFound):
            buckets.read("photos", name)


def test_an_object_above_the_limit_is_refused_by_its_size(buckets: Buckets, folder: Path) -> None:
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ImageTooLarge, match="more than 15728640 bytes"):
        buckets.read("photos", "sparse.jpg")
    (folder / "just.jpg").write_bytes(b"x" * 10)
    assert len(buckets.read("photos", "just.jpg", max_bytes=10)) == 10
    with pytest.raises(ImageTooLarge):
        buckets.read("photos", "just.jpg", max_bytes=9)


def test_no_file_stays_open(buckets: Buckets) -> None:
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("counting open files needs /proc")
    before = len(list(handles.iterdir()))
    buckets.read("photos", "2024/b ü.jpg")
    with pytest.raises(NotFound):
        buckets.read("photos", "2024/none.jpg")
    assert len(list(handles.iterdir())) == before
