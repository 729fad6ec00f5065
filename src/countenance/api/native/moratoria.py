"""Moratoria: one key stops uses, a quorum of keys lifts the stop. The signatures count, not who submits them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from countenance.administration import MORATORIUM_ID, Moratoria, Moratorium, Order, Role, Scope, Signature
from countenance.api.native.access import everybody, may, router
from countenance.wire.values import Closed, Moment, PublicKey, SignatureText, Text, Word

_ID = f"^{MORATORIUM_ID}$"
MoratoriumId = Annotated[str, Path(description="The moratorium's id.", pattern=_ID)]


class OrderBody(Closed):
    """A signed moratorium. The signature is over the statement that docs/native-api.md describes."""

    moratorium_id: str = Field(pattern=_ID, description="An id of your choice, never used before.")
    operations: list[Word] = Field([], max_length=20, description="What stops; nothing named means everything.")
    powers: list[Word] = Field([], max_length=20, description="For holders of which power; none named means for all.")
    reason: Text = Field(description="Why, for everybody to read.")
    set_at: Moment = Field(description="When it was signed, to the second.")
    look_again_at: Moment | None = Field(None, description="A reminder to the second. It ends nothing.")
    public_key: PublicKey = Field(description="Ed25519 public key of the setter, 64 hex digits.")
    signature: SignatureText = Field(description="Ed25519 signature over the statement, 128 hex digits.")


class ConsentBody(Closed):
    """One key's consent to lifting."""

    statute: Text = Field(description="The law that makes lifting right, cited as it was signed.")
    public_key: PublicKey = Field(description="Ed25519 public key of a lifter, 64 hex digits.")
    signature: SignatureText = Field(description="Ed25519 signature over the statement, 128 hex digits.")


class MoratoriumShown(Closed):
    """A moratorium, derived from its signatures."""

    moratorium_id: str = Field(description="Its id.")
    in_force: bool = Field(description="Whether it stops what it covers. No date ends it.")
    operations: list[str] = Field(description="What stops; empty means everything.")
    powers: list[str] = Field(description="For holders of which power; empty means for all.")
    reason: str = Field(description="Why.")
    set_at: datetime = Field(description="When it was signed, UTC.")
    look_again_at: datetime | None = Field(description="A reminder, which ends nothing.")
    order: str = Field(description="The order's digest, which a lifting names: 64 hex digits.")
    statute: str | None = Field(description="The law that the consents so far cite.")
    consents: int = Field(description="How many keys have consented to lifting under that law.")


class MoratoriumList(Closed):
    """All moratoria."""

    moratoria: list[MoratoriumShown] = Field(description="Every moratorium that was ever set.")


def routes(moratoria: Moratoria) -> APIRouter:
    """The routes under /moratoria."""
    at = router("moratoria", 400, 404, 409)
    carrying = may(Role.REQUEST, Role.APPROVE, Role.REVIEW)

    @at.get("/moratoria", openapi_extra=everybody(), summary="List moratoria")
    def list_moratoria() -> MoratoriumList:
        """Every moratorium that was ever set, derived again from its signatures."""
        return MoratoriumList(moratoria=[_shown(each) for each in moratoria.all().values()])

    @at.post("/moratoria", status_code=201, openapi_extra=carrying, summary="Set a moratorium")
    def set_moratorium(body: OrderBody) -> MoratoriumShown:
        """Put a signed moratorium in force from the next call on. Its signature counts, not who submits it."""
        return _shown(moratoria.set(_order(body), Signature.of(body.public_key, body.signature)))

    @at.post("/moratoria/{moratorium_id}/consents", openapi_extra=carrying, summary="Consent to lifting")
    def consent(moratorium_id: MoratoriumId, body: ConsentBody) -> MoratoriumShown:
        """Enter one key's consent.

        The moratorium is lifted when the quorum, which includes an outside key, is complete.
        """
        return _shown(moratoria.consent(moratorium_id, body.statute, Signature.of(body.public_key, body.signature)))

    return at


def _order(body: OrderBody) -> Order:
    scope = Scope.of(body.operations, body.powers)
    return Order(body.moratorium_id, scope, body.reason, body.set_at, body.look_again_at)


def _shown(each: Moratorium) -> MoratoriumShown:
    order = each.order
    return MoratoriumShown(
        moratorium_id=order.id,
        in_force=not each.lifted,
        operations=sorted(order.scope.operations),
        powers=sorted(order.scope.powers),
        reason=order.reason,
        set_at=order.set_at,
        look_again_at=order.look_again_at,
        order=order.digest(),
        statute=each.lifting.statute if each.lifting else None,
        consents=len(each.consents),
    )
