"""Pictures that were sent but not yet searched with: sealed, for minutes, for their sender."""

from __future__ import annotations

import json
from dataclasses import dataclass

from countenance.casework import VideoSight, WaitingPictures, sight_json
from countenance.errors import NotFound
from countenance.faces import DetectedFace
from countenance.signing import canonical


@dataclass(frozen=True, slots=True)
class PendingPicture:
    """A picture and the faces in it, largest first. of: the case and the operator to whom it belongs. cropped: which
    part of the picture that was sent; empty for the whole. seen_in: of a person of a video.
    """

    picture_id: str
    of: tuple[str, str]
    content: bytes
    faces: tuple[DetectedFace, ...]
    cropped: str = ""
    seen_in: VideoSight | None = None


class PendingPictures:
    """Those of one installation, for all of its processes."""

    def __init__(self, waiting: WaitingPictures) -> None:
        self._waiting = waiting
        self.forget = waiting.forget
        self.sweep = waiting.sweep

    def keep(
        self,
        of: tuple[str, str],
        content: bytes,
        faces: tuple[DetectedFace, ...],
        cropped: str = "",
        seen_in: VideoSight | None = None,
    ) -> PendingPicture:
        """Keep a picture for 15 minutes."""
        about = canonical(
            {
                "of": list(of),
                "faces": [each.written() for each in faces],
                "cropped": cropped,
                "seen_in": sight_json(seen_in),
            }
        )
        picture_id = self._waiting.keep(len(about).to_bytes(4, "big") + about + content)
        return PendingPicture(picture_id, of, content, faces, cropped, seen_in)

    def get(self, picture_id: str, of: tuple[str, str]) -> PendingPicture:
        """The picture, or `NotFound`."""
        kept = self._waiting.get(picture_id)
        if kept is not None:
            end = 4 + int.from_bytes(kept[:4], "big")
            about = json.loads(kept[4:end])
            if tuple(about["of"]) == of:
                faces = tuple(map(DetectedFace.read, about["faces"]))
                seen_in = about["seen_in"] and VideoSight.of(about["seen_in"])
                return PendingPicture(picture_id, of, kept[end:], faces, about["cropped"], seen_in)
        raise NotFound("the picture is no longer here: it is kept for 15 minutes only; send it again")
