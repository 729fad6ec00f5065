"""Jurisdictions as codes: ISO 3166-1 and -2, then a city, such as "FR", "US-WA", "US-OR-PORTLAND", or "EU", "EEA"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from countenance.errors import BadRequest

EU_MEMBERS = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip
"""Member states of the European Union since 1 February 2020 (Regulation (EU) applies in each of them)."""

EEA_MEMBERS = EU_MEMBERS | {"IS", "LI", "NO"}
"""Where the GDPR applies: the Union, and the three that took it over by the Agreement on the European Economic Area."""

_CODE = re.compile(r"EU|EEA|[A-Z]{2}(-[A-Z0-9]{1,3}(-[A-Z_]{2,40})?)?")


@lru_cache(maxsize=1024)
def enclosing(code: str) -> frozenset[str]:
    """`code` and every place that contains it: "US-OR-PORTLAND" lies in "US-OR" and "US", "FR" in "EU" and "EEA".

    `BadRequest` if the code is malformed.
    """
    if not _CODE.fullmatch(code):
        raise BadRequest(f"a jurisdiction is a code such as FR, US-WA or US-OR-PORTLAND, got {code[:60]!r}")
    parts = code.split("-")
    places = {"-".join(parts[: n + 1]) for n in range(len(parts))}
    if parts[0] in EU_MEMBERS or code == "EU":
        places |= {"EU", "EEA"}
    if parts[0] in EEA_MEMBERS:
        places |= {"EEA"}
    return frozenset(places)


def touched(codes: Iterable[str]) -> frozenset[str]:
    """All places that enclose any of `codes`."""
    return frozenset(place for code in codes for place in enclosing(code))
