"""Whether the installation is well: its models, its evidence, its ledger, its moratoria."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, Thread
from typing import Literal

from countenance.audit.evidence import Evidence
from countenance.errors import Conflict
from countenance.ledger import Ledger
from countenance.ledger.inspection import verify_records
from countenance.ledger.records import StoredEntry
from countenance.operations import Tools, evidence_summary
from countenance.operations.evidence import best_evidence


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What a check of the whole ledger found. findings: one sentence for each fault; empty if there is none. at: when
    the check was made, UTC. entries: how many there were.
    """

    at: datetime
    entries: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceStanding:
    """A signed audit that this installation trusts. state: whether the rules see it now; of those about this model and
    calibration that are in date, they see the best.
    """

    evidence: Evidence
    state: Literal["in use", "in date", "not yet", "ended", "of another model"]


class InstallationStatus:
    """What a start page shows of the installation. tools: loads the models on first use. now: the clock, UTC.

    settings: name -> value, for people to read; no secrets.
    """

    def __init__(
        self,
        tools: Callable[[], Tools],
        ledger: Ledger,
        now: Callable[[], datetime],
        settings: Mapping[str, str],
    ) -> None:
        self._tools = tools
        self._ledger = ledger
        self._checking = Lock()
        self._checker: Thread | None = None
        self._counted = 0, 0
        self.now = now
        self.settings = settings
        self.last_check: LedgerCheck | None = None

    @property
    def models(self) -> str:
        """The label of the models in use."""
        return self._tools().engine.version

    @property
    def evidence(self) -> str:
        """One line: the best evidence for the model and calibration in use, or what is missing."""
        tools = self._tools()
        return evidence_summary(tools.evidence, tools.engine.model, tools.calibration.identity, self.now())

    def fmr_at(self, similarity: float) -> float:
        """The false match rate (0..1) at that similarity (0..100), for the group served worst."""
        calibration = self._tools().calibration
        return calibration.fmr(calibration.score(similarity))

    def held_evidence(self) -> list[EvidenceStanding]:
        """All evidence that is trusted here, that which is in use first, then by its end, the latest first."""
        tools, now = self._tools(), self.now()
        if not tools.evidence:
            return []
        model, calibration = tools.engine.model, tools.calibration.identity
        best = best_evidence(tools.evidence, model, calibration, now)

        def state(each: Evidence) -> Literal["in use", "in date", "not yet", "ended", "of another model"]:
            if (each.subject.model, each.subject.calibration) != (model, calibration):
                return "of another model"
            if each.in_date(now):
                return "in use" if each is best else "in date"
            return "ended" if now >= each.expires else "not yet"

        every = [EvidenceStanding(each, state(each)) for each in tools.evidence]
        return sorted(every, key=lambda each: (each.state == "in use", each.evidence.expires), reverse=True)

    @property
    def checking(self) -> tuple[int, int] | None:
        """How many entries of how many the check of the ledger that runs has seen; None where none runs."""
        return self._counted if self._checking.locked() else None

    def begin_check(self, wait_s: float) -> None:
        """Begin to check every entry, one check at a time, and wait for its end, `wait_s` seconds at most; `Conflict`
        while another is running.
        """
        if not self._checking.acquire(blocking=False):
            raise Conflict("the ledger is being checked already; look again in a moment")
        self._counted = 0, self._ledger.size
        self._checker = Thread(target=self._check, name="ledger-check", daemon=True)
        self._checker.start()
        self._checker.join(wait_s)

    def _check(self) -> None:
        try:
            at, report = self.now(), verify_records(self._ledger, watch=self._watched)
            self.last_check = LedgerCheck(at, report.size, tuple(each.text for each in report.findings))
        finally:
            self._checking.release()

    def _watched(self, rows: Iterable[StoredEntry], size: int) -> Iterator[StoredEntry]:
        for seen, row in enumerate(rows, 1):
            self._counted = seen, size
            yield row
