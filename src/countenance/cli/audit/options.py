"""Options that several audit commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countenance.home import private_home
from countenance.settings import home_sentence, load
from countenance.signing import Signer

if TYPE_CHECKING:
    from countenance.metrics import Rate

FILE = click.Path(dir_okay=False, path_type=Path)
ANY = click.Path(path_type=Path)
key_option = click.option(
    "--key", type=FILE, help="Signing key (hex seed, made on first use); default: the data folder's."
)


def signer(key: Path | None) -> Signer:
    """The key that signs audits."""
    if key is not None:
        return Signer.from_file(key)
    own = load()
    file = own.keys / "audit.key"
    if not file.exists():
        click.echo(f"countenance: a new signing key, {file}; {home_sentence(own.home)}", err=True)
        private_home(own.home)
    return Signer.from_file(file)


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def rate_line(rate: Rate) -> str:
    """A rate and its interval as one text."""
    from countenance.audit.findings.words import interval, of, one_sided, percent, seen
    from countenance.audit.formats.results import share

    published = share(rate)
    if one_sided(published) or not published.known:
        return seen(published)
    return f"{percent(rate.estimate)}, {interval(published)} ({of(published)})"
