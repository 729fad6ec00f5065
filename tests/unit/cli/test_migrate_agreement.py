"""What both services are asked, and how their agreement is counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from countenance.cli.migrate.agreement import Pairing, agreements, write_agreement
from countenance.cli.migrate.answers import ServiceAnswer
from countenance.cli.migrate.matching import Item
from countenance.cli.migrate.pictures import Folder, StoredFile
from countenance.cli.migrate.questions import Album, SharedQuestion, Shown, from_file, sampled
from countenance.errors import BadRequest
from countenance.metrics import clustered_rate

YES, NO, COULD_NOT = ServiceAnswer(True, 91.0), ServiceAnswer(False), ServiceAnswer(None, error="no face")


def shown(name: str, person: str = "") -> Shown:
    return Shown(StoredFile(name, Path(name)), name, person)


def pair(there: ServiceAnswer, here: ServiceAnswer, first: str = "ann", second: str = "ann") -> Pairing:
    return Pairing(SharedQuestion(shown("a", first), shown("b", second), ""), there, here)


def search(there: ServiceAnswer, here: ServiceAnswer, person: str = "ann") -> Pairing:
    return Pairing(SharedQuestion(shown("a", person), None, "g"), there, here)


@pytest.mark.parametrize(
    ("pairing", "outcome"),
    [
        (pair(YES, YES), "both yes"),
        (pair(NO, NO), "both no"),
        (pair(YES, NO), "only source"),
        (pair(NO, YES), "only here"),
        (pair(COULD_NOT, YES), "source could not"),
        (pair(NO, COULD_NOT), "here could not"),
        (pair(COULD_NOT, COULD_NOT), "neither could"),
        (search(ServiceAnswer(True, 90.0, ("x",)), ServiceAnswer(True, 85.0, ("y", "x"))), "both yes"),
        (search(ServiceAnswer(True, 90.0, ("x",)), ServiceAnswer(True, 85.0, ("y",))), "another"),
    ],
)
def test_every_pair_of_answers_has_a_word(pairing: Pairing, outcome: str) -> None:
    assert pairing.outcome == outcome


def test_questions_about_one_person_are_one_cluster() -> None:
    pairings = [
        pair(YES, NO if person < 2 else YES, f"p{person}", f"p{person}") for person in range(10) for _ in range(8)
    ]
    everything, same = agreements(pairings)
    expected = clustered_rate([8, 8] + [0] * 8, [8] * 10).interval
    assert (everything.asked, same.asked) == ("comparisons", "comparisons of one person")
    assert same.agreement.share == pytest.approx(0.8)
    assert (same.agreement.low, same.agreement.high) == pytest.approx((1 - expected.high, 1 - expected.low))
    assert same.agreement.people == 10 and same.counts["only source"] == 16
    alone = agreements([pair(YES, NO if n < 16 else YES, f"q{n}", f"q{n}") for n in range(80)])[1].agreement
    assert same.agreement.high - same.agreement.low > 1.5 * (alone.high - alone.low)


def test_where_nothing_was_answered_nothing_is_claimed(tmp_path: Path) -> None:
    (row,) = write_agreement(tmp_path, [search(COULD_NOT, NO)], {"source": "s"}, ["note"])
    assert row.agreement.share is None and row.agreement.text == "–"
    assert json.loads((tmp_path / "agreement.json").read_text())["rows"][0]["agreement"]["trials"] == 0
    (different,) = csv.DictReader((tmp_path / "differences.csv").open())
    assert different["outcome"] == "source could not" and different["source_error"] == "no face"


def album(folder: Path, *names: str) -> Album:
    for name in names:
        (folder / name).write_bytes(name.encode())
    return Album(Folder(folder))


def test_a_sample_is_the_same_for_the_same_seed_and_no_question_is_twice_in_it(tmp_path: Path) -> None:
    names = [f"{person}-{n}.jpg" for person in range(6) for n in range(3)]
    pictures = album(tmp_path, *names)
    items = {"g": [Item(StoredFile(name, tmp_path / name), name, name.partition("-")[0]) for name in names]}
    one, again, other = (sampled(items, pictures, 20, 5, seed) for seed in (1, 1, 2))
    assert one == again != other
    pairs = [question for question in one if question.second is not None]
    assert len(pairs) == 20 and len(one) == 25
    assert len({frozenset((q.first.sha256, q.second.sha256)) for q in pairs if q.second}) == 20
    assert sum(q.same is True for q in pairs) == 10
    everybody = sampled(items, pictures, 10_000, 100, 1)
    assert len([q for q in everybody if q.second is None]) == 18  # no more searches than pictures


def test_questions_from_a_file_are_checked_row_by_row(tmp_path: Path) -> None:
    pictures, file = album(tmp_path, "a.jpg", "b.jpg"), tmp_path / "q.csv"
    file.write_text("first,second,collection,person\na.jpg,b.jpg,,ann\na.jpg,,g,ann\n")
    compared, searched = from_file(file, pictures)
    assert (compared.same, searched.gallery) == (None, "g")
    for row, why in [("a.jpg,,,", "row 2: a row has either"), ("z.jpg,b.jpg,,", "row 2: there is no picture z.jpg")]:
        file.write_text(f"first,second,collection,person\n{row}\n")
        with pytest.raises(BadRequest, match=why):
            from_file(file, pictures)
