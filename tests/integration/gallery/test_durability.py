"""What was acknowledged survives kill -9; what was erased leaves the disk."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from countenance.database import open_database
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template
from countenance.gallery import Gallery
from countenance.scoring import RawCosine

pytestmark = pytest.mark.hardening

MODEL = ModelId("a" * 64)
FACES_PER_IMAGE = 3

ROOT = Path(__file__).parents[3]
ENROLLER = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from tests.integration.gallery.test_durability import opened, picture

gallery = opened(Path({path!r}))
print("ready", flush=True)
for number in range({start}, {start} + 100_000):
    enrolled = gallery.enrol("staff", f"digest-{{number}}", None, picture(number))
    print(number, *[face.face_id for face in enrolled], flush=True)
"""


def opened(path: Path) -> Gallery:
    return Gallery(open_database(path), RawCosine(), lambda: datetime.now(UTC), lambda: str(uuid.uuid4()))


def picture(seed: int, faces: int = FACES_PER_IMAGE, dimension: int = 128) -> list[tuple[DetectedFace, Template]]:
    point = Point(0.5, 0.5)
    vectors = np.random.default_rng(seed).normal(size=(faces, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [
        (
            DetectedFace(
                BoundingBox(0.1 * i, 0.1, 0.05, 0.05),
                Landmarks(point, point, point, point, point),
                Pose(0, 0, 0),
                Quality(50, 50, 100),
                99.0,
            ),
            Template(vector, MODEL),
        )
        for i, vector in enumerate(vectors)
    ]


def test_no_acknowledged_face_is_lost_and_no_image_is_half_enrolled_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    opened(path).create("staff", MODEL, "v", {})
    chance = random.Random(7)
    acknowledged = {}
    for round_ in range(12):
        code = ENROLLER.format(folder=str(ROOT), path=str(path), start=round_ * 100_000)
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.25))
            process.send_signal(signal.SIGKILL)
            lines = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        for line in lines:
            number, *face_ids = line.split()
            acknowledged[int(number)] = face_ids
        gallery = opened(path)
        stored: dict[str, list[str]] = {}
        for face in gallery.faces("staff", limit=10**6).items:
            stored.setdefault(face.image_id, []).append(face.face_id)
        assert all(len(face_ids) == FACES_PER_IMAGE for face_ids in stored.values())
        assert {tuple(ids) for ids in acknowledged.values()} <= {tuple(ids) for ids in stored.values()}
        assert gallery.describe("staff").faces == FACES_PER_IMAGE * len(stored)
    assert len(acknowledged) > 30  # the kills came while it worked
    for sampled in chance.sample(sorted(acknowledged), 20):
        for face_id, (_, template) in zip(acknowledged[sampled], picture(sampled), strict=True):
            assert np.array_equal(gallery.template("staff", face_id).vector, template.vector)


def fragments(template: Template) -> list[bytes]:
    """The 16-byte pieces of a template: a page may end anywhere, but cuts one piece only."""
    data = template.vector.astype("<f4").tobytes()
    return [data[at : at + 16] for at in range(0, len(data), 16)]


def on_disk(folder: Path, template: Template) -> int:
    """How many fragments of the template some file of the folder holds."""
    contents = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return sum(any(piece in content for content in contents) for piece in fragments(template))


@pytest.mark.parametrize("dimension", [128, 1500])
@pytest.mark.parametrize("checkpointed", [False, True], ids=["in the log", "in the file"])
def test_an_erased_template_is_in_no_file(tmp_path: Path, dimension: int, checkpointed: bool) -> None:
    gallery = opened(tmp_path / "c.sqlite")
    gallery.create("staff", MODEL, "v", {})
    pictures = [picture(seed, dimension=dimension) for seed in range(40)]
    enrolled = [gallery.enrol("staff", f"d{i}", None, faces) for i, faces in enumerate(pictures)]
    gallery.search("staff", pictures[0][0][1], limit=3, min_score=-1)
    if checkpointed:
        assert gallery.scrub()
    gone, kept = [7, 8, 31], [0, 9, 30]
    for i in gone + kept:
        assert all(on_disk(tmp_path, template) for _, template in pictures[i])
    erased = gallery.erase("staff", [face.face_id for i in gone for face in enrolled[i]])
    assert erased.scrubbed
    for i in gone:
        assert [on_disk(tmp_path, template) for _, template in pictures[i]] == [0] * FACES_PER_IMAGE
    for i in kept:
        assert all(on_disk(tmp_path, template) for _, template in pictures[i])


def test_a_deleted_gallery_is_in_no_file(tmp_path: Path) -> None:
    gallery = opened(tmp_path / "c.sqlite")
    gallery.create("staff", MODEL, "v", {})
    gallery.create("visitors", MODEL, "v", {})
    pictures = [picture(seed) for seed in range(40)]
    for i, faces in enumerate(pictures):
        gallery.enrol(("staff", "visitors")[i % 2], f"d{i}", None, faces)
    assert gallery.delete("staff")
    assert not any(on_disk(tmp_path, template) for faces in pictures[::2] for _, template in faces)
    assert all(on_disk(tmp_path, template) for faces in pictures[1::2] for _, template in faces)


def test_while_somebody_holds_an_old_snapshot_erasing_says_that_the_bytes_are_still_there(tmp_path: Path) -> None:
    gallery = opened(tmp_path / "c.sqlite")
    gallery.create("staff", MODEL, "v", {})
    faces = picture(1)
    enrolled = gallery.enrol("staff", "d", None, faces)
    reader = sqlite3.connect(tmp_path / "c.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM faces").fetchone()
    erased = gallery.erase("staff", [face.face_id for face in enrolled])
    assert len(erased.deleted) == FACES_PER_IMAGE
    assert not erased.scrubbed
    assert gallery.search("staff", faces[0][1], limit=3, min_score=-1).hits == ()
    assert on_disk(tmp_path, faces[0][1])
    reader.execute("COMMIT")
    gallery.enrol("staff", "e", None, picture(2))  # the next change clears up
    assert not on_disk(tmp_path, faces[0][1])
    reader.close()
