"""Sets the time stamps of an MP4 file to those of the original: OpenCV, which wrote it, has only a constant frame rate.

ISO/IEC 14496-12: `stts` holds the durations of samples; `mdhd`, `tkhd`, `mvhd` and `elst` the total duration.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")
_ALL = 2**32 - 1


class NotRetimed(Exception):
    """The file is not built as expected; it is left as it is."""


def retime(path: Path, moments: Sequence[float], last_ms: float) -> None:
    """Give the frames of the file at `path` the times `moments` (milliseconds, rising, from 0).

    last_ms: how long the last frame is shown. `NotRetimed` if the file has another number of frames, or more than one
    track.
    """
    boxes: dict[bytes, tuple[int, int]] = {}
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        at = 0
        while at + 8 <= end:
            file.seek(at)
            head = file.read(16)
            size, kind = struct.unpack_from(">I4s", head)
            if size == 1:
                (size,) = struct.unpack_from(">Q", head, 8)
            size = size or end - at
            if size < 8 or at + size > end:
                raise NotRetimed("a box of the file is larger than the file")
            boxes[kind] = (at, size)
            at += size
        if b"moov" not in boxes or boxes[b"moov"][0] + boxes[b"moov"][1] != end:
            raise NotRetimed("the index of the file does not stand at its end")
        start, size = boxes[b"moov"]
        file.seek(start)
        index = file.read(size)
        if index.count(b"trak") != 1 or b"ctts" in index:
            raise NotRetimed("the file has more than one track, or reordered frames")
        scale, movie_scale = _scale(index, b"mdhd"), _scale(index, b"mvhd")
        ticks = [round(moment * scale / 1000) for moment in (*moments, moments[-1] + last_ms)]
        spans = [max(1, after - before) for before, after in pairwise(ticks)]
        made = _with_times(index, spans, sum(spans), round(sum(spans) * movie_scale / scale))
        file.seek(start)
        file.write(made)
        file.truncate()


def _with_times(box: bytes, spans: Sequence[int], ticks: int, movie_ticks: int) -> bytes:
    kind, body = box[4:8], box[8:]
    if kind in _CONTAINERS:
        body = b"".join(_with_times(child, spans, ticks, movie_ticks) for child in _children(body))
    elif kind == b"stts":
        (entries,) = struct.unpack_from(">I", body, 4)
        held = sum(struct.unpack_from(">I", body, 8 + 8 * i)[0] for i in range(entries))
        if held != len(spans):
            raise NotRetimed(f"the file holds {held} frames, and {len(spans)} were written")
        runs = [(len(list(group)), span) for span, group in groupby(spans)]
        body = body[:4] + struct.pack(">I", len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)
    elif kind in (b"mdhd", b"mvhd", b"tkhd"):
        # version 0 has the duration after two times and a scale (tkhd: two times, id, reserved); version 1 is wider
        if body[0]:
            raise NotRetimed("the file is longer than 32 bits count")
        at = 20 if kind == b"tkhd" else 16
        length = ticks if kind == b"mdhd" else movie_ticks
        body = body[:at] + struct.pack(">I", min(length, _ALL)) + body[at + 4 :]
    elif kind == b"elst":
        (entries,) = struct.unpack_from(">I", body, 4)
        if body[0] or entries != 1:
            raise NotRetimed("the file has more than one edit")
        body = body[:8] + struct.pack(">I", min(movie_ticks, _ALL)) + body[12:]
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _children(body: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(body):
        (size,) = struct.unpack_from(">I", body, at)
        if size < 8 or at + size > len(body):
            raise NotRetimed("a box of the index is larger than its place")
        yield body[at : at + size]
        at += size


def _scale(index: bytes, kind: bytes) -> int:
    at = index.find(kind)
    if at < 0 or index[at + 4]:
        raise NotRetimed("the file does not say its time scale")
    (scale,) = struct.unpack_from(">I", index, at + 16)
    if not scale:
        raise NotRetimed("the file does not say its time scale")
    return int(scale)
