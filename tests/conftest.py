"""Properties are tested without a deadline: machines are shared, and no test is about time.

Databases of both kinds, for tests of what must be the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from tests.fakes.postgres import (
    KINDS,
    NO_SERVER,
    PROGRAMS,
    PostgresServer,
    files_only,
    in_place_of_files,
    new_place,
    postgres_server,
    programs,
    replaced,
)

from countenance.database import open_database

settings.register_profile("untimed", deadline=None, derandomize=True)  # a run says the same as the one before it
settings.register_profile("searching", deadline=None)  # new examples each time: pytest --hypothesis-profile searching
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test on both kinds of database, the one on SQLite would be on PostgreSQL again."""
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if KINDS[0] in (params.get("place"), params.get("kind")):
            item.add_marker(files_only)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the session; tests that use it skip, and say so, where there is none."""
    if programs() is None:
        pytest.skip(NO_SERVER)
    with postgres_server() as server:
        yield server


@pytest.fixture
def database(place: Path | str) -> Iterator[Engine]:
    """An empty database of each kind in turn, opened."""
    engine = open_database(place)
    yield engine
    engine.dispose()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty database of each kind in turn, for `open_database`; see `sqlite_only`."""
    return new_place(request, tmp_path)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[dict[Path, str]]:
    """With COUNTENANCE_TEST_DATABASE=postgresql, what tests open in this process in place of SQLite files."""
    with pytest.MonkeyPatch.context() as patch:
        if programs() is not None:  # asked once, before its variable goes
            patch.delenv(PROGRAMS, raising=False)
        patch.delenv("COUNTENANCE_TEST_DATABASE", raising=False)  # no setting of the product, which refuses others
        if not replaced:
            yield {}
            return
        with in_place_of_files(request.getfixturevalue("postgres")) as urls:
            yield urls


@pytest.fixture(autouse=True)
def _dropped(request: pytest.FixtureRequest, databases: dict[Path, str]) -> Iterator[None]:
    """No test leaves a database behind."""
    if not replaced or "tmp_path" not in request.fixturenames:
        yield
        return
    folder, server = request.getfixturevalue("tmp_path"), request.getfixturevalue("postgres")
    yield
    for path in [path for path in databases if path.is_relative_to(folder)]:
        server.drop(databases.pop(path))
