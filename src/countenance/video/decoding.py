"""A video as frames with their times, decoded in a separate process with limits on time and memory."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from countenance.errors import DamagedVideo, UnsupportedVideo, VideoTooLarge
from countenance.faces import Pixels
from countenance.video.decoder import FFMPEG_OPTIONS, HEADER
from countenance.video.limits import VideoLimits

Container = Literal["QuickTime / MOV", "Matroska / WebM"]
_CODECS = {"avc1": "h264", "h264": "h264", "hev1": "hevc", "hvc1": "hevc", "hevc": "hevc", "VP90": "vp9", "vp09": "vp9"}
_LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Facts about a video file. codec: FFmpeg's name for it. duration_ms, rate (frames a second): 0 if unknown; as the
    file declares them until its last frame is read, then as measured. width, height: of a displayed frame, in pixels.
    """

    container: Container
    codec: str
    duration_ms: int
    rate: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame. index: from 0, skipped frames included. pixels: uint8 (h, w, 3), B, G, R."""

    index: int
    timestamp_ms: float
    pixels: Pixels


class OpenVideo:
    """A video with its decoder running. `frames` can be read once; `facts` are measured when all have been read."""

    def __init__(self, facts: VideoFacts, pipe: _Pipe, limits: VideoLimits) -> None:
        self.facts = facts
        self._pipe = pipe
        self._limits = limits

    def frames(self) -> Iterator[Frame]:
        """The frames in order. `VideoTooLarge` above a limit, `DamagedVideo` if the decoder fails or hangs."""
        limits = self._limits
        last = -1.0
        while True:
            index, moment, width, height = HEADER.unpack(self._pipe.exactly(HEADER.size))
            if index > limits.max_frames:
                raise VideoTooLarge(f"the video has more than {limits.max_frames} frames")
            if not width:
                if last < 0:
                    raise DamagedVideo("no frame of the video can be decoded")
                self.facts = _measured(self.facts, index, moment, limits)
                return
            if not math.isfinite(moment) or moment > 1000 * limits.max_seconds:
                raise VideoTooLarge(f"the video is longer than {limits.max_seconds:g} seconds")
            pixels = np.frombuffer(self._pipe.exactly(width * height * 3), np.uint8).reshape(height, width, 3)
            last = max(moment, last)
            yield Frame(index, last, pixels)


@contextmanager
def open_video(path: Path, limits: VideoLimits = VideoLimits(), step_ms: float = 0.0) -> Iterator[OpenVideo]:  # noqa: B008  # frozen
    """The video at `path` with its decoder running; the end of the block stops the decoder.

    step_ms: the least time between two frames; 0 for every frame. `UnsupportedVideo` if the first bytes are not those
    of MP4, MOV, Matroska or WebM, or the codec is unknown here; `VideoTooLarge`, `DamagedVideo`.
    """
    container = _container(path, limits)
    command = [sys.executable, "-m", "countenance.video.decoder", os.fspath(path.resolve())]
    command += [repr(float(step_ms)), str(limits.max_pixels), str(limits.memory_bytes)]
    environment = {  # no variables of this process: what parses a stranger's file must not see secrets
        "PATH": os.defpath,
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": FFMPEG_OPTIONS,
        "OPENCV_LOG_LEVEL": "SILENT",
    }
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module; the path is an argument, not a command
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        assert process.stdout is not None
        pipe = _Pipe(process.stdout.fileno(), limits.silent_s)
        yield OpenVideo(_facts(container, pipe.line()), pipe, limits)
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def _container(path: Path, limits: VideoLimits) -> Container:
    """The container, by the first bytes. FFmpeg never gets playlists or other formats that refer to further files."""
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise VideoTooLarge(f"the video has {size} bytes, at most {limits.max_bytes} are read")
    with path.open("rb") as file:
        container = container_of(file.read(12))
    if container is None:
        raise UnsupportedVideo("this is no video that is read here; send MP4, MOV, Matroska (MKV) or WebM")
    return container


def container_of(begins: bytes) -> Container | None:
    """The container of a file by its first 12 bytes. HEIC and AVIF pictures begin like MP4: check for those first."""
    if begins[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "QuickTime / MOV"
    return "Matroska / WebM" if begins.startswith(b"\x1a\x45\xdf\xa3") else None


def _facts(container: Container, line: bytes) -> VideoFacts:
    declared = json.loads(line)
    if declared.get("error") == "too large":
        raise VideoTooLarge(f"a frame of the video is {declared['width']} x {declared['height']} pixels")
    if "error" in declared:
        raise UnsupportedVideo("the video cannot be opened: it is damaged, or its codec is not known here")
    rate = declared["rate"] if math.isfinite(declared["rate"]) and 0 < declared["rate"] <= 1000 else 0.0
    frames = max(0, declared["frames"])
    codec = _CODECS.get(declared["codec"], declared["codec"].strip("\0 ").lower())
    return VideoFacts(
        container, codec, round(1000 * frames / rate) if rate else 0, rate, declared["width"], declared["height"]
    )


def _measured(facts: VideoFacts, frames: int, last_ms: float, limits: VideoLimits) -> VideoFacts:
    """`facts` with the duration and rate of `frames` frames, the last of which begins at `last_ms`."""
    if frames < 2 or not 0 < last_ms <= 1000 * limits.max_seconds:
        return facts
    return replace(facts, duration_ms=round(last_ms * frames / (frames - 1)), rate=1000 * (frames - 1) / last_ms)


class _Pipe:
    """Reads the decoder's output, with a limit on each wait."""

    def __init__(self, descriptor: int, silent_s: float) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()  # `select.select` refuses descriptors of 1,024 and more
        self._poll.register(descriptor, select.POLLIN)
        self._silent_s = silent_s
        self._ahead = b""

    def line(self) -> bytes:
        """Up to the first line feed."""
        while b"\n" not in self._ahead:
            self._ahead += self._more(_LONGEST_LINE)
            if len(self._ahead) > 2 * _LONGEST_LINE:
                raise DamagedVideo("the decoder does not answer as it should")
        line, _, self._ahead = self._ahead.partition(b"\n")
        return line

    def exactly(self, size: int) -> bytearray:
        """The next `size` bytes."""
        taken = bytearray(self._ahead[:size])
        self._ahead = self._ahead[size:]
        until = time.monotonic() + self._silent_s
        while len(taken) < size:
            if time.monotonic() > until:
                raise DamagedVideo(f"the decoder gave no whole frame for {self._silent_s:g} seconds and was ended")
            taken += self._more(min(size - len(taken), 1 << 20))
        return taken

    def _more(self, most: int) -> bytes:
        if not self._poll.poll(1000 * self._silent_s):
            raise DamagedVideo(f"the decoder was silent for {self._silent_s:g} seconds and was ended")
        chunk = os.read(self._descriptor, most)
        if not chunk:
            raise DamagedVideo("the decoder ended before the video did: it is damaged, or needs too much memory")
        return chunk
