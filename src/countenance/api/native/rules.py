"""The rules: which texts are in force, and what they would decide."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import Field

from countenance.administration import Explainer
from countenance.api.native.access import everybody, router
from countenance.wire.values import Closed, Moment, Table


class ExplainBody(Closed):
    """A request described in the words that `countenance policy words` lists. What is not stated counts as unknown."""

    request: Table = Field(description="operation, actor, use, gallery and so on; a mandate left out is in order.")
    now: Moment | None = Field(None, description="When it is asked. Default: now.")
    as_of: date | None = Field(None, description="The day whose law applies. Default: the day of now, UTC.")


class PackShown(Closed):
    """A rule pack: which text."""

    name: str = Field(description="Its name.")
    version: str = Field(description="Its version.")
    hash: str = Field(description="sha256 over the pack's files, 64 hex digits.")


class PackInForce(PackShown):
    """A rule pack in force."""

    title: str = Field(description="What it states.")


class PackList(Closed):
    """The rule packs in force."""

    packs: list[PackInForce] = Field(description="All of them are asked; one that forbids is enough.")


class GroundShown(Closed):
    """A clause that decided."""

    id: str = Field(description="The clause's id.")
    pack: str = Field(description="Its pack.")
    version: str = Field(description="The pack's version.")
    hash: str = Field(description="The pack's sha256.")
    effect: str = Field(description="permit or forbid.")
    says: str = Field(description="What it says, in plain words.")
    citation: str = Field(description="Where that is written.")
    status: str = Field(description="in-force, repealed, disputed or unreviewed.")


class FailedFactShown(Closed):
    """A stated fact that decided."""

    fact: str = Field(description="Its name.")
    says: str = Field(description="What it means.")
    value: str = Field(description="Its value as the rules saw it.")


class MissingFactShown(Closed):
    """A fact that was not stated and that a clause needs."""

    fact: str = Field(description="Its name.")
    says: str = Field(description="What it means.")
    choices: list[str] = Field(description="The words that it may take; empty where it is free.")


class Owed(Closed):
    """What a permit binds to."""

    clause: str = Field(description="The clause that says so.")
    obligation: str = Field(description="What is owed.")


class DecisionShown(Closed):
    """The rules' decision, and why."""

    verdict: str = Field(description="permit, deny or undetermined. Only permit permits.")
    law_date: date = Field(description="The day whose law was applied.")
    clauses: list[GroundShown] = Field(description="The clauses that decided.")
    failed: list[FailedFactShown] = Field(description="Stated facts without which they would not hold.")
    missing: list[MissingFactShown] = Field(description="Facts that were not stated and are needed.")
    remedy: list[str] = Field(description="What would change the answer.")
    obligations: list[Owed] = Field(description="What a permit binds to.")
    appeal: str = Field(description="Whom to write to.")
    packs: list[PackShown] = Field(description="Every text that was asked.")


def routes(explainer: Explainer) -> APIRouter:
    """The routes under /policy."""
    at = router("policy", 400)

    @at.get("/policy/packs", openapi_extra=everybody(), summary="List the rule packs in force")
    def packs() -> PackList:
        """The texts that decide here, with their hashes."""
        return PackList(
            packs=[PackInForce(name=p.name, version=p.version, hash=p.hash, title=p.title) for p in explainer.packs]
        )

    @at.post("/policy/explain", openapi_extra=everybody(), summary="Explain a decision")
    def explain(body: ExplainBody) -> DecisionShown:
        """Decide a described request under the packs and moratoria in force.

        Nothing is done and nothing is recorded.
        """
        return DecisionShown.model_validate(explainer.explain(body.request, now=body.now, as_of=body.as_of).record())

    return at
