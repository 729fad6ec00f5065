"""A case over HTTP, from its opening to a lead's text: what is hidden stays hidden until it may be seen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.native.native_world import World, now, world
from tests.fakes.engine import picture_of
from tests.fakes.rules import SearchRules

from countenance.administration import Role
from countenance.policy import Verdict
from countenance.policy.obligations import Reviewers

NAME, OFFENCE, PURPOSE = "p-three", "a theft at the harbour", "find a witness"
WITNESS = "a neighbour saw her at the shop, statement 12"
JUDGED = {"features": {"nose": "similar", "ears": "unclear"}}


class CaseOverHttp:
    """ann asks, ben supervises; person 3 is enrolled among five under `NAME`."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.ann, self.ben = made.client("ann asks"), made.client("ben approves")
        key = made.granted()
        self.mandate_id = key["mandate_id"]
        faces = made.faces(key["access_key"], key["secret"])
        assert faces.post("/galleries", json={"gallery_id": "g1"}).is_success
        for person in range(5):
            name = NAME if person == 3 else f"p-{person}"
            answer = faces.post("/galleries/g1/faces", json={"image": sent(person), "external_id": name})
            assert answer.is_success, answer.text

    def opened(self, **more: object) -> str:
        body = {
            "mandate_id": self.mandate_id,
            "purpose": PURPOSE,
            "offence": OFFENCE,
            "authority": "court 3",
            "reference": "w-17",
            "until": (now() + timedelta(days=2)).isoformat(),
            **more,
        }
        return str(good(self.ann.post("/cases", json=body), 201)["case_id"])

    def looked(self, case_id: str, *people: int) -> str:
        seen = good(self.ann.post(f"/cases/{case_id}/pictures", json={"image": sent(*people)}))
        assert len(seen["faces"]) == len(people)
        return str(seen["picture_id"])

    def searched(self, case_id: str, *people: int, face: int = 1, **more: object) -> dict[str, Any]:
        body = {"picture_id": self.looked(case_id, *people), "face": face, "gallery_id": "g1", "similarity": 80.0}
        return good(self.ann.post(f"/cases/{case_id}/searches", json={**body, **more}), 201)

    def reviewer(self, name: str, *roles: Role) -> httpx.Client:
        if name not in self.world.tokens:
            roles = roles or (Role.REVIEW,)
            self.world.tokens[name] = self.world.operators.add(name, roles, now() + timedelta(days=1))[1]
        return self.world.client(name)


def sent(*people: int) -> str:
    return base64.b64encode(picture_of(*people)).decode()


def good(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def refused(answer: httpx.Response, status: int, says: str = "") -> None:
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


@pytest.fixture(scope="module")
def rules() -> SearchRules:
    return SearchRules(Verdict.PERMIT)


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory, rules: SearchRules) -> Iterator[CaseOverHttp]:
    with world(tmp_path_factory.mktemp("cases"), rules) as made:
        yield CaseOverHttp(made)


@pytest.fixture
def free(open_house: CaseOverHttp, rules: SearchRules) -> CaseOverHttp:
    """The rules ask for no review."""
    rules.obligations = ()
    return open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[CaseOverHttp]:
    """The rules demand two reviewers."""
    with world(tmp_path, SearchRules(Verdict.PERMIT, Reviewers(2, "x-1"))) as made:
        yield CaseOverHttp(made)


def test_from_a_picture_to_two_who_disagree_a_third_evidence_and_a_text(house: CaseOverHttp) -> None:
    ann, ben = house.ann, house.ben
    case_id = house.opened()
    found = house.searched(case_id, 3)
    search = f"/cases/{case_id}/searches/{found['search_id']}"
    lead = f"{search}/leads/1"
    assert (found["state"], found["leads"], found["expected_innocent"]) == ("pictures", [], None)
    assert NAME not in str(found) + ann.get(search).text
    refused(ann.post(f"{lead}/exports", json={"use": "line-up"}), 409, "withheld")
    refused(ann.post(f"{lead}/picture", json={"image": sent(3)}), 403)  # a role that does not supervise

    wanted = good(ben.get(search))
    assert wanted["wanted"] == [{"lead": 1, "name": NAME}]
    assert wanted["leads"] == []
    refused(ben.post(f"{lead}/picture", json={"image": sent(4)}), 400, "not the file")
    assert ben.post(f"{lead}/picture", json={"image": sent(3)}).status_code == 204
    assert good(ann.get(search))["state"] == "review"

    told = ""
    for name, grade in (("rex", "strong-same"), ("roy", "limited-different"), ("ron", "moderate-same")):
        client = house.reviewer(name)
        answer = client.post("/reviews/next")
        pair = good(answer)["pair"]
        at = f"/reviews/pairs/{pair['pair_id']}"
        told += answer.text
        refused(client.get(f"{at}/second"), 409, "first picture alone")
        first = good(client.get(f"{at}/first"))
        refused(client.post(f"{at}/judgement", json={"grade": grade, **JUDGED}), 400, "at least one feature")
        looked = client.post(f"{at}/looked", json={"visible": ["nose", "ears"]})
        assert good(looked)["visible"] == ["ears", "nose"]
        second = good(client.get(f"{at}/second"))
        for shown in (first, second):
            assert shown["media_type"] == "image/jpeg"
            assert base64.b64decode(shown["picture"]).startswith(b"\xff\xd8")
        assert good(client.get(at)) == {**pair, "looked": True, "visible": ["ears", "nose"]}
        told += looked.text + client.get(at).text
        for other in ("/cases", f"/cases/{case_id}", search):
            assert client.get(other).status_code == 403
        judged = client.post(f"{at}/judgement", json={"grade": grade, **JUDGED})
        assert good(judged)["judged"] == grade
        assert house.world.kinds()[-1][0] in ("review", "custody", "case")
        told += judged.text + client.get("/reviews/me").text
        refused(client.post(f"{at}/judgement", json={"grade": grade, **JUDGED}), 409, "judged already")
        if name == "rex":
            refused(house.reviewer("roy").get(at), 404)
        if name != "ron":
            assert good(ann.get(search))["state"] == "review"
            assert good(client.post("/reviews/next")) == {"pair": None}
    for hidden in (NAME, "similarity", "score", "rank", OFFENCE, PURPOSE, case_id, found["search_id"], "g1", "rex"):
        assert hidden not in told.replace('"reviewer":"rex"', ""), hidden

    result = good(ann.get(search))
    assert (result["state"], result["judged"]) == ("reviewed", ["moderate-same"])
    (shown,) = result["leads"]
    assert (shown["name"], shown["grade"], shown["evidence"]) == (NAME, "moderate-same", [])
    assert [each["reviewer"] for each in shown["judgements"]] == ["rex", "roy", "ron"]
    assert shown["similarity"] > 99
    assert 0 < shown["false_match_rate"] < 1e-2
    assert shown["expected_innocent"] == pytest.approx(5 * shown["false_match_rate"])
    assert result["expected_innocent"] >= shown["expected_innocent"]

    refused(ann.post(f"{lead}/exports", json={"use": "warrant"}), 409, "independent evidence")
    evidence = {"kind": "witness", "what": WITNESS}
    refused(ann.post(f"{lead}/evidence", json={**evidence, "independent": False}), 400, "not independent")
    assert ben.post(f"{lead}/evidence", json={**evidence, "independent": True}).status_code == 403
    entered = good(ann.post(f"{lead}/evidence", json={**evidence, "independent": True}))
    assert entered["leads"][0]["evidence"][0]["what"] == WITNESS
    refused(ann.post(f"{search}/leads/2/exports", json={"use": "warrant"}), 409)
    text = good(ann.post(f"{lead}/exports", json={"use": "warrant"}))["text"]
    for part in (WITNESS, NAME, "roy: limited-different", "together: moderate-same", result["receipt"]):
        assert part in text
    assert good(ann.get(f"/cases/{case_id}"))["tainted"]


def test_the_ledger_has_a_judgement_before_a_known_pair_is_unmasked(free: CaseOverHttp) -> None:
    body = {"mandate_id": free.mandate_id, "first": sent(3), "second": sent(4), "same": False}
    known = good(free.ann.post("/reviews/known", json=body), 201)
    listed = good(free.ben.get("/reviews/known"))["pairs"]
    assert listed == [{"known_id": known["known_id"], "same": False, "entered_by": "ann asks"}]
    refused(free.ben.post("/reviews/known", json=body), 403)
    assert free.ben.delete(f"/reviews/known/{known['known_id']}").json() == {"known_id": known["known_id"]}
    assert good(free.ann.get("/reviews/known")) == {"pairs": []}
    changes = [change for kind, change in free.world.kinds() if kind == "review"]
    assert changes[-2:] == ["pair entered", "pair removed"]


def test_everybody_sees_their_own_rates_and_supervisors_those_of_all(free: CaseOverHttp) -> None:
    mine = good(free.reviewer("ria").get("/reviews/me"))
    assert mine["me"]["false_accept"] == {"errors": 0, "pairs": 0, "low": 0.0, "high": 1.0, "limit": 0.1}
    assert not mine["waits"]
    assert good(free.ben.get("/reviews/reviewers")) == {"reviewers": []}
    refused(free.ben.post("/reviews/rights", json={"reviewer": "ria", "why": "training"}), 409, "right to review holds")
    form = good(free.reviewer("ria").get("/reviews/form"))
    assert "nose" in [each["id"] for each in form["components"]]
    assert form["grades"][-1] == "insufficient"


def test_a_case_is_its_openers_and_who_supervises_is_noted(free: CaseOverHttp) -> None:
    case_id = free.opened()
    other = free.reviewer("amy", Role.REQUEST)
    for path in (f"/cases/{case_id}", f"/cases/{case_id}/searches/search-0123456789ab"):
        refused(other.get(path), 404)
    refused(other.post(f"/cases/{case_id}/closing"), 404)
    refused(other.post(f"/cases/{case_id}/pictures", json={"image": sent(3)}), 404)
    line = good(other.get("/cases"))["cases"][0]
    assert (line["case_id"], line["offence"], line["state"]) == (case_id, None, "open")
    assert good(free.ann.get("/cases"))["cases"][0]["offence"] == OFFENCE
    seen = [change for kind, change in free.world.kinds() if kind == "case"].count("seen")
    assert good(free.ben.get(f"/cases/{case_id}"))["purpose"] == PURPOSE
    assert [change for kind, change in free.world.kinds() if kind == "case"].count("seen") == seen + 1
    another = {"authority": "court 4", "reference": "w-18", "until": (now() + timedelta(days=3)).isoformat()}
    both = good(free.ben.post(f"/cases/{case_id}/authorisations", json=another))["authorisations"]
    assert [each["entered_by"] for each in both] == ["ann asks", "ben approves"]
    assert good(free.ann.post(f"/cases/{case_id}/closing"))["state"] == "closed"
    refused(free.ann.post(f"/cases/{case_id}/pictures", json={"image": sent(3)}), 409, "closed")


def test_cases_come_in_pages(free: CaseOverHttp) -> None:
    ids = [free.opened() for _ in range(51)]
    first = good(free.ann.get("/cases"))
    assert [each["case_id"] for each in first["cases"]] == ids[:0:-1]
    second = good(free.ann.get("/cases", params={"page": first["next"]}))
    assert second["cases"][0]["case_id"] == ids[0]
    assert second["next"] is None


def test_a_revoked_mandate_freezes_what_was_found(tmp_path: Path) -> None:
    with world(tmp_path, SearchRules(Verdict.PERMIT)) as made:
        house = CaseOverHttp(made)
        case_id = house.opened()
        found = house.searched(case_id, 3)
        assert found["leads"]
        ended = house.ben.post(f"/mandates/{house.mandate_id}/revocation", json={"why": "abuse"})
        assert ended.status_code == 200, ended.text
        frozen = good(house.ann.get(f"/cases/{case_id}/searches/{found['search_id']}"))
        assert (frozen["state"], frozen["leads"], frozen["expected_innocent"]) == ("frozen", [], None)
        assert frozen["face"] is None
        assert NAME not in str(frozen)
        assert "revoked" in frozen["says"]
        refused(house.ann.post(f"/cases/{case_id}/pictures", json={"image": sent(3)}), 409, "frozen")


def test_nobody_and_a_part_of_a_picture_are_results(free: CaseOverHttp) -> None:
    case_id = free.opened()
    nobody = free.searched(case_id, 9)
    assert (nobody["state"], nobody["leads"]) == ("nobody", [])
    whole = free.looked(case_id, 3)
    edges = {"left": 0.1, "top": 0.0, "right": 0.9, "bottom": 1.0}
    refused(free.ann.post(f"/cases/{case_id}/crops", json={"picture_id": whole, **edges, "right": 0.1}), 400)
    part = good(free.ann.post(f"/cases/{case_id}/crops", json={"picture_id": whole, **edges}))
    assert part["cropped"] == "10% to 90% of the width, 0% to 100% of the height"
    gone = {"picture_id": whole, "gallery_id": "g1"}
    refused(free.ann.post(f"/cases/{case_id}/searches", json=gone), 404, "no longer here")
    chosen = {**gone, "picture_id": part["picture_id"], "similarity": 80.0}
    found = good(free.ann.post(f"/cases/{case_id}/searches", json=chosen), 201)
    assert (found["cropped"], [each["name"] for each in found["leads"]]) == (part["cropped"], [NAME])
    two = free.searched(case_id, 9, 3, face=2)
    assert [each["name"] for each in two["leads"]] == [NAME]
    refused(free.ann.get(f"/cases/{free.opened()}/searches/{two['search_id']}"), 404, "in this case")


def test_two_pictures_of_a_case_are_compared(free: CaseOverHttp) -> None:
    case_id = free.opened()
    first, second = (
        {"picture_id": free.looked(case_id, *people), "face": face} for people, face in (((3,), 1), ((9, 3), 2))
    )
    body = {"first": first, "second": second}
    found = good(free.ann.post(f"/cases/{case_id}/comparisons", json=body), 201)
    assert (found["kind"], found["gallery_id"], found["gallery_size"], found["state"]) == (
        "picture",
        None,
        None,
        "leads",
    )
    (lead,) = found["leads"]
    assert (lead["name"], lead["face_id"], lead["expected_innocent"]) == (None, None, None)
    assert lead["similarity"] > 99


def test_people_of_a_video_are_seen_and_searched_for(free: CaseOverHttp) -> None:
    case_id = free.opened()
    free.world.films.add("a.mp4", 3, 0, 4)
    at = f"/cases/{case_id}/videos"
    refused(free.ann.post(at, json={"bucket": "films", "name": "none.mp4"}), 404)
    video = good(free.ann.post(at, json={"bucket": "films", "name": "a.mp4"}), 201)
    assert (video["state"], video["people"]) == ("waiting", None)
    one = f"{at}/{video['video_id']}"
    refused(free.ann.post(f"{one}/views"), 409, "still looked through")
    free.world.run_jobs()
    assert good(free.ann.get(one))["state"] == "succeeded"
    taken = good(free.ann.post(f"{one}/views"))
    assert [each["person"] for each in taken["people"]] == [1, 2]
    shown = good(free.ann.get(f"{one}/people/1/view"))
    assert base64.b64decode(shown["picture"]).startswith(b"\x89PNG")
    refused(free.ann.get(f"{one}/people/7/view"), 400, "choose a person")
    seen = good(free.ann.post(f"{one}/people/1/picture"))
    body = {"picture_id": seen["picture_id"], "gallery_id": "g1", "similarity": 80.0}
    found = good(free.ann.post(f"/cases/{case_id}/searches", json=body), 201)
    assert [each["name"] for each in found["leads"]] == [NAME]
    assert found["seen_in"]["person"] == 1


def test_pictures_have_a_limit_of_their_own(free: CaseOverHttp) -> None:
    case_id = free.opened()
    at = f"/cases/{case_id}/pictures"
    kind = {"content-type": "application/json"}
    assert free.ann.post(at, content=b" " * 70_000 + b'{"image": "' + sent(3).encode() + b'"}', headers=kind).is_success
    assert free.ann.post(at, content=picture_of(3), headers={"content-type": "image/jpeg"}).is_success
    assert free.ann.post(at, files={"image": picture_of(3)}).is_success
    for path, size in ((at, 16 * 2**20 + 1), (f"/cases/{case_id}/searches", 65_537)):
        answer = free.ann.post(path, content=b" " * size, headers=kind)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:countenance:problem:body-too-large")
    refused(free.ann.post(at, content=b"not a picture", headers={"content-type": "image/jpeg"}), 400)
