"""A video is decoded apart, within limits, and whatever is wrong with it is said by name."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.video.clips import grey, write

from countenance.errors import DamagedVideo, UnsupportedVideo, VideoTooLarge
from countenance.video import VideoLimits, open_video


def levels(path: Path, limits: VideoLimits = VideoLimits(), step_ms: float = 0.0) -> list[tuple[int, float, int]]:  # noqa: B008
    with open_video(path, limits, step_ms) as video:
        return [(f.index, round(f.timestamp_ms), round(float(f.pixels.mean()))) for f in video.frames()]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("video") / "a.mp4", (grey(20 * i) for i in range(10)))


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.mkv", "mp4v"), ("a.mov", "mp4v")])
def test_every_frame_comes_with_its_time(tmp_path: Path, name: str, codec: str) -> None:
    found = levels(write(tmp_path / name, (grey(20 * i) for i in range(10)), codec=codec))
    assert [index for index, _, _ in found] == list(range(10))
    assert [moment for _, moment, _ in found] == [100 * i for i in range(10)]
    assert np.abs([level - 20 * i for i, (_, _, level) in enumerate(found)]).max() < 9  # it is a lossy codec


def test_what_a_video_says_of_itself_is_told(clip: Path) -> None:
    with open_video(clip) as video:
        facts = video.facts
    assert (facts.container, facts.width, facts.height, facts.rate) == ("QuickTime / MOV", 128, 96, 10.0)
    assert facts.duration_ms == 1000


def test_frames_nearer_than_the_step_are_passed_over_and_still_counted(clip: Path) -> None:
    assert [(index, moment) for index, moment, _ in levels(clip, step_ms=300)] == [(0, 0), (3, 300), (6, 600), (9, 900)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a video at all, only text",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\xff\xd8\xff\xe0 a picture",
        b"RIFF\0\0\0\0AVI LIST",
    ],
)
def test_what_is_no_video_by_its_first_bytes_never_reaches_the_decoder(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a decoder was started"))
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UnsupportedVideo, match="send MP4, MOV"), open_video(tmp_path / "a.mp4"):
        pass


def test_a_container_without_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    with pytest.raises(UnsupportedVideo, match="cannot be opened"), open_video(tmp_path / "a.mp4"):
        pass


def test_a_video_that_was_cut_off_ends_without_a_word_or_by_name(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mkv", (grey(20 * i) for i in range(10))).read_bytes()
    for size in range(60, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "cut.mkv").write_bytes(whole[:size])
        with contextlib.suppress(DamagedVideo, UnsupportedVideo):
            assert len(levels(tmp_path / "cut.mkv")) <= 10


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (VideoLimits(max_bytes=100), "bytes, at most 100"),
        (VideoLimits(max_seconds=0.45), r"longer than 0\.45 seconds"),
        (VideoLimits(max_frames=4), "more than 4 frames"),
        (VideoLimits(max_pixels=1000), "a frame of the video is 128 x 96"),
    ],
)
def test_limits_hold_whatever_the_file_says(clip: Path, limits: VideoLimits, what: str) -> None:
    with pytest.raises(VideoTooLarge, match=what):
        levels(clip, limits)


def test_a_decoder_that_needs_too_much_memory_is_refused_by_name(clip: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no bound on memory there")
    with pytest.raises((DamagedVideo, UnsupportedVideo), match=r"ended before|cannot be opened|can be decoded"):
        levels(clip, VideoLimits(memory_bytes=50_000_000))


def test_a_decoder_that_hangs_is_killed(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def hanging(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = real([sys.executable, "-c", "import signal; signal.pause()"], **more)
        started.append(process)
        return process

    monkeypatch.setattr(subprocess, "Popen", hanging)
    with pytest.raises(DamagedVideo, match="was silent"), open_video(clip, VideoLimits(silent_s=0.2)):
        pass
    assert started[0].returncode is not None


def test_a_server_with_thousands_of_open_connections_still_reads_a_video(clip: Path) -> None:
    """`select.select` cannot wait for descriptors of 1,024 and more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this machine allows fewer than 1,200 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        assert len(levels(clip)) == 10
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_leaving_early_leaves_no_process_behind(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def kept(*given: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(real(*given, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", kept)
    with open_video(clip) as video:
        next(video.frames())
    assert started[0].returncode is not None
    assert not Path(f"/proc/{started[0].pid}").exists() or os.name != "posix"
