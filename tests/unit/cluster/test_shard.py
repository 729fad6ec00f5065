"""A shard answers for its own installation only, and never with more words than it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.gallery.people import MODEL, Ticking, counted, people, template

from countenance.cluster import Part
from countenance.cluster.search import _found
from countenance.cluster.shard import Shard, ShardQuestion, ShardReply
from countenance.database import open_database
from countenance.errors import CountenanceError, Misconfigured, NotRecorded, NotSearched, StoreError
from countenance.gallery import FaceShare, Gallery, GalleryPart
from countenance.scoring import RawCosine


class Opened:
    def __init__(self, folder: Path) -> None:
        self.engine = open_database(folder / "countenance.sqlite")
        self.gallery = Gallery(self.engine, RawCosine(), Ticking(), counted())
        self.gallery.create("staff", MODEL, "sface-1", {})
        self.gallery.enrol("staff", "one", None, people(1, 2, 3))

    def __call__(self, share: FaceShare) -> Part:
        return Part("mine", GalleryPart(self.engine, RawCosine(), MODEL, share, threads=1, within_s=0.3))


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    return Opened(tmp_path)


def question(opened: Opened, identity: str = "mine", more: int = 0, **changed: Any) -> ShardQuestion:
    head = opened.gallery._store.head("staff")
    asked = ShardQuestion(identity, "staff", head, template(2).vector[None], 2, -1.0, None, False)
    from dataclasses import replace

    return asked._replace(head=replace(head, revision=head.revision + more), **changed)


def test_its_answer_is_that_of_the_gallery_with_the_revision(opened: Opened) -> None:
    found = _found(Shard(opened, FaceShare()).find(question(opened)))
    expected = opened.gallery.search("staff", template(2), limit=2, min_score=-1.0)
    assert found is not None
    assert [score for _, score in found.hits[0]] == [score for _, score in expected.hits]
    assert (found.size, found.revision) == (3, opened.gallery._store.head("staff").revision)


def test_one_of_another_installation_answers_nothing(opened: Opened) -> None:
    reply = Shard(opened, FaceShare()).find(question(opened, identity="another"))
    assert (reply.error, reply.hits) == ("Misconfigured", None)
    with pytest.raises(Misconfigured, match="another installation"):
        _found(reply)


def test_one_that_cannot_open_it_says_so_to_whoever_asks(opened: Opened) -> None:
    def fails(_: FaceShare) -> Part:
        raise StoreError("the ledger is another's")

    shard = Shard(fails, FaceShare())
    assert not shard.state()["loaded"]
    with pytest.raises(Misconfigured, match="the ledger is another's"):
        _found(shard.find(question(opened)))


def test_errors_come_back_as_they_are(opened: Opened) -> None:
    with pytest.raises(NotSearched, match="revision"):
        _found(Shard(opened, FaceShare()).find(question(opened, more=1)))
    with pytest.raises(NotRecorded, match="away"):
        _found(ShardReply(error="NotRecorded", message="away"))


def test_the_words_of_an_unexpected_error_stay_where_they_are(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Shard(opened, FaceShare())
    reply = shard.find(question(opened, probes=np.zeros((1, 3), np.float32)))  # not as long as the rows
    with pytest.raises(CountenanceError) as raised:
        _found(reply)
    assert str(raised.value) == "a shard failed with ValueError"


def test_a_name_that_is_no_error_of_ours_is_not_believed() -> None:
    with pytest.raises(CountenanceError) as raised:
        _found(ShardReply(error="annotations", message="x"))
    assert type(raised.value) is CountenanceError
