"""Figures of the installation's state, read when a monitor asks: sizes, what is left, what lags behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version

import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from countenance.engine import decoding_room
from countenance.errors import CountenanceError
from countenance.gallery import size_of_all
from countenance.ledger import Ledger
from countenance.mandates import Mandate, MandateState, Register
from countenance.operations import BudgetKeeper, EvidenceFacts, Jobs

_DAY_S = 86_400.0


class InstallationGauges(Collector):
    """Reads the figures anew at each scrape; one that cannot be read is left out, and `countenance_unread` says so.

    evidence: what the evidence in use vouches for, None where nothing is recognised. now: the clock, UTC.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        database: sa.Engine,
        ledger: Ledger,
        register: Register,
        budgets: BudgetKeeper,
        jobs: Jobs,
        evidence: Callable[[], EvidenceFacts | None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._register = register
        self._budgets = budgets
        self._jobs = jobs
        self._evidence = evidence
        self._now = now
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: names are not checked by reading everything at the start."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every figure there is."""
        unread = 0
        for part in (
            self._build, self._room, self._galleries, self._record, self._mandates_and_budgets, self._vouched,
            self._video_jobs,
        ):  # fmt: skip
            try:
                yield from list(part())
            except (CountenanceError, sa.exc.SQLAlchemyError, OSError):
                unread += 1
        yield GaugeMetricFamily("countenance_unread", "Groups of figures that could not be read now.", unread)

    def _build(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("countenance_build_info", "The version that runs.", labels=["version"])
        family.add_metric([version("countenance")], 1)
        yield family

    def _room(self) -> Iterator[GaugeMetricFamily]:
        free, size = decoding_room()
        family = GaugeMetricFamily(
            "countenance_decoding_room_bytes", "Memory that decoding pictures may take together.", labels=["state"]
        )
        family.add_metric(["free"], free)
        family.add_metric(["taken"], size - free)
        yield family

    def _galleries(self) -> Iterator[GaugeMetricFamily]:
        galleries, faces = size_of_all(self._database)
        yield GaugeMetricFamily("countenance_galleries", "Galleries there are.", galleries)
        yield GaugeMetricFamily("countenance_faces", "Faces enrolled in all galleries together.", faces)

    def _record(self) -> Iterator[GaugeMetricFamily]:
        entries, newest = self._ledger.size, self._ledger.last_checkpoint()
        signed = 0 if newest is None else newest.size
        yield GaugeMetricFamily("countenance_ledger_entries", "Entries of the ledger.", entries)
        yield GaugeMetricFamily(
            "countenance_ledger_lag_entries", "Entries that no signed checkpoint speaks for yet.", entries - signed
        )

    def _mandates_and_budgets(self) -> Iterator[GaugeMetricFamily]:
        states = GaugeMetricFamily("countenance_mandates", "Mandates by state.", labels=["state"])
        allowed = GaugeMetricFamily(
            "countenance_budget_allowed", "Comparisons that a mandate in force may ask for.", labels=["mandate", "in"]
        )
        spent = GaugeMetricFamily(
            "countenance_budget_spent", "Comparisons of that budget that are spent.", labels=["mandate", "in"]
        )
        now = self._now()
        every = self._register.list()
        counted = Counter(each.state(now) for each in every)
        for state in MandateState:
            states.add_metric([state.value], counted[state])
        for mandate in (each for each in every if each.state(now) is MandateState.ACTIVE):
            for name, most, left in self._left(mandate):
                allowed.add_metric([mandate.mandate_id, name], most)
                spent.add_metric([mandate.mandate_id, name], most - left)
        yield from (states, allowed, spent)

    def _left(self, mandate: Mandate) -> Iterator[tuple[str, int, int]]:
        state = self._budgets.state(mandate)
        yield "minute", state.budget.minute, state.minute
        yield "day", state.budget.day, state.day

    def _vouched(self) -> Iterator[GaugeMetricFamily]:
        facts = self._evidence()
        if facts is not None:
            ends = facts.expires_at
            left = 0.0 if ends is None else max(0.0, (ends - self._now()).total_seconds() / _DAY_S)
            yield GaugeMetricFamily(
                "countenance_evidence_days_left",
                "Days until the evidence for the model and calibration in use ends; 0 where there is none.",
                left,
            )

    def _video_jobs(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("countenance_video_jobs", "Jobs on stored video, not yet erased.", labels=["state"])
        for state, count in self._jobs.videos.counts().items():
            family.add_metric([state.value], count)
        yield family
