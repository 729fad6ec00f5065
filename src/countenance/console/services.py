"""What the console is a door to."""

from __future__ import annotations

from dataclasses import dataclass

from countenance.administration import (
    Accounts,
    AuditReports,
    Cases,
    CaseVideos,
    Custodian,
    Explainer,
    InstallationStatus,
    Mandates,
    Moratoria,
    Operators,
    Passkeys,
    ProviderSignIn,
    Record,
    Reviews,
    VideoJobList,
)
from countenance.console.streams import Streams
from countenance.operations import Guard


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """All of them block, so pages are made off the event loop."""

    accounts: Accounts
    passkeys: Passkeys
    provider: ProviderSignIn
    operators: Operators
    mandates: Mandates
    custodian: Custodian
    moratoria: Moratoria
    explainer: Explainer
    record: Record
    status: InstallationStatus
    guard: Guard
    cases: Cases
    case_videos: CaseVideos
    video_jobs: VideoJobList
    reviews: Reviews
    audits: AuditReports
    streams: Streams
