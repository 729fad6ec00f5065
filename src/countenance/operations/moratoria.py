"""The moratoria in force, recomputed from their signatures: the database is not trusted. If a moratorium cannot be
checked, or no charter names the keys, every use is stopped.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from countenance.errors import CountenanceError, PolicyError
from countenance.mandates import MoratoriumStore
from countenance.policy.moratorium import Charter, Moratorium, Order, Scope, Signature, replayed
from countenance.policy.moratorium_text import charter_of, moratorium_of


def read_charter(path: Path) -> Charter:
    """The charter in the JSON file at `path`; `PolicyError` if it cannot be read."""
    try:
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise PolicyError(f"the moratorium charter cannot be read: {type(error).__name__}") from error
    return charter_of(text)


class MoratoriaInForce:
    """What the moratoria of one installation stop. charter: None if no moratorium can be set."""

    def __init__(self, store: MoratoriumStore, charter: Charter | None) -> None:
        self._store = store
        self.charter = charter

    def all(self) -> dict[str, Moratorium]:
        """All moratoria ever set, by id; `PolicyError` if one cannot be checked."""
        return {name: _checked(text, self.charter) for name, text in self._store.all().items()}

    def in_force(self) -> tuple[Moratorium, ...]:
        """The moratoria that are not lifted. If they cannot be checked: a single one that stops everything."""
        try:
            return tuple(each for each in self.all().values() if not each.lifted)
        except CountenanceError:
            return (_EVERYTHING,)


_EVERYTHING = Moratorium(
    Order("unreadable", Scope(), "a moratorium cannot be checked", datetime(2020, 1, 1, tzinfo=UTC)),
    Signature(bytes(32), bytes(64)),
)


@lru_cache(maxsize=256)
def _checked(text: str, charter: Charter | None) -> Moratorium:
    if charter is None:
        raise PolicyError("there are moratoria, and no charter to check them by")
    return replayed(charter, moratorium_of(text))
