"""Error rates and intervals as bundles and evidence hold them. No mathematics: a server reads these, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Share:
    """Errors among trials and what is known about the rate. Numbers are null where nothing can be told: see reason."""

    errors: int | None
    trials: int | None
    people: Annotated[int | None, "different people involved; null where not known or withheld"]
    estimate: Annotated[float | None, "errors / trials, 0..1"]
    low: Annotated[float | None, "lower bound at `level`"]
    high: Annotated[float | None, "upper bound at `level`"]
    level: Annotated[float, "confidence, 0..1"]
    effective_trials: Annotated[float | None, "independent trials that would tell as much"]
    freedom: Annotated[float | None, "degrees of freedom of the variance; null: unbounded"]
    method: str
    reason: Annotated[str, "why there is no number; empty where there is one"] = ""

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return self.estimate is not None


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval; a null end is unbounded or unknown."""

    low: float | None
    high: float | None
    level: float
