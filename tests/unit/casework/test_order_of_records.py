"""Records that an older version wrote get numbers in the order in which they were written."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.fakes.postgres import KINDS

from countenance.database import connect, migrate


@pytest.mark.parametrize("kind", KINDS)
def test_older_records_are_numbered_as_they_were_written(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    engine = connect(tmp_path / "a" if kind == "sqlite" else request.getfixturevalue("postgres").new_database())
    migrate(engine, "0016")
    written = [("case", "b", "1"), ("case", "c", "1"), ("note", "a", "2"), ("case", "a", "1"), ("case", "d", "0")]
    insert = sa.text("INSERT INTO casework_records (kind, record_id, parent, made_at, sealed) VALUES (:k,:r,'p',:m,:s)")
    with engine.begin() as connection:
        for which, record_id, made_at in written:
            connection.execute(insert, {"k": which, "r": record_id, "m": made_at, "s": b"sealed"})
    migrate(engine)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT kind, record_id, number FROM casework_records ORDER BY 1, 3")).all()
    assert [tuple(row) for row in rows] == [
        ("case", "d", 0), ("case", "b", 1), ("case", "c", 2), ("case", "a", 3), ("note", "a", 0),
    ]  # fmt: skip
    engine.dispose()
