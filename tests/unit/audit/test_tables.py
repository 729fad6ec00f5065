from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from countenance.audit.labelled.tables import read_table
from countenance.errors import BadRequest, NotFound


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_parquet_read_the_same(tmp_path: Path) -> None:
    csv = write(tmp_path / "t.csv", "score,who,group\n0.5,a,x\n,b,\n-1e-3, a ,y\n")
    parquet = tmp_path / "t.parquet"
    pq.write_table(pa.table({"score": [0.5, None, -1e-3], "who": ["a", "b", "a"], "group": ["x", None, "y"]}), parquet)
    for path in (csv, parquet):
        table = read_table(path, ["score", "who", "group"], numbers=["score"])
        np.testing.assert_array_equal(table.numbers("score"), [0.5, np.nan, -1e-3])
        (who,), names = table.texts("who")
        assert (who.tolist(), names) == ([0, 1, 0], ("a", "b"))
        (group,), names = table.texts("group")
        assert (group.tolist(), names) == ([0, -1, 1], ("x", "y"))


def test_two_columns_share_one_list_of_names(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", "a,b\nx,y\ny,z\n"), ["a", "b"])
    (a, b), names = table.texts("a", "b")
    assert names == ("x", "y", "z")
    assert (a.tolist(), b.tolist()) == ([0, 1], [1, 2])


def test_names_are_the_same_however_many_pieces_a_file_comes_in(tmp_path: Path) -> None:
    rows = [f"s{i % 977},{'even' if i % 2 else 'odd'}" for i in range(200_000)]
    table = read_table(write(tmp_path / "t.csv", "who,parity\n" + "\n".join(rows) + "\n"), ["who", "parity"])
    assert table.column("who").num_chunks > 1
    (who,), names = table.texts("who")
    assert [names[who[i]] for i in (0, 976, 977, 199_999)] == ["s0", "s976", "s0", f"s{199_999 % 977}"]


def test_ids_that_are_whole_numbers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"who": pa.array([7.0, 12.0, None])}), path)
    (codes,), names = read_table(path, ["who"]).texts("who")
    assert names == ("7", "12")
    assert codes.tolist() == [0, 1, -1]


def test_names_with_numbers_come_in_the_order_people_expect(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "age\n20-29\n3-9\n10-19\n0-2\n70+\nmore\n")
    (codes,), names = read_table(path, ["age"]).texts("age")
    assert names == ("0-2", "3-9", "10-19", "20-29", "70+", "more")
    assert codes.tolist() == [3, 1, 2, 0, 4, 5]


@pytest.mark.parametrize("said", ["1,0", "true,FALSE", "same,different", "genuine,impostor", "Yes,no"])
def test_flags_are_read_in_the_words_people_use(tmp_path: Path, said: str) -> None:
    yes, no = said.split(",")
    assert read_table(write(tmp_path / "t.csv", f"same\n{yes}\n{no}\n"), ["same"]).flags("same").tolist() == [
        True,
        False,
    ]


def test_a_flag_in_other_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="got 'perhaps'"):
        read_table(write(tmp_path / "t.csv", "same\n1\nperhaps\n"), ["same"]).flags("same")
    with pytest.raises(BadRequest, match="1 empty cells"):
        read_table(write(tmp_path / "u.csv", 'same,x\n1,1\n"",1\n'), ["same"]).flags("same")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "score,who\n1,a\n")
    with pytest.raises(BadRequest, match=r"t.csv has no column 'race'; it has score, who"):
        read_table(path, ["score", "race"])


def test_a_column_of_numbers_with_a_word_in_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "who,score\na,0.5\nb,high\n")
    with pytest.raises(BadRequest, match=r"column 'score' of t.csv holds something that is no number: 'high' in row 3"):
        read_table(path, ["score", "who"], numbers=["score"])


def test_infinity_is_no_score(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", "score\n0.5\ninf\n"), ["score"], numbers=["score"])
    with pytest.raises(BadRequest, match="1 infinite"):
        table.numbers("score")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", "", "is empty"),
        ("ragged.csv", "a,b\n1,2\n1\n", "row 3 has 1 cells where the header has 2"),
        ("book.xlsx", "PK", "neither .csv"),
        ("packed.csv.gz", "x", "neither .csv.*unpack it first"),
        ("fake.parquet", "no parquet", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read_table(write(tmp_path / name, content))


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file none.csv"):
        read_table(tmp_path / "none.csv")
