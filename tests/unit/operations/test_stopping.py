"""What takes long stops by itself once the time that the server's end leaves is over."""

from __future__ import annotations

from typing import cast

import pytest

from countenance.errors import Overloaded
from countenance.operations import Stopping
from countenance.video import Frame, VideoFacts


def test_a_video_goes_on_until_the_time_is_over() -> None:
    at = [0.0]
    stopping = Stopping(lambda: at[0])
    facts = cast(VideoFacts, None)
    frames = stopping.frames(cast(list[Frame], list(range(9))), facts)
    next(frames)
    stopping.begin(5)
    at[0] = 4.0
    stopping.begin(60)  # the first word counts
    next(frames)
    at[0] = 5.0
    with pytest.raises(Overloaded, match="stops"):
        next(frames)


def test_without_an_end_nothing_stops() -> None:
    stopping = Stopping(lambda: 1e9)
    stopping.check()
    assert len(list(stopping.frames(cast(list[Frame], [1, 2]), cast(VideoFacts, None)))) == 2
