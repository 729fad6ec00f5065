"""The typed client, over HTTP and in process: the same methods, answers, errors and entries in the ledger."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.contract.client.client_worlds import both, client_of, entry_of, in_days
from tests.contract.native.native_world import HOUSE_RULES, World
from tests.fakes.engine import picture_of
from tests.fakes.rules import SearchRules
from tests.unit.video.clips import grey, write

import countenance
from countenance import errors
from countenance.client import BulkResult, PictureToEnrol
from countenance.policy import Verdict
from countenance.policy.obligations import Reviewers

Pair = tuple[World, countenance.Client]


@pytest.fixture(scope="module", params=["http", "in process"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with both(tmp_path_factory.mktemp("client"), request.param) as made:
        yield made


@pytest.fixture
def gallery(pair: Pair, request: pytest.FixtureRequest) -> Iterator[str]:
    """A gallery of persons 1, 2 and 3."""
    _, client = pair
    client.create_gallery("g-test")
    for person in (1, 2, 3):
        client.enrol("g-test", picture_of(person), f"p{person}")
    yield "g-test"
    client.delete_gallery("g-test")


def test_faces_are_found_and_compared(pair: Pair) -> None:
    made, client = pair
    seen = client.detect(picture_of(1, 2))
    assert (seen.width, seen.height, len(seen.faces)) == (100, 100, 2)
    assert seen.faces[0].limits == ["LOW_SHARPNESS"]  # sharpness 80, HIGH asks 86.9
    assert entry_of(made, seen.receipt)["faces"] == 2
    same = client.compare(picture_of(1), picture_of(9, 1))
    assert (same.outcome, [each.similarity for each in same.leads], len(same.others)) == ("leads", [100.0], 1)
    assert same.leads[0].false_match_rate == pytest.approx(1e-9)
    assert client.compare(picture_of(1), picture_of(9)).outcome == "nobody"
    unfit = client.compare(picture_of(1), picture_of())
    assert (unfit.outcome, unfit.leads, unfit.source) == ("unfit", [], None)
    assert entry_of(made, unfit.receipt)["outcome"] == "NoFace"


def test_faces_are_covered_but_those_that_stay(pair: Pair, gallery: str, tmp_path: Path) -> None:
    made, client = pair
    done = client.redact(picture_of(3))
    assert (done.media_type, done.covered, done.left_uncovered) == ("image/png", 1, 0)
    assert done.file.startswith(b"\x89PNG")
    assert done.report["output_sha256"] == hashlib.sha256(done.file).hexdigest()
    assert entry_of(made, done.receipt)["covered"] == 1
    stays = client.redact(picture_of(3), except_boxes=[client.detect(picture_of(3)).faces[0].box])
    assert (stays.covered, stays.left_uncovered) == (0, 1)
    enrolled, stranger = (client.redact(picture_of(n), except_gallery=gallery, style="fill") for n in (2, 9))
    assert (enrolled.left_uncovered, stranger.left_uncovered) == (1, 0)
    film = write(tmp_path / "clip.mp4", [grey(70), grey(0), grey(70)])
    shown = client.redact(film, sound=False)
    assert (shown.media_type, shown.report["frames"]) == ("video/mp4", 3)
    with pytest.raises(errors.UnsupportedVideo):
        client.redact(film.read_bytes()[:64])
    with pytest.raises(errors.BadRequest, match="least"):
        client.redact(picture_of(3), least=0.0)


def test_a_search_of_all_faces_has_a_result_for_each_with_its_error(pair: Pair, gallery: str) -> None:
    made, client = pair
    found = client.search_all(gallery, picture_of(2, 9))
    assert (found.outcome, [each.outcome for each in found.results]) == ("leads", ["leads", "nobody"])
    (lead,) = found.results[0].leads
    assert (lead.face.external_id, lead.similarity, lead.sibling) == ("p2", 100.0, None)
    assert lead.expected_innocent == pytest.approx(lead.false_match_rate * 3)
    assert found.expected_innocent == pytest.approx(2 * 3 * 1e-3)  # two faces at similarity 80, three enrolled
    entry = entry_of(made, found.receipt)
    assert (entry["faces"], entry["searched"], entry["candidates"]) == (2, 2, 1)


def test_nobody_and_no_face_are_results(pair: Pair, gallery: str) -> None:
    _, client = pair
    assert client.search_all(gallery, picture_of(9)).outcome == "nobody"
    nothing = client.search_all(gallery, picture_of())
    assert (nothing.outcome, nothing.results, nothing.expected_innocent) == ("unfit", [], 0.0)


def test_a_search_for_the_largest_face_sees_one_and_a_search_by_face_leaves_it_out(pair: Pair, gallery: str) -> None:
    _, client = pair
    assert len(client.search(gallery, picture_of(1, 2)).results) == 1
    again = client.enrol(gallery, picture_of(2, 2), "other", max_faces=1)
    found = client.search_face(gallery, again.enrolled[0].face_id)
    assert [lead.face.external_id for lead in found.results[0].leads] == ["p2"]
    assert found.results[0].face is None
    with pytest.raises(errors.NoSuchFace):
        client.search_face(gallery, "00000000-0000-4000-8000-000000000000")


def test_two_faces_of_one_picture_are_not_one_person(pair: Pair, gallery: str) -> None:
    _, client = pair
    found = client.search_all(gallery, picture_of(1, 1, 2))
    first, second, third = (each.leads[0].sibling for each in found.results)
    assert first is not None
    assert second is not None
    assert (first.faces, second.faces, third) == ([1], [0], None)
    assert first.better == second.better in (0, 1)
    assert first.close
    assert second.close


def test_users_and_erasures(pair: Pair, gallery: str) -> None:
    _, client = pair
    faces = list(client.faces(gallery))
    client.create_user(gallery, "u-1")
    with pytest.raises(errors.Conflict):
        client.create_user(gallery, "u-1")
    given = client.associate(gallery, "u-1", [faces[0].face_id])
    assert (given.face_ids, given.faces) == ([faces[0].face_id], 1)
    refused = client.associate(gallery, "u-1", [faces[1].face_id]).refused
    assert [each.reason for each in refused] == ["LOW_MATCH_CONFIDENCE"]
    assert [each.face_id for each in client.faces(gallery, user_id="u-1")] == [faces[0].face_id]
    assert client.search(gallery, picture_of(1)).results[0].leads[0].face.user_id == "u-1"
    erased = client.erase(gallery, [faces[0].face_id, faces[2].face_id, "00000000-0000-4000-8000-000000000000"])
    assert erased.erased == [faces[2].face_id]
    assert erased.owned == {faces[0].face_id: "u-1"}
    assert erased.not_found == ["00000000-0000-4000-8000-000000000000"]
    assert client.disassociate(gallery, "u-1", [faces[0].face_id]).faces == 0
    assert [(each.user_id, each.faces) for each in client.users(gallery)] == [("u-1", 0)]
    client.delete_user(gallery, "u-1")
    assert client.gallery(gallery).faces == 2


def test_lists_are_read_to_their_end(pair: Pair) -> None:
    _, client = pair
    for name in ("g-a", "g-b"):
        client.create_gallery(name)
    assert [each.gallery_id for each in client.galleries()] == ["g-a", "g-b"]
    for name in ("g-a", "g-b"):
        client.delete_gallery(name)


def test_bulk_enrolment_goes_on_where_it_was_broken_off(pair: Pair, gallery: str, tmp_path: Path) -> None:
    made, client = pair
    pictures = [PictureToEnrol(picture_of(n), f"b{n}") for n in range(10, 50)]
    pictures.insert(3, PictureToEnrol(b"nothing of a picture", "bad"))
    pictures.insert(5, PictureToEnrol(tmp_path / "missing.jpg", "gone"))
    journal = tmp_path / "journal"
    some = client.enrol_many(gallery, iter(pictures), journal=journal)
    first = [next(some) for _ in range(10)]
    del some
    assert [type(each.error) for each in first if each.error] == [errors.DamagedImage, errors.BadRequest]
    assert journal.stat().st_mode & 0o777 == 0o600
    journal.write_bytes(journal.read_bytes() + b"cut o")  # as a crash leaves it
    before = made.ledger.size
    rest: list[BulkResult] = list(client.enrol_many(gallery, pictures, journal=journal))
    done_before = sum(each.done_before for each in rest)
    assert done_before >= 8
    assert len(rest) == 42
    assert made.ledger.size - before == 2 * (42 - done_before - 1)  # the missing file never left; the bad one failed
    assert client.gallery(gallery).faces == 3 + 40
    assert all(each.done_before or each.error for each in client.enrol_many(gallery, pictures, journal=journal))


def test_errors_come_back_as_they_were_raised(pair: Pair, gallery: str) -> None:
    made, client = pair
    with pytest.raises(errors.AlreadyExists) as caught:
        client.create_gallery(gallery)
    assert caught.value.receipt is not None
    assert entry_of(made, caught.value.receipt)["outcome"] == "AlreadyExists"
    with pytest.raises(errors.NotFound):
        client.gallery("g-none")
    with pytest.raises(errors.DamagedImage):
        client.detect(b"nothing of a picture")
    with pytest.raises(errors.BadRequest, match="similarity"):
        client.search(gallery, picture_of(1), similarity=101)
    with pytest.raises(errors.BadRequest, match="dots"):
        client.delete_gallery("..")
    with pytest.raises(TypeError, match="a picture is bytes"):
        client.detect("https://example.org/a.jpg")  # type: ignore[arg-type]


def test_receipts_are_proved_and_answers_are_frozen(pair: Pair) -> None:
    made, client = pair
    seen = client.detect(picture_of(1))
    proof = client.prove(seen.receipt)
    assert (proof.receipt, proof.entry["outcome"]) == (seen.receipt, "done")
    assert client.ledger().size == made.ledger.size
    with pytest.raises(ValidationError):
        seen.width = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        PictureToEnrol(b"").external_id = "x"  # type: ignore[misc]


@pytest.mark.parametrize("way", ["http", "in process"])
def test_a_refusal_carries_the_decision_and_a_mandate_is_made_by_operators(tmp_path: Path, way: str) -> None:
    with both(tmp_path, way, HOUSE_RULES) as (made, client):
        client.create_gallery("g0")
        with pytest.raises(errors.Denied, match=r"house\.evidence") as caught:
            client.search("g0", picture_of(1))
        assert isinstance(caught.value.decision, dict)
        assert caught.value.decision["clauses"][0]["id"] == "house.evidence"
        assert caught.value.receipt is not None
        assert client.prove(caught.value.receipt).entry["verdict"] == "deny"
        asked = client.mandates.request(
            "A museum",
            expires_at=in_days(2),
            purpose="photo_library",
            legal_basis="consent",
            galleries=["h*"],
            operations=["*"],
            facts={"gallery": {"provenance": "consented"}},
        )
        with pytest.raises(errors.Denied):
            client.mandates.approve(asked.mandate_id)
        with client_of(made, way, made.granted(), "ben approves") as ben:
            assert ben.mandates.approve(asked.mandate_id).state == "active"
            assert ben.mandates.renew(asked.mandate_id, in_days(3)).expires_at > asked.expires_at
        key = client.mandates.issue_key(asked.mandate_id)
        assert client.mandates.budget(asked.mandate_id).minute_left > 0
        with client_of(made, way, {"access_key": key.access_key, "secret": key.secret}) as other:
            assert other.create_gallery("h0").gallery_id == "h0"
            with pytest.raises(errors.Denied, match=r"mandate\.gallery"):
                other.gallery("g0")
        wrong = {"access_key": key.access_key, "secret": key.secret[:-1]}
        with client_of(made, way, wrong) as nobody, pytest.raises(errors.Unauthenticated):
            list(nobody.galleries())
        assert [each.mandate_id for each in client.mandates.list()].count(asked.mandate_id) == 1


def test_what_cannot_be_asked_is_said_before_anything_is_sent() -> None:
    with pytest.raises(errors.BadRequest, match="secret"):
        countenance.Client("http://127.0.0.1:1", key="CNTN")
    for url in ("127.0.0.1:8080", "ftp://host", "http://user:word@host", "http://host?x=1"):
        with pytest.raises(errors.BadRequest):
            countenance.Client(url)
    with countenance.Client("http://127.0.0.1:1", key="CNTN", secret="s") as client:
        with pytest.raises(ConnectionError):
            client.detect(b"")
        with pytest.raises(errors.Unauthenticated, match="token"):
            client.ledger()


@pytest.mark.parametrize("way", ["http", "in process"])
def test_operators_open_cases_and_judge_pairs(tmp_path: Path, way: str) -> None:
    rules = SearchRules(Verdict.PERMIT)
    with both(tmp_path, way, rules) as (made, ann):
        key = made.granted(galleries=["*"])
        with client_of(made, way, key) as enroller:
            enroller.create_gallery("g0")
            enroller.enrol("g0", picture_of(3), "p-three")
        stated = {"authority": "court 3", "reference": "w-17", "until": in_days(2)}
        case = ann.cases.open(key["mandate_id"], purpose="find a witness", offence="a theft", **stated)
        seen = ann.cases.look(case.case_id, picture_of(3))
        part = ann.cases.crop(case.case_id, seen.picture_id, left=0, top=0, right=1, bottom=0.9)
        found = ann.cases.search(case.case_id, part.picture_id, "g0", similarity=80)
        assert [each.name for each in found.leads] == ["p-three"]
        at = (case.case_id, found.search_id, 1)
        with pytest.raises(errors.Conflict, match="independent evidence"):
            ann.cases.export(*at, "line-up")
        ann.cases.enter_evidence(*at, "witness", "a neighbour saw her, statement 12", independent=True)
        assert "p-three" in ann.cases.export(*at, "line-up")
        pictures = [ann.cases.look(case.case_id, picture_of(3)).picture_id for _ in range(2)]
        compared = ann.cases.compare(case.case_id, (pictures[0], 1), (pictures[1], 1))
        assert ann.cases.result(case.case_id, compared.search_id).leads == compared.leads
        made.films.add("a.mp4", 3)
        video = ann.cases.begin_video(case.case_id, "films", "a.mp4")
        made.run_jobs()
        assert ann.cases.video(case.case_id, video.video_id).state == "succeeded"
        assert ann.cases.take_views(case.case_id, video.video_id).people
        assert ann.cases.view(case.case_id, video.video_id, 1).startswith(b"\x89PNG")
        assert ann.cases.look_at_person(case.case_id, video.video_id, 1).faces
        rules.obligations = (Reviewers(2, "x-1"),)
        held = ann.cases.search(case.case_id, ann.cases.look(case.case_id, picture_of(3)).picture_id, "g0")
        assert (held.state, held.leads) == ("pictures", [])
        with client_of(made, way, key, "ben approves") as ben, client_of(made, way, key, "cleo reviews") as cleo:
            ben.cases.bring(case.case_id, held.search_id, 1, picture_of(3))
            pair = cleo.reviews.next()
            assert pair is not None
            assert cleo.reviews.first(pair.pair_id).startswith(b"\xff\xd8")
            assert cleo.reviews.looked(pair.pair_id, [cleo.reviews.form().components[0].id]).looked
            assert cleo.reviews.second(pair.pair_id).startswith(b"\xff\xd8")
            judged = cleo.reviews.judge(pair.pair_id, "strong-same", {"nose": "similar"}, "clear")
            assert judged.judged == "strong-same"
            assert cleo.reviews.next() is None
            assert cleo.reviews.me().me.judged == 1
            assert len(ben.cases.authorise(case.case_id, **stated).authorisations) == 2
        assert next(ann.cases.list()).offence == "a theft"
        assert ann.cases.close(case.case_id).state == "closed"
        assert ann.cases.show(case.case_id).closed_at is not None
