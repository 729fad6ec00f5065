"""scipy.special, imported when one of its functions is first used: it takes as long as all the rest together."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """A function of scipy.special."""
    from scipy import special

    return getattr(special, name)
