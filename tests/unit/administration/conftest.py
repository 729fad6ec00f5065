"""Administration is tested round the guard of `tests/unit/operations`."""

from tests.unit.operations.conftest import clock, verdict, world

__all__ = ["clock", "verdict", "world"]
