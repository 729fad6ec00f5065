"""`countenance operator`: the people who ask for, approve, review and audit, and their tokens."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from countenance.cli.installation import installation
from countenance.cli.moments import until
from countenance.mandates import Operator, Role

operator = click.Group("operator", help="People who ask for, approve, review and audit over HTTP, and their tokens.")
_expires = click.option("--expires", default="30d", show_default=True, help="30d, 12h or an ISO date.")


@operator.command("add")
@click.argument("name")
@click.option(
    "--role", multiple=True, required=True, type=click.Choice([each.value for each in Role]), help="What for (repeat)."
)
@_expires
def add(name: str, role: tuple[str, ...], expires: str) -> None:
    """Enter NAME, a person, and print a bearer token. Nobody takes the name again."""
    with installation() as app:
        _print_token(*app.operators.add(name, [Role(each) for each in role], until(expires)))


@operator.command("renew")
@click.argument("name")
@_expires
def renew(name: str, expires: str) -> None:
    """Print a new token for NAME; the old one is refused from now on."""
    with installation() as app:
        _print_token(*app.operators.renew(name, until(expires)))


@operator.command("list")
def list_() -> None:
    """Every operator that ever was, oldest first; never a token."""
    with installation(reads=True) as app:
        for each in app.operators.all():
            click.echo(_line(each))


@operator.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """End NAME's token at once and for good."""
    with installation() as app:
        click.echo(_line(app.operators.revoke(name)))


@operator.command("link")
@click.argument("name")
@click.option("--subject", required=True, help="Its `sub`; the console tells it to whoever signs in there unlinked.")
def link(name: str, subject: str) -> None:
    """Let an account at the OpenID provider of the settings sign in to the console as NAME; on record."""
    with installation() as app:
        made = app.provider_sign_in.link(name, subject)
        click.echo(f"{made.operator_id}  signs in as {made.subject} of {made.issuer}")


@operator.command("unlink")
@click.argument("name")
def unlink(name: str) -> None:
    """End that; all sessions of NAME end, too."""
    with installation() as app:
        gone = app.provider_sign_in.unlink(name)
        click.echo(f"{gone.operator_id}  no longer signs in as {gone.subject} of {gone.issuer}")


def _line(each: Operator) -> str:
    state = "revoked" if each.revoked_at else "active" if each.active(datetime.now(UTC)) else "expired"
    roles = ", ".join(sorted(each.roles))
    return f"{each.operator_id}  {state:<7}  until {each.expires_at:%Y-%m-%d %H:%M}  {each.name}  ({roles})"


def _print_token(added: Operator, token: str) -> None:
    click.echo(_line(added))
    click.echo("\nThe token is shown once; only its hash is kept.\n")
    click.echo(f"export OPERATOR_TOKEN={token}")
    click.echo("\nTo sign in to the console, set up password and codes with it: open /console/join on the server.")
