"""What a live audit will cost and how long it will take, estimated before the first call."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countenance.audit.formats.codec import from_json

_PRICES = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one call of a client, and where the number comes from."""

    currency: str
    per_call: float
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Described:
    """What an adapter tells of its service: the price, the fastest pace, and who is asked with which secrets."""

    price: Price
    calls_per_second: float
    asked: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls to make (those on the cassette are not made again), their price and the time at the agreed pace."""

    detections: int
    comparisons: int
    seconds: float
    cost: float
    price: Price
    own: bool
    """Whether an endpoint of the auditor's own choosing is asked: then the price may not apply at all."""
    asked: str = ""
    """Who is asked, and with which secrets; empty where the client itself knows."""

    @property
    def sentence(self) -> str:
        """The estimate in one sentence."""
        calls = self.detections + self.comparisons
        minutes = self.seconds / 60
        money = f"{self.price.currency} {self.cost:.2f} at {self.price.per_call:g} a call ({self.price.status})"
        if self.own:
            money = f"nothing if the endpoint is your own, else {money}"
        service = f"{self.asked}: " if self.asked else ""
        return (
            f"{service}{calls:,} calls ({self.detections:,} detections, {self.comparisons:,} comparisons), "
            f"{minutes:.1f} minutes, {money}"
        )


def total_sentence(estimates: Mapping[str, Estimate]) -> str:
    """The estimates of several systems, each asked after the other, as one sentence. Prices add up by currency."""
    calls = sum(one.detections + one.comparisons for one in estimates.values())
    sums: dict[str, float] = {}
    for one in estimates.values():
        if not one.own:
            sums[one.price.currency] = sums.get(one.price.currency, 0.0) + one.cost
    money = [f"{currency} {cost:.2f}" for currency, cost in sums.items()]
    if any(one.own for one in estimates.values()):
        money.append("nothing more where the endpoint is your own")
    minutes = sum(one.seconds for one in estimates.values()) / 60
    return f"all {len(estimates)} systems together: {calls:,} calls, {minutes:.1f} minutes, {' and '.join(money)}"


def price_of(client: str) -> Price:
    """The price of one call of `client`, from the data file of the package."""
    return from_json(Price, tomllib.loads(_PRICES.read_text())[client], f"price of {client}")
