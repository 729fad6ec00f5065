"""Cover the faces of a recorded video beyond recovery: all of them, or all but selected ones. The video is decoded
twice: first to find and follow faces, then to cover and write. So a face that is missed in one frame is covered there
where the frames before and after show it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from countenance.budgets import Spending
from countenance.errors import DamagedVideo
from countenance.faces import BoundingBox, EnrolledFace
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.redact import (
    SAME_FACE,
    EnrolledFinder,
    check_consented,
    embedded,
    how,
    spent,
)
from countenance.operations.search import Searching
from countenance.operations.video import VideoFile
from countenance.policy import Action
from countenance.redaction import (
    LEAST_SCORE,
    Applied,
    Follower,
    Move,
    Places,
    Region,
    VideoReport,
    VideoTarget,
    chosen,
    write_video,
)
from countenance.scoring import scored
from countenance.signing import JSON
from countenance.video import Frame, Observation, OpenVideo, Track, open_video

WORKERS = 2
"""Frames that are analysed at once."""

ONE_PERSON_FMR = 1e-3
"""A face on an uncovered person's path is covered all the same if its own template is this unlike the path's."""


@dataclass(frozen=True, slots=True, eq=False)
class RedactedVideo:
    """A video that was written with covered faces.

    expected_false_matches: as in `RedactedPicture`.
    """

    report: VideoReport
    expected_false_matches: float = 0.0
    matched: tuple[tuple[EnrolledFace, float], ...] = ()


@dataclass(eq=False)
class Followed:
    """The faces of a video on their paths. seen: templates by path and position in it. looked_at: frames, by index."""

    moves: list[Move]
    hold_ms: float
    looked_at: list[tuple[int, float]] = field(default_factory=list)
    seen: dict[int, dict[int, Observation]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RedactVideo(Operation[Followed, RedactedVideo]):
    """Write `video` to `target` with every face covered except those at `except_boxes` (the same in every frame).

    video.step_ms: the least time between two frames that are searched for faces; 0, for every frame, misses least.
    """

    video: VideoFile
    target: VideoTarget
    except_boxes: tuple[BoundingBox, ...] = ()
    least: float = LEAST_SCORE
    name: ClassVar[str] = "redact_video"
    recognises: ClassVar[bool] = False
    action: ClassVar[Action] = Action.REDACT

    def look(self, tools: Tools) -> Followed:
        """Decode, find, follow."""
        return followed(self.video, tools, self.least)

    def act(self, tools: Tools, permit: Permit, seen: Followed) -> RedactedVideo:
        """Decode again, cover and write."""
        for move in seen.moves:
            move.left = {place for place, r in enumerate(move.regions) if chosen(r.box, self.except_boxes)}
        applied = Applied(tools.engine.detector_version, self.least, self.target.style, self.except_boxes)
        return RedactedVideo(written_video(self.video, self.target, seen, applied))

    def private(self) -> Mapping[str, JSON]:
        """Which video, which boxes stay."""
        return {"video": self.video.digest, **how(self.target.style, self.least, self.except_boxes)}

    def counts(self, result: RedactedVideo) -> Mapping[str, JSON]:
        """How many covers in how many frames."""
        return video_covers(result.report)


@dataclass(frozen=True, slots=True)
class RedactVideoExceptEnrolled(Searching[Followed, RedactedVideo]):
    """Write `video` with every face covered except those like somebody in a gallery of people who consented to it."""

    gallery_id: str
    video: VideoFile
    target: VideoTarget
    similarity: float = 99.0
    least: float = LEAST_SCORE
    limit: int = 1
    name: ClassVar[str] = "redact_video_except_enrolled"

    def look(self, tools: Tools) -> Followed:
        """Decode, find, follow, make templates."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        return followed(self.video, tools, self.least, templates=True)

    def act(self, tools: Tools, permit: Permit, seen: Followed) -> RedactedVideo:
        """Search for each person; cover those who resemble nobody. `Denied` unless the mandate states consent."""
        check_consented(permit)
        finder = EnrolledFinder(tools, self.gallery_id, self.similarity)
        floor = float(tools.calibration.score_at_fmr(ONE_PERSON_FMR))
        matched = []
        for number, track in _tracks(seen):
            match = finder.find(track.template)
            if match is None:
                continue
            matched.append(match)
            seen.moves[number].left = {
                place for place, observation in seen.seen[number].items() if _score(tools, observation, track) >= floor
            }
        applied = Applied(
            tools.engine.detector_version, self.least, self.target.style, (), self.gallery_id, self.similarity
        )
        report = written_video(self.video, self.target, seen, applied)
        return RedactedVideo(report, len(seen.seen) * finder.expected, tuple(matched))

    def charge_after(self, tools: Tools, seen: Followed, result: RedactedVideo) -> Spending | None:
        """One comparison with the gallery for each person."""
        return spent([track.template for _, track in _tracks(seen)], result.matched)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which video."""
        return {"gallery": self.gallery_id, "video": self.video.digest, **how(self.target.style, self.least)}

    def counts(self, result: RedactedVideo) -> Mapping[str, JSON]:
        """How many covers in how many frames, and how many people to expect uncovered by chance."""
        return {**video_covers(result.report), "expected_false_matches": result.expected_false_matches}

    def private_result(self, result: RedactedVideo) -> Mapping[str, JSON]:
        """Whose faces were left."""
        return {"left": [[face.face_id, similarity, face.external_id] for face, similarity in result.matched]}


def followed(video: VideoFile, tools: Tools, least: float, *, templates: bool = False) -> Followed:
    """The faces of `video` on their paths; `VideoError` if it cannot be read."""
    follower = Follower(video.step_ms)
    result = Followed(follower.moves, follower.hold_ms)
    number: dict[int, int] = {}
    with open_video(video.path, video.limits, video.step_ms) as decoded:
        for frame, regions in _looked_at(video.progress(decoded.frames(), decoded.facts), tools, least):
            moves = follower.update(frame.timestamp_ms, regions)
            result.looked_at.append((frame.index, frame.timestamp_ms))
            for place in range(len(number), len(follower.moves)):
                number[id(follower.moves[place])] = place
            if templates and regions:
                _add_templates(result, tools, frame, regions, [number[id(move)] for move in moves])
    return result


def written_video(video: VideoFile, target: VideoTarget, followed_faces: Followed, applied: Applied) -> VideoReport:
    """Decode `video` again and write it; `DamagedVideo` if it differs from the first time."""
    with open_video(video.path, video.limits) as decoded:
        facts = decoded.facts
        frames = video.progress(_same(decoded, dict(followed_faces.looked_at)), facts)
        film = write_video(
            frames, facts, video.path, video.limits, Places(followed_faces.moves, followed_faces.hold_ms), target
        )
    return VideoReport(
        video.digest,
        target.codec,
        film.width,
        film.height,
        applied,
        film.frames,
        len(followed_faces.looked_at),
        film.with_faces,
        film.sound,
        film.times,
    )


def video_covers(report: VideoReport) -> Mapping[str, JSON]:
    """Counts for the result entry."""
    return {
        "frames": report.frames,
        "frames_with_faces": len(report.with_faces),
        "covered": report.count(True) + report.count(False),
        "to_look_at": report.count(False),
        "left": sum(len(frame.left) for frame in report.with_faces),
    }


def _looked_at(frames: Iterable[Frame], tools: Tools, least: float) -> Iterator[tuple[Frame, list[Region]]]:
    """Each frame with the places that may show a face, in order; a few frames are analysed at once."""

    def look(frame: Frame) -> list[Region]:
        return [Region(each.box, each.score) for each in tools.engine.spot(frame.pixels, least, thorough=False)]

    waiting: deque[tuple[Frame, Future[list[Region]]]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="redaction") as pool:
        try:
            for frame in frames:
                waiting.append((frame, pool.submit(look, frame)))
                if len(waiting) > 2 * WORKERS:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _same(decoded: OpenVideo, before: Mapping[int, float]) -> Iterator[Frame]:
    """The frames, checked to contain those of the first time at their times."""
    left = dict(before)
    for frame in decoded.frames():
        if left.pop(frame.index, frame.timestamp_ms) != frame.timestamp_ms:
            break
        yield frame
    if left:
        raise DamagedVideo("the video gave other frames when it was read again; it may have been changed meanwhile")


def _add_templates(
    followed_faces: Followed, tools: Tools, frame: Frame, regions: Sequence[Region], numbers: Sequence[int]
) -> None:
    for face, template in embedded(tools, frame.pixels):
        shared = [face.box.overlap(region.box) for region in regions]
        at = int(np.argmax(shared))
        if shared[at] >= SAME_FACE:
            place = len(followed_faces.moves[numbers[at]].moments) - 1
            observation = Observation(frame.timestamp_ms, face, template)
            followed_faces.seen.setdefault(numbers[at], {})[place] = observation


def _tracks(followed_faces: Followed) -> list[tuple[int, Track]]:
    tracks = []
    for number, observations in followed_faces.seen.items():
        track = Track(number)
        for observation in observations.values():
            track.add(observation)
        tracks.append((number, track))
    return tracks


def _score(tools: Tools, observation: Observation, track: Track) -> float:
    return float(scored(tools.normaliser, [observation.template], [track.template])[0, 0])
