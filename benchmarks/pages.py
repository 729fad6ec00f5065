"""How long the server takes for each page of the console, with much in it: galleries, ledger entries, leads.

Pages are asked for in process, through the whole application, by signed-in operators: no network and no browser.
Processor time is that of the process; the wall time beside it has the rest of the machine in it.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyotp
from starlette.testclient import TestClient

from benchmarks.ledger import PRIVATE, PUBLIC
from countenance import settings
from countenance.administration import Role
from countenance.app import Countenance
from countenance.casework import Authorisation, CaseLead, CaseSearch, ProbeQuality, SearchOutcome
from countenance.console import PREFIX
from countenance.console.application import PAGES
from countenance.jobs import JobKind, VideoRequest
from countenance.mandates import Holder, Terms
from countenance.progress import track

GALLERIES = 200
ENTRIES = 10_000
LEADS = 1_000
PER_SEARCH = 10
PER_CASE = 5
CASES = 500
"""Beside those with searches; the list shows fifty."""
JOBS = 200
MANDATES = 100
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "30"))
AIM_MS = 50
NAME, AUDITOR, PASSWORD = "bench", "auditor", "seven green herons wait"
NO_PAGES = re.compile(r"/sign-in.*|/first|/join|.*/events|.*\.png|/language")


def run() -> dict[str, Any]:
    """Measure, and say it as a table."""
    with tempfile.TemporaryDirectory(prefix="countenance-bench-") as folder:
        own = settings.load({**os.environ})
        app = Countenance.open(replace(own, home=Path(folder), weights=own.models_cache, packs=("house",)))
        try:
            clients, places = filled(app)
            rows = []
            for page in PAGES:
                client = clients[AUDITOR if page.roles == {Role.AUDIT} or page.path == "/ledger" else NAME]
                rows += measured(client, page.path, places) if page.method == "GET" else []
            entries = app.ledger.size
        finally:
            app.close()
    rows.sort(key=lambda row: -row["processor p50 ms"])
    slow = [row["page"] for row in rows if row["processor p50 ms"] > AIM_MS]
    return {
        "what": "The server's time for each page of the console.",
        "galleries": GALLERIES,
        "entries": entries,
        "leads": LEADS,
        "cases": CASES + LEADS // PER_SEARCH // PER_CASE,
        "video_jobs": JOBS,
        "load_average_after": round(os.getloadavg()[0], 2),
        "over_the_aim": slow,
        "tables": [
            {
                "title": f"Pages with {GALLERIES} galleries, {entries:,} ledger entries, {LEADS:,} leads, "
                f"{CASES:,} cases, {JOBS} video jobs",
                "note": f"{ROUNDS} times each, after one that is not counted; load average after: "
                f"{os.getloadavg()[0]:.1f}. Aim: a p50 under {AIM_MS} ms.",
                "rows": rows,
            }
        ],
    }


def filled(app: Countenance) -> tuple[dict[str, TestClient], dict[str, str]]:
    """Signed-in clients of an installation that was filled, and ids for the parts of pages' paths."""
    now = datetime.now(UTC)
    terms = Terms("research", "research", ("bench-*",), ("*",), '{"gallery": {"provenance": "published_set"}}')
    job_id = ""
    for n in range(MANDATES):
        made = app.mandates.request(Holder("Benchmark"), terms, requested_by=NAME, expires_at=now + timedelta(days=1))
        app.mandates.approve(made.mandate_id, approved_by="whoever ran it")
        for film in range(JOBS // MANDATES):
            asked = VideoRequest(
                made.mandate_id, "key", JobKind.SEARCH, "films", f"{n}-{film}.mp4", None, "bench-7", 90.0, None, None,
                None, "", 7,
            )  # fmt: skip
            job_id = app.jobs.videos.start(asked)
    for n in range(GALLERIES):
        app.gallery.create(f"bench-{n}", app.engine.model, app.engine.version, {})
    records, case_id, search_id = app.case_records, "", ""
    for n in range(LEADS // PER_SEARCH):
        if n % PER_CASE == 0:
            case_id = f"case-{n:012x}"
            opened(app, case_id, made.mandate_id, now)
        search_id = f"search-{n:012x}"
        records.add("search", search_id, case_id, searched(search_id, case_id, now).json())
    for n in track(range(CASES), "cases", unit="cases"):
        opened(app, f"case-f{n:011x}", made.mandate_id, now)
    for _ in track(range((ENTRIES - app.ledger.size) // 1000), "entries", unit="thousands"):
        for each in [app.ledger.append(PUBLIC, PRIVATE) for _ in range(1000)]:
            each.wait()
    pages, clients = app.asgi(), {}
    for name, roles in ((NAME, [each for each in Role if each is not Role.AUDIT]), (AUDITOR, [Role.AUDIT])):
        _operator, token = app.operators.add(name, roles, now + timedelta(days=1))
        seed = pyotp.random_base32()
        cookie = app.accounts.join(token, PASSWORD, seed, pyotp.TOTP(seed).now(), "127.0.0.1")
        session = {"countenance_session": cookie}
        clients[name] = TestClient(pages, "http://127.0.0.1", cookies=session, follow_redirects=False)
    places = {
        "mandate_id": made.mandate_id,
        "gallery_id": "bench-7",
        "case_id": case_id,
        "search_id": search_id,
        "job_id": job_id,
    }
    return clients, {**places, "index": str(ENTRIES // 2)}


def opened(app: Countenance, case_id: str, mandate_id: str, now: datetime) -> None:
    """A case without searches."""
    facts = {"by": NAME, "purpose": "to find out", "offence": "fraud", "authority": "a court", "reference": "1"}
    given = Authorisation("a court", "1", now + timedelta(days=1), NAME)
    app.case_records.add("authorisation", f"{case_id}.1", case_id, given.json())
    app.case_records.add("case", case_id, mandate_id, {**facts, "mandate": mandate_id, "arose_from": ""})


def searched(search_id: str, case_id: str, now: datetime) -> CaseSearch:
    """A search with leads that nobody has to judge."""
    leads = tuple(CaseLead(f"face-{n}", f"person {n}", 99.0 - n, 1e-6) for n in range(PER_SEARCH))
    quality = ProbeQuality(120.0, 80.0, 60.0, 3.0, ())
    told = ("bench-7", "consented", SearchOutcome.LEADS, "", "", 0, 90.0, 1000, 0.001, "1", "in date", "", "", quality)
    return CaseSearch(search_id, case_id, NAME, now, *told, leads)


def measured(client: TestClient, path: str, places: dict[str, str]) -> list[dict[str, Any]]:
    """The page's times, and those of a search of the ledger beside it; none where it needs what is not there."""
    needed = set(re.findall(r"\{(\w+)\}", path))
    if NO_PAGES.fullmatch(path) or not needed <= set(places):
        return []
    asked = PREFIX + path.format(**places)
    if path == "/galleries":
        asked += f"?mandate={places['mandate_id']}"
    every = {path or "/": asked}
    if path == "/ledger/entry":
        return []
    if path == "/ledger":
        every |= {
            "/ledger, words that nothing holds": f"{asked}?words=xyzzy",
            "/ledger, a kind": f"{asked}?kind=mandate",
        }
    return [timed(client, name, each) for name, each in every.items()]


def timed(client: TestClient, name: str, asked: str) -> dict[str, Any]:
    """p50 and p95 of one address."""
    wall, processor = [], []
    for n in range(ROUNDS + 1):
        began, used = time.perf_counter(), time.process_time()
        answer = client.get(asked)
        if answer.status_code != 200:
            raise SystemExit(f"{asked}: {answer.status_code}")
        if n:
            wall.append(1000 * (time.perf_counter() - began))
            processor.append(1000 * (time.process_time() - used))
    return {
        "page": name,
        "processor p50 ms": float(np.quantile(processor, 0.5)),
        "processor p95 ms": float(np.quantile(processor, 0.95)),
        "wall p50 ms": float(np.quantile(wall, 0.5)),
        "wall p95 ms": float(np.quantile(wall, 0.95)),
        "kB": round(len(answer.content) / 1000),
    }
