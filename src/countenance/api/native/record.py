"""The record: its size, its signed checkpoints, and proofs that an entry is in it."""

from __future__ import annotations

import json
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import PlainTextResponse

from countenance.administration import Proof, Record, RefusedCount, Role
from countenance.api.native.access import everybody, may, public, router
from countenance.wire.record import LedgerShown, ProofShown, RefusalList, RefusalShown
from countenance.wire.values import Moment


def routes(record: Record) -> APIRouter:
    """The routes under /ledger, and /refusals."""
    at = router("ledger", 400, 404)

    @at.get("/ledger", openapi_extra=everybody(), summary="Show the ledger's size and key")
    def show() -> LedgerShown:
        """How many entries there are, and which key signs."""
        return LedgerShown(origin=record.origin, size=record.size, key=record.key)

    @at.get(
        "/ledger/checkpoint",
        openapi_extra=everybody(),
        response_class=PlainTextResponse,
        response_description="A signed note (C2SP tlog-checkpoint).",
        summary="Sign a checkpoint",
    )
    def checkpoint() -> PlainTextResponse:
        """A signed checkpoint of everything recorded now, for others to keep."""
        return PlainTextResponse(record.checkpoint())

    @at.get("/ledger/entries/{index}", openapi_extra=may(Role.AUDIT), summary="Show an entry with its proof")
    def entry(index: Annotated[int, Path(ge=0, lt=2**53, description="The entry's index, from 0.")]) -> ProofShown:
        """One entry with its receipt and the proof that it is recorded."""
        return _shown(record.proved(index))

    @at.get("/refusals", openapi_extra=everybody(), summary="Count what was refused")
    def refusals(
        since: Annotated[Moment, Query(description="From when on: ISO 8601 with a zone.")],
    ) -> RefusalList:
        """Refused operations by mandate and clause. Programs often mistake a refusal for "nobody was found"."""
        return RefusalList(since=since, refusals=[_refusal(each) for each in record.refusals(since)])

    @at.get("/ledger/proof", openapi_extra=public(), summary="Prove a receipt")
    def proof(
        receipt: Annotated[
            str,
            Header(
                alias="x-countenance-receipt",
                max_length=300,
                description="A receipt that an answer or refusal carried.",
            ),
        ],
    ) -> ProofShown:
        """The entry that a receipt promises, with its proof. The receipt is enough: no token is needed."""
        return _shown(record.proved_to_holder(receipt))

    return at


def _shown(proof: Proof) -> ProofShown:
    return ProofShown(index=proof.index, entry=json.loads(proof.entry), receipt=proof.receipt, proof=proof.proof)


def _refusal(each: RefusedCount) -> RefusalShown:
    return RefusalShown(
        mandate_id=each.mandate_id,
        operation=each.operation,
        refused_for=cast("Literal['rules', 'overdue', 'unenforceable']", each.refused_for),
        clauses=list(each.clauses),
        count=each.count,
        last=each.last,
    )
