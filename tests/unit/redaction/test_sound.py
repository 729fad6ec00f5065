"""The sound of a covered video: by a real ffmpeg where this machine has one, and always by a stand-in for it.

The stand-in is a script that notes how it is called and answers in ffmpeg's words. It shows what ffmpeg is asked for
and what is made of its answers, not that ffmpeg does it; tests that need a real one skip and say so without one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from tests.unit.redaction.test_redacted_files import FACTS, SECRET, made_of
from tests.unit.video.clips import grey, write

from countenance.redaction import VideoTarget
from countenance.redaction import sound as sound_part
from countenance.redaction.sound import FAILED, KEPT, NONE, with_sound
from countenance.video import VideoLimits

FFMPEG = shutil.which("ffmpeg")
real = pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg on this machine")

LISTED = """#tb 0: 1/1000
#media_type 0: video
#codec_id 0: h264
#tb 1: 1/48000
#codec_id 1: {codec}
0,        500,        700,      100,      725, 0x97fbfc2e
"""


class StandIn:
    """A script in ffmpeg's place. calls: the arguments of each call so far."""

    def __init__(self, folder: Path, listed: str, writes: str) -> None:
        self._log = folder / "calls"
        self.path = folder / "ffmpeg"
        (folder / "listed").write_text(listed)
        self.path.write_text(
            f"""#!/bin/sh
printf '%s\\n' "$@" END >> {self._log}
for last; do :; done
if [ "$last" = "-" ]; then cat {folder / "listed"}; exit 0; fi
{writes}
"""
        )
        self.path.chmod(0o700)

    @property
    def calls(self) -> list[list[str]]:
        return [call.splitlines() for call in self._log.read_text().split("END\n")[:-1]]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A covered file and its original."""
    covered, original = tmp_path / "covered.mp4", tmp_path / "original.mkv"
    covered.write_bytes(b"frames")
    original.write_bytes(b"a video of a stranger")
    return covered, original


def asked(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, listed: str, writes: str
) -> tuple[str, list[list[str]]]:
    folder = files[0].parent / "stand-in"
    folder.mkdir()
    made = StandIn(folder, listed, writes)
    monkeypatch.setattr(sound_part, "ffmpeg", lambda: str(made.path))
    said = with_sound(*files, "Matroska / WebM", VideoLimits(), 40.0)
    assert sorted(each.name for each in files[0].parent.iterdir()) == ["covered.mp4", "original.mkv", "stand-in"]
    return said, made.calls


GOOD = """printf 'with soun' > "$last\""""


def test_ffmpeg_reads_local_files_of_the_named_kind_and_writes_streams_alone(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, calls = asked(files, monkeypatch, LISTED.format(codec="aac"), GOOD)
    assert (said, files[0].read_bytes(), len(calls)) == (KEPT, b"with soun", 3)
    for call in calls:
        inputs = [place for place, each in enumerate(call) if each == "-i"]
        assert inputs
        for place in inputs:
            kind = "mov" if call[place + 1] == str(files[0]) else "matroska"
            assert call[place - 4 : place] == ["-protocol_whitelist", "file", "-f", kind]
        assert "-nostdin" in call
    written = " ".join(calls[-1])
    assert "-itsoffset 0.740000 -protocol_whitelist file -f mov" in written, "the pictures begin as late as they did"
    assert "-map 0:v:0 -map 1:a -c:v copy -c:a copy -map_metadata -1 -map_metadata:s -1 -map_chapters -1" in written


@pytest.mark.parametrize(
    ("codec", "writes", "tried"),
    [
        ("vorbis", GOOD, ["aac"]),  # players do not expect it in MP4
        ("opus", "case \"$*\" in *'-c:a copy'*) exit 1;; esac; " + GOOD, ["copy", "aac"]),
    ],
)
def test_sound_that_does_not_go_into_mp4_is_encoded_anew(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, codec: str, writes: str, tried: list[str]
) -> None:
    said, calls = asked(files, monkeypatch, LISTED.format(codec=codec), writes)
    assert said == KEPT
    assert [call[call.index("-c:a") + 1] for call in calls if "-c:a" in call] == tried


def test_a_silent_video_is_said_to_be_silent(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    said, calls = asked(files, monkeypatch, "#tb 0: 1/1000\n#codec_id 0: h264\n0, 0, 0, 1, 1, 0x0\n", "exit 1")
    assert (said, len(calls), files[0].read_bytes()) == (NONE, 2, b"frames")


@pytest.mark.parametrize(
    "writes",
    [
        "exit 1",
        "printf 'frames only' > \"$last\"",
        'head -c 40000000 /dev/zero > "$last" && printf soun >> "$last"',  # more than there is room for
    ],
)
def test_where_it_fails_the_frames_stay_as_they_were(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, writes: str
) -> None:
    said, _ = asked(files, monkeypatch, LISTED.format(codec="aac"), writes)
    assert (said, files[0].read_bytes()) == (FAILED, b"frames")


def starts(path: Path) -> list[float]:
    """Seconds from the file's start to its first picture and to its first sound."""
    found = []
    for stream in ("0:v:0", "0:a:0"):
        command = [str(FFMPEG), "-v", "error", "-i", str(path), "-map", stream, "-c", "copy", "-frames", "1"]
        said = subprocess.run([*command, "-f", "framecrc", "-"], check=True, capture_output=True, text=True).stdout
        unit, packet = re.search(r"#tb 0: (\d+)/(\d+)", said), re.search(r"^0, *-?\d+, *(-?\d+)", said, re.MULTILINE)
        assert unit
        assert packet
        found.append(int(packet[1]) * int(unit[1]) / int(unit[2]))
    return found


@real
@pytest.mark.parametrize(("name", "codec"), [("o.mp4", "aac"), ("o.mkv", "flac"), ("o.mkv", "aac")])
@pytest.mark.parametrize("late", [0.0, 0.7])
def test_sound_is_kept_beside_the_frames_at_their_times(tmp_path: Path, name: str, codec: str, late: float) -> None:
    silent, original = write(tmp_path / "s.mp4", [grey(i) for i in range(20)]), tmp_path / name
    command = [str(FFMPEG), "-v", "error", "-itsoffset", str(late), "-i", str(silent)]
    command += ["-f", "lavfi", "-i", "sine=frequency=440", "-t", "2", "-metadata", f"title={SECRET.decode()}"]
    subprocess.run([*command, "-c:v", "copy", "-c:a", codec, str(original)], check=True)
    moments = [0.0, 100.0, 250.0, 1000.0]
    facts = replace(FACTS, container="QuickTime / MOV" if name.endswith("mp4") else "Matroska / WebM")
    read, times, sound = made_of(moments, VideoTarget(tmp_path / "n.mp4"), original, facts)
    assert (times, sound) == ("kept", "kept")
    assert read == pytest.approx(moments, abs=1.0)
    pictures, heard = starts(tmp_path / "n.mp4")
    assert pictures - heard == pytest.approx(late, abs=0.05)
    content = (tmp_path / "n.mp4").read_bytes()
    assert b"soun" in content
    assert SECRET not in content
    assert cv2.VideoCapture(str(tmp_path / "n.mp4")).isOpened()
