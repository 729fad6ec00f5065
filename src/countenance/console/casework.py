"""Cases: opened, searched by pictures, comparisons and videos, their leads read, supported and exported; supervised."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from countenance.administration import (
    Case,
    CaseResult,
    EvidenceKind,
    ExportUse,
    PendingPicture,
    Role,
    SearchState,
    limits_of,
)
from countenance.console.asked import PICTURE_BYTES, ConsoleRequest
from countenance.console.door import ConsolePage, scripted
from countenance.console.galleries import under
from countenance.console.looks import clock, go, page
from countenance.console.mandates import chosen, mine_in_force
from countenance.console.reviewing import GRADES
from countenance.console.trying import REASONS, marked, shown_again
from countenance.console.videos import says
from countenance.console.words import _
from countenance.errors import BadRequest, NotFound
from countenance.operations import Caller, JobState, ListGalleries

STATES = {
    SearchState.UNFIT: _("the picture is not fit"),
    SearchState.NOBODY: _("nobody"),
    SearchState.LEADS: _("leads"),
    SearchState.PICTURES: _("withheld: pictures are needed for the review"),
    SearchState.REVIEW: _("withheld: people are judging"),
    SearchState.REVIEWED: _("judged"),
    SearchState.FROZEN: _("frozen"),
}
"""What may be seen of a search, in words."""

EVIDENCE = {
    EvidenceKind.WITNESS: _("a witness who did not see the lead"),
    EvidenceKind.PHYSICAL: _("physical evidence"),
    EvidenceKind.DOCUMENT: _("documents"),
    EvidenceKind.PLACE: _("where somebody was"),
    EvidenceKind.OTHER: _("something else"),
}
"""Where independent evidence comes from, in words."""

USES = {ExportUse.LINE_UP: _("for a line-up"), ExportUse.WARRANT: _("for the text of a warrant")}
"""What a lead leaves for, in words."""

CASE_STATES = ("open", "frozen", "closed")
_SEEN = frozenset({Role.REQUEST, Role.APPROVE})
_ASKS, _SUPERVISES = frozenset({Role.REQUEST}), frozenset({Role.APPROVE})


def _list(asked: ConsoleRequest) -> Response:
    at = asked.query_number("page")
    now = asked.services.cases.now()
    cases, more = asked.services.cases.file.page(at)
    return page(
        asked,
        "cases.html",
        rows=[(case, CASE_STATES[2 if case.closed_at else 1 if frozen else 0]) for case, frozen in cases],
        at=at,
        more=more,
        now=now,
        asks=Role.REQUEST in asked.by.operator.roles,
        supervises=_supervises(asked),
    )


def _new(asked: ConsoleRequest) -> Response:
    return page(asked, "case_new.html", mandates=mine_in_force(asked), arose_from=asked.query("from"))


def _open(asked: ConsoleRequest) -> Response:
    mandate = chosen(asked, asked.text("mandate"))
    if mandate is None:
        raise BadRequest("mandate: choose one of yours that is in force")
    case = asked.services.cases.open(
        mandate.mandate_id,
        asked.by.operator.name,
        purpose=asked.text("purpose", needed=True),
        offence=asked.text("offence", needed=True),
        authority=asked.text("authority", needed=True, most=200),
        reference=asked.text("reference", needed=True, most=200),
        until=_until(asked),
        arose_from=asked.text("arose_from", most=64),
    )
    return go(f"/cases/{case.case_id}")


def _one(asked: ConsoleRequest) -> Response:
    services, by = asked.services, asked.by.operator
    case = services.cases.show(asked.path["case_id"], by.name, supervises=_supervises(asked))
    frozen = services.cases.file.frozen(case)
    at, videos_at = asked.query_number("page"), asked.query_number("videos")
    searches, more = services.cases.file.searches_page(case, at)
    videos, more_videos = services.cases.file.videos_page(case.case_id, videos_at)
    return page(
        asked,
        "case.html",
        case=case,
        own=case.opened_by == by.name,
        frozen=frozen,
        tainted=services.cases.file.tainted(case.case_id),
        left=case.authorisation.until - services.cases.now(),
        searches=searches,
        at=at,
        more=more,
        videos=videos,
        videos_at=videos_at,
        more_videos=more_videos,
        states=STATES,
    )


def _authorise(asked: ConsoleRequest) -> Response:
    case_id = asked.path["case_id"]
    asked.services.cases.authorise(
        case_id,
        asked.by.operator.name,
        authority=asked.text("authority", needed=True, most=200),
        reference=asked.text("reference", needed=True, most=200),
        until=_until(asked),
    )
    return go(f"/cases/{case_id}")


def _close(asked: ConsoleRequest) -> Response:
    case_id = asked.path["case_id"]
    asked.services.cases.close(case_id, asked.by.operator.name, supervises=_supervises(asked))
    return go(f"/cases/{case_id}")


def _look(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    picture = asked.file("picture")
    seen = asked.services.cases.look(case.case_id, asked.by.operator.name, caller, picture)
    return _choose(asked, case, caller, seen)


def _crop(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    edges = {name: asked.number(name, 0, 0, 100) / 100 for name in ("left", "top", "right", "bottom")}
    picture_id = asked.text("picture_id", needed=True)
    seen = asked.services.cases.crop(case.case_id, asked.by.operator.name, caller, picture_id, **edges)
    return _choose(asked, case, caller, seen)


def _choose(asked: ConsoleRequest, case: Case, caller: Caller, seen: PendingPicture) -> Response:
    """The page on which one of a picture's faces is chosen, with what is measured of each."""
    galleries = asked.services.guard.carry_out(caller, ListGalleries(limit=500)).result.items
    return page(
        asked,
        "case_face.html",
        case=case,
        seen=seen,
        faces=marked(seen.faces),
        limits=[limits_of(face) for face in seen.faces],
        picture=shown_again(seen.content),
        galleries=galleries,
        reasons=REASONS,
        clock=clock,
    )


def _look_at_two(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    by, pictures = asked.by.operator.name, (asked.file("one"), asked.file("other"))
    both = [asked.services.cases.look(case.case_id, by, caller, each) for each in pictures]
    pictures_with_faces = [
        (seen, marked(seen.faces), [limits_of(face) for face in seen.faces], shown_again(seen.content)) for seen in both
    ]
    return page(asked, "case_faces.html", case=case, both=pictures_with_faces, reasons=REASONS)


def _compare(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    search = asked.services.cases.compare(
        case.case_id,
        asked.by.operator.name,
        caller,
        pictures=[
            (asked.text(f"picture_{n}", needed=True), int(asked.number(f"face_{n}", 1, 1, 100)) - 1) for n in (1, 2)
        ],
        similarity=asked.number("similarity", 80, 0, 100),
    )
    return go(f"/cases/{case.case_id}/searches/{search.search_id}")


def _search(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    search = asked.services.cases.search(
        case.case_id,
        asked.by.operator.name,
        caller,
        picture_id=asked.text("picture_id", needed=True),
        place=int(asked.number("face", 1, 1, 100)) - 1,
        gallery_id=asked.text("gallery", needed=True, most=255),
        similarity=asked.number("similarity", 90, 0, 100),
        limit=int(asked.number("limit", 10, 1, 100)),
    )
    return go(f"/cases/{case.case_id}/searches/{search.search_id}")


def _begin_video(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    bucket, name = asked.text("bucket", needed=True, most=255), asked.text("name", needed=True, most=1024)
    video = asked.services.case_videos.begin(case.case_id, asked.by.operator.name, caller, bucket, name)
    return go(f"/cases/{case.case_id}/videos/{video.video_id}")


def _video(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    videos = asked.services.case_videos
    video = videos.show(case.case_id, asked.path["video_id"], asked.by.operator.name)
    searches = asked.services.cases.file.searches(case)
    searched = [each for each in searches if each.search.seen_in and each.search.seen_in.video_id == video.video_id]
    job = videos.job(video, caller) if video.people is None else None
    runs = job is not None and job.state in (JobState.WAITING, JobState.RUNNING)
    response = page(
        asked,
        "case_video.html",
        case=case,
        video=video,
        job=job,
        says=says(asked, asked.services.video_jobs.one(video.job, case.opened_by)) if runs else "",
        length=max((end for each in video.people or () for _start, end in each.spans), default=0) + 1,
        searched=searched,
        states=STATES,
        clock=clock,
    )
    return scripted(response) if runs else response


def _take_views(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    video_id = asked.path["video_id"]
    asked.services.case_videos.take_views(case.case_id, video_id, asked.by.operator.name, caller)
    return go(f"/cases/{case.case_id}/videos/{video_id}")


def _view(asked: ConsoleRequest) -> Response:
    case, _caller = _mine(asked)
    by, person = asked.by.operator.name, _person(asked)
    content = asked.services.case_videos.view(case.case_id, asked.path["video_id"], by, person)
    return Response(content, media_type="image/png")


def _look_at_person(asked: ConsoleRequest) -> Response:
    case, caller = _mine(asked)
    by, person = asked.by.operator.name, _person(asked)
    seen = asked.services.case_videos.look(case.case_id, asked.path["video_id"], by, caller, person)
    return _choose(asked, case, caller, seen)


def _person(asked: ConsoleRequest) -> int:
    """The person of a video that the path names, counted from 1 there."""
    number = asked.path["person"]
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise NotFound("there is no such person in this video")
    return int(number) - 1


def _result(asked: ConsoleRequest) -> Response:
    services, by = asked.services, asked.by.operator.name
    result = _found(asked)
    case = services.cases.file.case(result.search.case_id)
    own = case.opened_by == by
    return page(
        asked,
        "case_search.html",
        case=case,
        found=result,
        search=result.search,
        own=own and not case.closed_at,
        states=STATES,
        grades=GRADES,
        kinds=EVIDENCE,
        uses=USES,
        clock=clock,
        missing=services.cases.to_bring(result, by),
    )


def _bring(asked: ConsoleRequest) -> Response:
    result = _found(asked)
    search_id = result.search.search_id
    asked.services.cases.bring(search_id, _place(asked), asked.by.operator.name, asked.file("picture"))
    return go(f"/cases/{result.search.case_id}/searches/{search_id}")


def _evidence(asked: ConsoleRequest) -> Response:
    result = _found(asked)
    kind = asked.text("kind")
    if kind not in list(EvidenceKind):
        raise BadRequest(f"kind: one of {', '.join(EvidenceKind)} is expected")
    asked.services.cases.enter_evidence(
        result.search.search_id,
        _place(asked),
        asked.by.operator.name,
        EvidenceKind(kind),
        asked.text("what", needed=True, most=1000, lines=True),
        independent=asked.text("independent") == "yes",
    )
    return go(f"/cases/{result.search.case_id}/searches/{result.search.search_id}")


def _export(asked: ConsoleRequest) -> Response:
    result = _found(asked)
    use = asked.text("use")
    if use not in list(ExportUse):
        raise BadRequest(f"use: one of {', '.join(ExportUse)} is expected")
    by, search = asked.by.operator.name, result.search
    text = asked.services.cases.export(search.search_id, _place(asked), by, ExportUse(use))
    return page(asked, "case_export.html", search=search, text=text)


def _mine(asked: ConsoleRequest) -> tuple[Case, Caller]:
    """The case of one's own that the path names, and oneself under its mandate."""
    case = asked.services.cases.show(asked.path["case_id"], asked.by.operator.name, supervises=False)
    mandate = chosen(asked, case.mandate_id)
    assert mandate is not None
    return case, under(asked, mandate)


def _found(asked: ConsoleRequest) -> CaseResult:
    """The search that the path names, if it is of the case that the path names."""
    by = asked.by.operator.name
    search = asked.services.cases.file.search(asked.path["search_id"], asked.path["case_id"])
    return asked.services.cases.result(search.search_id, by, supervises=_supervises(asked))


def _place(asked: ConsoleRequest) -> int:
    return int(asked.number("lead", 1, 1, 100)) - 1


def _until(asked: ConsoleRequest) -> datetime:
    """When an authorisation ends: to the minute as a browser's field gives it, UTC; or a date, or days from now."""
    text = asked.text("until", needed=True)
    if "T" not in text:
        return asked.until("until", asked.services.cases.now())
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest("until: a time such as 2027-01-31T18:00 (UTC) is expected") from error
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _supervises(asked: ConsoleRequest) -> bool:
    return Role.APPROVE in asked.by.operator.roles


_LARGE = PICTURE_BYTES + 65_536
PAGES = (
    ConsolePage("/cases", _list, roles=_SEEN),
    ConsolePage("/cases", _open, "POST", _ASKS, form=_new),
    ConsolePage("/cases/new", _new, roles=_ASKS),
    ConsolePage("/cases/{case_id}", _one, roles=_SEEN),
    ConsolePage("/cases/{case_id}/authorisations", _authorise, "POST", _SUPERVISES, form=_one),
    ConsolePage("/cases/{case_id}/closing", _close, "POST", _SEEN),
    ConsolePage("/cases/{case_id}/pictures", _look, "POST", _ASKS, body_bytes=_LARGE),
    ConsolePage("/cases/{case_id}/crops", _crop, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/searches", _search, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/pairs", _look_at_two, "POST", _ASKS, body_bytes=PICTURE_BYTES + _LARGE),
    ConsolePage("/cases/{case_id}/comparisons", _compare, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/videos", _begin_video, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/videos/{video_id}", _video, roles=_ASKS),
    ConsolePage("/cases/{case_id}/videos/{video_id}/views", _take_views, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/videos/{video_id}/people/{person}.png", _view, roles=_ASKS),
    ConsolePage("/cases/{case_id}/videos/{video_id}/people/{person}", _look_at_person, "POST", _ASKS),
    ConsolePage("/cases/{case_id}/searches/{search_id}", _result, roles=_SEEN),
    ConsolePage("/cases/{case_id}/searches/{search_id}/pictures", _bring, "POST", _SUPERVISES, body_bytes=_LARGE),
    ConsolePage("/cases/{case_id}/searches/{search_id}/evidence", _evidence, "POST", _ASKS, form=_result),
    ConsolePage("/cases/{case_id}/searches/{search_id}/export", _export, "POST", _ASKS),
)
