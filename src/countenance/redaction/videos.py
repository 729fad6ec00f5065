"""A video's frames, covered and written as MP4 with the encoders that OpenCV's FFmpeg has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2

from countenance.errors import BadRequest, DamagedVideo
from countenance.redaction.covering import Style, cover
from countenance.redaction.mp4 import NotRetimed, retime
from countenance.redaction.paths import Places
from countenance.redaction.report import FrameRegions
from countenance.redaction.sound import LEFT_OUT, with_sound
from countenance.video import Frame, VideoFacts, VideoLimits

Codec = Literal["mpeg4", "vp9"]
CODECS: dict[Codec, str] = {"mpeg4": "mp4v", "vp9": "vp09"}
"""Codecs that can be written, with their four letters in MP4.

vp9 plays in browsers and takes about thirty times as long.
"""

TIMES_KEPT = "kept"
TIMES_LOST = "not kept: frames follow each other at one rate"
_RATE = 25.0
_LAST_MS = 40.0


@dataclass(frozen=True, slots=True)
class VideoTarget:
    """Where and how a covered video is written. path: must not exist yet. sound: whether to keep it."""

    path: Path
    codec: Codec = "mpeg4"
    style: Style = "blur"
    sound: bool = True


@dataclass(frozen=True, slots=True)
class VideoWritten:
    """frames: how many. with_faces: how many of them have faces. sound, times: what was done with them."""

    frames: int
    width: int
    height: int
    with_faces: tuple[FrameRegions, ...]
    sound: str
    times: str


def write_video(
    frames: Iterable[Frame],
    facts: VideoFacts,
    original: Path,
    limits: VideoLimits,
    places: Places,
    target: VideoTarget,
) -> VideoWritten:
    """Write `frames` with the faces at `places` covered.

    facts, original: of the video to which the frames belong. The file gets its name when it is complete. `BadRequest`
    if the target exists.
    """
    if target.path.exists():
        raise BadRequest(f"{target.path.name} exists and is not overwritten")
    handle, scratch = tempfile.mkstemp(dir=target.path.parent, prefix=f".{target.path.stem}.", suffix=".mp4")
    os.close(handle)
    part = Path(scratch)
    try:
        moments, with_faces, size = _write(frames, part, places, target)
        times = TIMES_KEPT
        try:
            retime(part, [moment - moments[0] for moment in moments], _last_ms(moments))
        except NotRetimed as why:
            times = f"{TIMES_LOST}: {why}"
        sound = LEFT_OUT
        if target.sound:
            sound = with_sound(part, original, facts.container, limits, moments[0])
        put(part, target.path)
        return VideoWritten(len(moments), *size, tuple(with_faces), sound, times)
    finally:
        part.unlink(missing_ok=True)


def put(part: Path, path: Path) -> None:
    """Give the file `part` the name `path` too; `BadRequest` if there is a file with that name."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise BadRequest(f"{path.name} exists and is not overwritten") from None
    except OSError:  # the file system has no links
        if path.exists():
            raise BadRequest(f"{path.name} exists and is not overwritten") from None
        part.replace(path)


def _write(
    frames: Iterable[Frame], part: Path, places: Places, target: VideoTarget
) -> tuple[list[float], list[FrameRegions], tuple[int, int]]:
    moments: list[float] = []
    with_faces: list[FrameRegions] = []
    writer: cv2.VideoWriter | None = None
    size = (0, 0)
    try:
        for frame in frames:
            covered, left = places.at(frame.timestamp_ms)
            height, width = frame.pixels.shape[:2]
            if writer is None:
                size = width, height
                writer = cv2.VideoWriter(
                    os.fspath(part), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*CODECS[target.codec]), _RATE, size
                )
                if not writer.isOpened():
                    raise BadRequest(f"this build of OpenCV does not write {target.codec} of {width} x {height} pixels")
            if (width, height) != size:
                raise DamagedVideo("the frames of the video change their size, which is not written")
            writer.write(cover(frame.pixels, [region.box for region in covered], target.style))
            moments.append(frame.timestamp_ms)
            if covered or left:
                with_faces.append(FrameRegions(frame.index, frame.timestamp_ms, covered, left))
    finally:
        if writer is not None:
            writer.release()
    return moments, with_faces, size


def _last_ms(moments: Sequence[float]) -> float:
    return (moments[-1] - moments[0]) / (len(moments) - 1) if len(moments) > 1 else _LAST_MS
