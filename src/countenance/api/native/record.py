"""The record: how long it is, its signed checkpoints, and the proof that an entry is in it."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Header, Path
from fastapi.responses import PlainTextResponse
from pydantic import Field, JsonValue

from countenance.administration import Proof, Record, Role
from countenance.api.native.access import everybody, may, public, router
from countenance.api.native.values import Closed


class LedgerShown(Closed):
    """The ledger at this moment."""

    origin: str = Field(description="The name under which it signs.")
    size: int = Field(description="How many entries there are.")
    key: str = Field(description="The public key that signs now: C2SP verifier key, name+id+base64.")


class ProofShown(Closed):
    """An entry and the proof that it is recorded. `countenance ledger verify` checks `proof`, off line too."""

    index: int = Field(description="The entry's index, from 0.")
    entry: dict[str, JsonValue] = Field(description="The entry. Private values appear as salted commitments only.")
    receipt: str = Field(description="The receipt that was given out for it.")
    proof: str = Field(description="C2SP tlog-proof: the entry's bytes, the hashes and a signed checkpoint.")


def routes(record: Record) -> APIRouter:
    """The routes under /ledger."""
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
        """A signed checkpoint of all that is recorded now, for others to keep."""
        return PlainTextResponse(record.checkpoint())

    @at.get("/ledger/entries/{index}", openapi_extra=may(Role.AUDIT), summary="Show an entry with its proof")
    def entry(index: Annotated[int, Path(ge=0, lt=2**53, description="The entry's index, from 0.")]) -> ProofShown:
        """One entry with its receipt and the proof that it is recorded."""
        return _shown(record.proved(index))

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
        """The entry that a receipt stands for, with its proof. To hold the receipt is enough: no token is needed."""
        return _shown(record.proved_to_holder(receipt))

    return at


def _shown(proof: Proof) -> ProofShown:
    return ProofShown(index=proof.index, entry=json.loads(proof.entry), receipt=proof.receipt, proof=proof.proof)
