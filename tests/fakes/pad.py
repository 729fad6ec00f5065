"""PAD evidence about a made-up check, and what such a check signs."""

from __future__ import annotations

from datetime import datetime

from countenance.audit.evidence.presentations import PadAudit, PadEvidence, SealedPad
from countenance.audit.formats.codec import stamp, to_json
from countenance.audit.formats.plan import System
from countenance.audit.formats.results import Bounds, HighestApcer, PresentationGroup, PresentationResults, Share
from countenance.signing import Signer, canonical


def evidence_about(name: str, issued: datetime, expires: datetime, issuer: Signer) -> bytes:
    """An evidence file about the check `name`."""
    share = Share(0, 54, 54, 0.0, 0.0, 0.0664, 0.95, 54.0, None, "Wilson", "")
    highest = HighestApcer("", "print", 0.0, Bounds(0.0, 0.0664, 0.95), 1, 0)
    group = PresentationGroup("everybody", 108, share, share, (), (highest,))
    results = PresentationResults("as the system decided", group, ())
    audit = PadAudit("t", "ab" * 32, "cd" * 32, True, 54, "p", "c", "l", results, (), ())
    statement = PadEvidence(
        System(name, "1", "Maker"), stamp(issued), stamp(expires), True, True, (audit,), issuer.public.hex()
    )
    return canonical(to_json(SealedPad(statement, issuer.sign(canonical(to_json(statement))).hex())))


def result_of_check(check_id: str, session: str, signer: Signer, **more: object) -> tuple[bytes, bytes]:
    """What a check signs for a session, and its signature."""
    said = {
        "format": "countenance-liveness-result/1", "session": session, "check": check_id, "status": "SUCCEEDED",
        "confidence": 97.25, "decided_at": "2026-03-01T12:00:00Z", **more,
    }  # fmt: skip
    content = canonical(said)
    return content, signer.sign(content)
