"""A search of a gallery: ranked leads with their error, or nobody, or a picture that is not fit."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from countenance.administration import Role
from countenance.console.asked import PICTURE_BYTES, ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.galleries import provenance, under
from countenance.console.looks import page
from countenance.console.mandates import chosen, mine_in_force
from countenance.console.trying import MarkedFace, marked, shown_again
from countenance.errors import BadRequest, NoFace
from countenance.faces import Candidate
from countenance.operations import GalleryInfo, ListGalleries, QualityFilter, SearchByImage


@dataclass(frozen=True, slots=True)
class RankedLead:
    """A candidate, and how many people of the gallery are expected to be as similar by chance alone."""

    rank: int
    candidate: Candidate
    expected: float


def _form(asked: ConsoleRequest) -> Response:
    mandate = chosen(asked, asked.query("mandate"))
    galleries: tuple[GalleryInfo, ...] = ()
    if mandate:
        page_of = asked.services.guard.carry_out(under(asked, mandate), ListGalleries(limit=500)).result
        galleries = page_of.items
    return page(
        asked,
        "search.html",
        mandates=mine_in_force(asked),
        mandate=mandate,
        galleries=galleries,
        picked=asked.query("gallery"),
    )


def _search(asked: ConsoleRequest) -> Response:
    mandate = chosen(asked, asked.path["mandate_id"])
    assert mandate is not None
    picture, gallery_id = asked.file("picture"), asked.text("gallery", most=255)
    if not gallery_id:
        raise BadRequest("gallery: choose a gallery to search")
    similarity = asked.number("similarity", 90, 0, 100)
    ask = SearchByImage(gallery_id, picture, int(asked.number("limit", 10, 1, 100)), similarity, QualityFilter.AUTO)
    faces: list[MarkedFace] = []
    try:
        answer = asked.services.guard.carry_out(under(asked, mandate), ask)
    except NoFace as error:
        return page(
            asked,
            "unfit.html",
            422,
            says=str(error),
            picture=shown_again(picture),
            mandate=mandate,
            receipt=error.receipt,
        )
    result = answer.result
    if result.probe:
        faces = marked((result.probe,))
    leads = [RankedLead(rank, each, each.fmr * result.gallery_size) for rank, each in enumerate(result.candidates, 1)]
    return page(
        asked,
        "leads.html",
        leads=leads,
        result=result,
        gallery_id=gallery_id,
        mandate=mandate,
        provenance=provenance(mandate),
        faces=faces,
        picture=shown_again(picture),
        threshold=float(answer.headers.get("x-countenance-threshold", similarity)),
        raised="x-countenance-threshold" in answer.headers,
        evidence=asked.services.status.evidence,
        receipt=answer.receipt,
    )


_ASKS = frozenset({Role.REQUEST})
PAGES = (
    ConsolePage("/search", _form, roles=_ASKS),
    ConsolePage("/search/{mandate_id}", _search, "POST", _ASKS, body_bytes=PICTURE_BYTES + 65_536),
)
