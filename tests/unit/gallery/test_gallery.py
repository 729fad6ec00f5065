import dataclasses
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.fakes.clock import START
from tests.unit.gallery.people import MODEL, OTHER, Ticking, counted, detected, people, template

from countenance.errors import AlreadyExists, BadPageToken, BadRequest, Conflict, NoSuchFace, NotFound
from countenance.gallery import Gallery
from countenance.gallery.search import index as index_module
from countenance.scoring import RawCosine


@pytest.fixture
def gallery(database: Engine) -> Gallery:
    gallery = Gallery(database, RawCosine(), Ticking(), counted())
    gallery.create("staff", MODEL, "sface-1", {"team": "a"})
    return gallery


def test_a_new_gallery_is_described_as_it_was_made(gallery: Gallery) -> None:
    info = gallery.describe("staff")
    assert (info.gallery_id, info.model, info.version, info.faces, info.users) == ("staff", MODEL, "sface-1", 0, 0)
    assert info.created_at == START + timedelta(seconds=1)
    assert info.tags == {"team": "a"}


def test_an_id_is_taken_once(gallery: Gallery) -> None:
    with pytest.raises(AlreadyExists):
        gallery.create("staff", OTHER, "x", {})
    assert gallery.describe("staff").model == MODEL


@pytest.mark.parametrize("bad", ["", "x" * 256, "a\0b"])
def test_a_gallery_id_that_cannot_be_one_is_refused(gallery: Gallery, bad: str) -> None:
    with pytest.raises(BadRequest):
        gallery.create(bad, MODEL, "x", {})


def test_what_is_not_there_is_not_found(gallery: Gallery) -> None:
    with pytest.raises(NotFound):
        gallery.describe("nobody")
    with pytest.raises(NotFound):
        gallery.enrol("nobody", "d", None, people(1))
    with pytest.raises(NotFound):
        gallery.faces("nobody", limit=1)
    with pytest.raises(NotFound):
        gallery.erase("nobody", ["x"])
    with pytest.raises(NotFound):
        gallery.search("nobody", template(1), limit=1, min_score=0)
    with pytest.raises(NotFound):
        gallery.delete("nobody")
    with pytest.raises(NoSuchFace):
        gallery.template("staff", "nobody")


def test_enrolled_faces_carry_what_was_given(gallery: Gallery) -> None:
    pairs = people(1, 2)
    enrolled = gallery.enrol("staff", "digest", "ada", pairs)
    assert [face.box for face in enrolled] == [face.box for face, _ in pairs]
    assert len({face.image_id for face in enrolled}) == 1
    assert len({face.face_id for face in enrolled}) == 2
    assert all(face.external_id == "ada" and face.model == MODEL and face.confidence == 99.5 for face in enrolled)
    assert gallery.faces("staff", limit=10).items == tuple(enrolled)
    assert gallery.describe("staff").faces == 2
    for face, (_, given) in zip(enrolled, pairs, strict=True):
        assert np.array_equal(gallery.template("staff", face.face_id).vector, given.vector)


def test_the_same_picture_again_gives_the_same_faces(gallery: Gallery) -> None:
    first = gallery.enrol("staff", "digest", "ada", people(1, 2))
    again = gallery.enrol("staff", "digest", "ada", list(reversed(people(1, 2))))
    assert again == list(reversed(first))
    assert [face.added for face in (*first, *again)] == [True, True, False, False]
    assert gallery.describe("staff").faces == 2


def test_the_same_picture_under_another_external_id_is_another_image(gallery: Gallery) -> None:
    a = gallery.enrol("staff", "digest", "ada", people(1))
    b = gallery.enrol("staff", "digest", None, people(1))
    assert a[0].image_id != b[0].image_id
    assert b[0].external_id is None
    assert gallery.enrol("staff", "digest", None, people(1)) == b


def test_more_faces_of_a_known_picture_are_added_to_it(gallery: Gallery) -> None:
    first = gallery.enrol("staff", "digest", None, people(1))
    again = gallery.enrol("staff", "digest", None, people(1, 2))
    assert again[0] == first[0]
    assert again[1].image_id == first[0].image_id
    assert gallery.describe("staff").faces == 2


def test_an_erased_face_can_be_enrolled_again(gallery: Gallery) -> None:
    a, b = gallery.enrol("staff", "digest", None, people(1, 2))
    gallery.erase("staff", [a.face_id])
    again = gallery.enrol("staff", "digest", None, people(1, 2))
    assert again[1] == b
    assert again[0].face_id != a.face_id
    assert len(gallery.faces("staff", limit=9).items) == 2


def test_a_picture_without_faces_stores_nothing(gallery: Gallery) -> None:
    assert gallery.enrol("staff", "digest", None, []) == []
    assert gallery.describe("staff").faces == 0


def test_a_gallery_takes_templates_of_its_own_model_only(gallery: Gallery) -> None:
    with pytest.raises(Conflict):
        gallery.enrol("staff", "d", None, [*people(1), (detected(0.5), template(2, model=OTHER))])
    assert gallery.faces("staff", limit=9).items == ()
    gallery.enrol("staff", "d", None, people(1))
    with pytest.raises(Conflict):
        gallery.enrol("staff", "e", None, people(1, dimension=8))
    with pytest.raises(Conflict):
        gallery.search("staff", template(1, model=OTHER), limit=1, min_score=0)


def test_faces_are_listed_page_by_page_in_order_of_enrolment(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(7)]
    pages, after = [], None
    while True:
        page = gallery.faces("staff", after=after, limit=3)
        pages.append(page.items)
        after = page.next
        if after is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [face for page in pages for face in page] == enrolled


def test_a_page_stays_in_place_when_its_last_face_is_erased(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(4)]
    page = gallery.faces("staff", limit=2)
    gallery.erase("staff", [enrolled[1].face_id])
    assert gallery.faces("staff", after=page.next, limit=2).items == tuple(enrolled[2:])


def test_faces_of_given_ids_only(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(4)]
    wanted = [enrolled[3].face_id, "nobody", enrolled[1].face_id, enrolled[1].face_id]
    assert gallery.faces("staff", face_ids=wanted, limit=9).items == (enrolled[1], enrolled[3])
    page = gallery.faces("staff", face_ids=wanted, limit=1)
    assert page.items == (enrolled[1],)
    assert gallery.faces("staff", face_ids=wanted, limit=1, after=page.next).items == (enrolled[3],)


@pytest.mark.parametrize("bad", ["x", "-1", "1.0", "", "9" * 30, "٣"])
def test_a_place_that_was_not_given_out_is_refused(gallery: Gallery, bad: str) -> None:
    with pytest.raises(BadPageToken):
        gallery.faces("staff", after=bad, limit=1)


def test_galleries_are_listed_in_order_of_id(gallery: Gallery) -> None:
    for name in ("b", "a", "z"):
        gallery.create(name, MODEL, "v", {})
    page = gallery.list(None, 3)
    assert [info.gallery_id for info in page.items] == ["a", "b", "staff"]
    rest = gallery.list(page.next, 3)
    assert [info.gallery_id for info in rest.items] == ["z"]
    assert rest.next is None


def test_erasing_says_what_was_there(gallery: Gallery, database: Engine) -> None:
    a, b = gallery.enrol("staff", "digest", None, people(1, 2))
    erased = gallery.erase("staff", ["nobody", b.face_id, b.face_id])
    assert (erased.deleted, erased.not_found) == ((b.face_id,), ("nobody",))
    assert erased.scrubbed is (database.dialect.name == "sqlite")
    assert gallery.faces("staff", limit=9).items == (a,)
    assert gallery.describe("staff").faces == 1
    assert gallery.erase("staff", [b.face_id]).not_found == (b.face_id,)


def test_a_face_of_another_gallery_cannot_be_erased(gallery: Gallery) -> None:
    gallery.create("visitors", MODEL, "v", {})
    (face,) = gallery.enrol("staff", "digest", None, people(1))
    assert gallery.erase("visitors", [face.face_id]).not_found == (face.face_id,)
    assert gallery.describe("staff").faces == 1


def test_deleting_a_gallery_takes_its_faces_and_frees_its_id(gallery: Gallery) -> None:
    (face,) = gallery.enrol("staff", "digest", None, people(1))
    gallery.search("staff", template(1), limit=1, min_score=0)
    gallery.delete("staff")
    with pytest.raises(NotFound):
        gallery.search("staff", template(1), limit=1, min_score=0)
    gallery.create("staff", MODEL, "v", {})
    assert gallery.search("staff", template(1), limit=1, min_score=0).hits == ()
    with pytest.raises(NotFound):
        gallery.template("staff", face.face_id)


def test_search_finds_the_face_itself_first(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(20)]
    matches = gallery.search("staff", template(7), limit=5, min_score=-1)
    assert matches.gallery_size == 20
    assert matches.hits[0][0] == enrolled[7]
    assert matches.hits[0][1] == pytest.approx(1, abs=1e-6)
    scores = [score for _, score in matches.hits]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 5


def test_search_leaves_out_what_it_is_told_to(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(5)]
    matches = gallery.search("staff", template(3), limit=9, min_score=-1, exclude_face_id=enrolled[3].face_id)
    assert enrolled[3] not in [face for face, _ in matches.hits]
    assert len(matches.hits) == 4


def test_search_gives_nothing_below_the_least_score(gallery: Gallery) -> None:
    for i in range(30):
        gallery.enrol("staff", f"d{i}", None, people(i))
    every = gallery.search("staff", template(99), limit=30, min_score=-1).hits
    least = every[10][1]
    assert gallery.search("staff", template(99), limit=30, min_score=least).hits == every[:11]


def test_equal_scores_come_in_the_order_of_enrolment(gallery: Gallery) -> None:
    same = [gallery.enrol("staff", f"d{i}", None, people(5))[0] for i in range(12)]
    for limit in (1, 5, 12):
        hits = gallery.search("staff", template(5), limit=limit, min_score=0).hits
        assert [face for face, _ in hits] == same[:limit]


def test_an_empty_gallery_has_no_hits(gallery: Gallery) -> None:
    matches = gallery.search("staff", template(1), limit=9, min_score=-1)
    assert (matches.gallery_size, matches.hits) == (0, ())


def test_erased_faces_are_gone_from_the_next_search(gallery: Gallery) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(i))[0] for i in range(20)]
    gallery.search("staff", template(0), limit=1, min_score=-1)
    gallery.erase("staff", [face.face_id for face in enrolled[::2]])
    matches = gallery.search("staff", template(0), limit=20, min_score=-1)
    assert matches.gallery_size == 10
    assert {face.face_id for face, _ in matches.hits} == {face.face_id for face in enrolled[1::2]}


def test_answers_are_frozen(gallery: Gallery) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        gallery.describe("staff").faces = 3  # type: ignore[misc]


def test_a_gallery_large_enough_for_codes_answers_the_same(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled = [gallery.enrol("staff", f"d{i}", None, people(*range(10 * i, 10 * i + 10)))[0] for i in range(20)]
    plain = [gallery.search("staff", template(seed), limit=15, min_score=-0.2) for seed in range(5)]
    monkeypatch.setattr(index_module, "CODED", 100)
    gallery.enrol("staff", "more", None, people(1000))
    gallery.erase("staff", [face.face_id for face in gallery.enrol("staff", "more", None, people(1000))])
    coded = [gallery.search("staff", template(seed), limit=15, min_score=-0.2) for seed in range(5)]
    assert coded == plain
    several = gallery.search_many("staff", [template(seed) for seed in range(5)], limit=15, min_score=-0.2)
    assert list(several) == plain
    gallery.erase("staff", [enrolled[0].face_id])
    assert gallery.search("staff", template(0), limit=1, min_score=-1).hits[0][0] != enrolled[0]
    assert gallery.search_counts().searches == 11


def test_searching_many_is_searching_each(gallery: Gallery) -> None:
    assert gallery.search_many("staff", [], limit=3, min_score=0) == ()
    for i in range(20):
        gallery.enrol("staff", f"d{i}", None, people(i))
    probes = [template(seed) for seed in (3, 3, 99)]
    each = [gallery.search("staff", probe, limit=4, min_score=-1) for probe in probes]
    assert list(gallery.search_many("staff", probes, limit=4, min_score=-1)) == each
    with pytest.raises(Conflict):
        gallery.search_many("staff", [template(1), template(1, model=OTHER)], limit=1, min_score=0)
    with pytest.raises(Conflict):
        gallery.search("staff", template(1, dimension=8), limit=1, min_score=0)
