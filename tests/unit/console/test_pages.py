"""What people do on the pages, step by step, and what is on record afterwards."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.engine import picture_of
from tests.unit.console.conftest import SETTER, ConsoleWorld, mandate_form

from countenance.administration import Order, Scope, templates
from countenance.ledger import Safekeeping
from countenance.policy import Action, Verdict

NASTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def picture(*people: int) -> tuple[str, bytes, str]:
    return ("a.jpg", picture_of(*people), "image/jpeg")


def test_a_mandate_is_asked_for_by_one_and_approved_by_another(world: ConsoleWorld) -> None:
    ann, ben, flo = (world.signed_in(name) for name in ("ann asks", "ben approves", "flo does all"))
    path = ann.post("/mandates", page="/mandates/new", **mandate_form()).headers["location"].removeprefix("/console")
    assert "Somebody else than you has to approve it." in ann.get(path).text
    assert ">Approve<" in ben.get(path).text
    own = flo.post("/mandates", page="/mandates/new", **mandate_form()).headers["location"].removeprefix("/console")
    assert ">Approve<" not in flo.get(own).text
    refused = flo.post(own + "/approval", page="")
    assert refused.status_code == 403
    assert "somebody else than who asked" in refused.text
    assert ben.post(path + "/approval", page=path).status_code == 303
    shown = ann.post(path + "/keys", page=path)
    secret = re.search(r'id="secret">([^<]+)', shown.text)
    assert secret
    assert html.unescape(secret[1]) not in html.unescape(ann.get(path).text)  # never again
    assert ben.post(path + "/keys", page="").status_code == 403
    assert ben.post(path + "/revocation", page=path, why="done").status_code == 303
    assert "revoked" in ann.get(path).text
    assert [change for kind, change in world.kinds() if kind == "mandate"] == [
        "requested",
        "requested",
        "approved",
        "key issued",
        "ended",
    ]


def test_the_overview_says_what_waits_and_what_to_do(world: ConsoleWorld) -> None:
    ann, ben = world.signed_in("ann asks"), world.signed_in("ben approves")
    assert "Ask for a mandate" in ann.get("").text
    ann.post("/mandates", page="/mandates/new", **mandate_form())
    assert "1 waits for approval" in ben.get("").text
    assert "1 of yours waits for somebody else" in ann.get("").text
    assert "not checked yet" in ben.get("").text
    assert ben.post("/ledger/check", page="").status_code == 303
    assert "nothing altered" in ben.get("").text


def test_the_overview_says_when_something_last_left_for_safekeeping(world: ConsoleWorld) -> None:
    ann = world.signed_in("ann asks")
    page = ann.get("").text
    assert "none on record" in page
    assert "Nobody outside is known to hold a checkpoint" in page
    covered = world.ledger.size
    Safekeeping(world.ledger).enter_backup(covered)
    given = ann.get("/ledger/checkpoint").text.split("\n")[1]
    page = ann.get("").text
    assert f"with the first {covered} entries of the ledger" in page
    assert f"A checkpoint of {given} entries or more" in page
    assert "none on record" not in page
    assert "Nobody outside" not in page


@pytest.mark.parametrize(
    "fault",
    [
        {"facts": "[1]"},
        {"facts": "{"},
        {"facts": "[" * 5000},
        {"expires": "yesterday"},
        {"expires": "99999999999"},
        {"expires": "0"},
        {"holder": " "},
        {"holder": "a\x00b"},
        {"operations": "fly"},
        {"budget": "day=many"},
        {"template": "none-such"},
        {"powers": "levitate"},
    ],
)
def test_a_mandate_that_will_not_do_is_not_entered(world: ConsoleWorld, fault: dict[str, str]) -> None:
    ann = world.signed_in("ann asks")
    answer = ann.post("/mandates", page="/mandates/new", **mandate_form(**fault))
    assert 400 <= answer.status_code < 500
    assert world.services.mandates.list() == []


def test_templates_fill_the_form(world: ConsoleWorld) -> None:
    text = world.signed_in("ann asks").get("/mandates/new?template=missing-person").text
    assert 'value="missing_person"' in text
    assert "case" in text
    assert world.signed_in("ben approves").get("/policy?template=missing-person").status_code == 200


def test_names_and_file_names_are_text_wherever_they_are_shown(world: ConsoleWorld) -> None:
    ann, ben = world.signed_in("ann asks"), world.signed_in("ben approves")
    path = ann.post("/mandates", page="/mandates/new", **mandate_form(holder=NASTY)).headers["location"][8:]
    ben.post(path + "/approval", page=path)
    ben.post(path + "/revocation", page=path, why=NASTY)
    for where in (path, "/mandates", "/me", "", f"/try?mandate={NASTY}", f"/sign-in?next={NASTY}"):
        text = ann.get(where).text
        assert "<script" not in text, where
        assert "onerror=alert" not in text.replace("&gt;", ">").replace("&lt;img src=x onerror", ""), where
    failed = world.browser().post("/sign-in", page="/sign-in", name=NASTY, password=NASTY, one_time="1", next=NASTY)
    assert re.findall("<script[^>]*>", failed.text) == ['<script src="/console/static/passkeys.js" defer>']


@pytest.fixture
def in_force(world: ConsoleWorld) -> str:
    return world.granted()


def test_a_gallery_is_made_filled_searched_and_erased(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    where = f"/galleries/{in_force}/g1"
    assert ann.post(f"/galleries/{in_force}", page="/galleries", gallery="g1").headers["location"] == f"/console{where}"
    enrolled = ann.post(where + "/faces", page=where, files={"picture": picture(7, 8)}, external_id="p-7")
    assert "2 faces were enrolled" in enrolled.text
    listed = ann.get("/galleries").text
    assert "consented" in listed
    assert "photo_library" in listed
    face = re.search(r'name="face" value="([0-9a-f-]{36})"', enrolled.text)
    assert face
    erased = ann.post(where + "/erasure", page=where, face=face[1])
    assert erased.status_code == 303
    assert face[1] not in ann.get(where).text
    assert ann.post(where + "/erasure", page=where).status_code == 400
    assert ann.post(where + "/deletion", page=where, again="g2").status_code == 400
    assert ann.post(where + "/deletion", page=where, again="g1").status_code == 303
    assert ann.get(where).status_code == 404


def test_who_did_not_ask_for_the_mandate_acts_not_under_it(world: ConsoleWorld, in_force: str) -> None:
    flo = world.signed_in("flo does all")
    before = [entry.fields.get("operation") for entry in world.ledger.entries()]
    assert "none of yours is in force" in flo.get("/galleries").text
    assert flo.get(f"/galleries?mandate={in_force}").status_code == 404
    assert flo.post("/try/faces", page="/try", mandate=in_force, files={"picture": picture(1)}).status_code == 404
    assert [entry.fields.get("operation") for entry in world.ledger.entries()][: len(before)] == before
    assert world.engine.looked == 0


def test_a_revoked_mandate_stops_the_next_use(world: ConsoleWorld, in_force: str) -> None:
    ann, ben = world.signed_in("ann asks"), world.signed_in("ben approves")
    sent: dict[str, Any] = {"mandate": in_force, "files": {"picture": picture(1)}}
    assert ann.post("/try/faces", page="/try", **sent).status_code == 200
    ben.post(f"/mandates/{in_force}/revocation", page=f"/mandates/{in_force}", why="over")
    looked = world.engine.looked
    assert ann.post("/try/faces", page="/try", **sent).status_code == 404
    assert world.engine.looked == looked


def test_each_use_is_a_decision_and_a_result_under_one_key_of_the_mandate(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    for _ in range(2):
        answer = ann.post("/try/faces", page="/try", mandate=in_force, files={"picture": picture(1, 2)})
        assert "2 faces found" in answer.text
    entries = [(e.kind, e.fields.get("operation"), e.fields.get("mandate")) for e in world.ledger.entries()]
    assert entries.count(("decision", "detect", in_force)) == 2
    assert [change for kind, change in world.kinds()].count("key issued") == 1


def test_faces_that_are_not_fit_are_said_to_be(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    answer = ann.post("/try/faces", page="/try", mandate=in_force, files={"picture": picture(1)})
    assert "fit to compare" in answer.text
    nobody = ann.post("/try/faces", page="/try", mandate=in_force, files={"picture": picture()})
    assert "No face was found" in nobody.text
    damaged = ann.post("/try/faces", page="/try", mandate=in_force, files={"picture": ("x", b"GIF89a", "image/gif")})
    assert damaged.status_code == 400
    assert "Nothing was compared" in damaged.text
    none = ann.post("/try/faces", page="/try", mandate=in_force)
    assert none.status_code == 400


def test_two_pictures_are_compared_without_the_word_match(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    files = {"one": picture(1), "other": picture(1, 2)}
    alike = ann.post("/try/comparison", page="/try", mandate=in_force, similarity="80", files=files).text
    assert "how often strangers are as similar" in alike
    assert "1 face is below a similarity of 80" in alike
    unlike = ann.post(
        "/try/comparison", page="/try", mandate=in_force, files={"one": picture(1), "other": picture(3)}
    ).text
    assert "Nobody in the other picture is that similar" in unlike
    for text in (alike, unlike):
        assert not re.search(r"\bmatch(?!a|brok)", re.sub(r"<[^>]*>|false match rate", "", text), re.I)


@pytest.mark.parametrize("similarity", ["0", "0.000001", "30", "74.999"])
def test_a_comparison_to_try_tells_nothing_of_similarities_below_75(
    world: ConsoleWorld, in_force: str, similarity: str
) -> None:
    ann = world.signed_in("ann asks")
    files = {"one": picture(1), "other": picture(2, 3)}
    text = ann.post("/try/comparison", page="/try", mandate=in_force, similarity=similarity, files=files).text
    told = re.findall(r'data-head="similarity">([^<]*)<', text)
    assert told == (["0.0", "0.0"] if similarity == "0" else [])


@pytest.mark.parametrize("verdict", [Verdict.PERMIT])
def test_a_search_gives_leads_with_their_error_or_nobody_or_says_that_the_picture_is_not_fit(
    world: ConsoleWorld,
) -> None:
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    ann.post(f"/galleries/{mandate}", page="/galleries", gallery="g1")
    where = f"/galleries/{mandate}/g1"
    for person in range(5):
        ann.post(where + "/faces", page=where, files={"picture": picture(person)}, external_id=f"p-{person}")

    def search(*people: int) -> str:
        sent: dict[str, Any] = {"gallery": "g1", "similarity": "80", "files": {"picture": picture(*people)}}
        return str(ann.post(f"/search/{mandate}", page="/search", **sent).text)

    found = search(3)
    assert "1 lead" in found
    assert "p-3" in found
    assert "innocent people are expected" in found
    assert "false match rate" in found
    assert "no identification" in found
    assert not re.search(r"\bmatch", re.sub(r"<[^>]*>|false match rate", "", found), re.I)
    nobody = search(77)
    assert "<h1>Nobody</h1>" in nobody
    unfit = search()
    assert "<h1>The picture is not fit</h1>" in unfit
    assert "x-countenance" not in unfit


@pytest.mark.parametrize("verdict", [Verdict.DENY])
def test_what_the_rules_refuse_is_shown_with_its_receipt_and_does_nothing(world: ConsoleWorld) -> None:
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    answer = ann.post("/try/faces", page="/try", mandate=mandate, files={"picture": picture(1)})
    assert answer.status_code == 403
    assert "Receipt" in answer.text
    assert world.engine.looked == 0


def test_the_rules_are_asked_about_a_described_use(world: ConsoleWorld) -> None:
    ann = world.signed_in("ann asks")
    before = world.ledger.size
    answer = ann.post("/policy", page="/policy", request=json.dumps({"operation": "detect"}))
    assert re.search("Permitted|Forbidden|cannot be decided", answer.text)
    wrong = ann.post("/policy", page="/policy", request='{"operation": "fly", "x": "<script>"}')
    assert wrong.status_code == 400
    assert "<script" not in wrong.text
    assert ann.post("/policy", page="/policy", request='{"actor": 1e999}').status_code == 400
    assert world.ledger.size == before


@pytest.mark.parametrize("form", ["", *templates()])
def test_the_rules_decide_each_use_that_the_page_describes(world: ConsoleWorld, form: str) -> None:
    ann = world.signed_in("ann asks")
    shown = html.unescape(ann.get(f"/policy?template={form}").text)
    described = re.search(r"<textarea[^>]*>([^<]*)</textarea>", shown)
    assert described
    assert json.loads(described[1])["use"]["purpose"]
    answer = ann.post("/policy", page="/policy", request=described[1])
    assert answer.status_code == 200, answer.text
    assert "Law of" in answer.text


def test_auditors_read_entries_with_proofs_and_others_only_what_a_receipt_stands_for(world: ConsoleWorld) -> None:
    eve, ann = world.signed_in("eve audits"), world.signed_in("ann asks")
    last = world.ledger.size - 1
    assert f'href="/console/ledger/{last}"' in eve.get("/ledger").text
    assert "c2sp.org/tlog-proof" in eve.get(f"/ledger/{last}").text
    assert eve.get("/ledger/entry?index=1").headers["location"] == "/console/ledger/1"
    assert eve.get(f"/ledger/{last + 1}").status_code == 404
    for odd in ("-1", "²", "9" * 40, "x"):
        assert eve.get(f"/ledger/{odd}").status_code == 404
        assert eve.get(f"/ledger?before={odd}").status_code == 404
    assert ann.get(f"/ledger/{last}").status_code == 403
    assert "Entries are read by operators with the role audit" in ann.get("/ledger").text
    receipt = world.ledger.receipt(last).header()
    assert f"Entry {last}" in ann.post("/ledger/receipt", page="/ledger", receipt=receipt).text
    assert ann.post("/ledger/receipt", page="/ledger", receipt="nonsense").status_code == 400
    assert ann.get("/ledger/checkpoint").text.startswith("ledger.test\n")


def test_a_long_ledger_is_read_by_pages(world: ConsoleWorld) -> None:
    for n in range(120):
        world.ledger.append({"kind": "test", "change": f"n{n}"})
    world.ledger.append({"kind": "test"}).wait()
    eve = world.signed_in("eve audits")
    size = world.ledger.size
    first = eve.get("/ledger").text
    assert f"/console/ledger?before={size - 50}" in first
    second = eve.get(f"/ledger?before={size - 50}").text
    assert f'href="/console/ledger/{size - 51}"' in second
    assert f'href="/console/ledger/{size - 50}"' not in second
    assert "?before=" not in eve.get("/ledger?before=50").text.split("Newer</a>")[1]


def test_a_moratorium_is_set_by_a_signature_and_by_nothing_else(world: ConsoleWorld) -> None:
    ben = world.signed_in("ben approves")
    at = datetime(2026, 11, 29, 9, tzinfo=UTC)
    order = Order("stop-1", Scope(frozenset({Action.IDENTIFY}), frozenset()), "until there is a law", at, None)
    form = {
        "moratorium_id": "stop-1",
        "operations": "identify",
        "reason": "until there is a law",
        "set_at": "2026-11-29T09:00:00Z",
        "public_key": SETTER.public.hex(),
    }
    forged = ben.post("/moratoria", page="/moratoria", **form, signature="00" * 64)
    assert forged.status_code >= 400
    for odd in ({"set_at": "soon"}, {"set_at": "2026-11-29"}, {"public_key": "zz"}, {"operations": "fly"}):
        assert ben.post("/moratoria", page="/moratoria", **{**form, "signature": "00" * 64, **odd}).status_code == 400
    assert world.services.moratoria.all() == {}
    signature = SETTER.sign(order.message()).hex()
    assert ben.post("/moratoria", page="/moratoria", **form, signature=signature).status_code == 303
    assert "until there is a law" in ben.get("/moratoria").text
    assert "until there is a law" in ben.get("").text


def test_people_settings_and_ones_own_record(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    people = ann.get("/operators").text
    assert "flo does all" in people
    assert "COUNTENANCE_PORT" in ann.get("/settings").text
    mine = ann.get("/me").text
    assert in_force in mine
    assert "asked for it" in mine
    assert "approved it" in world.signed_in("ben approves").get("/me").text


def test_a_refused_form_keeps_what_was_typed_and_says_why(world: ConsoleWorld, in_force: str) -> None:
    ann = world.signed_in("ann asks")
    typed = mandate_form(holder="A museum of <hats>", expires="tomorrow", facts="{")
    again = ann.post("/mandates", page="/mandates/new", **typed)
    assert again.status_code == 400
    assert "<title>Not done: Ask for a mandate" in again.text
    assert re.search('role="alert">.*facts: a JSON object is expected', again.text)
    assert 'value="A museum of &lt;hats&gt;"' in again.text
    assert 'value="tomorrow"' in again.text
    assert ">{</textarea>" in again.text
    facts = {"mandate": in_force, "purpose": "find her", "offence": "a theft", "authority": "court 3", "reference": ""}
    again = ann.post("/cases", page="/cases/new", until="2", **facts)
    assert again.status_code == 400
    assert "reference: this is needed" in again.text
    assert 'name="offence" required maxlength="500" value="a theft"' in again.text
    assert "find her" not in ann.get("/cases/new").text
    opened = ann.post("/cases", page="/cases/new", until="2", **{**facts, "reference": "w-17"})
    assert opened.status_code == 303
