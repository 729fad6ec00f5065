"""The report of a covered file: what was covered, by what, and what a person should check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countenance.faces import BoundingBox
from countenance.redaction.covering import Style
from countenance.redaction.regions import SURE_SCORE, Region
from countenance.signing import JSON

FORMAT = "countenance redaction report 1"


@dataclass(frozen=True, slots=True)
class Applied:
    """How it was covered. detector: its label. least: score (0..1) from which finds are covered. style: of the cover.
    except_boxes: selected by the caller. gallery, similarity: whose enrolled people stayed uncovered, from which
    similarity on.
    """

    detector: str
    least: float
    style: Style
    except_boxes: tuple[BoundingBox, ...] = ()
    gallery: str | None = None
    similarity: float | None = None

    def body(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "detector": self.detector,
            "least_score": self.least,
            "sure_score": SURE_SCORE,
            "style": self.style,
            "except_boxes": [box_body(box) for box in self.except_boxes],
            "gallery": self.gallery,
            "similarity": self.similarity,
        }


@dataclass(frozen=True, slots=True)
class PictureReport:
    """The report of one picture; boxes are of faces, in ratios of the upright picture.

    kind: as which it was written.
    """

    sha256: str
    kind: str
    width: int
    height: int
    applied: Applied
    covered: tuple[Region, ...]
    left: tuple[Region, ...]

    def body(self) -> dict[str, JSON]:
        """As JSON, without the receipt."""
        return {
            "format": FORMAT,
            "input_sha256": self.sha256,
            "written_as": self.kind,
            "width": self.width,
            "height": self.height,
            "applied": self.applied.body(),
            "covered": regions_body(self.covered),
            "left_uncovered": regions_body(self.left),
            "to_look_at": regions_body([region for region in self.covered if not region.sure]),
        }


@dataclass(frozen=True, slots=True)
class FrameRegions:
    """One frame with something in it. index: from 0. covered, left: its faces."""

    index: int
    timestamp_ms: float
    covered: tuple[Region, ...]
    left: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class VideoReport:
    """The report of one video. frames: written. looked_at: how many of them were searched for faces. sound, times: what
    was done with them, in words.
    """

    sha256: str
    codec: str
    width: int
    height: int
    applied: Applied
    frames: int
    looked_at: int
    with_faces: tuple[FrameRegions, ...]
    sound: str
    times: str

    def count(self, sure: bool) -> int:
        """How many covers over all frames are sure, or not."""
        return sum(region.sure is sure for frame in self.with_faces for region in frame.covered)

    def body(self) -> dict[str, JSON]:
        """As JSON, without the receipt."""
        unsure: list[JSON] = [
            {"frame": f.index, "timestamp_ms": round(f.timestamp_ms, 3), "regions": regions_body(r)}
            for f in self.with_faces
            if (r := [region for region in f.covered if not region.sure])
        ]
        return {
            "format": FORMAT,
            "input_sha256": self.sha256,
            "written_as": f"MP4, {self.codec}",
            "width": self.width,
            "height": self.height,
            "applied": self.applied.body(),
            "frames": self.frames,
            "frames_looked_at": self.looked_at,
            "sound": self.sound,
            "times": self.times,
            "frames_with_faces": [
                {
                    "frame": frame.index,
                    "timestamp_ms": round(frame.timestamp_ms, 3),
                    "covered": regions_body(frame.covered),
                    "left_uncovered": regions_body(frame.left),
                }
                for frame in self.with_faces
            ],
            "to_look_at": unsure,
        }


def box_body(box: BoundingBox) -> list[JSON]:
    """Left, top, width, height."""
    return [round(side, 5) for side in (box.left, box.top, box.width, box.height)]


def regions_body(regions: Sequence[Region]) -> list[JSON]:
    """Boxes with score and reason."""
    return [{"box": box_body(r.box), "score": round(r.score, 3), "why": str(r.why)} for r in regions]
