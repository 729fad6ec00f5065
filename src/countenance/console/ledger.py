"""The ledger, to be read: entries by pages, one with its proof, a receipt held against it, the whole of it checked."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response

from countenance.administration import FoundEntries, Proof, Role, Sought
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage, scripted
from countenance.console.looks import go, page
from countenance.console.progress import events
from countenance.console.streams import Progress
from countenance.console.words import _
from countenance.errors import BadRequest, NotFound

CHECKED = _("%(n)s of %(all)s entries are checked.")
OVER = _("The check is over.")
_PER_PAGE = 50
_WAIT_S = 2.0
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_KINDS = (
    "decision",
    "result",
    "mandate",
    "operator",
    "account",
    "moratorium",
    "custody",
    "retention",
    "case",
    "review",
    "audit",
    "outside check",
    "alarm",
    "erasure",
    "key",
    "clock",
    "state",
)


def _entries(asked: ConsoleRequest) -> Response:
    record, audits = asked.services.record, Role.AUDIT in asked.by.operator.roles
    size = record.size
    stop = min(_index(asked.query("before") or str(size)), size)
    sought = _sought(asked)
    start, rows, query = stop, [], ""
    if sought != Sought():
        entries = record.found(stop, sought, _PER_PAGE) if audits else FoundEntries((), stop, stop)
        start, stop, rows = entries.start, entries.stop, [json.loads(text) for text in entries.entries]
        given = {name: asked.query(name) for name in ("words", "kind", "since", "until")}
        query = "".join(f"&{name}={quote(value)}" for name, value in given.items() if value)
    elif audits:
        start = max(0, stop - _PER_PAGE)
        rows = [json.loads(text) for text in reversed(record.entries(start, stop))]
    checking = asked.services.status.checking
    response = page(
        asked,
        "ledger.html",
        audits=audits,
        rows=rows,
        size=size,
        origin=record.origin,
        key=record.key,
        start=start,
        stop=stop,
        newer=min(size, stop + _PER_PAGE) if stop < size and not query else None,
        check=asked.services.status.last_check,
        checking=_says(asked, checking) if checking else "",
        sought=sought,
        query=query,
        kinds=_KINDS,
    )
    return scripted(response) if checking else response


def _sought(asked: ConsoleRequest) -> Sought:
    for name in ("since", "until"):
        if asked.query(name) and not _DAY.fullmatch(asked.query(name)):
            raise BadRequest(f"{name}: a day such as 2027-01-31 is expected")
    words = tuple(asked.query("words")[:200].split())
    return Sought(words, asked.query("kind"), asked.query("since"), asked.query("until"))


def _says(asked: ConsoleRequest, counted: tuple[int, int]) -> str:
    seen, size = (f"{n:,}" for n in counted)
    text = asked.words.gettext(CHECKED)
    return text % {"n": seen, "all": size}


def _goto(asked: ConsoleRequest) -> Response:
    return go(f"/ledger/{_index(asked.query('index'))}")


def _one(asked: ConsoleRequest) -> Response:
    return _shown(asked, asked.services.record.proved(_index(asked.path["index"])))


def _receipt(asked: ConsoleRequest) -> Response:
    return _shown(asked, asked.services.record.proved_to_holder(asked.text("receipt", needed=True)))


def _shown(asked: ConsoleRequest, proof: Proof) -> Response:
    entry = json.loads(proof.entry)
    response = page(
        asked,
        "entry.html",
        index=proof.index,
        entry=entry,
        pretty=json.dumps(entry, indent=2, ensure_ascii=False),
        receipt=proof.receipt,
        proof=proof.proof,
        audits=Role.AUDIT in asked.by.operator.roles,
        last=asked.services.record.size - 1,
        key=asked.services.record.key,
    )
    return scripted(response)


def _check(asked: ConsoleRequest) -> Response:
    asked.services.status.begin_check(_WAIT_S)
    return go("/ledger")


def _events(asked: ConsoleRequest) -> Response:
    status = asked.services.status

    def look() -> Progress:
        counted = status.checking
        return Progress(_says(asked, counted) if counted else asked.words.gettext(OVER), counted is None)

    return events(asked, look)


def _proof(asked: ConsoleRequest) -> Response:
    return scripted(page(asked, "proof.html", key=asked.services.record.key))


def _checkpoint(asked: ConsoleRequest) -> Response:
    return PlainTextResponse(asked.services.record.checkpoint())


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NotFound("there is no such entry: an index is a whole number from 0")
    return int(text)


_AUDITS = frozenset({Role.AUDIT})
PAGES = (
    ConsolePage("/ledger", _entries),
    ConsolePage("/ledger/entry", _goto, roles=_AUDITS),
    ConsolePage("/ledger/receipt", _receipt, "POST"),
    ConsolePage("/ledger/check", _check, "POST"),
    ConsolePage("/ledger/check/events", _events),
    ConsolePage("/ledger/proof", _proof),
    ConsolePage("/ledger/checkpoint", _checkpoint),
    ConsolePage("/ledger/{index}", _one, roles=_AUDITS),
)
