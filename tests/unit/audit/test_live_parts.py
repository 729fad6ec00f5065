from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countenance.audit.formats.plan import LiveApi
from countenance.audit.formats.results import ModelUsed
from countenance.audit.labelled.people import Grouping
from countenance.audit.sources.live.cassette import Cassette, Header, RecordedQuestion, RecordedReply
from countenance.audit.sources.live.cost import price_of
from countenance.audit.sources.live.draw import draw_pairs
from countenance.audit.sources.live.live_source import Pacer
from countenance.errors import BadRequest, NotFound

HEADER = Header("rekognition", (ModelUsed("client", "boto3", "1.0"),), {"region": "x"})
QUESTION = RecordedQuestion("detect", ("ab" * 32,))
REPLY = RecordedReply("answered", 12.5, faces=1, quality={"sharpness": 3.0})


def never() -> RecordedReply:
    raise AssertionError("asked again")


def test_what_was_answered_is_never_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    assert Cassette(path, HEADER).ask(QUESTION, lambda: REPLY) == REPLY
    again = Cassette(path, HEADER)
    assert again.ask(QUESTION, never) == REPLY
    assert len(again) == 1


def test_a_torn_last_line_is_dropped_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    cassette = Cassette(path, HEADER)
    cassette.ask(QUESTION, lambda: REPLY)
    cassette.ask(RecordedQuestion("detect", ("cd" * 32,)), lambda: REPLY)
    path.write_bytes(path.read_bytes()[:-7])
    torn = Cassette(path, HEADER)
    assert len(torn) == 1
    other = RecordedReply("no face", 13.0)
    assert torn.ask(RecordedQuestion("detect", ("cd" * 32,)), lambda: other) == other
    assert len(Cassette(path, None)) == 2


def test_another_client_version_does_not_write_on_the_same_cassette(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    Cassette(path, HEADER)
    with pytest.raises(BadRequest, match="recorded otherwise: models"):
        Cassette(path, Header("rekognition", (ModelUsed("client", "boto3", "2.0"),), {"region": "x"}))


def test_replay_never_calls(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with pytest.raises(NotFound, match=r"no cassette c.jsonl"):
        Cassette(path, None)
    Cassette(path, HEADER).ask(QUESTION, lambda: REPLY)
    replay = Cassette(path, None)
    assert replay.header == HEADER
    assert replay.ask(QUESTION, never, again=True) == REPLY
    with pytest.raises(NotFound, match="no answer to one compare"):
        replay.ask(RecordedQuestion("compare", ("ab" * 32, "cd" * 32)), never)


@pytest.mark.parametrize("content", [b"", b"{}", b"not json\n", b'{"format":"other"}\n'])
def test_what_is_no_cassette_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadRequest):
        Cassette(path, None)


def test_an_answer_moved_to_another_question_is_found(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    Cassette(path, HEADER).ask(QUESTION, lambda: REPLY)
    path.write_text(path.read_text().replace("ab" * 32, "ef" * 32))
    with pytest.raises(BadRequest, match="key does not belong"):
        Cassette(path, None)


def test_a_cassette_holds_hashes_and_numbers_only(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    Cassette(path, HEADER).ask(QUESTION, lambda: REPLY)
    line = json.loads(path.read_text().splitlines()[1])
    assert set(line) == {"key", "question", "reply"}
    assert set(line["reply"]) == {"state", "at", "score", "faces", "quality", "error", "token", "label"}


def test_calls_are_spread_evenly_and_time_that_passed_is_not_made_up_for() -> None:
    clock = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    pacer = Pacer(4.0, lambda: clock[0], sleep)
    for _ in range(3):
        pacer.wait()
    assert slept == [0.25, 0.25]
    clock[0] += 100
    pacer.wait()
    pacer.wait()
    assert slept == [0.25, 0.25, 0.25]


def api(**changes: int) -> LiveApi:
    return LiveApi("rekognition", "p", "l.csv", **changes)  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-1, 12), min_size=2, max_size=60), st.integers(0, 5), st.integers(0, 20), st.integers(0, 2**31)
)
@example([-1, -1], 0, 0, 0)
def test_pairs_are_drawn_once_within_their_kind_and_from_the_seed_alone(
    subjects: list[int], genuine: int, impostors: int, seed: int
) -> None:
    who = np.array(subjects, np.int32)
    grouping = Grouping("g", ("a", "b"), (np.arange(13) % 2).astype(np.int32))
    source = api(genuine_per_subject=genuine, impostors_per_group=impostors, impostors_across=impostors)
    pairs = draw_pairs(who, grouping, source, seed)
    again = draw_pairs(who, grouping, source, seed)
    np.testing.assert_array_equal(pairs.first, again.first)
    np.testing.assert_array_equal(pairs.second, again.second)
    drawn = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(set(drawn)) == len(drawn)
    for (a, b), same in zip(drawn, pairs.same.tolist(), strict=True):
        assert a < b and who[a] >= 0 and who[b] >= 0
        assert same == (who[a] == who[b])
    counts = np.bincount(who[pairs.first[pairs.same]], minlength=13)
    assert counts.max(initial=0) <= genuine
    assert (~pairs.same).sum() <= 3 * impostors


def test_every_group_gets_its_impostor_pairs() -> None:
    who = np.arange(200, dtype=np.int32)
    grouping = Grouping("g", ("a", "b"), (np.arange(200) < 20).astype(np.int32))
    pairs = draw_pairs(who, grouping, api(impostors_per_group=50, impostors_across=0), 7)
    both = grouping.codes[pairs.first] + 10 * grouping.codes[pairs.second]
    assert (both == 0).sum() == 50 and (both == 11).sum() == 50


def test_every_client_has_a_price_that_says_where_it_is_from() -> None:
    for client in ("rekognition", "azure-face"):
        price = price_of(client)
        assert price.per_call > 0 and price.source and price.status
