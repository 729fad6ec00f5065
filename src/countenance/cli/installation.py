"""The installation that commands work on, set up from the environment and closed when the command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from countenance import settings

if TYPE_CHECKING:
    from countenance.app import Countenance


def opened_on_node() -> Countenance:
    """The installation in a process of a cluster, by the settings and keys of its node; it ends with the process."""
    from countenance.app import Countenance

    own = settings.load()
    settings.keep_kernels(own)
    return Countenance.open(own)


@contextmanager
def installation(*, reads: bool = False) -> Iterator[Countenance]:
    """The installation that the environment describes; which one it is goes to stderr.

    reads: the command makes nothing, so that the folder is named only where it makes a new installation.
    """
    own = settings.load()
    new = own.database is None and not own.database_file.exists()
    if new or not reads:
        new_one = "a new installation: " if new else ""
        click.echo(f"countenance: {new_one}{settings.home_sentence(own.home)}", err=True)
    from countenance.app import Countenance  # after the first line: this takes seconds

    app = Countenance.open(own)
    try:
        yield app
    finally:
        app.close()
