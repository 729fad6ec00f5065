"""Parquet files that are damaged, lie about what they hold, or hold what no table of an audit has: refused by name."""

from __future__ import annotations

import random
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from countenance.audit.labelled.tables import read_table
from countenance.errors import BadRequest

ROWS = {"score": [0.25, 0.5, 0.75] * 20, "group": ["a", "b", "c"] * 20}


def written(columns: Any, compression: str = "snappy") -> bytes:
    file = BytesIO()
    pq.write_table(pa.table(columns), file, compression=compression)
    return file.getvalue()


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "brotli", "none"])
def test_bytes_changed_anywhere_are_read_or_refused_and_raise_nothing_else(tmp_path: Path, compression: str) -> None:
    good, chance, refused = written(ROWS, compression), random.Random(1), 0
    path = tmp_path / "a.parquet"
    for _ in range(100):
        bad = bytearray(good)
        for _ in range(chance.choice((1, 2, 8))):
            bad[chance.randrange(4, len(bad) - 8)] = chance.randrange(256)
        path.write_bytes(bad)
        try:
            table = read_table(path)
        except BadRequest as error:
            assert "a.parquet" in str(error)
            refused += 1
            continue
        for name in table.columns:
            with suppress(BadRequest):
                table.numbers(name)
            with suppress(BadRequest):
                table.texts(name)
    assert refused > 20


def test_texts_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    ends = pa.py_buffer(b"".join(end.to_bytes(4, "little") for end in (0, 1, 2)))
    text = pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"a\xff")])
    (tmp_path / "a.parquet").write_bytes(written({"group": text}))
    with pytest.raises(BadRequest, match=r"a\.parquet cannot be read"):
        read_table(tmp_path / "a.parquet")


def test_numbers_beyond_all_whole_ones_are_still_names(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(written({"id": [1e300, 7.0, float("nan"), -1e19]}))
    (codes,), names = read_table(tmp_path / "a.parquet").texts("id")
    assert [codes[1] >= 0, sorted(names)] == [True, ["-1e+19", "1e+300", "7", "nan"]]


def test_a_column_of_lists_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(written({"group": [[1], [2]]}))
    with pytest.raises(BadRequest, match=r"'group' of a\.parquet"):
        read_table(tmp_path / "a.parquet").texts("group")
