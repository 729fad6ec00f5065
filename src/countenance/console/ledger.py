"""The ledger, to be read: entries by pages, one with its proof, a receipt held against it, the whole of it checked."""

from __future__ import annotations

import json

from starlette.responses import PlainTextResponse, Response

from countenance.administration import Proof, Role
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import go, page
from countenance.errors import NotFound

_PER_PAGE = 50


def _entries(asked: ConsoleRequest) -> Response:
    record, audits = asked.services.record, Role.AUDIT in asked.by.operator.roles
    size = record.size
    stop = min(_index(asked.query("before") or str(size)), size)
    start = max(0, stop - _PER_PAGE)
    rows = [json.loads(text) for text in reversed(record.entries(start, stop))] if audits else []
    return page(
        asked,
        "ledger.html",
        audits=audits,
        rows=rows,
        size=size,
        origin=record.origin,
        key=record.key,
        start=start,
        stop=stop,
        newer=min(size, stop + _PER_PAGE) if stop < size else None,
        check=asked.services.status.last_check,
    )


def _goto(asked: ConsoleRequest) -> Response:
    return go(f"/ledger/{_index(asked.query('index'))}")


def _one(asked: ConsoleRequest) -> Response:
    return _shown(asked, asked.services.record.proved(_index(asked.path["index"])))


def _receipt(asked: ConsoleRequest) -> Response:
    return _shown(asked, asked.services.record.proved_to_holder(asked.text("receipt", needed=True)))


def _shown(asked: ConsoleRequest, proof: Proof) -> Response:
    entry = json.loads(proof.entry)
    return page(
        asked,
        "entry.html",
        index=proof.index,
        entry=entry,
        pretty=json.dumps(entry, indent=2, ensure_ascii=False),
        receipt=proof.receipt,
        proof=proof.proof,
        audits=Role.AUDIT in asked.by.operator.roles,
        last=asked.services.record.size - 1,
    )


def _check(asked: ConsoleRequest) -> Response:
    asked.services.status.check_ledger()
    return go("/ledger")


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
    ConsolePage("/ledger/checkpoint", _checkpoint),
    ConsolePage("/ledger/{index}", _one, roles=_AUDITS),
)
