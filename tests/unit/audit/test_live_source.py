from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.audit.made_up import NOW

from countenance.audit.formats.plan import DeclaredHypothesis, Groups, LiveApi, Plan, System, ThresholdRule
from countenance.audit.formats.results import ModelUsed
from countenance.audit.running import run_audit
from countenance.audit.sources.live.cassette import Cassette, Header, RecordedReply
from countenance.audit.sources.live.live_source import Asked, Drawn, LiveSource, Pacer, Service, ask, draw, estimate
from countenance.errors import BadRequest, NotFound, Overloaded

SOURCE = LiveApi(
    "rekognition", "p", "l.csv", endpoint="http://here", genuine_per_subject=1, impostors_per_group=40,
    impostors_across=40, threshold=20.0,
)  # fmt: skip


class FakeService:
    """Pictures are the text `<person> <shot>`; the same person scores 95, others 10 to 60; an empty one has no face."""

    client = "rekognition"
    models: tuple[ModelUsed, ...] = (ModelUsed("client", "fake", "1"),)

    def __init__(self) -> None:
        self.settings = {"endpoint": "http://here"}
        self.asked: list[str] = []
        self.token = ""
        self.tired_after = 10**9

    def detect(self, image: bytes) -> RecordedReply:
        self._count("detect")
        if not image:
            return RecordedReply("no face", 1.0)
        return RecordedReply("answered", 1.0, faces=1, quality={"sharpness": 50.0}, token=self.token)

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        self._count("compare")
        assert first_token == second_token == self.token
        a, b = first.split()[0], second.split()[0]
        score = 95.0 if a == b else 10.0 + (int(a) * 7 + int(b) * 7) % 50
        return RecordedReply("answered", 2.0, score=score if score >= 20 else None, faces=1)

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        return now - reply.at < 100

    def _count(self, operation: str) -> None:
        if len(self.asked) >= self.tired_after:
            raise Overloaded("wait, and run the same command again")
        self.asked.append(operation)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    lines = ["file,subject,gender"]
    for person in range(30):
        for shot in range(2):
            lost = person == 7 and shot == 1
            (tmp_path / "p" / f"{person}-{shot}.jpg").write_bytes(b"" if lost else f"{person} {shot}".encode())
            lines.append(f"{person}-{shot}.jpg,{person},{'f' if person % 2 else 'm'}")
    (tmp_path / "l.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def drawn(folder: Path) -> Drawn:
    return draw(SOURCE, folder, ["gender"], 3)


def header(service: Service) -> Header:
    return Header(service.client, service.models, service.settings)


def pacer() -> Pacer:
    return Pacer(1000.0, lambda: 0.0, lambda seconds: None)


def go(folder: Path, service: Service | None, tape: str = "t.jsonl", now: float = 1.0) -> Asked:
    cassette = Cassette(folder / tape, None if service is None else header(service))
    return ask(drawn(folder), service, cassette, pacer(), SOURCE.threshold, now)


def test_every_image_is_looked_at_and_every_pair_compared_once(folder: Path) -> None:
    service = FakeService()
    found = go(folder, service)
    pairs = len(drawn(folder).pairs.first)
    assert service.asked.count("detect") == 60
    lost = int(found.scored.comparisons.failed.sum())
    assert service.asked.count("compare") == pairs - lost
    assert lost >= 1  # nobody compares a picture without a face, and it counts
    assert found.outcomes.failed.sum() == 1
    assert found.scored.comparisons.censor_point == 20.0
    assert (found.scored.comparisons.score == float("-inf")).sum() > 0


def test_a_replay_asks_nothing_and_finds_the_same(folder: Path) -> None:
    first = go(folder, FakeService())
    again = go(folder, None)
    assert again.scored.comparisons.score.tobytes() == first.scored.comparisons.score.tobytes()
    assert again.scored.findings == first.scored.findings


def test_an_interrupted_audit_goes_on_where_it_stopped(folder: Path) -> None:
    tired = FakeService()
    tired.tired_after = 75
    with pytest.raises(Overloaded):
        go(folder, tired)
    fresh = FakeService()
    go(folder, fresh)
    whole = FakeService()
    go(folder, whole, "other.jsonl")
    assert len(fresh.asked) == len(whole.asked) - 75


def test_handles_that_the_service_forgot_are_asked_for_again_where_a_pair_needs_them(folder: Path) -> None:
    tired = FakeService()
    tired.token, tired.tired_after = "old", 70
    with pytest.raises(Overloaded):
        go(folder, tired)
    later = FakeService()
    later.token = "new"
    go(folder, later, now=1000.0)
    assert 0 < later.asked.count("detect") <= 60
    done = FakeService()
    done.token = "newer"
    go(folder, done, now=9000.0)
    assert done.asked == []


def test_the_estimate_counts_what_is_still_to_be_asked(folder: Path) -> None:
    pairs = len(drawn(folder).pairs.first)
    before = estimate(SOURCE, drawn(folder), None)
    assert (before.detections, before.comparisons) == (60, pairs)
    assert before.seconds == pytest.approx((60 + pairs) / 5)
    assert before.cost == pytest.approx((60 + pairs) * before.price.per_call)
    assert "nothing if the endpoint is your own" in before.sentence
    service = FakeService()
    go(folder, service)
    after = estimate(SOURCE, drawn(folder), Cassette(folder / "t.jsonl", header(service)))
    assert (after.detections, after.comparisons) == (0, 0)


def test_a_whole_audit_of_a_service_names_what_answered(folder: Path) -> None:
    plan = Plan(
        title="t", question="q", system=System("s"), groups=Groups(("gender",), "told"), api=SOURCE,
        threshold=ThresholdRule("fixed", 50.0), hypotheses=(DeclaredHypothesis("fmr", "gender"),), seed=3,
    )  # fmt: skip
    answers = go(folder, FakeService())
    loaded = LiveSource(plan, folder).loaded(drawn(folder), answers, FakeService.models, folder / "t.jsonl")
    found = run_audit(plan, plan, loaded, lambda: NOW)
    assert found.faces is not None
    assert found.faces.censored_below == 20.0
    assert (found.faces.failures.errors, found.faces.failures.trials) == (1, 60)
    assert set(found.data.inputs) == {"l.csv", "p/", "t.jsonl"}
    assert found.faces.fnmr.errors == 0 and (found.faces.fmr.errors or 0) > 0
    assert loaded.models == FakeService.models


def test_images_that_are_not_there_stop_before_the_first_call(folder: Path) -> None:
    (folder / "p" / "3-0.jpg").unlink()
    with pytest.raises(NotFound, match="1 of 60 images are not there"):
        drawn(folder)


def test_labels_that_allow_no_pair_are_an_error(folder: Path) -> None:
    (folder / "l.csv").write_text("file,subject,gender\n1-0.jpg,1,f\n")
    with pytest.raises(BadRequest, match="no pair can be drawn"):
        drawn(folder)


def test_a_service_that_sees_no_face_at_all_is_an_error(folder: Path) -> None:
    class Blind(FakeService):
        def detect(self, image: bytes) -> RecordedReply:
            return RecordedReply("no face", 1.0)

    with pytest.raises(BadRequest, match="not one pair could be compared"):
        go(folder, Blind())
