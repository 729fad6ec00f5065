"""The sound of a video, put beside its covered frames by an ffmpeg binary, where this machine has one.

ffmpeg reads the original, so it runs with bounded memory, time and output, local files as its only protocol, and the
container that the first bytes name.
"""

from __future__ import annotations

import os
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


def ffmpeg() -> str | None:
    """The ffmpeg binary of this machine."""
    return shutil.which("ffmpeg")


def with_sound(covered: Path, original: Path, container: str, limits: VideoLimits) -> str:
    """Add the sound of `original` to the MP4 file `covered`; what became of it, in words."""
    binary = ffmpeg()
    if binary is None:
        return NO_BINARY
    made = covered.with_name(covered.name + ".sound")
    try:
        for codec in ("copy", "aac"):  # what MP4 does not hold is encoded anew
            if _run(binary, covered, original, container, codec, made, limits):
                if b"soun" not in _index(made):
                    return NONE
                made.replace(covered)
                return KEPT
    finally:
        made.unlink(missing_ok=True)
    return FAILED


def _run(
    binary: str, covered: Path, original: Path, container: str, codec: str, made: Path, limits: VideoLimits
) -> bool:
    command = [binary, "-nostdin", "-v", "error", "-y"]
    command += ["-protocol_whitelist", "file", "-f", "mov", "-i", os.fspath(covered.resolve())]
    command += ["-protocol_whitelist", "file", "-f", _CONTAINERS[container], "-i", os.fspath(original.resolve())]
    command += ["-map", "0:v:0", "-map", "1:a?", "-c:v", "copy", "-c:a", codec]
    command += ["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1"]
    command += ["-fflags", "+bitexact", "-f", "mp4", os.fspath(made.resolve())]
    room = covered.stat().st_size + min(original.stat().st_size, limits.max_bytes) + 2**24
    confined = [sys.executable, "-m", "countenance.redaction.confined", str(limits.memory_bytes), str(room), *command]
    try:
        done = subprocess.run(  # noqa: S603  # our interpreter, a binary of this machine, paths as arguments
            confined,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and made.exists()


def _index(path: Path) -> bytes:
    """The last of the file, where ffmpeg writes the index."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**24))
        return file.read()
