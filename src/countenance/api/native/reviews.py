"""Blind review: a pair at a time, the first picture alone, then both; how often who is wrong; known pairs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from countenance.administration import COMPONENTS, Grade, PartFinding, ReviewerStatus, ReviewItem, Role
from countenance.api.native.access import Caller, may, router
from countenance.api.native.bodies import described, reading
from countenance.api.native.cases import CaseDoor
from countenance.wire.cases import PictureContent
from countenance.wire.reviews import (
    ComponentShown,
    JudgementBody,
    KnownPairBody,
    KnownPairGone,
    KnownPairList,
    KnownPairShown,
    LookedBody,
    NextPair,
    OwnReviews,
    PairShown,
    RateOfReviewer,
    ReviewerList,
    ReviewerShown,
    ReviewForm,
    RightBody,
)

PairId = Annotated[str, Path(description="The pair's id.", pattern=r"^pair-[0-9a-f]{16}$")]
KnownId = Annotated[str, Path(description="The known pair's id.", pattern=r"^known-[0-9a-f]{12}$")]
KnownPair = Annotated[KnownPairBody, Depends(reading(KnownPairBody))]
_REVIEWS, _SUPERVISES, _ASKS = may(Role.REVIEW), may(Role.APPROVE), may(Role.REQUEST)


def routes(door: CaseDoor) -> APIRouter:
    """The routes under /reviews."""
    at = router("reviews", 400, 404, 409, 415, 429)
    reviews = door.reviews

    def reviewer(status: ReviewerStatus) -> ReviewerShown:
        limits, rates = reviews.limits, status.rates
        false_accept, false_reject = (
            RateOfReviewer(
                errors=rate.errors, pairs=rate.trials, low=rate.interval.low, high=rate.interval.high, limit=limit
            )
            for rate, limit in (
                (rates.false_accept, limits.false_accept),
                (rates.false_reject, limits.false_reject),
            )
        )
        return ReviewerShown(
            reviewer=status.reviewer,
            judged=status.judged,
            false_accept=false_accept,
            false_reject=false_reject,
            ended=status.ended or None,
            since=status.since,
        )

    @at.get("/reviews/me", openapi_extra=_REVIEWS, summary="Show your own rates")
    def me(caller: Caller) -> OwnReviews:
        """How often you were wrong on known pairs, and whether a pair waits for you."""
        return OwnReviews(me=reviewer(reviews.status(caller.name)), waits=reviews.waits(caller.name))

    @at.get("/reviews/form", openapi_extra=_REVIEWS, summary="Show what a judgement is made of")
    def form() -> ReviewForm:
        """The components of a face and the grades of a conclusion."""
        components = [ComponentShown(id=each.id, name=each.name, looks_at=each.looks_at) for each in COMPONENTS]
        return ReviewForm(components=components, grades=[each.value for each in Grade])

    @at.post("/reviews/next", openapi_extra=_REVIEWS, summary="Take the next pair")
    def take(caller: Caller) -> NextPair:
        """A pair to judge: the one that you began, else one by chance. Known pairs are mixed in and look the same."""
        pair_id = reviews.next(caller.name)
        return NextPair(pair=None if pair_id is None else _pair(reviews.item(pair_id, caller.name)))

    @at.get("/reviews/pairs/{pair_id}", openapi_extra=_REVIEWS, summary="Show a pair of yours")
    def show(pair_id: PairId, caller: Caller) -> PairShown:
        """How far you are with it."""
        return _pair(reviews.item(pair_id, caller.name))

    @at.get("/reviews/pairs/{pair_id}/first", openapi_extra=_REVIEWS, summary="See the first picture")
    def first(pair_id: PairId, caller: Caller) -> PictureContent:
        """The face that was searched for; it is recorded that it was shown."""
        content = reviews.picture(pair_id, caller.name, probe=True)
        return PictureContent(picture=content, media_type="image/jpeg")

    @at.post("/reviews/pairs/{pair_id}/looked", openapi_extra=_REVIEWS, summary="Describe the first picture")
    def looked(pair_id: PairId, body: LookedBody, caller: Caller) -> PairShown:
        """Commit what of the first picture can be compared; only then is the second shown."""
        reviews.looked(pair_id, caller.name, frozenset(body.visible))
        return _pair(reviews.item(pair_id, caller.name))

    @at.get("/reviews/pairs/{pair_id}/second", openapi_extra=_REVIEWS, summary="See the second picture")
    def second(pair_id: PairId, caller: Caller) -> PictureContent:
        """The other face; 409 before the first was described. It is recorded that it was shown."""
        content = reviews.picture(pair_id, caller.name, probe=False)
        return PictureContent(picture=content, media_type="image/jpeg")

    @at.post("/reviews/pairs/{pair_id}/judgement", openapi_extra=_REVIEWS, summary="Judge a pair")
    def judge(pair_id: PairId, body: JudgementBody, caller: Caller) -> PairShown:
        """Commit a conclusion to the ledger, for good, before anything is revealed."""
        features = {part: PartFinding(finding) for part, finding in body.features.items()}
        reviews.judge(pair_id, caller.name, Grade(body.grade), features, body.remarks or "")
        return _pair(reviews.item(pair_id, caller.name))

    @at.get("/reviews/reviewers", openapi_extra=_SUPERVISES, summary="List reviewers")
    def reviewers() -> ReviewerList:
        """The rates of everybody who was ever given a pair."""
        return ReviewerList(reviewers=[reviewer(each) for each in reviews.statuses()])

    @at.post("/reviews/rights", openapi_extra=_SUPERVISES, summary="Give the right to review back")
    def restore(body: RightBody, caller: Caller) -> ReviewerShown:
        """After training, for example; rates count anew. Never for yourself."""
        reviews.restore(body.reviewer, caller.name, body.why)
        return reviewer(reviews.status(body.reviewer))

    @at.get("/reviews/known", openapi_extra=may(Role.REQUEST, Role.APPROVE), summary="List known pairs")
    def known() -> KnownPairList:
        """The known pairs in use, without their pictures."""
        rows = [KnownPairShown(known_id=known_id, same=same, entered_by=by) for known_id, same, by in reviews.pairs()]
        return KnownPairList(pairs=rows)

    @at.post(
        "/reviews/known",
        status_code=201,
        openapi_extra={**_ASKS, **described(KnownPairBody)},
        summary="Enter a known pair",
    )
    def add(body: KnownPair, caller: Caller) -> KnownPairShown:
        """Two pictures whose truth is known; never given to yourself."""
        holder = door.holder(caller, body.mandate_id)
        known_id = door.run(lambda: reviews.add_pair(caller.name, holder, body.first, body.second, same=body.same))
        return KnownPairShown(known_id=known_id, same=body.same, entered_by=caller.name)

    @at.delete("/reviews/known/{known_id}", openapi_extra=_SUPERVISES, summary="Remove a known pair")
    def remove(known_id: KnownId, caller: Caller) -> KnownPairGone:
        """Erase its pictures; what was judged of it still counts."""
        reviews.remove_pair(known_id, caller.name)
        return KnownPairGone(known_id=known_id)

    return at


def _pair(item: ReviewItem) -> PairShown:
    return PairShown(
        pair_id=item.item_id,
        looked=item.looked,
        visible=sorted(item.visible),
        judged=item.judged.value if item.judged else None,
        same=item.truth,
    )
