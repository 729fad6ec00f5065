"""A form that was refused comes back with what was typed; the refusal leads to its field, and is tied to it."""

from __future__ import annotations

import pytest
from tests.unit.console.conftest import ConsoleWorld, mandate_form
from tests.unit.console.test_casework_pages import FACTS, TWO, case_of, picture, search

from countenance.policy import Verdict
from countenance.policy.obligations import Obligation

pytestmark = pytest.mark.parametrize("verdict", [Verdict.PERMIT])
TIED = 'aria-invalid="true" aria-describedby="refused"'


def test_a_refusal_is_tied_to_its_field(world: ConsoleWorld) -> None:
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    sent = {**FACTS, "until": "never", "purpose": "find <b>a witness</b>"}
    page = ann.post("/cases", page="/cases/new", mandate=mandate, **sent)
    assert page.status_code == 400
    assert '<div class="say bad-edge" id="refused" role="alert">' in page.text
    assert '<a href="#until">until: a date such as' in page.text
    assert page.text.count(TIED) == 1
    assert f'name="until" {TIED}' in page.text
    assert 'value="find &lt;b&gt;a witness&lt;/b&gt;"' in page.text
    assert TIED not in ann.get("/cases/new").text
    page = ann.post("/mandates", page="/mandates/new", **mandate_form(facts="{bad", holder="Kept"))
    assert f'<textarea id="facts" name="facts" {TIED}' in page.text
    assert 'value="Kept"' in page.text


@pytest.mark.parametrize("obligations", [TWO])
def test_a_refused_judgement_keeps_what_was_said(world: ConsoleWorld, obligations: tuple[Obligation, ...]) -> None:
    ann, case = case_of(world)
    where = search(ann, case, 3)
    sue, rex = world.signed_in("ben approves"), world.signed_in("rex reviews")
    sue.post(where + "/pictures", page=where, files={"picture": picture(3)}, lead="1")
    pair = rex.post("/review/next", page="/review").headers["location"].removeprefix("/console")
    rex.post(pair + "/looked", page=pair, visible="nose, ears")
    said = {"feature-nose": "unclear", "feature-ears": "unclear", "remarks": "her <left> ear is hidden"}
    page = rex.post(pair + "/judgement", page=pair, grade="limited-same", **said)
    assert page.status_code == 400
    assert "rests on at least one feature" in page.text
    assert page.text.count(' value="unclear" checked>') == 2
    assert 'value="limited-same" required checked>' in page.text
    assert "her &lt;left&gt; ear is hidden</textarea>" in page.text
    assert "p-3" not in page.text
    page = rex.post(pair + "/judgement", page=pair, grade="", **said)
    assert '<a href="#grade">grade: choose a conclusion' in page.text
    assert f'<fieldset id="grade" {TIED}>' in page.text
    assert page.text.index('value="insufficient"') < page.text.index('name="grade" value=""')  # the choice comes first
    assert rex.post(pair + "/judgement", page=pair, grade="insufficient", **said).status_code == 303


def test_a_refused_renewal_stands_open_with_its_date(world: ConsoleWorld) -> None:
    where = f"/mandates/{world.granted()}"
    ben = world.signed_in("ben approves")
    page = ben.post(where + "/renewal", page=where, expires="some day")
    assert page.status_code == 400
    assert "<details open><summary>Renew it" in page.text
    assert f'name="expires" {TIED} required maxlength="20" value="some day"' in page.text


@pytest.mark.parametrize(
    ("referer", "link"),
    [
        ("http://server.test/console/galleries?mandate=a&after=%22", "/console/galleries?mandate=a&amp;after=%22"),
        ("http://elsewhere.test/console/galleries", ""),
        ("http://server.test/elsewhere", ""),
        ("javascript://server.test/console/", ""),
        ("", ""),
    ],
)
def test_a_form_that_cannot_be_shown_again_has_a_way_back(world: ConsoleWorld, referer: str, link: str) -> None:
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    token = ann.form_token("/galleries")
    sent = {"form_token": token, "gallery": ""}
    page = ann.client.post(f"/console/galleries/{mandate}", data=sent, headers={"referer": referer})
    assert page.status_code == 400
    assert ("Back to the form" in page.text) is bool(link)
    assert f'<a href="{link}">Back to the form' in page.text or not link
    assert '<p lang="en">' in page.text
