"""How commands reach the installation: settings from the environment, closed when the command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from countenance import settings
from countenance.app import Countenance


@contextmanager
def opened() -> Iterator[Countenance]:
    """The installation that the environment describes."""
    app = Countenance.open(settings.load())
    try:
        yield app
    finally:
        app.close()
