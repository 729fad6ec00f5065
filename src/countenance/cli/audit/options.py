"""Options that several audit commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from countenance.audit.findings.words import percent
from countenance.metrics import Rate
from countenance.settings import load
from countenance.signing import Signer

FILE = click.Path(dir_okay=False, path_type=Path)
ANY = click.Path(path_type=Path)
key_option = click.option(
    "--key", type=FILE, help="Signing key (hex seed, made on first use); default: the data folder's."
)


def signer(key: Path | None) -> Signer:
    """The key that signs audits."""
    return Signer.from_file(key if key is not None else load().keys / "audit.key")


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def rate_line(rate: Rate) -> str:
    """A rate and its interval as one text."""
    if not rate.known:
        return rate.reason
    found = rate.interval
    return (
        f"{percent(rate.estimate)} [{percent(found.low)}, {percent(found.high)}] ({rate.errors:,} of {rate.trials:,})"
    )
