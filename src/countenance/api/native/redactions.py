"""Redaction of a picture or recorded video, under an access key; the answer is the covered file.

A video is covered while its sender waits, one at a time, within limits that keep that short; `countenance redact`
covers longer ones. Meanwhile the video is in a folder of its own, since its decoder is another process.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response

from countenance.api.admission import ClientGone
from countenance.api.native.access import by_key, router
from countenance.api.native.bodies import PICTURE, VIDEO, described, reading
from countenance.api.native.faces import KeyCaller
from countenance.api.native.key_access import FaceDoor
from countenance.errors import ImageTooLarge, Overloaded, VideoTooLarge
from countenance.faces import BoundingBox
from countenance.operations import BEGINNING, Answer, Caller, RedactedPicture, RedactionWish, VideoFile, is_video
from countenance.redaction import VideoTarget
from countenance.signing import JSON
from countenance.video import Frame, VideoFacts, VideoLimits
from countenance.wire.redactions import RedactionBody, RedactionShown

VIDEO_LIMITS = VideoLimits(max_bytes=32 * 2**20, max_seconds=60.0, max_frames=1800, max_pixels=1920 * 1088)
"""The limits of one video."""
PICTURE_BYTES = 15 * 2**20
SPOOL = "redactions-in-hand"
"""Folder in the data folder for the video being covered."""

_OLD_S = 86_400.0
_TYPES: dict[str, Literal["image/jpeg", "image/png", "image/webp"]] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
}


async def leaving(request: Request) -> AsyncIterator[Event]:
    """Whether the sender, whose body was read, closed the connection."""
    gone = Event()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        watching.cancel()


Leaving = Annotated[Event, Depends(leaving)]
Redaction = Annotated[RedactionBody, Depends(reading(RedactionBody, PICTURE, VIDEO))]


def routes(door: FaceDoor, spool: Path | None = None) -> APIRouter:
    """The route /redactions.

    spool: folder for a video while it is covered; by default in the system's temporary folder.
    """
    at = router("redactions", 400, 404, 415, 429)
    one_at_a_time = Lock()
    if spool is not None:
        _forget_old(spool)

    @at.post(
        "/redactions",
        openapi_extra={**by_key(), **described(RedactionBody, PICTURE, VIDEO)},
        summary="Cover the faces of a picture or video",
    )
    def redact(body: Redaction, caller: KeyCaller, gone: Leaving, response: Response) -> RedactionShown:
        """Cover every face, or all but selected ones, beyond recovery. Nothing is stored; the record has counts.

        A picture has at most 15 MiB; a video 32 MiB, 60 seconds, 1,800 frames and 1,920 x 1,088 pixels, and only one
        is covered at a time, for as long as its sender waits for it.
        """
        boxes = tuple(BoundingBox(each.left, each.top, each.width, each.height) for each in body.except_boxes)
        wish = RedactionWish(
            boxes, body.except_gallery, body.similarity, body.least, body.style, body.codec, body.step, body.sound
        )
        if not is_video(body.file[:BEGINNING]):
            if len(body.file) > PICTURE_BYTES:
                raise ImageTooLarge(f"the picture has {len(body.file):,} bytes, at most {PICTURE_BYTES:,} are read")
            return _picture(door.run(caller, wish.picture(body.file), response), wish)
        if len(body.file) > VIDEO_LIMITS.max_bytes:
            raise VideoTooLarge(f"the video has {len(body.file):,} bytes, at most {VIDEO_LIMITS.max_bytes:,} are read")
        if not one_at_a_time.acquire(blocking=False):
            raise Overloaded("another video is being covered; try again in a moment")
        try:
            with _folder(spool) as folder:
                return _video(door, caller, wish, body.file, folder, response, gone)
        finally:
            one_at_a_time.release()

    return at


def _picture(answer: Answer[RedactedPicture], wish: RedactionWish) -> RedactionShown:
    done = answer.result
    report = done.report
    return RedactionShown(
        file=done.content,
        media_type=_TYPES[done.kind],
        covered=len(report.covered),
        left_uncovered=len(report.left),
        to_look_at=sum(not region.sure for region in report.covered),
        report={**report.body(), **_rest(done.content, wish, answer.receipt)},
        receipt=answer.receipt,
    )


def _video(
    door: FaceDoor,
    caller: Caller,
    wish: RedactionWish,
    content: bytes,
    folder: Path,
    response: Response,
    gone: Event,
) -> RedactionShown:
    def awaited(frames: Iterable[Frame], facts: VideoFacts) -> Iterator[Frame]:
        for frame in door.stopping.frames(frames, facts):
            if gone.is_set():
                raise ClientGone
            yield frame

    source, target = folder / "video", folder / "covered.mp4"
    source.write_bytes(content)
    film = VideoFile(source, 1000 * wish.step, VIDEO_LIMITS, awaited)
    answer = door.run(caller, wish.video(film, VideoTarget(target, wish.codec, wish.style, wish.sound)), response)
    report, video_bytes = answer.result.report, target.read_bytes()
    return RedactionShown(
        file=video_bytes,
        media_type="video/mp4",
        covered=report.count(True) + report.count(False),
        left_uncovered=sum(len(frame.left) for frame in report.with_faces),
        to_look_at=report.count(False),
        report={**report.body(), **_rest(video_bytes, wish, answer.receipt)},
        receipt=answer.receipt,
    )


def _rest(content: bytes, wish: RedactionWish, receipt: str) -> dict[str, JSON]:
    return {"output_sha256": hashlib.sha256(content).hexdigest(), "asked": wish.said(), "receipt": receipt}


@contextmanager
def _folder(spool: Path | None) -> Iterator[Path]:
    if spool is not None:
        spool.mkdir(mode=0o700, exist_ok=True)
        _forget_old(spool)
    with tempfile.TemporaryDirectory(dir=spool, prefix="countenance-") as folder:
        yield Path(folder)


def _forget_old(spool: Path) -> None:
    """Delete what a killed process left a day ago or earlier; other processes may be using the folder too."""
    for each in spool.iterdir() if spool.is_dir() else ():
        with suppress(FileNotFoundError):  # another process deleted it
            if time.time() - each.stat().st_mtime > _OLD_S:
                shutil.rmtree(each, ignore_errors=True)
