"""Users of a gallery: what the store keeps of them, and the search among them."""

import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Cursor
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from tests.fakes.postgres import sqlite_only
from tests.unit.gallery.people import MODEL, OTHER, Ticking, counted, detected, people, template, unit

from countenance.database import open_database
from countenance.errors import BadPageToken, BadRequest, Conflict, LimitExceeded, NotFound, Overloaded, TokenReused
from countenance.faces import Template
from countenance.gallery import Gallery, Reason, Refusal, Token, User
from countenance.gallery import store as store_module
from countenance.gallery.answers import Reassigned, UserMatches
from countenance.gallery.search import index as index_module
from countenance.scoring import Calibration, RawCosine, coarse

CALIBRATION = Calibration(MODEL, "raw", "c" * 64, np.array([-0.5, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))
TOKEN = Token("k", "r")


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def gallery(database: Engine, clock: Ticking) -> Gallery:
    gallery = Gallery(database, RawCosine(), clock, counted())
    gallery.create("staff", MODEL, "sface-1", {})
    return gallery


def near(seed: int, noise: float, of: int) -> Template:
    """A template like that of person `of`, the more so the less noise there is."""
    return Template(unit(template(of).vector + noise * template(1000 + seed).vector), MODEL)


def enrolled(gallery: Gallery, *templates: Template, gallery_id: str = "staff") -> list[str]:
    pairs = [(detected(0.1 * (i % 9), 90.0), each) for i, each in enumerate(templates)]
    return [gallery.enrol(gallery_id, uuid.uuid4().hex, None, [pair])[0].face_id for pair in pairs]


def associate(
    gallery: Gallery, user_id: str, face_ids: list[str], similarity: float = 75.0, token: Token | None = None
) -> Reassigned:
    return gallery.associate("staff", user_id, face_ids, calibration=CALIBRATION, similarity=similarity, token=token)


def search(
    gallery: Gallery, *templates: Template, similarity: float = 0.0, limit: int = 500, **more: str
) -> UserMatches:
    return gallery.search_users("staff", templates, limit=limit, calibration=CALIBRATION, similarity=similarity, **more)


def ids(matches: UserMatches) -> list[str]:
    return [hit.user_id for hit in matches.hits]


def test_users_are_made_listed_and_deleted(gallery: Gallery, database: Engine) -> None:
    for name in ("z", "a", "m"):
        gallery.create_user("staff", name)
    (face,) = enrolled(gallery, template(1))
    associate(gallery, "a", [face])
    assert gallery.users("staff", limit=9).items == (User("z", 0), User("a", 1), User("m", 0))
    assert (gallery.user_count("staff"), gallery.describe("staff").users) == (3, 3)
    assert gallery.delete_user("staff", "a") is (database.dialect.name == "sqlite")
    assert gallery.users("staff", limit=9).items == (User("z", 0), User("m", 0))
    assert (gallery.user_count("staff"), gallery.list(None, 9).items[0].users) == (2, 2)
    assert gallery.faces("staff", limit=9).items[0].user_id is None


def test_users_are_listed_page_by_page(gallery: Gallery) -> None:
    for i in range(7):
        gallery.create_user("staff", f"u{i}")
    pages, after = [], None
    while True:
        page = gallery.users("staff", after=after, limit=3)
        pages.append([user.user_id for user in page.items])
        after = page.next
        if after is None:
            break
    assert pages == [["u0", "u1", "u2"], ["u3", "u4", "u5"], ["u6"]]
    for bad in ("x", "-1", "9" * 30):
        with pytest.raises(BadPageToken):
            gallery.users("staff", after=bad, limit=3)


def test_a_user_id_is_taken_once_in_one_gallery_only(gallery: Gallery) -> None:
    gallery.create("visitors", MODEL, "v", {})
    gallery.create_user("staff", "ann")
    with pytest.raises(Conflict):
        gallery.create_user("staff", "ann")
    gallery.create_user("visitors", "ann")
    gallery.delete_user("staff", "ann")
    gallery.create_user("staff", "ann")
    assert gallery.users("staff", limit=9).items == (User("ann", 0),)


@pytest.mark.parametrize("bad", ["", "x" * 129])
def test_a_user_id_that_cannot_be_one_is_refused(gallery: Gallery, bad: str) -> None:
    with pytest.raises(BadRequest):
        gallery.create_user("staff", bad)


def test_what_is_not_there_is_not_found(gallery: Gallery) -> None:
    gallery.create("visitors", MODEL, "v", {})
    gallery.create_user("visitors", "ann")
    for call in (
        lambda: gallery.create_user("nobody", "ann"),
        lambda: gallery.users("nobody", limit=1),
        lambda: gallery.delete_user("staff", "ann"),
        lambda: associate(gallery, "ann", ["x"]),
        lambda: gallery.disassociate("staff", "ann", ["x"]),
        lambda: gallery.user_templates("staff", "ann"),
        lambda: gallery.faces("staff", user_id="ann", limit=1),
        lambda: gallery.search_users("nobody", [template(1)], limit=1, calibration=CALIBRATION, similarity=0.0),
    ):
        with pytest.raises(NotFound):
            call()


def test_no_message_names_a_user(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann-smith")
    for call in (
        lambda: gallery.create_user("staff", "ann-smith"),
        lambda: gallery.delete_user("staff", "bob-smith"),
        lambda: associate(gallery, "bob-smith", ["x"]),
    ):
        with pytest.raises((Conflict, NotFound)) as caught:
            call()
        assert "smith" not in str(caught.value)


def test_faces_say_whose_they_are_wherever_they_are_shown(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    pairs = people(1, 2)
    one, two = gallery.enrol("staff", "d", None, pairs)
    assert associate(gallery, "ann", [two.face_id]).face_ids == (two.face_id,)
    assert [face.user_id for face in gallery.faces("staff", limit=9).items] == [None, "ann"]
    assert [face.face_id for face in gallery.faces("staff", user_id="ann", limit=9).items] == [two.face_id]
    assert gallery.faces("staff", user_id="ann", face_ids=[one.face_id], limit=9).items == ()
    hits = gallery.search("staff", template(2), limit=2, min_score=-1).hits
    assert [face.user_id for face, _ in hits] == ["ann", None]
    assert [face.user_id for face in gallery.enrol("staff", "d", None, pairs)] == [None, "ann"]
    assert [each.vector.tolist() for each in gallery.user_templates("staff", "ann")] == [template(2).vector.tolist()]


@sqlite_only
@pytest.mark.parametrize("asked", [{"user_id": "ann"}, {"face_ids": ["x", "y"]}, {"user_id": "ann", "face_ids": ["x"]}])
def test_some_faces_are_listed_without_going_through_all(
    gallery: Gallery, database: Engine, asked: dict[str, Any]
) -> None:
    gallery.create_user("staff", "ann")
    plans = []

    @sa.event.listens_for(database, "before_cursor_execute")
    def explain(
        connection: Connection,
        cursor: Cursor,
        statement: str,
        parameters: tuple[int | str, ...],
        context: SQLiteExecutionContext,
        many: bool,
    ) -> None:
        if "these" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(" ".join(row[3] for row in cursor.fetchall()))

    assert gallery.faces("staff", limit=9, **asked).items == ()
    (plan,) = plans
    assert "gallery=? AND number=?" in plan  # of single faces
    assert ("faces_of_user" if "face_ids" not in asked else "face_id=?") in plan


def test_associating_says_of_each_face_what_became_of_it(gallery: Gallery) -> None:
    for name in ("ann", "bob"):
        gallery.create_user("staff", name)
    a1, a2, b, far = enrolled(gallery, template(1), near(1, 0.1, of=1), template(2), template(3))
    assert associate(gallery, "ann", [a1]).faces == 1
    associate(gallery, "bob", [b])
    done = associate(gallery, "ann", [a1, "nobody", far, a2, b, a2])
    assert done.face_ids == (a2,)
    assert done.faces == 2
    unlike = CALIBRATION.similarity(float(template(1).vector @ template(3).vector))
    assert done.refused == (
        Refusal("nobody", Reason.NOT_FOUND),
        Refusal(b, Reason.OTHER_USER, "bob"),
        Refusal(far, Reason.UNLIKE, similarity=coarse(unlike)),
    )
    assert [face.user_id for face in gallery.faces("staff", limit=9).items] == ["ann", "ann", "bob", None]


def test_the_first_faces_of_a_user_need_not_be_alike(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    faces = enrolled(gallery, template(1), template(2), template(3))
    assert associate(gallery, "ann", faces, similarity=100.0).face_ids == tuple(faces)


def test_a_further_face_is_as_alike_as_the_best_at_the_rate_of_all(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    held = [template(1), *(template(seed) for seed in range(50, 59))]
    new = near(7, 1.2, of=1)
    associate(gallery, "ann", enrolled(gallery, *held))
    (face,) = enrolled(gallery, new)
    best = max(float(new.vector @ each.vector) for each in held)
    similarity = CALIBRATION.similarity_of_best(best, 10)
    assert similarity < CALIBRATION.similarity(best) - 1
    refused = associate(gallery, "ann", [face], similarity + 0.01).refused
    assert refused == (Refusal(face, Reason.UNLIKE, similarity=coarse(similarity)),)
    assert associate(gallery, "ann", [face], coarse(similarity)).face_ids == (face,)


def test_no_more_than_a_hundred_faces_belong_to_one_user(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    same = enrolled(gallery, *[template(1)] * 102)
    associate(gallery, "ann", same[:99])
    with pytest.raises(LimitExceeded):
        associate(gallery, "ann", same[99:101])
    assert gallery.users("staff", limit=1).items == (User("ann", 99),)
    assert associate(gallery, "ann", same[:100]).face_ids == (same[99],)
    with pytest.raises(LimitExceeded):
        associate(gallery, "ann", same[101:])
    assert associate(gallery, "ann", same[:100]).face_ids == ()  # nothing new is no excess


def test_disassociating_says_of_each_face_what_became_of_it(gallery: Gallery) -> None:
    for name in ("ann", "bob"):
        gallery.create_user("staff", name)
    a1, a2, b, free = enrolled(gallery, template(1), near(1, 0.1, of=1), template(2), template(3))
    associate(gallery, "ann", [a1, a2])
    associate(gallery, "bob", [b])
    done = gallery.disassociate("staff", "ann", [a1, free, "nobody", b, a1])
    assert (done.face_ids, done.faces) == ((a1,), 1)
    assert done.refused == (Refusal("nobody", Reason.NOT_FOUND), Refusal(b, Reason.OTHER_USER, "bob"))
    assert associate(gallery, "bob", [a1], similarity=0.0).face_ids == (a1,)


def test_faces_of_users_are_kept_only_where_that_is_asked_for(gallery: Gallery) -> None:
    gallery.create_user("staff", "ann")
    a, b = enrolled(gallery, template(1), template(2))
    associate(gallery, "ann", [a])
    erased = gallery.erase("staff", [a, "nobody", b], keep_owned=True)
    assert (erased.deleted, erased.not_found, erased.owned) == ((b,), ("nobody",), ((a, "ann"),))
    assert gallery.erase("staff", [a], keep_owned=True).owned == ((a, "ann"),)
    assert ids(search(gallery, template(1))) == ["ann"]
    assert gallery.erase("staff", [a]).deleted == (a,)
    assert gallery.users("staff", limit=9).items == (User("ann", 0),)
    assert ids(search(gallery, template(1))) == []


def test_deleting_a_gallery_takes_users_and_tokens_along(gallery: Gallery, database: Engine) -> None:
    gallery.create_user("staff", "ann", TOKEN)
    associate(gallery, "ann", enrolled(gallery, template(1)))
    gallery.delete("staff")
    gallery.create("staff", MODEL, "v", {})
    assert gallery.users("staff", limit=9).items == ()
    with database.connect() as connection:
        for table in ("users", "user_requests", "faces"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


@sqlite_only
def test_a_deleted_users_id_leaves_the_disk(gallery: Gallery, tmp_path: Path) -> None:
    gallery.create_user("staff", "ann-smith-of-the-door", Token("k1", "r1"))
    gallery.create_user("staff", "bob")
    (face,) = enrolled(gallery, template(1))
    associate(gallery, "ann-smith-of-the-door", [face])
    associate(gallery, "bob", [face], token=Token("k2", "r2"))  # refused, and remembered as an answer
    assert gallery.delete_user("staff", "ann-smith-of-the-door", Token("k3", "r3"))
    for path in tmp_path.iterdir():
        assert b"ann-smith" not in path.read_bytes()


class TestTokens:
    def test_a_request_that_comes_again_is_not_carried_out_again(self, gallery: Gallery) -> None:
        gallery.create_user("staff", "ann", Token("create", "ann"))
        gallery.create_user("staff", "ann", Token("create", "ann"))
        a, b = enrolled(gallery, template(1), template(2))
        first = associate(gallery, "ann", [a, "nobody"], token=Token("associate", "a"))
        gallery.disassociate("staff", "ann", [a], Token("disassociate", "a"))
        associate(gallery, "ann", [b])
        assert associate(gallery, "ann", [a, "nobody"], token=Token("associate", "a")) == first
        again = gallery.disassociate("staff", "ann", [a], Token("disassociate", "a"))
        assert (again.face_ids, again.faces) == ((a,), 0)
        assert gallery.users("staff", limit=9).items == (User("ann", 1),)
        gallery.delete_user("staff", "ann", Token("delete", "ann"))
        gallery.delete_user("staff", "ann", Token("delete", "ann"))
        gallery.create_user("staff", "ann", Token("create", "ann"))
        assert gallery.user_count("staff") == 0

    def test_an_answer_that_comes_again_says_the_same(self, gallery: Gallery) -> None:
        for name in ("ann", "bob"):
            gallery.create_user("staff", name)
        a, b, far = enrolled(gallery, template(1), template(2), template(3))
        associate(gallery, "ann", [a])
        associate(gallery, "bob", [b])
        first = associate(gallery, "ann", ["nobody", b, far], token=TOKEN)
        assert [each.reason for each in first.refused] == [Reason.NOT_FOUND, Reason.OTHER_USER, Reason.UNLIKE]
        assert associate(gallery, "ann", ["nobody", b, far], token=TOKEN) == first
        gallery.delete_user("staff", "bob")
        assert associate(gallery, "ann", ["nobody", b, far], token=TOKEN).refused[1].user_id is None

    def test_a_token_with_another_request_is_refused(self, gallery: Gallery) -> None:
        gallery.create_user("staff", "ann", TOKEN)
        for call in (
            lambda token: gallery.create_user("staff", "bob", token),
            lambda token: gallery.delete_user("staff", "ann", token),
            lambda token: associate(gallery, "ann", ["x"], token=token),
            lambda token: gallery.disassociate("staff", "ann", ["x"], token),
        ):
            with pytest.raises(TokenReused):
                call(Token(TOKEN.key, "another"))
        assert gallery.users("staff", limit=9).items == (User("ann", 0),)

    def test_what_failed_is_not_remembered(self, gallery: Gallery) -> None:
        with pytest.raises(NotFound):
            gallery.delete_user("staff", "ann", TOKEN)
        gallery.create_user("staff", "ann")
        gallery.delete_user("staff", "ann", TOKEN)
        assert gallery.user_count("staff") == 0

    def test_a_token_is_forgotten_after_a_day(self, gallery: Gallery, clock: Ticking, database: Engine) -> None:
        gallery.create_user("staff", "ann", TOKEN)
        clock.now += timedelta(hours=23)
        gallery.create_user("staff", "ann", TOKEN)
        clock.now += timedelta(hours=1)
        with pytest.raises(Conflict):
            gallery.create_user("staff", "ann", TOKEN)
        gallery.create_user("staff", "bob")
        with database.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM user_requests").scalar() == 0


class TestSearch:
    @pytest.fixture
    def three(self, gallery: Gallery) -> list[str]:
        """ann has a close and a far face, bob a far one, cy none; one close face is nobody's."""
        for name in ("ann", "bob", "cy"):
            gallery.create_user("staff", name)
        close, far, other, _ = faces = enrolled(
            gallery, near(1, 0.2, of=1), template(2), template(3), near(2, 0.1, of=1)
        )
        associate(gallery, "ann", [close, far])
        associate(gallery, "bob", [other])
        return faces

    def test_users_come_by_their_best_face_and_faces_of_nobody_do_not_count(
        self, gallery: Gallery, three: list[str]
    ) -> None:
        matches = search(gallery, template(1))
        assert matches.users == 3
        assert ids(matches) == ["ann", "bob"]
        ann = matches.hits[0]
        score = float(np.float32(near(1, 0.2, of=1).vector.astype(float) @ template(1).vector.astype(float)))
        assert (ann.faces, ann.score) == (2, score)
        assert ann.fmr == CALIBRATION.fmr_of_best(score, 2)
        assert ann.similarity == CALIBRATION.similarity_of_best(score, 2)
        assert ids(search(gallery, template(1), similarity=80.0)) == ["ann"]
        assert ids(search(gallery, template(1), limit=1)) == ["ann"]

    def test_an_excluded_face_does_not_count_for_its_user(self, gallery: Gallery, three: list[str]) -> None:
        close, far, *_ = three
        assert search(gallery, template(2)).hits[0].score == pytest.approx(1.0)
        found = search(gallery, template(2), exclude_face_id=far).hits
        (ann,) = (hit for hit in found if hit.user_id == "ann")
        assert ann.score == pytest.approx(float(template(2).vector @ near(1, 0.2, of=1).vector), abs=1e-6)
        assert ann.fmr == CALIBRATION.fmr(ann.score)
        gallery.disassociate("staff", "ann", [close])
        assert "ann" not in ids(search(gallery, template(2), exclude_face_id=far))

    def test_an_excluded_user_is_not_found(self, gallery: Gallery, three: list[str]) -> None:
        theirs = gallery.user_templates("staff", "ann")
        assert ids(search(gallery, *theirs)) == ["ann", "bob"]
        found = search(gallery, *theirs, exclude_user_id="ann")
        assert ids(found) == ["bob"]
        best = max(float(template(3).vector @ each.vector) for each in theirs)
        assert found.hits[0].fmr == pytest.approx(2 * 1 * CALIBRATION.fmr(best), rel=1e-5)

    def test_nobody_is_found_without_a_probe(self, gallery: Gallery, three: list[str]) -> None:
        assert search(gallery).hits == ()
        assert search(gallery).users == 3

    def test_changes_hold_at_the_next_search(self, gallery: Gallery, three: list[str]) -> None:
        close, far, *_, free = three
        assert ids(search(gallery, template(1), similarity=80.0)) == ["ann"]
        gallery.disassociate("staff", "ann", [close])
        assert ids(search(gallery, template(1), similarity=80.0)) == []
        associate(gallery, "cy", [free])
        assert ids(search(gallery, template(1), similarity=80.0)) == ["cy"]
        gallery.delete_user("staff", "cy")
        assert ids(search(gallery, template(1), similarity=80.0)) == []
        associate(gallery, "bob", [close], similarity=0.0)
        gallery.erase("staff", [close])
        assert ids(search(gallery, template(1), similarity=80.0)) == []
        assert far

    def test_scores_of_another_model_say_nothing(self, gallery: Gallery, three: list[str]) -> None:
        gallery.create("old", OTHER, "v", {})
        gallery.create_user("old", "ann")
        with pytest.raises(Conflict):
            gallery.search_users("old", [template(1, model=OTHER)], limit=1, calibration=CALIBRATION, similarity=0.0)
        with pytest.raises(Conflict):
            gallery.associate("old", "ann", ["x"], calibration=CALIBRATION, similarity=0.0)
        with pytest.raises(Conflict):
            search(gallery, template(1, model=OTHER))

    def test_a_face_let_go_between_index_and_store_is_searched_for_anew(
        self, gallery: Gallery, three: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owners, calls = gallery._users.owners, list[int]()

        def letting_go(number: int, numbers: list[int]) -> tuple[dict[int, str], dict[str, int], set[int]]:
            if not calls:
                calls.append(1)
                gallery.disassociate("staff", "ann", three[:2])
            return owners(number, numbers)

        monkeypatch.setattr(gallery._users, "owners", letting_go)
        assert ids(search(gallery, template(1))) == ["bob"]
        monkeypatch.setattr(gallery._users, "owners", lambda number, numbers: ({}, {}, set()))
        with pytest.raises(Overloaded):
            search(gallery, template(1))


@given(
    owned=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    limit=st.integers(1, 6),
    similarity=st.sampled_from([0.0, 40.0, 80.0, 95.0]),
    probes=st.integers(1, 3),
    coded=st.booleans(),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_gives_what_comparing_with_every_face_gives(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    owned: list[int],
    limit: int,
    similarity: float,
    probes: int,
    coded: bool,
    seed: int,
) -> None:
    """owned: whose each face is; 0 is nobody."""
    monkeypatch.setattr(index_module, "CODED", 5 if coded else 10**6)
    chance = np.random.default_rng(seed)
    database = open_database(tmp_path_factory.mktemp("g") / "c.sqlite")
    gallery = Gallery(database, RawCosine(), Ticking(), counted(), threads=1)
    gallery.create("staff", MODEL, "v", {})
    made = [near(int(chance.integers(10**6)), float(chance.choice([0.3, 0.8, 2.0])), of=who % 3) for who in owned]
    faces = enrolled(gallery, *made)
    for who in sorted(set(owned) - {0}):
        gallery.create_user("staff", f"u{who}")
        associate(gallery, f"u{who}", [face for face, owner in zip(faces, owned, strict=True) if owner == who], 0.0)
    asked = [near(int(chance.integers(10**6)), 0.5, of=int(chance.integers(3))) for _ in range(probes)]
    expected = []
    for who in sorted(set(owned) - {0}):
        rows = [each.vector.astype(float) for each, owner in zip(made, owned, strict=True) if owner == who]
        best = max(float(np.float32(row @ probe.vector.astype(float))) for row in rows for probe in asked)
        expected.append((CALIBRATION.similarity_of_best(best, len(rows) * probes), best, f"u{who}"))
    expected = sorted((each for each in expected if each[0] >= similarity), reverse=True)[:limit]
    found = search(gallery, *asked, similarity=similarity, limit=limit)
    assert [(hit.similarity, hit.score, hit.user_id) for hit in found.hits] == expected
    database.dispose()


@pytest.fixture
def two(tmp_path: Path) -> tuple[Gallery, Gallery]:
    """Two processes on one file, as far as they can tell."""

    def opened() -> Gallery:
        return Gallery(
            open_database(tmp_path / "c.sqlite"), RawCosine(), lambda: datetime.now(UTC), lambda: str(uuid.uuid4())
        )

    one, other = opened(), opened()
    one.create("staff", MODEL, "v", {})
    return one, other


def test_what_one_process_associates_the_others_next_search_knows(two: tuple[Gallery, Gallery]) -> None:
    one, other = two
    faces = enrolled(one, *(template(seed) for seed in range(6)))
    one.create_user("staff", "ann")
    assert ids(search(other, template(1))) == []
    associate(one, "ann", faces[:3])
    assert ids(search(other, template(1))) == ["ann"]
    other.disassociate("staff", "ann", [faces[1]])
    assert search(one, template(1), similarity=80.0).hits == ()
    other.delete_user("staff", "ann")
    assert ids(search(one, template(0))) == []


def test_the_other_process_knows_it_too_when_the_log_of_erasures_was_cut(
    two: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_SHORTEST_LOG", 2)
    one, other = two
    faces = enrolled(one, *(template(seed) for seed in range(12)))
    one.create_user("staff", "ann")
    assert ids(search(other, template(1))) == []
    associate(one, "ann", faces[10:])
    one.erase("staff", faces[:9])
    assert ids(search(other, template(10))) == ["ann"]
    assert search(other, template(10)).hits[0].faces == 2


def test_faces_enrolled_before_there_were_users_are_nobodys(tmp_path: Path) -> None:
    """A database of the version before: as the migration finds it."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from countenance.database import MIGRATIONS

    path = tmp_path / "c.sqlite"
    old = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
    old.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO galleries (gallery_id, model, version, tags, created_us, faces, revision, log_floor, "
            "log_length, dimension) VALUES ('staff', ?, 'v', '{}', 0, 1, 1, 0, 0, 16)",
            (MODEL,),
        )
        connection.execute("INSERT INTO images (gallery, image_id, image_digest, external_id) VALUES (1, 'i', 'd', '')")
        connection.execute(
            "INSERT INTO faces (gallery, image, face_id, box_left, box_top, box_width, box_height, confidence, "
            "enrolled_us, template) VALUES (1, 1, 'f', 0.1, 0.1, 0.1, 0.1, 99, 0, ?)",
            (template(1).vector.astype("<f4").tobytes(),),
        )
    gallery = Gallery(open_database(path), RawCosine(), Ticking(), counted())
    assert gallery.describe("staff").users == 0
    assert gallery.faces("staff", limit=1).items[0].user_id is None
    gallery.create_user("staff", "ann")
    assert associate(gallery, "ann", ["f"]).face_ids == ("f",)
    assert ids(search(gallery, template(1), similarity=80.0)) == ["ann"]
