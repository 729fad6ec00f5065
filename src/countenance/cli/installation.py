"""The installation that commands work on, set up from the environment and closed when the command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from countenance import settings
from countenance.app import Countenance


@contextmanager
def installation() -> Iterator[Countenance]:
    """The installation that the environment describes."""
    app = Countenance.open(settings.load())
    try:
        yield app
    finally:
        app.close()
