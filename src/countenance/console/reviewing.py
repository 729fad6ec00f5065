"""Blind review: a pair of pictures at a time, the first alone, then both; for supervisors, how often who is wrong."""

from __future__ import annotations

from starlette.responses import Response

from countenance.administration import COMPONENTS, Grade, PartFinding, Role
from countenance.console.asked import PICTURE_BYTES, ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import go, page
from countenance.console.mandates import mine_in_force
from countenance.console.trying import caller_of
from countenance.console.words import _
from countenance.errors import BadRequest

GRADES = {
    Grade.STRONG_SAME: _("strong support for the same person"),
    Grade.MODERATE_SAME: _("moderate support for the same person"),
    Grade.LIMITED_SAME: _("limited support for the same person"),
    Grade.NEITHER: _("supports neither"),
    Grade.LIMITED_DIFFERENT: _("limited support for different people"),
    Grade.MODERATE_DIFFERENT: _("moderate support for different people"),
    Grade.STRONG_DIFFERENT: _("strong support for different people"),
    Grade.INSUFFICIENT: _("insufficient: the pictures do not show enough"),
}
"""What somebody concludes, in words."""

FINDINGS = {PartFinding.SIMILAR: _("similar"), PartFinding.DIFFERENT: _("different"), PartFinding.UNCLEAR: _("unclear")}
"""What two pictures show of one component, in words."""

_REVIEWS, _SUPERVISES = frozenset({Role.REVIEW}), frozenset({Role.APPROVE})
_PAIRS = frozenset({Role.REQUEST, Role.APPROVE})


def _overview(asked: ConsoleRequest) -> Response:
    reviews, who = asked.services.reviews, asked.by.operator
    judges, supervises = Role.REVIEW in who.roles, Role.APPROVE in who.roles
    return page(
        asked,
        "review.html",
        judges=judges,
        supervises=supervises,
        mine=reviews.status(who.name) if judges else None,
        waits=judges and reviews.waits(who.name),
        every=reviews.statuses() if supervises else [],
        limits=reviews.limits,
        pairs=len(reviews.pairs()),
        me=who.name,
    )


def _next(asked: ConsoleRequest) -> Response:
    item = asked.services.reviews.next(asked.by.operator.name)
    return go(f"/review/pair/{item}" if item else "/review")


def _pair(asked: ConsoleRequest) -> Response:
    item = asked.services.reviews.item(asked.path["item_id"], asked.by.operator.name)
    return page(
        asked,
        "review_pair.html",
        item=item,
        components=COMPONENTS,
        seen=[each for each in COMPONENTS if each.id in item.visible],
        grades=GRADES,
        findings=FINDINGS,
    )


def _looked(asked: ConsoleRequest) -> Response:
    item_id = asked.path["item_id"]
    asked.services.reviews.looked(item_id, asked.by.operator.name, frozenset(asked.several("visible")))
    return go(f"/review/pair/{item_id}")


def _judge(asked: ConsoleRequest) -> Response:
    item_id = asked.path["item_id"]
    grade = asked.text("grade")
    if grade not in list(Grade):
        raise BadRequest("grade: choose a conclusion; insufficient is one")
    features: dict[str, PartFinding] = {}
    for each in COMPONENTS:
        finding = asked.text(f"feature-{each.id}")
        if finding:
            if finding not in list(PartFinding):
                raise BadRequest(f"feature-{each.id}: one of {', '.join(PartFinding)} is expected")
            features[each.id] = PartFinding(finding)
    remarks = asked.text("remarks", most=1000, lines=True)
    asked.services.reviews.judge(item_id, asked.by.operator.name, Grade(grade), features, remarks)
    return go(f"/review/pair/{item_id}")


def _picture(asked: ConsoleRequest) -> Response:
    which = asked.path["which"]
    content = asked.services.reviews.picture(asked.path["item_id"], asked.by.operator.name, probe=which == "first")
    return Response(content, media_type="image/jpeg")


def _restore(asked: ConsoleRequest) -> Response:
    why = asked.text("why", needed=True)
    asked.services.reviews.restore(asked.text("reviewer", needed=True), asked.by.operator.name, why)
    return go("/review")


def _pairs(asked: ConsoleRequest) -> Response:
    asks = Role.REQUEST in asked.by.operator.roles
    return page(
        asked,
        "review_known.html",
        pairs=asked.services.reviews.pairs(),
        asks=asks,
        supervises=Role.APPROVE in asked.by.operator.roles,
        mandates=mine_in_force(asked) if asks else [],
    )


def _add_pair(asked: ConsoleRequest) -> Response:
    truth = asked.text("truth")
    if truth not in ("same", "different"):
        raise BadRequest("truth: same or different is expected")
    one, other = asked.file("one"), asked.file("other")
    caller = caller_of(asked)
    asked.services.reviews.add_pair(asked.by.operator.name, caller, one, other, same=truth == "same")
    return go("/review/known")


def _remove_pair(asked: ConsoleRequest) -> Response:
    asked.services.reviews.remove_pair(asked.text("pair", needed=True), asked.by.operator.name)
    return go("/review/known")


PAGES = (
    ConsolePage("/review", _overview, roles=_REVIEWS | _SUPERVISES),
    ConsolePage("/review/next", _next, "POST", _REVIEWS),
    ConsolePage("/review/rights", _restore, "POST", _SUPERVISES),
    ConsolePage("/review/known", _pairs, roles=_PAIRS),
    ConsolePage("/review/known", _add_pair, "POST", frozenset({Role.REQUEST}), body_bytes=2 * PICTURE_BYTES + 65_536),
    ConsolePage("/review/known/removal", _remove_pair, "POST", _SUPERVISES),
    ConsolePage("/review/pair/{item_id}", _pair, roles=_REVIEWS),
    ConsolePage("/review/pair/{item_id}/looked", _looked, "POST", _REVIEWS),
    ConsolePage("/review/pair/{item_id}/judgement", _judge, "POST", _REVIEWS, form=_pair),
    ConsolePage("/review/pair/{item_id}/{which}.jpg", _picture, roles=_REVIEWS),
)
