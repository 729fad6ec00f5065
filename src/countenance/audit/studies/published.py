"""The published figures, typed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countenance.audit.formats.codec import from_json

_FILE = Path(__file__).with_name("published.toml")


@dataclass(frozen=True, slots=True)
class CompasGroup:
    """Published error rates of one group, percent."""

    n: int
    fpr_pct: float
    fnr_pct: float


@dataclass(frozen=True, slots=True)
class Compas:
    """ProPublica's study of COMPAS."""

    study: str
    status: str
    rows: int
    groups: Mapping[str, CompasGroup]


@dataclass(frozen=True, slots=True)
class GenderShades:
    """Error rates by skin and gender, percent; sizes: people in each cell; cells: 'skin · gender'."""

    study: str
    status: str
    cells: tuple[str, ...]
    sizes: tuple[int, ...]
    error_pct: Mapping[str, tuple[float, ...]]

    def errors(self, system: str) -> tuple[int, ...]:
        """Errors by cell: the whole numbers that the published percentages were rounded from."""
        return tuple(round(n * pct / 100) for n, pct in zip(self.sizes, self.error_pct[system], strict=True))


def published_compas() -> Compas:
    """The figures of the COMPAS study."""
    return from_json(Compas, tomllib.loads(_FILE.read_text())["compas"])


def published_gender_shades() -> GenderShades:
    """The figures of Gender Shades."""
    return from_json(GenderShades, tomllib.loads(_FILE.read_text())["gender_shades"])
