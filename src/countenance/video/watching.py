"""All faces of a video: decode, detect, make templates, follow people."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from countenance.engine import Picture
from countenance.faces import DetectedFace, Pixels, Template
from countenance.video.decoding import Frame
from countenance.video.tracking import Observation, Track, Tracker


class FrameEngine(Protocol):
    """The part of an engine that is used here; called from several threads at once."""

    def look_at(self, pixels: Pixels) -> Picture:
        """The faces in `pixels`, uint8 (h, w, 3), B, G, R; largest first."""

    def embed(self, picture: Picture, faces: tuple[DetectedFace, ...]) -> list[Template]:
        """One template for each of `faces`, in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceAt:
    """One face in one frame. person: the index of its person in this video."""

    timestamp_ms: int
    face: DetectedFace
    person: int


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """The faces of one frame, largest first."""

    index: int
    timestamp_ms: int
    faces: tuple[FaceAt, ...]
    tracks: tuple[Track, ...]


def watch(engine: FrameEngine, frames: Iterable[Frame], tracker: Tracker, workers: int) -> Iterator[Watched]:
    """The faces of each frame, in order; people keep their index in `tracker`.

    workers: frames that are analysed at once. `frames` is read a few ahead. Stopping early leaves nothing running.
    """
    for frame, seen in _looked_at(engine, frames, workers):
        tracks = tuple(tracker.update(seen))
        moment = round(frame.timestamp_ms)
        faces = (FaceAt(moment, each.face, track.index) for each, track in zip(seen, tracks, strict=True))
        yield Watched(frame.index, moment, tuple(faces), tracks)


def _looked_at(engine: FrameEngine, frames: Iterable[Frame], workers: int) -> Iterator[tuple[Frame, list[Observation]]]:
    def look(frame: Frame) -> list[Observation]:
        picture = engine.look_at(frame.pixels)
        templates = engine.embed(picture, picture.faces)
        return [Observation(frame.timestamp_ms, *each) for each in zip(picture.faces, templates, strict=True)]

    waiting: deque[tuple[Frame, Future[list[Observation]]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="video") as pool:
        try:
            for frame in frames:
                waiting.append((frame, pool.submit(look, frame)))
                if len(waiting) > 2 * workers:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
