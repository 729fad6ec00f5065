"""Adds a video's sound to its covered frames with an ffmpeg binary, if this machine has one. ffmpeg reads the original,
so it runs with bounded memory, time and output, local files as its only protocol, and the container that the first
bytes show.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from countenance.video import VideoLimits

KEPT = "kept"
NONE = "none in the video"
NO_BINARY = "not kept: there is no ffmpeg on this machine"
LEFT_OUT = "left out, as asked"
FAILED = "not kept: ffmpeg could not read or write it"

_SECONDS = 3600.0
_CONTAINERS = {"QuickTime / MOV": "mov", "Matroska / WebM": "matroska"}
_LOCAL = ["-protocol_whitelist", "file"]
_LIST = ["-c", "copy", "-frames:v", "1", "-f", "framecrc", "-"]
_NOTHING_ELSE = ["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]
_COPIED = {"aac", "mp3", "opus", "ac3", "eac3", "alac"}
"""Codecs that players expect in MP4; other sound is encoded again."""


def ffmpeg() -> str | None:
    """The ffmpeg binary of this machine."""
    return shutil.which("ffmpeg")


def with_sound(covered: Path, original: Path, container: str, limits: VideoLimits, begins_ms: float = 0.0) -> str:
    """Add the sound of `original` to the MP4 file `covered`; returns what was done, in words. begins_ms: the time, from
    the start of the original's pictures, of the frame with which `covered` begins. Pictures that start after the sound
    do so in the covered file too.
    """
    binary = ffmpeg()
    if binary is None:
        return NO_BINARY
    made = covered.with_name(covered.name + ".sound")
    read = [*_LOCAL, "-f", _CONTAINERS[container], "-i", os.fspath(original.resolve())]
    room = covered.stat().st_size + min(original.stat().st_size, limits.max_bytes) + 2**24
    confined = [sys.executable, "-m", "countenance.redaction.confined", str(limits.memory_bytes), str(room)]
    confined += [binary, "-nostdin", "-v", "error", "-y"]
    try:
        streams = _run([*confined, *read, "-map", "0:v:0", "-map", "0:a?", "-frames:a", "1", *_LIST])
        first = _run([*confined, *read, "-map", "0:v:0", *_LIST])
        if streams is None or first is None:
            return FAILED
        codecs = set(re.findall(r"^#codec_id [1-9]\d*: (\w+)$", streams, re.MULTILINE))
        if not codecs:
            return NONE
        late = ["-itsoffset", f"{max(0.0, _late_s(first) + begins_ms / 1000):.6f}"]
        frames = [*late, *_LOCAL, "-f", "mov", "-i", os.fspath(covered.resolve())]
        for codec in ("copy", "aac") if codecs <= _COPIED else ("aac",):
            write = ["-map", "0:v:0", "-map", "1:a", "-c:v", "copy", "-c:a", codec, *_NOTHING_ELSE]
            if _run([*confined, *frames, *read, *write, "-f", "mp4", os.fspath(made.resolve())]) is None:
                continue
            if made.exists() and b"soun" in _index(made):
                made.replace(covered)
                return KEPT
    finally:
        made.unlink(missing_ok=True)
    return FAILED


def _run(command: list[str]) -> str | None:
    """The command's output; None if it fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603  # our interpreter, a binary of this machine, paths as arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _late_s(listed: str) -> float:
    """Seconds from the file's start to its first picture, from ffmpeg's list: `#tb 0: 1/1000`, `0, DTS, PTS, …`."""
    unit = re.search(r"^#tb 0: (\d+)/([1-9]\d*)$", listed, re.MULTILINE)
    packet = re.search(r"^0, *-?\d+, *(-?\d+),", listed, re.MULTILINE)
    return int(packet[1]) * int(unit[1]) / int(unit[2]) if unit and packet else 0.0


def _index(path: Path) -> bytes:
    """The file's last bytes, where ffmpeg writes the index."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**24))
        return file.read()
