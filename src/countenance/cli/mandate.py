"""`countenance mandate`: ask for, approve, renew, end and look at mandates, and make access keys for them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from countenance.cli.client_versions import minima_line
from countenance.cli.installation import installation
from countenance.cli.moments import until
from countenance.errors import BadRequest
from countenance.mandates import Mandate
from countenance.said_once import loads
from countenance.signing import JSON

if TYPE_CHECKING:
    from countenance.app import Countenance

mandate = click.Group("mandate", help="Who may use faces, for what, on which legal basis, until when.")


_REQUEST = (
    click.option("--holder", required=True, help="Who may act: a name for the register."),
    click.option("--template", "form", help="Start from a template: `countenance mandate templates` lists them."),
    click.option("--kind", help="A word for the reader; no rule looks at it. Default: the template's, or private."),
    click.option("--power", multiple=True, help="A power held: arrest, detain, deport, … (repeat)."),
    click.option("--on-behalf-of", multiple=True, help="A power of those acted for (repeat)."),
    click.option(
        "--tier", default="none", show_default=True, help="Level of government: municipal, state, national, …"
    ),
    click.option("--jurisdiction", multiple=True, help="Where this happens, such as EU or US-WA (repeat)."),
    click.option("--purpose", help="What for. Default: the template's."),
    click.option("--legal-basis", help="On which legal basis. Default: the template's."),
    click.option("--gallery", multiple=True, help="A gallery, or a prefix with * at the end (repeat)."),
    click.option("--operation", multiple=True, help="An operation, or * for all (repeat). Default: the template's."),
    click.option("--provenance", help="Where the galleries' faces come from, such as consented or employees."),
    click.option("--facts", default="{}", help="More words of the policy vocabulary, as JSON."),
    click.option("--budget", default="", help="Its own budget: day=1000,subject=5. Default: that of its purpose."),
    click.option("--expires", required=True, help="30d, 12h or an ISO date."),
    click.option("--requested-by", help="Who asks. Default: the holder."),
)
_approver = click.option("--approved-by", help="Who approves; not who asks. Default: your login name.")


def _requested(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_REQUEST):
        function = option(function)
    return function


def _request(
    app: Countenance, *, holder: str, form: str | None, kind: str | None, power: tuple[str, ...],
    on_behalf_of: tuple[str, ...], tier: str, jurisdiction: tuple[str, ...], purpose: str | None,
    legal_basis: str | None, gallery: tuple[str, ...], operation: tuple[str, ...], provenance: str | None, facts: str,
    budget: str, expires: str, requested_by: str | None,
) -> Mandate:  # fmt: skip
    from countenance.administration import MandateDraft

    draft = MandateDraft(
        holder, form, kind, power, on_behalf_of, tier, jurisdiction, purpose, legal_basis, gallery, operation,
        _with_provenance(facts, provenance), budget,
    )  # fmt: skip
    who, terms = draft.filled()
    return app.mandates.request(who, terms, requested_by=requested_by or holder, expires_at=until(expires))


def _with_provenance(facts: str, provenance: str | None) -> dict[str, JSON]:
    try:
        table = loads(facts)
        if provenance is not None:
            table = {**table, "gallery": {**table.get("gallery", {}), "provenance": provenance}}
        if isinstance(table, dict):
            return table
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise BadRequest("the further facts of a mandate are a JSON object")


@mandate.command("templates")
@click.argument("name", required=False)
def templates_(name: str | None) -> None:
    """List the templates for common lawful uses, or show NAME in full."""
    from countenance.administration import template, templates

    for each in templates().values() if name is None else [template(name)]:
        click.echo(f"{each.name}: {each.title}")
        click.echo(f"    {each.says}")
        if name is not None:
            click.echo(f"    purpose      {each.purpose}")
            click.echo(f"    legal basis  {each.legal_basis}")
            click.echo(f"    operations   {', '.join(each.operations)}")
            click.echo(f"    facts        {json.dumps(dict(each.facts))}")
        if each.to_state:
            click.echo(f"    to state     --facts '{each.example_json()}'")


@mandate.command("request")
@_requested
def request(**given: Any) -> None:
    """Ask for a mandate; it permits nothing until somebody else approves it."""
    with installation() as app:
        _print(_request(app, **given))


@mandate.command("grant")
@_requested
@_approver
def grant(approved_by: str | None, **given: Any) -> None:
    """Ask for a mandate, approve it and make a key, in one step."""
    with installation() as app:
        mandate = _request(app, **given)
        _print(app.mandates.approve(mandate.mandate_id, approved_by=approved_by or getpass.getuser()))
        _print_key(app, mandate.mandate_id, mandate.requested_by)


@mandate.command("approve")
@click.argument("mandate_id")
@_approver
def approve(mandate_id: str, approved_by: str | None) -> None:
    """Put a requested mandate in force and make its first key."""
    with installation() as app:
        approved = app.mandates.approve(mandate_id, approved_by=approved_by or getpass.getuser())
        _print(approved)
        _print_key(app, mandate_id, approved.requested_by)


@mandate.command("key")
@click.argument("mandate_id")
@click.option("--as", "name", help="Who receives it: whoever asked for the mandate, which is the default.")
def key(mandate_id: str, name: str | None) -> None:
    """Make another access key for an active mandate."""
    with installation() as app:
        _print_key(app, mandate_id, name or app.mandates.show(mandate_id).requested_by)


@mandate.command("renew")
@click.argument("mandate_id")
@click.option("--expires", required=True, help="30d, 12h or an ISO date.")
@_approver
def renew(mandate_id: str, expires: str, approved_by: str | None) -> None:
    """Give a mandate a later end; its terms stay."""
    with installation() as app:
        renewed = app.mandates.renew(
            mandate_id, approved_by=approved_by or getpass.getuser(), expires_at=until(expires)
        )
        _print(renewed)


@mandate.command("revoke")
@click.argument("mandate_id")
@click.option("--why", default="revoked by the operator", show_default=True, help="Why it ends.")
def revoke(mandate_id: str, why: str) -> None:
    """End a mandate at once, or refuse one that was asked for."""
    with installation() as app:
        _print(app.mandates.end(mandate_id, why))


@mandate.command("list")
def list_() -> None:
    """Every mandate, oldest first."""
    with installation(reads=True) as app:
        for each in app.mandates.list():
            state = each.state(datetime.now(UTC))
            click.echo(f"{each.mandate_id}  {state:<9}  until {each.expires_at:%Y-%m-%d %H:%M}  {each.holder.name}")


@mandate.command("show")
@click.argument("mandate_id")
def show(mandate_id: str) -> None:
    """One mandate in full; never a secret."""
    with installation(reads=True) as app:
        _print(app.mandates.show(mandate_id))


@mandate.command("budget")
@click.argument("mandate_id")
def budget(mandate_id: str) -> None:
    """What is left of a mandate's budget of comparisons now."""
    with installation() as app:
        state = app.mandates.budget(mandate_id)
        click.echo(f"a minute:        {state.minute} of {state.budget.minute} comparisons left")
        click.echo(f"24 hours:        {state.day} of {state.budget.day} left")
        click.echo(f"one key:         {state.budget.key} in 24 hours")
        click.echo(f"one gallery:     {state.budget.gallery} in 24 hours")
        click.echo(f"one person:      {state.budget.subject} in 24 hours")
        click.echo(f"near-duplicates: {state.alike} in the last 24 hours; of one picture at most {state.budget.alike}")


def _print(mandate: Mandate) -> None:
    rows = {
        "mandate": mandate.mandate_id,
        "state": mandate.state(datetime.now(UTC)),
        "holder": f"{mandate.holder.name} ({mandate.holder.kind})",
        "powers": ", ".join(mandate.holder.powers) or "none",
        "on behalf of": ", ".join(mandate.holder.on_behalf_of) or "nobody else",
        "jurisdictions": ", ".join(mandate.holder.jurisdictions) or "not stated",
        "purpose": mandate.terms.purpose,
        "legal basis": mandate.terms.legal_basis,
        "galleries": ", ".join(mandate.terms.galleries) or "none",
        "operations": ", ".join(mandate.terms.operations),
        "further facts": mandate.terms.facts,
        "own budget": mandate.terms.budget or "none: that of its purpose",
        "requested": f"{mandate.requested_at:%Y-%m-%d %H:%M} UTC by {mandate.requested_by}",
        "approved": f"{mandate.approved_at:%Y-%m-%d %H:%M} UTC by {mandate.approved_by}"
        if mandate.approved_at
        else "no",
        "expires": f"{mandate.expires_at:%Y-%m-%d %H:%M} UTC",
        "ended": f"{mandate.ended_at:%Y-%m-%d %H:%M} UTC: {mandate.ended_why}" if mandate.ended_at else "no",
    }
    for name, value in rows.items():
        click.echo(f"{name + ':':<15}{value}")


def _print_key(app: Countenance, mandate_id: str, to: str) -> None:
    key = app.mandates.issue_key(mandate_id, to=to)
    click.echo("\nThe secret is shown once and is kept encrypted.\n")
    click.echo(f"export AWS_ACCESS_KEY_ID={key.access_key}")
    click.echo(f"export AWS_SECRET_ACCESS_KEY={key.secret}")
    click.echo(f"export AWS_REGION={app.settings.region}")
    click.echo(f"export AWS_DEFAULT_REGION={app.settings.region}")
    click.echo(f"export AWS_ENDPOINT_URL_REKOGNITION={app.settings.endpoint}")
    click.echo(f"export AWS_ENDPOINT_URL_STS={app.settings.endpoint}")
    click.echo("\nOlder clients do not know these addresses and send faces to AWS. Needed at least:")
    click.echo(f"{minima_line()}. `countenance clients` says where yours would go.")
