"""A TOML table, read strictly and key by key."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from countenance.errors import ModelError


class TomlTable:
    """One TOML table, read once key by key; what is missing, malformed or left over is a `ModelError`."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = dict(values)
        self.where = where

    def has(self, key: str) -> bool:
        """Whether `key` is there and has not been read."""
        return key in self._values

    def nothing_left(self) -> None:
        """Refuse keys that were not read."""
        if self._values:
            raise ModelError(f"{self.where}: unknown key {min(self._values)!r}")

    def table(self, key: str) -> TomlTable:
        """The table inside this one."""
        value = self._take(key)
        return (
            TomlTable(value, f"{self.where}[{key}]") if isinstance(value, dict) else self._refuse(key, "a table", value)
        )

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        value = self._take(key, default)
        return value if isinstance(value, str) else self._refuse(key, "a text", value)

    def matching(self, key: str, pattern: re.Pattern[str]) -> str:
        """A text that `pattern` matches as a whole."""
        value = self.text(key)
        return value if pattern.fullmatch(value) else self._refuse(key, f"a text like {pattern.pattern}", value)

    def file(self, key: str) -> str:
        """The name of a file, without a folder."""
        value = self.text(key)
        return value if value == Path(value).name != "" else self._refuse(key, "a file name without a folder", value)

    def choice(self, key: str, *choices: str, default: str | None = None) -> str:
        """One of `choices`."""
        value = self.text(key, default)
        return value if value in choices else self._refuse(key, " or ".join(map(repr, choices)), value)

    def count(self, key: str) -> int:
        """A whole number, 1..65536."""
        value = self._take(key)
        return value if type(value) is int and 0 < value <= 65536 else self._refuse(key, "a count", value)

    def yes(self, key: str) -> bool:
        """true or false; false if it is missing."""
        value = self._take(key, False)
        return value if isinstance(value, bool) else self._refuse(key, "true or false", value)

    def counts(self, key: str) -> tuple[int, ...]:
        """A list of positive whole numbers."""
        value = self._take(key)
        good = isinstance(value, list) and value and all(type(item) is int and item > 0 for item in value)
        return tuple(value) if good else self._refuse(key, "a list of counts", value)

    def ratio(self, key: str) -> float:
        """A number, 0..1."""
        value = self._take(key)
        good = isinstance(value, (int, float)) and 0 <= value <= 1
        return float(value) if good else self._refuse(key, "a number from 0 to 1", value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self._take(key)
        good = isinstance(value, list) and all(type(n) in (int, float) and math.isfinite(n) for n in value)
        return tuple(map(float, value)) if good else self._refuse(key, "a list of numbers", value)

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._take(key, default)
        good = type(value) in (int, float) and math.isfinite(value)
        return float(value) if good else self._refuse(key, "a number", value)

    def triple(self, key: str) -> tuple[float, float, float]:
        """Three finite numbers."""
        return self._triple(key, self._take(key))

    def triples(self, key: str, length: int) -> tuple[tuple[float, float, float], ...]:
        """`length` rows of three finite numbers."""
        value = self._take(key)
        good = isinstance(value, list) and len(value) == length
        return tuple(self._triple(key, row) for row in value) if good else self._refuse(key, f"{length} rows", value)

    def _triple(self, key: str, value: object) -> tuple[float, float, float]:
        good = isinstance(value, list) and len(value) == 3
        if not (good and isinstance(value, list) and all(type(n) in (int, float) and math.isfinite(n) for n in value)):
            self._refuse(key, "a list of three numbers", value)
        return float(value[0]), float(value[1]), float(value[2])

    def _take(self, key: str, default: object = None) -> Any:
        value = self._values.pop(key, default)
        if value is None:
            raise ModelError(f"{self.where}: {key!r} is missing")
        return value

    def _refuse(self, key: str, expected: str, got: object) -> NoReturn:
        raise ModelError(f"{self.where}: {key!r} is {expected}, got {got!r}")
