"""What is asked and answered about mandates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from countenance.wire.values import Closed, Moment, Place, Table, Text, Word


class HolderBody(Closed):
    """Who may act, described by the powers held, never by what the office is called."""

    name: Text = Field(description="A name for the register; the ledger commits to it and does not say it.")
    kind: Text | None = Field(None, description="A word for readers; no rule looks at it. Default: private.")
    powers: list[Word] = Field([], max_length=20, description="What the holder may do to people: arrest, detain, …")
    on_behalf_of: list[Word] = Field([], max_length=20, description="Powers of those for whom the holder acts.")
    tier: Word = Field("none", description="The level of government; none for everybody else.")
    jurisdictions: list[Place] = Field([], max_length=50, description="Where this happens, such as EU or US-WA.")


class MandateRequest(Closed):
    """What is asked for. A template fills what is left out; facts state more in the words of the policy vocabulary."""

    holder: HolderBody = Field(description="Who is to hold the mandate.")
    template: Word | None = Field(None, description="Name of a template to start from.")
    purpose: Word | None = Field(None, description="What for, as one word of the vocabulary.")
    legal_basis: Word | None = Field(None, description="On which legal basis, as one word of the vocabulary.")
    galleries: list[Word] = Field([], max_length=100, description="Galleries, or prefixes with * at the end.")
    operations: list[Word] | None = Field(
        None, min_length=1, max_length=20, description="Operations that are asked for, or * for all."
    )
    facts: Table = Field({}, description="Further facts by group, such as gallery.provenance. At most 16 KiB.")
    budget: BudgetBody | None = Field(None, description="Its own budget; whoever approves the mandate approves it.")
    expires_at: Moment = Field(description="When it ends, whatever happens; a time with a zone.")


Amount = Annotated[int, Field(ge=1, le=10**9)]
"""A number of comparisons."""


class BudgetBody(Closed):
    """Comparisons of faces. What is left out is as for the purpose."""

    minute: Amount | None = Field(None, description="In any minute, under the mandate.")
    day: Amount | None = Field(None, description="In any 24 hours, under the mandate.")
    key: Amount | None = Field(None, description="In any 24 hours, with one access key.")
    gallery: Amount | None = Field(None, description="In any 24 hours, in one gallery.")
    subject: Amount | None = Field(None, description="In any 24 hours, with one person.")
    alike: Amount | None = Field(None, description="In any 24 hours, by near-duplicates of one picture.")


class Until(Closed):
    """A later end."""

    expires_at: Moment = Field(description="The new end; later than the old one.")


class Why(Closed):
    """A reason."""

    why: Text = Field(description="Why, for the register and, committed to, the ledger.")


class HolderShown(Closed):
    """Who holds a mandate."""

    name: str = Field(description="The name in the register.")
    kind: str = Field(description="A word for readers.")
    powers: list[str] = Field(description="What the holder may do to people.")
    on_behalf_of: list[str] = Field(description="Powers of those for whom the holder acts.")
    tier: str = Field(description="The level of government.")
    jurisdictions: list[str] = Field(description="Where this happens.")


class MandateShown(Closed):
    """A mandate as the register holds it. Never a secret."""

    mandate_id: str = Field(description="The mandate's id.")
    state: Literal["requested", "active", "expired", "revoked", "refused"] = Field(description="Where it stands now.")
    holder: HolderShown = Field(description="Who holds it.")
    purpose: str = Field(description="What for.")
    legal_basis: str = Field(description="On which legal basis.")
    galleries: list[str] = Field(description="Galleries granted, or prefixes with * at the end.")
    operations: list[str] = Field(description="Operations granted, or * for all.")
    facts: dict[str, JsonValue] = Field(description="Further facts by group.")
    budget: str = Field(
        description="What it states of a budget of its own, such as day=1000; else that of its purpose."
    )
    requested_by: str = Field(description="Who asked.")
    requested_at: datetime = Field(description="When, UTC.")
    expires_at: datetime = Field(description="When it ends, UTC.")
    approved_by: str | None = Field(description="Who approved or last renewed it.")
    approved_at: datetime | None = Field(description="When, UTC.")
    ended_at: datetime | None = Field(description="When it was revoked or refused, UTC.")
    ended_why: str | None = Field(description="Why.")


class BudgetLeft(Closed):
    """What a mandate may still do now."""

    budget: dict[str, int] = Field(description="Its budget: minute, day, key, gallery, subject, alike.")
    minute_left: int = Field(description="Comparisons left in this minute.")
    day_left: int = Field(description="Comparisons left in these 24 hours.")
    near_duplicates: int = Field(description="Probes of the last 24 hours that were near-duplicates of others.")


class MandateList(Closed):
    """All mandates."""

    mandates: list[MandateShown] = Field(description="Oldest first.")


class TemplateShown(Closed):
    """A form for a common lawful use. It permits nothing by itself."""

    name: str = Field(description="What to name it by.")
    title: str = Field(description="What it is for, in a line.")
    says: str = Field(description="What the use is, in a sentence.")
    purpose: str = Field(description="The purpose that it fills in.")
    legal_basis: str = Field(description="The legal basis that it fills in.")
    operations: list[str] = Field(description="The operations that it fills in.")
    facts: dict[str, JsonValue] = Field(description="The facts that it fills in, by group.")
    to_state: dict[str, JsonValue] = Field(description="Facts that the request has to state, each with an example.")


class TemplateList(Closed):
    """All templates."""

    templates: list[TemplateShown] = Field(description="In their order.")


class KeyShown(Closed):
    """An access key. This is the only time that its secret is shown."""

    mandate_id: str = Field(description="The mandate that the key belongs to.")
    access_key: str = Field(description="The key's public half.")
    secret: str = Field(description="The secret for SigV4. Shown once; kept encrypted.")
