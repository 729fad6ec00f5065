"""What is written: pixels alone for pictures; frames at their times for video."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.unit.video.clips import grey, write

from countenance.errors import BadRequest
from countenance.faces import BoundingBox
from countenance.redaction import Codec, Follower, Places, Region, VideoTarget, write_video, written
from countenance.redaction import sound as sound_part
from countenance.redaction.mp4 import NotRetimed, retime
from countenance.redaction.sound import FAILED, LEFT_OUT, NO_BINARY
from countenance.redaction.videos import put
from countenance.video import Frame, VideoFacts, VideoLimits, open_video

SECRET = b"Very Private Place 48.8584N"


def encoded(kind: str) -> bytes:
    """A picture with all that cameras and editors leave in one."""
    picture = Image.new("RGB", (120, 90), (200, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8769)[0x927C] = SECRET
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>", icc_profile=SECRET, quality=90)
    return out.getvalue() + b"MotionPhoto_Data" + SECRET


@pytest.mark.parametrize(("kind", "ours"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WebP")])
def test_nothing_but_pixels_is_written(kind: str, ours: str) -> None:
    original = encoded(kind)
    assert original.count(SECRET) >= 2, "the test's picture carries metadata"
    made = written(np.zeros((90, 120, 3), np.uint8), original)
    assert made.kind == ours
    for mark in (SECRET, b"Exif", b"http://ns.adobe.com", b"xmpmeta", b"ICC_PROFILE", b"iCCP", b"eXIf", b"MotionPhoto"):
        assert mark not in made.content
    assert dict(Image.open(io.BytesIO(made.content)).getexif()) == {}


@pytest.mark.parametrize(("kind", "ours"), [("GIF", "PNG"), ("BMP", "PNG"), ("TIFF", "PNG")])
def test_other_kinds_become_png(kind: str, ours: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (100, 100)).save(out, kind)
    assert written(np.zeros((90, 120, 3), np.uint8), out.getvalue()).kind == ours


FACTS = VideoFacts("QuickTime / MOV", "h264", 0, 0.0, 128, 96)


def frames(moments: list[float]) -> list[Frame]:
    return [Frame(i, moment, grey(10 + 5 * (i % 20))) for i, moment in enumerate(moments)]


def made_of(
    moments: list[float], target: VideoTarget, original: Path, facts: VideoFacts = FACTS
) -> tuple[list[float], str, str]:
    done = write_video(frames(moments), facts, original, VideoLimits(), Places([], 0.0), target)
    with open_video(target.path) as decoded:
        return [frame.timestamp_ms for frame in decoded.frames()], done.times, done.sound


@pytest.mark.parametrize("codec", ["mpeg4", "vp9"])
def test_time_stamps_are_those_of_the_original_however_uneven(tmp_path: Path, codec: Codec) -> None:
    moments = [0.0, 33.3, 66.7, 100.0, 1500.0, 1504.0, 1600.0, 3600.5]
    target = VideoTarget(tmp_path / "made.mp4", codec, sound=False)
    read, times, sound = made_of(moments, target, tmp_path / "none")
    assert times == "kept"
    assert sound == LEFT_OUT
    assert read == pytest.approx(moments, abs=0.5)


def test_a_first_frame_that_is_late_becomes_the_beginning(tmp_path: Path) -> None:
    read, _, _ = made_of([500.0, 540.0, 700.0], VideoTarget(tmp_path / "a.mp4", sound=False), tmp_path / "none")
    assert read == pytest.approx([0.0, 40.0, 200.0], abs=0.5)


def test_a_file_that_is_not_as_expected_is_not_retimed(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", [grey(level) for level in range(5)])
    before = clip.read_bytes()
    with pytest.raises(NotRetimed, match="holds 5 frames"):
        retime(clip, [0.0, 1.0], 1.0)
    assert clip.read_bytes() == before
    broken = tmp_path / "broken.mp4"
    for content in (
        b"",
        before[:-9],
        struct.pack(">I4s", 3, b"moov"),
        before + struct.pack(">I4sQ", 1, b"free", 2**60),
    ):
        broken.write_bytes(content)
        with pytest.raises(NotRetimed):
            retime(broken, [0.0], 1.0)


def test_faces_are_covered_in_every_frame_of_their_path(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(10)]
    follower = Follower()
    box = BoundingBox(0.4, 0.4, 0.2, 0.2)
    for i in (2, 6):
        follower.update(40.0 * i, [Region(box, 0.9)])
    target = VideoTarget(tmp_path / "c.mp4", style="fill", sound=False)
    given = [Frame(i, 40.0 * i, pixels) for i, pixels in enumerate(pictures)]
    done = write_video(given, FACTS, tmp_path / "none", VideoLimits(), Places(follower.moves, 40.0), target)
    assert [frame.index for frame in done.with_faces] == [1, 2, 3, 4, 5, 6, 7]
    with open_video(target.path) as decoded:
        for frame in decoded.frames():
            middle = frame.pixels[44:52, 58:70].astype(int)
            assert (np.abs(middle - 127).max() < 40) == (1 <= frame.index <= 7), frame.index


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    there, part = tmp_path / "there.mp4", tmp_path / "part"
    there.write_bytes(b"mine")
    part.write_bytes(b"new")
    with pytest.raises(BadRequest, match="not overwritten"):
        put(part, there)
    with pytest.raises(BadRequest, match="not overwritten"):
        made_of([0.0], VideoTarget(there), tmp_path / "none")
    assert there.read_bytes() == b"mine"


def test_frames_that_change_their_size_leave_no_file(tmp_path: Path) -> None:
    given = [Frame(0, 0.0, grey(1)), Frame(1, 40.0, grey(1, 64, 64))]
    with pytest.raises(Exception, match="change their size"):
        write_video(given, FACTS, tmp_path, VideoLimits(), Places([], 0.0), VideoTarget(tmp_path / "x.mp4"))
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_the_report_says_that_sound_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_part, "ffmpeg", lambda: None)
    assert made_of([0.0, 40.0], VideoTarget(tmp_path / "n.mp4"), tmp_path / "none")[2] == NO_BINARY


def test_an_ffmpeg_that_fails_is_told_and_the_frames_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_part, "ffmpeg", lambda: "/bin/false")
    original = write(tmp_path / "o.mp4", [grey(1)])
    read, _, sound = made_of([0.0, 40.0], VideoTarget(tmp_path / "n.mp4"), original)
    assert sound == FAILED
    assert len(read) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.mp4", "o.mp4"]
