"""What is answered about the record."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from countenance.wire.values import Closed


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


class RefusalShown(Closed):
    """Refusals of one operation under one mandate for one cause."""

    mandate_id: str = Field(description="The mandate under which it was asked.")
    operation: str = Field(description="What was asked for, in the ledger's word.")
    refused_for: Literal["rules", "overdue", "unenforceable"] = Field(
        description="rules: by the clauses. overdue: an authorisation was not asked for in time. unenforceable: "
        "nothing here can do what the permit binds to."
    )
    clauses: list[str] = Field(description="The clauses that refused; empty for another cause.")
    count: int = Field(description="How often.")
    last: datetime = Field(description="When last, UTC.")


class RefusalList(Closed):
    """What was refused."""

    since: datetime = Field(description="From when on it was counted, UTC.")
    refusals: list[RefusalShown] = Field(description="The most frequent first.")
