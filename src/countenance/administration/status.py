"""Whether the installation is well: its models, its evidence, its ledger, its moratoria."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from countenance.errors import Conflict
from countenance.ledger import Ledger
from countenance.ledger.inspection import verify_records
from countenance.operations import Tools, evidence_summary


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What a check of the whole ledger found. findings: one sentence for each fault; empty if there is none. at: when
    the check was made, UTC. entries: how many there were.
    """

    at: datetime
    entries: int
    findings: tuple[str, ...]


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

    def check_ledger(self) -> LedgerCheck:
        """Check every entry, one check at a time; `Conflict` while another is running."""
        if not self._checking.acquire(blocking=False):
            raise Conflict("the ledger is being checked already; look again in a moment")
        try:
            at, report = self.now(), verify_records(self._ledger)
            self.last_check = LedgerCheck(at, report.size, tuple(each.text for each in report.findings))
            return self.last_check
        finally:
            self._checking.release()
