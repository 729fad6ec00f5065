"""Faces of a recorded video: when each is seen, whose it is, and who in a gallery resembles that person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from countenance.budgets import Spending
from countenance.faces import Candidate
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.operations.search import Searching, leads
from countenance.policy import Action
from countenance.scoring import expected_false_matches, least_coarse
from countenance.scoring.coarse import EXACT_FROM
from countenance.signing import JSON
from countenance.video import FaceAt, Frame, Track, Tracker, VideoFacts, VideoLimits, open_video, watch

STEP_MS = 200.0
"""Time between two analysed frames: five a second."""
SAME_FMR, OTHER_FMR = 1e-5, 1e-4
"""A face is a person who was out of the frame from the score at the first false match rate, and one whom its box
overlaps from the second's: after a cut a stranger stands where somebody stood (docs/video.md has what was measured)."""

Progress = Callable[[Iterable[Frame], VideoFacts], Iterable[Frame]]
"""Passes frames on and shows progress."""


def _unshown(frames: Iterable[Frame], facts: VideoFacts) -> Iterable[Frame]:
    return frames


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A recorded video in a file on this machine, and how to read it."""

    path: Path
    step_ms: float = STEP_MS
    limits: VideoLimits = field(default_factory=VideoLimits)
    progress: Progress = _unshown

    @property
    def digest(self) -> str:
        """sha256 of the file's bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class PeopleSeen:
    """The people in a video. faces: in order of time. tracks: one per person, by index. frames: how many were read."""

    facts: VideoFacts
    faces: tuple[FaceAt, ...]
    tracks: tuple[Track, ...]
    frames: int
    version: str


@dataclass(frozen=True, slots=True)
class DetectInVideo(Operation[PeopleSeen, PeopleSeen]):
    """Find the faces of a video and follow people through it; nothing is stored."""

    video: VideoFile
    name: ClassVar[str] = "detect_in_video"
    action: ClassVar[Action] = Action.DETECT

    def look(self, tools: Tools) -> PeopleSeen:
        """Decode, detect, follow."""
        return people_in(self.video, tools)

    def act(self, tools: Tools, permit: Permit, seen: PeopleSeen) -> PeopleSeen:
        """Nothing is stored."""
        return seen

    def private(self) -> Mapping[str, JSON]:
        """Which video."""
        return {"video": self.video.digest}

    def counts(self, result: PeopleSeen) -> Mapping[str, JSON]:
        """How many faces, of how many people, in how many frames."""
        return {"faces": len(result.faces), "people": len(result.tracks), "frames": result.frames}


@dataclass(frozen=True, slots=True, eq=False)
class PersonFound:
    """One person of a video. candidates: most similar first; empty if no frame was good enough to search with.

    unsearched: why the person was not searched for; empty if they were.
    """

    track: Track
    candidates: tuple[Candidate, ...]
    unsearched: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VideoSearchAnswer:
    """People of a video with their candidates.

    expected_false_matches: how many enrolled faces of other people to expect, summed over all people searched for.
    """

    seen: PeopleSeen
    people: tuple[PersonFound, ...]
    gallery_size: int
    expected_false_matches: float


@dataclass(frozen=True, slots=True)
class SearchInVideo(Searching[PeopleSeen, VideoSearchAnswer]):
    """Search a gallery once for each person of a video, with a template of the person's best frames.

    quality: the least quality of a person's best frame.
    """

    gallery_id: str
    video: VideoFile
    limit: int = 80
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "search_in_video"

    def look(self, tools: Tools) -> PeopleSeen:
        """Decode, detect, follow."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        return people_in(self.video, tools)

    def act(self, tools: Tools, permit: Permit, seen: PeopleSeen) -> VideoSearchAnswer:
        """Search for each person whose best frame is good enough."""
        calibration = tools.calibration
        least = calibration.score(least_coarse(self.similarity))
        people, size = [], tools.gallery.size(self.gallery_id)
        for track in seen.tracks:
            best = (track.best.face,)
            reasons = reasons_against(best[0], self.quality)
            if not reasons:
                (reasons,) = reasons_against_templates(best, (track.template,), tools.normaliser, self.quality)
            if reasons:
                people.append(PersonFound(track, (), reasons))
                continue
            matches = tools.gallery.search(self.gallery_id, track.template, limit=self.limit + 1, min_score=least)
            size = matches.gallery_size
            people.append(PersonFound(track, leads(matches, calibration, self.similarity, self.limit), ()))
        searched = sum(not each.unsearched for each in people)
        expected = searched * expected_false_matches(calibration.fmr(least), size)
        return VideoSearchAnswer(seen, tuple(people), size, expected)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which video."""
        return {"gallery": self.gallery_id, "video": self.video.digest}

    def charge_after(self, tools: Tools, seen: PeopleSeen, result: VideoSearchAnswer) -> Spending | None:
        """One comparison with the gallery for each person searched for, and one with each face answered exactly."""
        searched = [each for each in result.people if not each.unsearched]
        if not searched:
            return None
        faces = (c.face.face_id for each in searched for c in each.candidates if c.similarity >= EXACT_FROM)
        probes = np.stack([each.track.template.vector for each in searched])
        return Spending(len(searched), probes, tuple(("face", face_id) for face_id in faces))

    def counts(self, result: VideoSearchAnswer) -> Mapping[str, JSON]:
        """The number of people, of people with candidates, and of candidates to expect by chance."""
        return {
            "people": len(result.people),
            "searched": sum(not each.unsearched for each in result.people),
            "candidates": sum(len(each.candidates) for each in result.people),
            "gallery_size": result.gallery_size,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: VideoSearchAnswer) -> Mapping[str, JSON]:
        """Which candidates for which person of the video."""
        return {
            "people": [
                [person.track.index, [[c.face.face_id, c.similarity, c.face.external_id] for c in person.candidates]]
                for person in result.people
            ]
        }


def people_in(video: VideoFile, tools: Tools) -> PeopleSeen:
    """The people in `video` and when each is seen; `VideoError` if it cannot be read."""
    normaliser, calibration, engine = tools.normaliser, tools.calibration, tools.engine
    tracker = Tracker(
        lambda probes, enrolled: normaliser.probe_side(probes) @ normaliser.gallery_side(enrolled).T,
        same_from=float(calibration.score_at_fmr(SAME_FMR)),
        other_below=float(calibration.score_at_fmr(OTHER_FMR)),
    )
    faces: list[FaceAt] = []
    frames = 0
    with open_video(video.path, video.limits, video.step_ms) as decoded:
        for frame in watch(engine, video.progress(decoded.frames(), decoded.facts), tracker, workers=2):
            faces += frame.faces
            frames += 1
        facts = decoded.facts
    return PeopleSeen(facts, tuple(faces), tuple(tracker.tracks), frames, engine.version)


def matches_by_time(answer: VideoSearchAnswer) -> Iterator[tuple[FaceAt, tuple[Candidate, ...]]]:
    """The faces of the video in order of time, each with the candidates for its person."""
    by_person = {person.track.index: person.candidates for person in answer.people}
    for face in answer.seen.faces:
        yield face, by_person[face.person]
