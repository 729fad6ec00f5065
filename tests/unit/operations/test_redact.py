"""Redaction through the guard: on record, all faces but chosen ones, by consent only where a gallery decides."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.fakes.engine import FakeEngine, picture_of
from tests.unit.operations.conftest import NOW, World
from tests.unit.video.clips import grey, write

from countenance.errors import BadRequest, DamagedVideo, Denied, NotFound
from countenance.faces import BoundingBox
from countenance.mandates import Holder, Terms
from countenance.operations import (
    Caller,
    CreateGallery,
    Enrol,
    Redact,
    RedactExceptEnrolled,
    RedactVideo,
    RedactVideoExceptEnrolled,
    VideoFile,
)
from countenance.redaction import SURE_SCORE, RegionOrigin, VideoTarget


@pytest.fixture
def consenting(world: World) -> Caller:
    """The world's caller, whose mandate states consent; person 7 is enrolled in g0."""
    world.guard.carry_out(world.caller, CreateGallery("g0"))
    world.guard.carry_out(world.caller, Enrol("g0", picture_of(7), "p-7"))
    return world.caller


@pytest.fixture
def unstated(world: World, consenting: Caller) -> Caller:
    """A caller whose mandate says nothing about where the gallery's faces come from."""
    terms = Terms("redaction", "consent", ("g*",), ("*",))
    asked = world.register.request(Holder("A paper"), terms, requested_by="ann", expires_at=NOW + timedelta(days=1))
    world.register.approve(asked.mandate_id, approved_by="ben")
    return Caller(world.register.issue_key(asked.mandate_id).access_key)


def pixels_of(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def touched(content: bytes, level: int) -> bool:
    return bool((pixels_of(content) != level).any())


def test_a_redaction_is_on_record_by_counts_only(world: World) -> None:
    answer = world.guard.carry_out(world.caller, Redact(picture_of(3)))
    assert touched(answer.result.content, 30)
    decision, result = world.ledger.entries()
    assert (decision.fields["operation"], decision.fields["asks"]) == ("redact", "redact")
    assert {name: result.fields[name] for name in ("covered", "left", "to_look_at")} == {
        "covered": 1,
        "left": 0,
        "to_look_at": 0,
    }
    report = answer.result.report.body()
    assert report["applied"] == {
        "detector": "fake-detector-1", "least_score": 0.2, "sure_score": SURE_SCORE, "style": "blur",
        "except_boxes": [], "gallery": None, "similarity": None,
    }  # fmt: skip


def test_a_face_in_a_chosen_box_stays_and_one_beside_it_does_not(world: World) -> None:
    inside, beside = BoundingBox(0.0, 0.0, 0.6, 0.7), BoundingBox(0.4, 0.5, 0.5, 0.5)
    left = world.guard.carry_out(world.caller, Redact(picture_of(3), (inside,))).result
    assert not touched(left.content, 30)
    assert (len(left.report.left), len(left.report.covered)) == (1, 0)
    covered = world.guard.carry_out(world.caller, Redact(picture_of(3), (beside,))).result
    assert touched(covered.content, 30)


def test_a_low_score_is_listed_to_look_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    spot = FakeEngine.spot
    monkeypatch.setattr(
        FakeEngine,
        "spot",
        lambda self, pixels, least: tuple(type(each)(each.box, 0.3) for each in spot(self, pixels, least)),
    )
    report = world.guard.carry_out(world.caller, Redact(picture_of(3))).result.report
    assert len(report.covered) == 1
    assert report.body()["to_look_at"] == report.body()["covered"]


def test_enrolled_people_who_consented_stay_and_everybody_else_is_covered(world: World, consenting: Caller) -> None:
    answer = world.guard.carry_out(consenting, RedactExceptEnrolled("g0", picture_of(7)))
    assert not touched(answer.result.content, 70)
    assert "x-countenance-expected-false-matches" in answer.headers
    assert list(world.ledger.entries())[-2].fields["asks"] == "identify"
    other = world.guard.carry_out(consenting, RedactExceptEnrolled("g0", picture_of(8))).result
    assert touched(other.content, 80)


def test_a_gallery_whose_people_are_not_said_to_have_consented_leaves_nobody_uncovered(
    world: World, unstated: Caller
) -> None:
    with pytest.raises(Denied, match=r"gallery\.provenance"):
        world.guard.carry_out(unstated, RedactExceptEnrolled("g0", picture_of(7)))
    assert list(world.ledger.entries())[-1].fields["outcome"] == "Denied"
    with pytest.raises(NotFound):
        world.guard.carry_out(world.caller, RedactExceptEnrolled("g9", picture_of(7)))


def clip(folder: Path, *levels: int) -> VideoFile:
    return VideoFile(write(folder / "clip.mp4", [grey(level) for level in levels]), step_ms=0.0)


def test_every_frame_of_a_video_is_covered_also_where_the_face_was_missed(world: World, tmp_path: Path) -> None:
    film = clip(tmp_path, 0, 0, 70, 0, 70, 70, 0, 0)
    target = VideoTarget(tmp_path / "out.mp4", sound=False)
    report = world.guard.carry_out(world.caller, RedactVideo(film, target)).result.report
    assert (report.frames, report.looked_at) == (8, 8)
    whys = [[region.why for region in frame.covered] for frame in report.with_faces]
    assert (
        whys
        == [[RegionOrigin.HELD]] * 2
        + [[RegionOrigin.FOUND], [RegionOrigin.BETWEEN], [RegionOrigin.FOUND], [RegionOrigin.FOUND]]
        + [[RegionOrigin.HELD]] * 2
    )
    assert len(report.body()["to_look_at"]) == 5  # type: ignore[arg-type]
    result = list(world.ledger.entries())[-1].fields
    assert (result["frames"], result["covered"], result["to_look_at"]) == (8, 8, 5)


def test_in_a_video_enrolled_people_stay_where_they_are_seen_only(
    world: World, consenting: Caller, tmp_path: Path
) -> None:
    film, out = clip(tmp_path, 70, 0, 70), VideoTarget(tmp_path / "out.mp4", sound=False)
    report = world.guard.carry_out(consenting, RedactVideoExceptEnrolled("g0", film, out)).result.report
    assert [(len(frame.left), len(frame.covered)) for frame in report.with_faces] == [(1, 0), (0, 1), (1, 0)]
    other = VideoTarget(tmp_path / "other.mp4", sound=False)
    film = VideoFile(write(tmp_path / "eight.mp4", [grey(80)] * 3), step_ms=0.0)
    report = world.guard.carry_out(consenting, RedactVideoExceptEnrolled("g0", film, other)).result.report
    assert all(not frame.left and frame.covered for frame in report.with_faces)


def test_a_stranger_on_the_path_of_somebody_enrolled_is_covered(
    world: World, consenting: Caller, tmp_path: Path
) -> None:
    """Two people swap places: the path is one, the templates are not."""
    film = clip(tmp_path, 70, 70, 70, 70, 70, 80, 70)
    target = VideoTarget(tmp_path / "out.mp4", sound=False)
    report = world.guard.carry_out(consenting, RedactVideoExceptEnrolled("g0", film, target)).result.report
    assert [frame.index for frame in report.with_faces if frame.covered] == [5]


def test_nothing_is_written_over_and_a_refusal_writes_nothing(world: World, unstated: Caller, tmp_path: Path) -> None:
    film, there = clip(tmp_path, 70), tmp_path / "there.mp4"
    there.write_bytes(b"mine")
    with pytest.raises(BadRequest, match="not overwritten"):
        world.guard.carry_out(world.caller, RedactVideo(film, VideoTarget(there)))
    with pytest.raises(Denied):
        world.guard.carry_out(unstated, RedactVideoExceptEnrolled("g0", film, VideoTarget(tmp_path / "x.mp4")))
    assert sorted(path.name for path in tmp_path.glob("*.mp4")) == ["clip.mp4", "there.mp4"]
    assert there.read_bytes() == b"mine"


def test_a_video_that_changes_between_the_two_readings_is_refused(world: World, tmp_path: Path) -> None:
    film = clip(tmp_path, 70, 70, 70)
    target = VideoTarget(tmp_path / "out.mp4", sound=False)
    ask = RedactVideo(film, target)
    look = FakeEngine.spot
    shorter = [write(tmp_path / "shorter.mp4", [grey(70)])]

    def swap(self: FakeEngine, pixels: NDArray[np.uint8], least: float, thorough: bool = True) -> object:
        with contextlib.suppress(IndexError):  # at the first frame; several threads look
            shorter.pop().replace(film.path)
        return look(self, pixels, least)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeEngine, "spot", swap)
        with pytest.raises(DamagedVideo, match="other frames"):
            world.guard.carry_out(world.caller, ask)
    assert not target.path.exists()
