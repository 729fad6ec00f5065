"""What every store relies on holds in both kinds of database; custody, jobs and what is written beside faces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from tests.fakes.clock import START, Clock
from tests.fakes.postgres import PostgresServer
from tests.unit.gallery.people import MODEL, counted

from countenance.app import BOUND
from countenance.custody import Custody
from countenance.database import Busy, Direct, changing, connect, open_database, reading, shown, writing
from countenance.database.postgresql import parsed
from countenance.errors import AlreadyExists, BadRequest, InUse, Misconfigured, NotRecorded, StoreError
from countenance.gallery import Gallery
from countenance.gallery.tables import galleries
from countenance.jobs import Findings, JobKind, JobState, StreamProcessors, VideoJobs, VideoRequest
from countenance.ledger import Bindings, Ledger
from countenance.ledger.tables import nodes
from countenance.scoring import RawCosine
from countenance.settings import load
from countenance.settings import shown as settings_shown
from countenance.signing import Signer

TERM = Direct(sa.text("SELECT days FROM custody_retention WHERE gallery_id = :gallery"))
PUT = Direct(sa.text("INSERT INTO custody_retention (gallery_id, days, clause) VALUES (:gallery, :days, 'c')"))

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> 'postgres'"


@pytest.fixture
def engine(place: Path | str) -> Iterator[Engine]:
    engine = open_database(place)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_writes_at_a_time_and_readers_see_what_is_committed(engine: Engine) -> None:
    with reading(engine) as before, writing(engine) as transaction:
        transaction.many(PUT, [{"gallery": "g", "days": 3}])
        assert transaction.rows(TERM, gallery="g") == [(3,)]
        assert TERM.rows(engine, gallery="g") == []  # not yet
        with pytest.raises(Busy), writing(engine, 0.05):
            pass
        count = sa.text("SELECT count(*) FROM custody_retention")
        assert before.execute(count).scalar() == 0
    assert TERM.rows(engine, gallery="g") == [(3,)]
    with pytest.raises(ZeroDivisionError), writing(engine, synced=False) as transaction:
        transaction.many(PUT, [{"gallery": "h", "days": 3}])
        raise ZeroDivisionError
    assert TERM.rows(engine, gallery="h") == []
    with writing(engine, 0.05) as transaction:
        transaction.try_writing()


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 200])
def test_many_rows_that_are_written_at_once_all_arrive_as_they_were(engine: Engine, count: int) -> None:
    rows = [{"level": 1, "position": n, "hash": bytes([n % 256]) * 32} for n in range(count)]
    with writing(engine) as transaction:
        transaction.many(Direct(sa.insert(nodes)), rows)
    with reading(engine) as connection:
        kept = connection.execute(sa.select(nodes).order_by(nodes.c.position)).mappings().all()
    assert [dict(row) for row in kept] == rows


def test_a_part_that_failed_in_the_database_is_undone_and_the_rest_is_kept(engine: Engine, clock: Clock) -> None:
    ledger = Ledger(engine, Signer(bytes(32)), "log.example/faces", clock)
    try:
        recorder = Bindings(engine, ledger, bytes(32), BOUND)
        gallery = Gallery(engine, RawCosine(), clock, counted(), recorder=recorder)
        gallery.create("g", MODEL, "v", {})
        with pytest.raises(AlreadyExists):
            gallery.create("g", MODEL, "v", {})
        gallery.create("h", MODEL, "v", {})
        assert recorder.differences() == []
        assert [each.gallery_id for each in gallery.list(None, 10).items] == ["g", "h"]
    finally:
        ledger.close()


def test_a_statement_that_failed_keeps_a_transaction_from_being_called_committed(engine: Engine) -> None:
    def twice() -> None:
        with changing(engine) as connection:
            connection.execute(sa.insert(galleries).values(**row))
            try:
                connection.execute(sa.insert(galleries).values(**row))
            except sa.exc.IntegrityError:
                return

    row = {"gallery_id": "g", "model": "m", "version": "v", "tags": {}, "faces": 0, "revision": 0, "created_us": 0}
    row |= {"log_floor": 0, "log_length": 0}
    there = sa.text("SELECT count(*) FROM galleries")
    if engine.dialect.name == "sqlite":
        twice()
    else:
        with pytest.raises(StoreError):
            twice()
    with reading(engine) as connection:
        assert connection.execute(there).scalar() == (1 if engine.dialect.name == "sqlite" else 0)


def test_held_results_and_terms(engine: Engine, clock: Clock) -> None:
    custody = Custody(engine, bytes(32), clock)
    held = {"mandate_id": "m", "request_hash": "a", "result_hash": "b", "contents": {"x": 1}, "reviewers": 1}
    due = START + timedelta(hours=1)
    hold = custody.hold(decision=2**33, authorise_by=due, clauses=["p/c"], **held)  # type: ignore[arg-type]
    assert custody.hold(decision=1, authorise_by=due, clauses=["p/c"], **held).hold_id == hold.hold_id  # type: ignore[arg-type]
    assert custody.contents(hold.hold_id) == {"x": 1}
    assert custody.overdue("m") == []
    clock.advance(7200)
    assert [each.decision for each in custody.overdue("m")] == [2**33]
    custody.retain("g", 30, "p/term")
    custody.retain("g", 60, "p/longer")
    assert [(each.gallery_id, each.days) for each in custody.terms()] == [("g", 30)]


def test_a_job_from_its_order_to_its_erasure(engine: Engine, clock: Clock) -> None:
    gallery = Gallery(engine, RawCosine(), clock, counted())
    gallery.create("g", MODEL, "v", {})
    jobs = VideoJobs(engine, clock)
    asked = VideoRequest("m", "k", JobKind.DETECT, "b", "o", None, "g", 80.0, None, None, "t" * 64, "r" * 64, 30)
    job_id = jobs.start(asked)
    with jobs.taken() as job, jobs.taken() as nothing, jobs.taken(job_id) as no_more:
        assert job is not None
        assert nothing is no_more is None
        jobs.recover()  # it is ours
        jobs.progress(job, 12)
        assert jobs.succeed(job, Findings((), (), {"seconds": 1.5}))
    done = jobs.find("m", job_id, JobKind.DETECT)
    assert done is not None
    assert (done.state, done.outcome) == (JobState.SUCCEEDED, {"seconds": 1.5})
    assert jobs.erase_old() == 0
    clock.advance(31 * 24 * 3600)
    assert jobs.erase_old() == 1


def test_stream_processors(engine: Engine, clock: Clock) -> None:
    processors = StreamProcessors(engine, clock)
    processors.create("m", "door", {"Input": {"a": [1]}}, {})
    with pytest.raises(InUse):
        processors.create("m", "door", {}, {})
    processors.change_tags("m", "door", lambda tags: tags.update(a="b"))
    assert processors.describe("m", "door").tags == {"a": "b"}
    processors.delete("m", "door")


def test_what_cannot_be_kept_is_the_callers_mistake_and_nothing_else_is_lost(engine: Engine, clock: Clock) -> None:
    custody = Custody(engine, bytes(32), clock)
    if engine.dialect.name == "sqlite":
        custody.retain("a\0b", 1, "c")
        return
    for ask in (lambda: custody.retain("a\0b", 1, "c"), lambda: TERM.rows(engine, gallery="a\0b")):
        with pytest.raises(BadRequest, match=r"U\+0000"):
            ask()
    custody.retain("ab", 1, "c")
    assert len(custody.terms()) == 1


def test_a_server_that_is_away_is_said_and_forgotten_when_it_is_back(postgres: PostgresServer, tmp_path: Path) -> None:
    engine = open_database(postgres.new_database("empty"))
    assert TERM.rows(engine, gallery="g") == []
    with writing(engine):
        pass
    postgres.stop()
    try:
        for use in (reading, changing, writing):
            with pytest.raises(NotRecorded, match="COUNTENANCE_DATABASE"), use(engine):
                pass
        with pytest.raises(NotRecorded):
            TERM.rows(engine, gallery="g")
        with pytest.raises(StoreError, match="cannot be reached"):
            open_database(postgres.url("empty"))
    finally:
        postgres.start()
    assert TERM.rows(engine, gallery="g") == []
    with writing(engine) as transaction:
        transaction.many(PUT, [{"gallery": "g", "days": 3}])
    assert TERM.rows(engine, gallery="g") == [(3,)]
    engine.dispose()


def test_connections_that_were_cut_are_made_anew_unseen(postgres: PostgresServer) -> None:
    engine = open_database(postgres.new_database("empty"))

    def write() -> None:
        with writing(engine) as transaction:
            transaction.try_writing()

    def read() -> None:
        with reading(engine) as connection:
            connection.execute(sa.text("SELECT 1"))

    for use in (lambda: TERM.rows(engine, gallery="g"), write, read):
        TERM.rows(engine, gallery="g")
        postgres.say(CUT)
        use()
    engine.dispose()


def test_a_database_that_does_not_hold_unicode_is_refused(postgres: PostgresServer) -> None:
    postgres.say("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    with pytest.raises(StoreError, match="lc-collate C"):
        open_database(postgres.url("ascii"))


def test_a_url_is_checked_and_its_password_is_nowhere() -> None:
    url = "postgresql://ada:pa55word@db.example:5433/faces?sslmode=require"
    own = load({"COUNTENANCE_DATABASE": url})
    assert own.place == url
    assert "pa55word" not in repr(own) + settings_shown(own)["COUNTENANCE_DATABASE"] + shown(url)
    assert shown(url) == "postgresql://db.example:5433/faces"
    assert load({}).place == load({}).database_file
    for wrong in (
        "mysql://a:secret@b/c",
        "postgresql://ada:secret@db.example",
        "faces.sqlite",
        "postgresql://ada:p@secret:w/rd@db.example:5433/faces",
        "postgresql://ada:secret%@db.example/faces",
        "postgresql://ada:secret?1@db.example/faces",
        "postgresql://ada:secret@db.example:five/faces",
        "postgresql://ada:secret@one:5433,other:5433/faces",
    ):
        with pytest.raises(Misconfigured, match="postgresql://user@") as error:
            load({"COUNTENANCE_DATABASE": wrong})
        assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "where",
    [
        "db.example", "db.example:5433", "[::1]:5433", "[fe80::1]", "", "%2Frun%2Fpostgresql", "ada@db.example",
        "ada:p%40ss%3A%2F%3F%25%5B%5D%20~!$&'()*+,;=-._@db.example", "%C3%A9:%C3%A9@db.example",
    ],
)  # fmt: skip
def test_every_place_that_a_url_can_name_is_taken(where: str) -> None:
    for rest in ("faces", "faces?host=/run/postgresql&port=5433", "f%C3%A4ces?host=one:5432&host=other:5432"):
        url = f"postgresql://{where}/{rest}"
        assert load({"COUNTENANCE_DATABASE": url}).place == url
        assert parsed(url).host in (None, "db.example", "::1", "fe80::1", "/run/postgresql")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("postgresql://tests@/nowhere?host={folder}", "there is no such database on the server"),
        ("postgresql://nobody@/empty?host={folder}", "refuses this user"),
        ("postgresql://tests@/empty?host={folder}&sslmode=nonsense", "cannot be encrypted as the URL asks"),
        ("postgresql://tests@nowhere.invalid/empty", "there is no such host"),
        ("postgresql://tests@127.0.0.1:1/empty", "cannot be reached"),
    ],
)
def test_a_server_that_refuses_is_told_from_one_that_is_not_there(
    postgres: PostgresServer, change: str, said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        connect(change.format(folder=postgres.url().partition("host=")[2]))


def test_a_database_that_may_only_be_read_is_not_called_writable(postgres: PostgresServer, clock: Clock) -> None:
    url = postgres.new_database("empty")
    name = url.partition("@/")[2].partition("?")[0]
    engine = open_database(url)
    ledger = Ledger(engine, Signer(bytes(32)), "ledger.test", clock)
    try:
        ledger.check_writable()
        postgres.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        postgres.say(CUT)
        with pytest.raises(NotRecorded, match="may only be read"):
            ledger.check_writable()
        postgres.say(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        postgres.say(CUT)
        ledger.check_writable()
    finally:
        ledger.close()
        engine.dispose()


def test_a_database_of_a_newer_version_says_which_and_what_to_install(place: Path | str) -> None:
    engine = open_database(place)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"has version 9999, and this Countenance knows those up to .*: install the"):
        open_database(place)


def test_a_job_whose_process_ended_is_run_again_and_its_late_result_is_not_kept(engine: Engine, clock: Clock) -> None:
    jobs = VideoJobs(engine, clock)
    asked = VideoRequest("m", "k", JobKind.DETECT, "b", "o", None, None, None, None, None, None, "r" * 64, 30)
    job_id = jobs.start(asked)
    with jobs.taken() as late:
        assert late is not None
    jobs.recover()
    assert jobs.waiting() == [job_id]
    with jobs.taken(job_id) as job:
        assert job is not None and job.attempts == 2
        assert not jobs.succeed(late, Findings((), (), {}))
        assert jobs.succeed(job, Findings((), (), {}))
    for _ in range(3):
        jobs.recover()
    assert jobs.state(job_id) is JobState.SUCCEEDED
    worn = jobs.start(asked)
    for attempt in range(1, 5):  # also without anybody who queued it again
        with jobs.taken(worn) as job:
            assert (job is None) == (attempt > 3)
    assert jobs.state(worn) is JobState.FAILED
