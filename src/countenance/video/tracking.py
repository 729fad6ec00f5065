"""Groups the detections of a video by person: by overlap from frame to frame, by templates across gaps.

Two faces of one frame are never one person. A face continues the track that it overlaps, unless its template is too
different. A face that continues no track is compared with everybody seen before who is not in the frame, so that a
person who returns keeps the same index. Compared means with the track's own template and with its last view, whichever
is more alike: the one stands for the person, the other for how they look just now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.faces import DetectedFace, Template, Vector

Scores = NDArray[np.floating[Any]]
Likeness = Callable[[NDArray[np.float32], NDArray[np.float32]], Scores]
"""Comparison scores of probe templates (n, d) with enrolled ones (m, d): (n, m)."""

BEST = 8
"""How many frames of a track contribute to its template."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One face in one frame."""

    timestamp_ms: float
    face: DetectedFace
    template: Template

    @property
    def worth(self) -> float:
        """How good this view of the face is, 0..1."""
        return worth_of(self.face)


def worth_of(face: DetectedFace) -> float:
    """How good a view of a face is, 0..1, from confidence, sharpness, size and pose."""
    quality, pose = face.quality, face.pose
    size = min(1.0, quality.size_px / 112)
    frontal = max(0.0, 1 - (abs(pose.yaw) + abs(pose.pitch)) / 120)
    return face.confidence / 100 * (0.2 + 0.8 * quality.sharpness / 100) * size * frontal


@dataclass(eq=False)
class Track:
    """The observations of one person. index: from 0, in order of first appearance."""

    index: int
    observations: list[Observation] = field(default_factory=list)
    _best: list[Observation] = field(default_factory=list)

    def add(self, observation: Observation) -> None:
        """Add one observation."""
        self.observations.append(observation)
        self._best = sorted([*self._best, observation], key=lambda each: -each.worth)[:BEST]

    @property
    def last(self) -> Observation:
        """The latest observation."""
        return self.observations[-1]

    @property
    def best(self) -> Observation:
        """The observation with the best view."""
        return self._best[0]

    @property
    def template(self) -> Template:
        """The mean of the best frames' templates, weighted by quality, L2 norm 1; so is what is not to be seen."""
        worth = np.array([max(each.worth, 1e-6) for each in self._best], np.float32)
        mean = worth @ np.stack([each.template.vector for each in self._best])
        norm = float(np.linalg.norm(mean))
        vector: Vector = (mean / norm).astype(np.float32) if norm > 0 else self.best.template.vector
        unseen = float(np.average([each.template.unseen for each in self._best], weights=worth))
        return Template(vector, self.best.template.model, min(unseen, 1.0))


class Tracker:
    """Assigns each face the index of its person.

    likeness: comparison scores of templates. same_from: the least score at which a face is a person who had left the
    frame. other_below: the score below which an overlapping face is somebody else. gap_ms: how long a face may be
    missing and still be followed by overlap.
    """

    def __init__(
        self, likeness: Likeness, *, same_from: float, other_below: float, gap_ms: float = 1000.0, overlap: float = 0.3
    ) -> None:
        self._likeness = likeness
        self._same_from = same_from
        self._other_below = other_below
        self._gap_ms = gap_ms
        self._overlap = overlap
        self.tracks: list[Track] = []

    def update(self, seen: Sequence[Observation]) -> list[Track]:
        """The track of each face of one frame, in order. Call it in order of time."""
        tracks: list[Track | None] = [None] * len(seen)
        if seen and self.tracks:
            scores = self._scores(seen)
            self._follow(seen, scores, tracks)
            self._recognise(scores, tracks)
        for at, observation in enumerate(seen):
            track = tracks[at]
            if track is None:
                track = tracks[at] = Track(len(self.tracks))
                self.tracks.append(track)
            track.add(observation)
        return [track for track in tracks if track is not None]

    def _scores(self, seen: Sequence[Observation]) -> Scores:
        probes = np.stack([each.template.vector for each in seen])
        own = self._likeness(probes, np.stack([track.template.vector for track in self.tracks]))
        last = self._likeness(probes, np.stack([track.last.template.vector for track in self.tracks]))
        return np.asarray(np.maximum(own, last))

    def _follow(self, seen: Sequence[Observation], scores: Scores, tracks: list[Track | None]) -> None:
        now = seen[0].timestamp_ms
        worth = np.zeros((len(seen), len(self.tracks)))
        for column, track in enumerate(self.tracks):
            if now - track.last.timestamp_ms > self._gap_ms:
                continue
            for row, each in enumerate(seen):
                shared = each.face.box.overlap(track.last.face.box)
                if shared >= self._overlap and scores[row, column] >= self._other_below:
                    worth[row, column] = shared + max(0.0, float(scores[row, column]))
        self._assign(worth, tracks)

    def _recognise(self, scores: Scores, tracks: list[Track | None]) -> None:
        taken = {track.index for track in tracks if track is not None}
        worth = np.where(scores >= self._same_from, scores - self._same_from + 1, 0.0)
        worth[[row for row, track in enumerate(tracks) if track is not None]] = 0
        worth[:, sorted(taken)] = 0
        self._assign(worth, tracks)

    def _assign(self, worth: Scores, tracks: list[Track | None]) -> None:
        from scipy.optimize import linear_sum_assignment  # slow to import, and few calls need it

        for row, column in zip(*linear_sum_assignment(-worth), strict=True):
            if worth[row, column] > 0:
                tracks[row] = self.tracks[column]
