from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from countenance.database import open_database
from countenance.gallery.tables import METADATA


def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "c.sqlite")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": lambda thing, name, kind, *_: kind != "table" or name in METADATA.tables},
        )
        assert compare_metadata(context, METADATA) == []
        listed = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type='table'").all()
        made: dict[str, str] = {row.name: row.sql for row in listed}
    for table in ("galleries", "images", "faces"):
        assert "AUTOINCREMENT" in made[table]  # a number is never used again
