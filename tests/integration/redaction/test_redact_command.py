"""Real faces, real weights: what is covered is nobody any more to our own embedder; the command, file by file."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.integration.serving import grant, need_weights, opened
from tests.unit.video.clips import write

from countenance.app import Countenance
from countenance.faces import DetectedFace
from countenance.operations import Caller, CreateGallery, Enrol, QualityFilter, Redact, SearchByImage
from countenance.redaction import STYLES, Style

LFW = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data")) / "lfw" / "images"
THRESHOLD = 80.0
PEOPLE = 40


@pytest.fixture(scope="module")
def files() -> list[Path]:
    if not LFW.exists():
        pytest.skip("no LFW: name its folder with COUNTENANCE_DATA")
    return [next(iter(sorted(folder.glob("*.jpg")))) for folder in sorted(LFW.iterdir())[:: 5749 // PEOPLE]][:PEOPLE]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    weights = need_weights()
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    return {"COUNTENANCE_HOME": str(folder), "COUNTENANCE_WEIGHTS": str(weights), "COUNTENANCE_THREADS": "2"}


@pytest.fixture(scope="module")
def key(home: dict[str, str]) -> str:
    return grant(home).access_key


@pytest.fixture(scope="module")
def app(home: dict[str, str]) -> Iterator[Countenance]:
    with opened(home) as made:
        yield made


def pixels_of(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_nobody_is_found_again(app: Countenance, key: str, files: list[Path], style: Style) -> None:
    """Neither by searching what is still detected in the covered picture, nor by a template forced from the place."""
    caller, engine, calibration = Caller(key), app.engine, app.tools.calibration
    gallery = f"all-{style}"
    app.guard.carry_out(caller, CreateGallery(gallery))
    least = calibration.score(THRESHOLD)
    normaliser = app.normaliser
    forced, found_again, originals = [], 0, 0
    for file in files:
        original = file.read_bytes()
        seen = engine.look(original)
        if not seen.faces:
            continue
        originals += 1
        face: DetectedFace = seen.faces[0]
        app.guard.carry_out(caller, Enrol(gallery, original, file.stem, 1, QualityFilter.NONE))
        content = app.guard.carry_out(caller, Redact(original, style=style)).result.content
        covered = engine.look_at(pixels_of(content))
        enrolled = engine.embed(seen, [face])[0].vector[None, :]
        again = engine.embed(covered, [face, *covered.faces])  # first with the landmarks of the original
        scores = [
            float((normaliser.probe_side(t.vector[None, :]) @ normaliser.gallery_side(enrolled).T)[0, 0]) for t in again
        ]
        forced.append(scores[0])
        found_again += sum(score >= least for score in scores[1:])
    assert originals >= PEOPLE - 2
    assert max(forced) < least, f"a covered face is like its original: {max(forced)} >= {least}"
    assert found_again == 0


def test_uncovered_they_are_found(app: Countenance, key: str, files: list[Path]) -> None:
    """So that the test above can fail: the same search with the picture encoded anew and not covered."""
    caller = Caller(key)
    picture = files[0].read_bytes()
    app.guard.carry_out(caller, CreateGallery("one"))
    app.guard.carry_out(caller, Enrol("one", picture, "first", 1, QualityFilter.NONE))
    good, again = cv2.imencode(".jpg", pixels_of(picture))
    assert good
    found = app.guard.carry_out(caller, SearchByImage("one", again.tobytes(), similarity=THRESHOLD)).result.candidates
    assert [each.face.external_id for each in found] == ["first"]


def run(home: dict[str, str], *command: str, code: int = 0) -> tuple[list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", "from countenance.cli import main; main()", "redact", *command],
        env={**os.environ, **home}, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


def turned(file: Path) -> bytes:
    """The picture lying on its side, with an orientation tag that puts it right, a place and a trailer."""
    picture = Image.open(file).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "Very Private Place"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue() + b"MotionPhoto_Data Very Private Place"


def test_a_folder_is_done_once_with_a_report_for_each_file_and_a_reason_for_each_other(
    home: dict[str, str], key: str, files: list[Path], tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "one.jpg").write_bytes(turned(files[0]))
    (source / "a" / "b" / "two.png").write_bytes(cv2.imencode(".png", pixels_of(files[1].read_bytes()))[1].tobytes())
    (source / "notes.txt").write_text("no picture")
    (source / "broken.jpg").write_bytes(files[2].read_bytes()[:200])
    (source / "es\x1bc.jpg").touch()
    (source / "linked").symlink_to(files[0].parent.resolve())
    (source / "gone.jpg").symlink_to("nowhere")
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    said, errors = run(home, str(source), "-o", str(out), "--key", key, code=1)
    assert said[-1].startswith("2 done, ") or "2 done" in said[-1]
    assert any(line.startswith("notes.txt: not done: neither a picture") for line in errors)
    assert any(line.startswith("broken.jpg: not done: ") for line in errors)
    assert {
        "es\\x1bc.jpg: not done: the file is empty",
        "linked: not done: a link to a folder, which is not followed",
        "gone.jpg: not done: a link to a file that is not there",
    } <= set(errors)
    assert {path: path.read_bytes() for path in before} == before
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert made == ["a/b/two.png", "a/b/two.png.redaction.json", "a/one.jpg", "a/one.jpg.redaction.json"]
    one = (out / "a" / "one.jpg").read_bytes()
    assert b"Private" not in one
    assert pixels_of(one).shape == pixels_of(files[0].read_bytes()).shape, "turned upright"
    report = json.loads((out / "a" / "one.jpg.redaction.json").read_text())
    assert report["covered"]
    assert report["applied"]["detector"].startswith("yunet-")
    assert report["receipt"]
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again, _ = run(home, str(source), "-o", str(out), "--key", key, code=1)
    assert "2 done before" in again[-1]
    assert {path: path.stat().st_mtime_ns for path in times} == times
    _, errors = run(home, str(source), "-o", str(out), "--key", key, "--style", "fill", code=1)
    assert any("a/one.jpg: not done" in line and "not overwritten" in line for line in errors)
    (out / "a" / "one.jpg").unlink()  # as if a run had ended after the report
    again, _ = run(home, str(source), "-o", str(out), "--key", key, code=1)
    assert "1 done" in again[-1]


def test_the_input_is_never_the_output(home: dict[str, str], key: str, files: list[Path], tmp_path: Path) -> None:
    picture = tmp_path / "one.jpg"
    picture.write_bytes(files[0].read_bytes())
    _, errors = run(home, str(picture), "-o", str(picture), "--key", key, code=1)
    assert "the output would be the input" in errors[-1]
    for folder in (tmp_path, tmp_path / "below"):
        _, errors = run(home, str(tmp_path), "-o", str(folder), "--key", key, code=1)
        assert "must lie beside" in errors[-1]
    assert picture.read_bytes() == files[0].read_bytes()


def test_a_video_is_covered_from_its_first_frame_to_its_last(
    home: dict[str, str], key: str, files: list[Path], app: Countenance, tmp_path: Path
) -> None:
    face = pixels_of(files[0].read_bytes())
    frames = []
    for step in range(12):
        frame = np.full((300, 400, 3), 90, np.uint8)
        if step not in (5, 6):  # out of sight for a moment
            frame[20 : 20 + face.shape[0], 10 + 5 * step : 10 + 5 * step + face.shape[1]] = face
        frames.append(frame)
    clip, out = write(tmp_path / "clip.mp4", frames), tmp_path / "covered.mp4"
    _, errors = run(home, str(clip), "-o", str(out), "--key", key)
    assert any("clip.mp4: sound " in line and "time stamps kept" in line for line in errors)
    report = json.loads(out.with_name("covered.mp4.redaction.json").read_text())
    assert (report["frames"], report["written_as"]) == (12, "MP4, mpeg4")
    whys = {frame["frame"]: {each["why"] for each in frame["covered"]} for frame in report["frames_with_faces"]}
    assert set(whys) == set(range(12))
    assert "between" in whys[5] | whys[6]
    assert {5, 6} <= {frame["frame"] for frame in report["to_look_at"]}
    least, normaliser = app.tools.calibration.score(THRESHOLD), app.normaliser
    seen = app.engine.look_at(face)
    enrolled = normaliser.gallery_side(app.engine.embed(seen, seen.faces[:1])[0].vector[None, :])
    read = cv2.VideoCapture(str(out))
    while True:
        good, pixels = read.read()
        if not good:
            break
        picture = app.engine.look_at(np.asarray(pixels, np.uint8))
        for template in app.engine.embed(picture, picture.faces):
            assert (normaliser.probe_side(template.vector[None, :]) @ enrolled.T)[0, 0] < least
