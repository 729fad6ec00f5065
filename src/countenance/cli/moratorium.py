"""`countenance moratorium`: stop uses with one key; only a quorum with an outside key, citing the statute, goes on."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from countenance.cli.installation import installation
from countenance.errors import BadRequest, NotFound
from countenance.policy import Action, Power
from countenance.policy.moratorium import Lifting, Order, Scope, Signature
from countenance.signing import Signer

moratorium = click.Group("moratorium", help="Stop uses with one key; only a quorum with an outside key goes on.")
_key = click.option("--key", type=click.Path(path_type=Path, exists=True), required=True, help="Your key file.")


@moratorium.command("key")
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make a key file (kept to yourself) and print its public half, for the charter."""
    if file.exists():
        raise BadRequest(f"{file} is there already")
    click.echo(Signer.from_file(file).public.hex())


@moratorium.command("set")
@click.argument("moratorium_id")
@click.option("--reason", required=True)
@click.option(
    "--operation",
    multiple=True,
    type=click.Choice([each.value for each in Action]),
    help="What stops. Default: everything.",
)
@click.option(
    "--power",
    multiple=True,
    type=click.Choice([each.value for each in Power]),
    help="For holders of which power. Default: all.",
)
@click.option("--sign-only", is_flag=True, help="Only print what the console's form takes; no database is needed.")
@_key
def set_(
    moratorium_id: str, reason: str, operation: tuple[str, ...], power: tuple[str, ...], sign_only: bool, key: Path
) -> None:
    """Put a moratorium in force, at the next call; or sign it anywhere, for somebody who brings it to the console."""
    scope = Scope.of(operation, power)
    order = Order(moratorium_id, scope, reason, datetime.now(UTC).replace(microsecond=0))
    signer = Signer.from_file(key)
    signature = Signature(signer.public, signer.sign(order.message()))
    if sign_only:
        click.echo(f"signed at   {order.set_at:%Y-%m-%dT%H:%M:%SZ}")
        click.echo(f"public key  {signature.key.hex()}")
        click.echo(f"signature   {signature.value.hex()}")
        return
    with installation() as app:
        moratorium_set = app.moratoria.set(order, signature)
        click.echo(f"{moratorium_id} is in force; its order is {moratorium_set.order.digest()}")


@moratorium.command("sign")
@click.option("--order", required=True, help="The order to lift (64 hex digits), as `moratorium list` shows it.")
@click.option("--statute", required=True, help="The law that makes lifting right, cited.")
@_key
def sign(order: str, statute: str, key: Path) -> None:
    """Sign a lifting, anywhere: no database is needed. Prints your public key and signature."""
    signer = Signer.from_file(key)
    click.echo(f"--public {signer.public.hex()} --signature {signer.sign(Lifting(order, statute).message()).hex()}")


@moratorium.command("consent")
@click.argument("moratorium_id")
@click.option("--statute", required=True, help="The law that makes lifting right, cited, as it was signed.")
@click.option("--public", required=True, help="Public key, 64 hex digits.")
@click.option("--signature", required=True, help="Signature, 128 hex digits.")
def consent(moratorium_id: str, statute: str, public: str, signature: str) -> None:
    """Enter one key's consent; the moratorium is lifted when the quorum is complete."""
    signed = Signature.of(public, signature)
    with installation() as app:
        after = app.moratoria.consent(moratorium_id, statute, signed)
        state = "lifted" if after.lifted else f"in force, {len(after.consents)} consent(s) so far"
        click.echo(f"{moratorium_id} is {state}")


@moratorium.command("list")
def list_() -> None:
    """Every moratorium that was ever set."""
    with installation(reads=True) as app:
        moratoria = app.moratoria.all()
        if not moratoria:
            raise NotFound("no moratorium was ever set here")
        for name, each in moratoria.items():
            what = ", ".join(sorted(each.order.scope.operations)) or "every operation"
            whom = ", ".join(sorted(each.order.scope.powers)) or "everybody"
            state = f"lifted under {each.lifting.statute}" if each.lifted and each.lifting else "in force"
            click.echo(f"{name}: {state}; {what} for {whom}; {each.order.reason}{os.linesep}  {each.order.digest()}")
