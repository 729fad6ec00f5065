"""How faces are to be covered, in pictures and videos alike; shared by the command, /v1 and the client."""

from __future__ import annotations

from dataclasses import dataclass

from countenance.engine.kinds import KINDS, kind_of
from countenance.errors import BadRequest
from countenance.faces import BoundingBox
from countenance.operations.operation import Operation
from countenance.operations.redact import Redact, RedactedPicture, RedactExceptEnrolled, SpottedPicture
from countenance.operations.redact_video import Followed, RedactedVideo, RedactVideo, RedactVideoExceptEnrolled
from countenance.operations.video import VideoFile
from countenance.redaction import LEAST_SCORE, Codec, Style, VideoTarget
from countenance.signing import JSON
from countenance.video import container_of

BEGINNING = 64
"""The first bytes of a file, by which pictures and videos are told apart."""


@dataclass(frozen=True, slots=True)
class RedactionWish:
    """How to cover. `BadRequest` for both boxes and a gallery.

    boxes: where faces stay uncovered. gallery, similarity: whose enrolled people stay uncovered, from which similarity
    on. least: the detector's score (0..1) from which a find is covered. codec, step (seconds between two frames that
    are looked at),
    sound: of video.
    """

    boxes: tuple[BoundingBox, ...] = ()
    gallery: str | None = None
    similarity: float = 99.0
    least: float = LEAST_SCORE
    style: Style = "blur"
    codec: Codec = "mpeg4"
    step: float = 0.0
    sound: bool = True

    def __post_init__(self) -> None:
        if self.boxes and self.gallery:
            raise BadRequest("name either boxes or a gallery to leave uncovered, not both")

    def picture(self, image: bytes) -> Operation[SpottedPicture, RedactedPicture]:
        """The operation on a picture."""
        if self.gallery is not None:
            return RedactExceptEnrolled(self.gallery, image, self.similarity, self.style, self.least)
        return Redact(image, self.boxes, self.style, self.least)

    def video(self, film: VideoFile, target: VideoTarget) -> Operation[Followed, RedactedVideo]:
        """The operation on a video."""
        if self.gallery is not None:
            return RedactVideoExceptEnrolled(self.gallery, film, target, self.similarity, self.least)
        return RedactVideo(film, target, self.boxes, self.least)

    def said(self) -> dict[str, JSON]:
        """As JSON."""
        boxes: list[JSON] = [[box.left, box.top, box.width, box.height] for box in self.boxes]
        return {
            "except_boxes": boxes,
            "gallery": self.gallery,
            "similarity": self.similarity if self.gallery else None,
            "least": self.least,
            "style": self.style,
            "codec": self.codec,
            "step": self.step,
            "sound": self.sound,
        }


def picture_kind(begins: bytes) -> str | None:
    """The kind of a picture file by its first `BEGINNING` bytes; None for anything else, including videos."""
    kind = kind_of(begins)
    return kind if kind in KINDS else None


def is_video(begins: bytes) -> bool:
    """Whether a file is a recorded video by its first `BEGINNING` bytes; HEIC and AVIF resemble one and are not."""
    return picture_kind(begins) is None and container_of(begins) is not None
