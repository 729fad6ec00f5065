"""What takes long at the doors of /v1 asks whether the server stops."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from starlette.responses import Response

from countenance.api.native import bulk, redactions
from countenance.api.native.key_access import FaceDoor
from countenance.errors import Overloaded
from countenance.operations import Caller, RedactionWish, RedactVideo, Stopping
from countenance.video import VideoFacts


class NobodysGuard:
    """Notes what it is asked for, and does nothing."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def carry_out(self, caller: Caller, operation: Any) -> Any:
        self.asked.append(operation)
        raise Overloaded("busy")


@pytest.fixture
def guard() -> NobodysGuard:
    return NobodysGuard()


@pytest.fixture
def door(guard: NobodysGuard) -> FaceDoor:
    return FaceDoor(guard, cast(Any, None), ThreadPoolExecutor(1), Stopping())


def test_further_lines_of_a_bulk_enrolment_are_not_begun(door: FaceDoor, guard: NobodysGuard) -> None:
    line = json.dumps({"image": "AAAA"}).encode()
    assert len(list(bulk._done(door, Caller("k"), "g", [line]))) == len(guard.asked) == 1
    door.stopping.begin(0)
    answers = [json.loads(each) for each in bulk._done(door, Caller("k"), "g", [line, line])]
    assert len(guard.asked) == 1
    assert [each["line"] for each in answers] == [0, 1]
    assert all("the server stops" in each["problem"]["detail"] for each in answers)


def test_a_video_that_is_being_covered_is_given_up(door: FaceDoor, guard: NobodysGuard, tmp_path: Path) -> None:
    with pytest.raises(Overloaded):
        redactions._video(door, Caller("k"), RedactionWish(), b"video", tmp_path, Response(), Event())
    (asked,) = guard.asked
    assert isinstance(asked, RedactVideo)
    door.stopping.begin(0)
    with pytest.raises(Overloaded, match="the server stops"):
        next(iter(asked.video.progress(cast(Any, [1]), cast(VideoFacts, None))))
