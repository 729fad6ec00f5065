"""`countenance enrol` on folders as people have them, with real weights: what it says is what the gallery holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.integration.serving import HOME, grant, need_weights, opened

from countenance.demo.faces import orl_faces
from countenance.gallery import Gallery
from countenance.operations import Caller, DeleteGallery, Erase

CASES = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data")).parent / "cases" / "pictures"


@dataclass(frozen=True)
class Bench:
    """An installation of its own and a folder of pictures."""

    folder: Path
    environment: dict[str, str]
    key: str

    def enrol(self, *options: str, folder: Path | str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from countenance.cli import main; main()", "enrol", "staff"]
        command += [str(folder or self.folder), *options]
        if "--dry-run" not in options:
            command += ["--key", self.key]
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=250)

    def faces(self) -> list[str]:
        with opened(self.environment) as app:
            return sorted(face.external_id or "" for face in app.gallery.faces("staff", limit=4096).items)

    def do(self, work: Callable[[Gallery, Callable[[object], object]], object]) -> None:
        with opened(self.environment) as app:
            work(app.gallery, lambda ask: app.guard.carry_out(Caller(self.key), ask))  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    environment = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    folder = tmp_path / "in"
    folder.mkdir()
    return Bench(folder, environment, grant(environment).access_key)


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    return [photo.png for photo in orl_faces(HOME / "demo-faces") if photo.number == 1]


def test_people_of_any_name_stay_apart(bench: Bench, photos: list[bytes]) -> None:
    names = ["Ann Lee", "Ann_Lee", "Josè", "José", "Анна", "Иван", "محمد", "李雷", "王芳"]
    for name, photo in zip(names, photos, strict=False):
        (bench.folder / name).mkdir()
        (bench.folder / name / "1.png").write_bytes(photo)
    done = bench.enrol("--external-id", "folder", "--quality", "NONE")
    assert done.returncode == 0, done.stderr
    assert len(set(bench.faces())) == len(names)


def test_what_was_dealt_with_is_not_done_again_and_what_changed_is(bench: Bench, photos: list[bytes]) -> None:
    whole, broken = bench.folder / "whole.png", bench.folder / "broken.png"
    whole.write_bytes(photos[0])
    broken.write_bytes(photos[1][:2000])
    first = bench.enrol("--quality", "NONE")
    assert "broken.png: not enrolled: " in first.stderr
    assert bench.faces() == ["whole"]
    assert "2 pictures were done before; 0 to go" in bench.enrol("--quality", "NONE").stdout
    broken.write_bytes(photos[1])  # repaired
    assert bench.enrol("--quality", "NONE").returncode == 0
    assert bench.faces() == ["broken", "whole"]
    whole.write_bytes(photos[2])  # replaced by somebody else's picture
    assert "their earlier faces stay: whole.png" in bench.enrol("--quality", "NONE").stderr
    assert bench.faces() == ["broken", "whole", "whole"]


def test_a_bucket_is_enrolled_like_a_folder_and_resumed(bench: Bench, photos: list[bytes]) -> None:
    bench.environment["COUNTENANCE_BUCKETS"] = f"photos={bench.folder}"
    for name, photo in zip(("staff/ann/1.png", "staff/bob/1.png", "else.png"), photos, strict=False):
        (bench.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.folder / name).write_bytes(photo)
    (bench.folder / "staff" / "notes.txt").write_text("no picture")
    options = ("--external-id", "folder", "--quality", "NONE")
    first = bench.enrol(*options, folder="s3://photos/staff")
    assert "notes.txt: not enrolled: " in first.stderr
    assert bench.faces() == ["ann", "bob"]
    (bench.folder / "staff" / "ann" / "2.png").write_bytes(photos[3])
    again = bench.enrol(*options, folder="s3://photos/staff/")
    assert "3 pictures were done before; 1 to go" in again.stdout
    assert bench.faces() == ["ann", "ann", "bob"]
    assert "no folder is there for this bucket" in bench.enrol(*options, folder="s3://others").stderr


def test_a_gallery_made_again_gets_its_faces_again_and_an_erased_face_does_not_come_back(
    bench: Bench, photos: list[bytes]
) -> None:
    for number, photo in enumerate(photos[:2]):
        (bench.folder / f"{number}.png").write_bytes(photo)
    assert "staff held 0 faces and now holds 2 faces" in bench.enrol("--quality", "NONE").stdout
    bench.do(lambda gallery, carry: carry(DeleteGallery("staff")))
    assert "staff held 0 faces and now holds 2 faces" in bench.enrol("--quality", "NONE").stdout
    bench.do(lambda gallery, carry: carry(Erase("staff", (gallery.faces("staff", limit=1).items[0].face_id,))))
    again = bench.enrol("--quality", "NONE")
    assert "1 of their faces were erased since" in again.stderr
    assert "staff held 1 faces and now holds 1 faces" in again.stdout


def test_copies_count_once_and_a_dry_run_does_nothing(bench: Bench, photos: list[bytes]) -> None:
    for name in ("a", "b"):
        (bench.folder / "ann" / f"{name}.png").parent.mkdir(exist_ok=True)
        (bench.folder / "ann" / f"{name}.png").write_bytes(photos[0])
    (bench.folder / "notes.txt").write_text("no picture")
    tried = bench.enrol("--external-id", "folder", "--dry-run")
    assert tried.stdout.splitlines()[:2] == ["ann/a.png -> ann", "ann/b.png -> ann"]
    assert "notes.txt: not enrolled: not a kind of picture" in tried.stderr
    assert not list(Path(bench.environment["COUNTENANCE_HOME"]).glob("enrolling"))
    done = bench.enrol("--external-id", "folder", "--quality", "NONE").stdout
    assert "1 faces enrolled, 1 copies of a picture that is enrolled already" in done
    shutil.rmtree(Path(bench.environment["COUNTENANCE_HOME"]) / "enrolling")  # as if another program had enrolled them
    again = bench.enrol("--external-id", "folder", "--quality", "NONE").stdout
    assert "images/s: 2 copies of a picture that is enrolled already" in again
    assert bench.faces() == ["ann"]


def test_a_manifest_names_files_ids_and_users_and_says_who_is_not_like_the_others(
    bench: Bench, photos: list[bytes]
) -> None:
    people = [photo for photo in orl_faces(HOME / "demo-faces") if photo.person == 1][:2]
    for number, photo in enumerate([people[0].png, people[1].png, photos[5]]):
        (bench.folder / f"{number}.png").write_bytes(photo)
    both = [np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)) for photo in photos[:2]]
    cv2.imwrite(str(bench.folder / "3.png"), np.hstack(both))
    manifest = bench.folder.parent / "people.csv"
    manifest.write_text("path,id,user\n0.png,one-0,one\n1.png,one-1,one\n2.png,one-2,one\n3.png,pair,two\n")
    done = bench.enrol("--manifest", str(manifest), "--quality", "NONE", "--max-faces", "2")
    assert done.returncode == 0, done.stderr
    assert "3 faces associated with their user, 2 faces not associated" in done.stdout
    for user in ("one", "two"):  # of two people in one picture a new user gets one
        assert re.search(f"^{user}: face .* was not associated: LOW_MATCH_CONFIDENCE$", done.stderr, re.MULTILINE)
    assert bench.faces() == ["one-0", "one-1", "one-2", "pair", "pair"]


@pytest.mark.parametrize(
    ("case", "options", "people"),
    [
        ("names", ("--external-id", "folder"), 9),
        ("same-file-name", (), 4),
        ("enrol-again", (), 2),
    ],
)
def test_folders_that_came_from_outside(bench: Bench, case: str, options: tuple[str, ...], people: int) -> None:
    if not CASES.is_dir():
        pytest.skip("the shared cases are not here")
    done = bench.enrol(*options, folder=CASES / case)
    assert done.returncode == 0, done.stderr
    assert len(set(bench.faces())) == people


def test_stray_entries_are_named_and_stop_nothing(bench: Bench, photos: list[bytes]) -> None:
    for number in range(2):
        (bench.folder / f"{number}.png").write_bytes(photos[number])
    (bench.folder / "album.jpg").mkdir()
    (bench.folder / "link.jpg").symlink_to("nowhere.jpg")
    done = bench.enrol("--quality", "NONE")
    assert done.returncode == 0
    named = [line for line in done.stderr.splitlines() if "not enrolled" in line]
    assert [line.partition(":")[0] for line in named] == ["album.jpg", "link.jpg"]
    assert len(bench.faces()) == 2


def test_a_repaired_picture_from_outside_is_enrolled(bench: Bench) -> None:
    if not CASES.is_dir():
        pytest.skip("the shared cases are not here")
    shutil.copy(CASES / "repaired" / "folder" / "p.jpg", bench.folder / "p.jpg")
    bench.enrol()
    shutil.copy(CASES / "repaired" / "whole.jpg", bench.folder / "p.jpg")
    bench.enrol()
    assert bench.faces() == ["p"]
