"""Try it: the faces in one picture with their quality, or two pictures compared; under a mandate, by the guard."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from starlette.responses import Response

from countenance.administration import Role
from countenance.console.asked import PICTURE_BYTES, ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import page
from countenance.console.mandates import chosen, mine_in_force
from countenance.console.words import _
from countenance.errors import BadRequest
from countenance.faces import DetectedFace
from countenance.operations import Caller, Compare, Detect, QualityFilter
from countenance.operations.quality import reasons_against

REASONS = {
    "LOW_CONFIDENCE": _("it is not certain that this is a face"),
    "SMALL_BOUNDING_BOX": _("the face is too small"),
    "LOW_SHARPNESS": _("the face is blurred"),
    "LOW_BRIGHTNESS": _("the face is too dark"),
    "EXTREME_POSE": _("the face is turned too far away"),
    "LOW_FACE_QUALITY": _("the face shows too little to tell people apart"),
    "EXCEEDS_MAX_FACES": _("there are more faces than were asked for"),
}
"""Why a face is left out, in words."""

_SHOWN_BYTES = 8 * 2**20  # of a picture that is shown again; a larger one is only measured


@dataclass(frozen=True, slots=True)
class MarkedFace:
    """A face as the page shows it. Lengths are percent of the picture. reasons: why it is not fit; empty if it is."""

    number: int
    face: DetectedFace
    reasons: tuple[str, ...]

    @property
    def box(self) -> tuple[str, str, str, str]:
        """Left, top, width and height."""
        box = self.face.box
        return (f"{box.left:.2%}", f"{box.top:.2%}", f"{box.width:.2%}", f"{box.height:.2%}")


def marked(faces: tuple[DetectedFace, ...]) -> list[MarkedFace]:
    """Faces with numbers from 1, and what the usual quality filter has against each."""
    return [MarkedFace(n, face, reasons_against(face, QualityFilter.AUTO)) for n, face in enumerate(faces, 1)]


def shown_again(picture: bytes) -> str:
    """The picture as a data: address, for the one answer to who sent it; empty for kinds that browsers do not show."""
    kind = "jpeg" if picture.startswith(b"\xff\xd8\xff") else "png" if picture.startswith(b"\x89PNG\r\n") else ""
    if not kind or len(picture) > _SHOWN_BYTES:
        return ""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def caller_of(asked: ConsoleRequest) -> Caller:
    """Whoever asks, under the mandate that the form names."""
    mandate = chosen(asked, asked.text("mandate"))
    if mandate is None:
        raise BadRequest("mandate: choose one of yours that is in force")
    return Caller(asked.services.accounts.key_under(asked.by.operator, mandate.mandate_id))


def _form(asked: ConsoleRequest) -> Response:
    return page(asked, "try.html", mandates=mine_in_force(asked), picked=asked.query("mandate"))


def _detect(asked: ConsoleRequest) -> Response:
    picture = asked.file("picture")
    answer = asked.services.guard.carry_out(caller_of(asked), Detect(picture))
    return page(
        asked,
        "detected.html",
        faces=marked(answer.result.faces),
        picture=shown_again(picture),
        width=answer.result.width,
        height=answer.result.height,
        reasons=REASONS,
        receipt=answer.receipt,
    )


def _compare(asked: ConsoleRequest) -> Response:
    one, other = asked.file("one"), asked.file("other")
    similarity = asked.number("similarity", 80, 0, 100)
    ask = Compare(one, other, similarity, QualityFilter.AUTO)
    answer = asked.services.guard.carry_out(caller_of(asked), ask)
    status = asked.services.status
    return page(
        asked,
        "compared.html",
        result=answer.result,
        rates=[(face, shown, status.fmr_at(shown)) for face, shown in answer.result.matches],
        similarity=similarity,
        one=shown_again(one),
        other=shown_again(other),
        source=marked((answer.result.source,)),
        targets=marked(tuple(face for face, _told in answer.result.matches)),
        receipt=answer.receipt,
    )


_ASKS = frozenset({Role.REQUEST})
PAGES = (
    ConsolePage("/try", _form, roles=_ASKS),
    ConsolePage("/try/faces", _detect, "POST", _ASKS, body_bytes=PICTURE_BYTES + 65_536),
    ConsolePage("/try/comparison", _compare, "POST", _ASKS, body_bytes=2 * PICTURE_BYTES + 65_536),
)
