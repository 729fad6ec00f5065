"""Audits on the console: a table sent, audited in a process of its own, read, erased; evidence; progress as events."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.unit.audit.score_files import score_file
from tests.unit.console.conftest import Browser, ConsoleWorld

from countenance.administration import audit_reports
from countenance.audit.bundle import read_bundle
from countenance.console.streams import MOST_OF_A_SESSION, Progress, Streams
from countenance.errors import Overloaded

DRAFT = """
title = "East gate"
question = "Is one group falsely accepted more often?"
[system]
name = "Gatekeeper"
[groups]
factors = ["gender"]
labelled_by = "self-reported"
[scores]
file = "scores.csv"
score = "score"
same = "same"
subjects = ["subject_a", "subject_b"]
labels = "people.csv"
label_subject = "subject"
[threshold]
rule = "fmr"
value = 0.01
"""


def sent(browser: Browser, scores: bytes, plan: str = "", labels: bytes = b"", **fields: str) -> httpx.Response:
    files = {"scores": ("../../evil.csv", scores), "plan": ("x", plan.encode()), "labels": ("x", labels)}
    return browser.post("/audits", page="/audits", files=files, **fields)


def ended(world: ConsoleWorld, answer: httpx.Response) -> str:
    """The path of the audit's page, once it has ended."""
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"].removeprefix("/console")
    world.services.audits.wait(path.rpartition("/")[2], 120)
    return str(path)


def test_a_table_and_a_plan_become_a_report_and_a_bundle_on_record(world: ConsoleWorld, tmp_path: Path) -> None:
    scores = score_file(tmp_path)
    eve = world.signed_in("eve audits")
    path = ended(world, sent(eve, scores.read_bytes(), DRAFT, (tmp_path / "people.csv").read_bytes()))
    shown = eve.get(path).text
    assert "Gatekeeper takes strangers for the same person" in shown
    assert "Exploratory" in shown
    assert "East gate" in eve.get("/audits").text
    report = eve.get(path + "/report")
    assert report.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert report.headers["content-security-policy"].endswith("; sandbox")
    assert "East gate" in report.text
    bundle = eve.get(path + "/bundle")
    assert bundle.headers["content-disposition"].startswith("attachment")
    (tmp_path / "own.zip").write_bytes(bundle.content)
    read = read_bundle(tmp_path / "own.zip")
    assert read.problems == ()
    kept = next((tmp_path / "audits").glob("audit-*"))
    assert {each.name for each in kept.iterdir()} >= {"bundle.zip", "report.html"}
    assert not (kept / "sent").exists()
    assert not re.search(r"\bp0\d\d\b", (kept / "report.html").read_text())  # nobody of the table
    assert kept.stat().st_mode & 0o77 == 0

    assert eve.post(path + "/erasure", page=path).status_code == 303
    assert not kept.exists()
    assert eve.get(path).status_code == 404
    entries = [each.fields for each in world.ledger.entries() if each.kind == "audit"]
    assert [each["change"] for each in entries] == ["begun", "ended", "erased"]
    assert entries[1]["bundle"] == read.hash


def test_a_plan_is_guessed_where_none_is_sent(world: ConsoleWorld) -> None:
    rows = ["sex,decile_score,two_year_recid"] + [f"{'m' if n % 3 else 'f'},{n % 10},{n % 2}" for n in range(600)]
    eve = world.signed_in("eve audits")
    table = "\n".join(rows).encode()
    assert "from which score up" in eve.get(ended(world, sent(eve, table))).text
    path = ended(world, sent(eve, table, title='Who is "high"? <b>', high_from="5", factors="sex"))
    assert "Who is &#34;high&#34;? &lt;b&gt;" in eve.get(path).text
    assert "Read the report" in eve.get(path).text


def of_another_source(source: str) -> str:
    return re.sub(r"\[scores\].*?\[threshold\]", f"{source}\n[threshold]", DRAFT, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (DRAFT.replace("scores.csv", "../../keys/ledger.key"), "plain file name"),
        (DRAFT.replace("people.csv", "/etc/passwd"), "plain file name"),
        (DRAFT.replace("people.csv", "scores.csv"), "two tables one name"),
        (DRAFT.replace("scores.csv", "countenance-draft.toml"), "plain file name"),
        (DRAFT.replace('labels = "people.csv"\nlabel_subject = "subject"', ""), "reads no table of people"),
        ("{", "no plan"),
        ("title = ", "TOML"),
        (of_another_source('[images]\nfolder="."\nlabels="people.csv"\nsubject="s"'), ""),
        (of_another_source('[api]\nservice="rekognition"\nfolder="/"\nlabels="p.csv"'), ""),
        ('[[systems]]\nname="a"\n', ""),
    ],
)
def test_a_plan_reads_nothing_but_the_tables_that_were_sent(
    world: ConsoleWorld, tmp_path: Path, plan: str, says: str
) -> None:
    scores = score_file(tmp_path, people=12, impostors=50)
    eve = world.signed_in("eve audits")
    shown = eve.get(ended(world, sent(eve, scores.read_bytes(), plan, (tmp_path / "people.csv").read_bytes()))).text
    assert "There is no report" in shown
    assert says in shown
    assert "root:" not in shown
    assert not list((tmp_path / "audits").glob("*/sent"))


def test_what_is_no_table_is_told_and_kept_nowhere(world: ConsoleWorld, tmp_path: Path) -> None:
    eve = world.signed_in("eve audits")
    assert sent(eve, b"").status_code == 400
    for content in (b"\x00\xff" * 500, b"PAR1" + bytes(500), b"a,b\n" + b"1,2\n" * 1_000_002):
        assert "There is no report" in eve.get(ended(world, sent(eve, content))).text
    assert sent(eve, b"x" * (15 * 2**20 + 70_000)).status_code == 400
    assert not list((tmp_path / "audits").glob("*/sent"))
    assert eve.get("/audits/audit-../../keys/report").status_code == 404
    assert eve.get("/audits/audit-zz/report").status_code == 404


def test_only_the_role_audit_sends_and_only_so_many_run_and_are_kept(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve, flo = world.signed_in("eve audits"), world.signed_in("flo does all")
    assert flo.get("/audits").status_code == 403
    monkeypatch.setattr(audit_reports, "MOST_KEPT", 0)
    assert sent(eve, b"a,b\n1,2\n").status_code == 429
    monkeypatch.setattr(audit_reports, "MOST_KEPT", 9)
    monkeypatch.setattr(audit_reports, "MOST_AT_ONCE", 0)
    assert sent(eve, b"a,b\n1,2\n").status_code == 409


def test_a_killed_audit_says_so_and_its_table_goes(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eve = world.signed_in("eve audits")
    made: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def sleeps(command: list[str], **more: object) -> subprocess.Popen[bytes]:
        made.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **more))  # type: ignore[call-overload]
        return made[-1]

    monkeypatch.setattr(subprocess, "Popen", sleeps)
    path = sent(eve, b"a,b\n1,2\n").headers["location"].removeprefix("/console")
    page = eve.get(path)
    assert "The table is read." in page.text
    assert 'http-equiv="refresh"' in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert eve.post(path + "/erasure", page="/audits").status_code == 409
    assert eve.get(path + "/report").status_code == 409
    assert list((tmp_path / "audits").glob("*/sent"))
    made[0].kill()
    world.services.audits.wait(path.rpartition("/")[2], 60)
    assert "was ended before it was done" in eve.get(path).text
    assert not list((tmp_path / "audits").glob("*/sent"))
    told = eve.get(path + "/events").text
    assert '"over": true' in told
    last = [each.fields for each in world.ledger.entries() if each.kind == "audit"][-1]
    assert last["state"] == "interrupted"


def test_evidence_says_for_whom_until_when_and_whether_it_is_used(world: ConsoleWorld) -> None:
    assert "There is none." in world.signed_in("ann asks").get("/evidence").text


def lines(streams: Streams, session: str, lasts: list[bool], says: list[Progress]) -> list[str]:
    """What a stream says whose session lasts, and whose work stands, as the lists say; their last values stay."""

    async def gone() -> bool:
        return False

    async def read() -> list[str]:
        def next_of(values: list[bool] | list[Progress]) -> object:
            return values.pop(0) if len(values) > 1 else values[0]

        response = streams.events(session, lambda: bool(next_of(lasts)), gone, lambda: next_of(says))  # type: ignore[arg-type, return-value]
        return [str(each) async for each in response.body_iterator]  # type: ignore[attr-defined]

    return asyncio.run(read())


def test_progress_is_told_once_for_each_change_until_it_is_over() -> None:
    told = lines(Streams(every_s=0), "s", [True], [Progress("a"), Progress("a"), Progress("b"), Progress("c", True)])
    assert [json.loads(each[6:])["says"] for each in told if each.startswith("data: ")] == ["a", "b", "c"]


def test_a_stream_ends_with_the_session_and_with_the_server() -> None:
    told = lines(Streams(every_s=0), "s", [True, True, False], [Progress("a")])
    assert len([each for each in told if each.startswith("data: ")]) == 1
    stops = iter([False, True])
    assert len(lines(Streams(lambda: next(stops), every_s=0), "s", [True], [Progress("a")])) == 2


def test_a_session_has_so_many_streams_and_those_that_end_are_not_counted() -> None:
    async def never() -> bool:
        return False

    async def opened() -> None:
        streams = Streams(every_s=0)

        def one() -> object:
            return streams.events("s", lambda: True, never, lambda: Progress("a"))

        held = []
        for _ in range(MOST_OF_A_SESSION):
            held.append(one().body_iterator)  # type: ignore[attr-defined]
            await anext(held[-1])
        with pytest.raises(Overloaded):
            one()
        await held[0].aclose()
        one()
        assert streams.open == MOST_OF_A_SESSION - 1
        for each in held:
            await each.aclose()
        assert streams.open == 0

    asyncio.run(opened())


def test_events_do_not_keep_a_session_alive(world: ConsoleWorld) -> None:
    eve = world.signed_in("eve audits")
    cookie = next(iter(eve.client.cookies.jar)).value
    assert cookie
    for _ in range(4):
        world.clock.advance(9 * 60)
        world.services.accounts.session(cookie, used=False)
    assert world.services.accounts.session(cookie, used=False) is None
    answer = eve.get("/ledger/check/events")
    assert answer.status_code == 303


def test_the_check_of_the_ledger_is_followed(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    eve = world.signed_in("eve audits")
    told = eve.get("/ledger/check/events").text
    assert '"The check is over.", "over": true' in told
    monkeypatch.setattr(type(world.services.status), "checking", property(lambda _: (1200, 9000)))
    shown = eve.get("/ledger")
    assert "1,200 of 9,000 entries are checked." in shown.text
    assert 'http-equiv="refresh"' in shown.text
