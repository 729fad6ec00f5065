"""Galleries under a mandate: what is in them, from where, for what; enrol, erase, delete. All through the guard."""

from __future__ import annotations

import json

from starlette.responses import Response

from countenance.administration import Mandate, Role
from countenance.console.asked import PICTURE_BYTES, ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import go, page
from countenance.console.mandates import chosen, mine_in_force
from countenance.console.trying import REASONS
from countenance.errors import BadRequest
from countenance.operations import (
    Caller,
    CreateGallery,
    DeleteGallery,
    DescribeGallery,
    Enrol,
    Enrolled,
    Erase,
    ListFaces,
    ListGalleries,
)

_PER_PAGE = 50


def under(asked: ConsoleRequest, mandate: Mandate) -> Caller:
    """Whoever asks, as the guard knows them: by the key of theirs under that mandate."""
    return Caller(asked.services.accounts.key_under(asked.by.operator, mandate.mandate_id))


def provenance(mandate: Mandate) -> str:
    """Where the mandate says that a gallery's pictures come from; empty where it does not."""
    stated = json.loads(mandate.terms.facts).get("gallery")
    value = stated.get("provenance") if isinstance(stated, dict) else None
    return str(value) if value else ""


def _needed(asked: ConsoleRequest) -> Mandate:
    mandate = chosen(asked, asked.path["mandate_id"])
    assert mandate is not None
    return mandate


def _all(asked: ConsoleRequest) -> Response:
    mandate = chosen(asked, asked.query("mandate"))
    galleries, receipt = None, ""
    if mandate:
        answer = asked.services.guard.carry_out(under(asked, mandate), ListGalleries(asked.query("after") or None, 100))
        galleries, receipt = answer.result, answer.receipt
    return page(
        asked,
        "galleries.html",
        mandates=mine_in_force(asked),
        mandate=mandate,
        found=galleries,
        provenance=provenance(mandate) if mandate else "",
        receipt=receipt,
    )


def _create(asked: ConsoleRequest) -> Response:
    mandate = _needed(asked)
    gallery_id = asked.text("gallery", needed=True, most=255)
    asked.services.guard.carry_out(under(asked, mandate), CreateGallery(gallery_id))
    return go(f"/galleries/{mandate.mandate_id}/{gallery_id}")


def _one(asked: ConsoleRequest, enrolled: Enrolled | None = None) -> Response:
    mandate, gallery_id = _needed(asked), asked.path["gallery_id"]
    caller, guard = under(asked, mandate), asked.services.guard
    info = guard.carry_out(caller, DescribeGallery(gallery_id)).result
    faces = guard.carry_out(caller, ListFaces(gallery_id, after=asked.query("after") or None, limit=_PER_PAGE))
    return page(
        asked,
        "gallery.html",
        mandate=mandate,
        info=info,
        faces=faces.result,
        receipt=faces.receipt,
        provenance=provenance(mandate),
        enrolled=enrolled,
        reasons=REASONS,
    )


def _enrol(asked: ConsoleRequest) -> Response:
    mandate, gallery_id = _needed(asked), asked.path["gallery_id"]
    name = asked.text("external_id", most=255) or None
    done = asked.services.guard.carry_out(under(asked, mandate), Enrol(gallery_id, asked.file("picture"), name))
    return _one(asked, done.result)


def _erase(asked: ConsoleRequest) -> Response:
    mandate, gallery_id = _needed(asked), asked.path["gallery_id"]
    face_ids = asked.several("face")
    if not face_ids:
        raise BadRequest("face: choose at least one face")
    asked.services.guard.carry_out(under(asked, mandate), Erase(gallery_id, face_ids))
    return go(f"/galleries/{mandate.mandate_id}/{gallery_id}")


def _delete(asked: ConsoleRequest) -> Response:
    mandate, gallery_id = _needed(asked), asked.path["gallery_id"]
    if asked.text("again", most=255) != gallery_id:
        raise BadRequest("again: type the gallery's name, so that none is deleted by mistake")
    asked.services.guard.carry_out(under(asked, mandate), DeleteGallery(gallery_id))
    return go(f"/galleries?mandate={mandate.mandate_id}")


_ASKS = frozenset({Role.REQUEST})
_GALLERY = "/galleries/{mandate_id}/{gallery_id}"
PAGES = (
    ConsolePage("/galleries", _all, roles=_ASKS),
    ConsolePage("/galleries/{mandate_id}", _create, "POST", _ASKS),
    ConsolePage(_GALLERY, _one, roles=_ASKS),
    ConsolePage(_GALLERY + "/faces", _enrol, "POST", _ASKS, body_bytes=PICTURE_BYTES + 65_536),
    ConsolePage(_GALLERY + "/erasure", _erase, "POST", _ASKS),
    ConsolePage(_GALLERY + "/deletion", _delete, "POST", _ASKS),
)
