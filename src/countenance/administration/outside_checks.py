"""Outside checks of liveness: requested with evidence, approved by another person; changes are in the ledger first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime

from countenance.administration.journal import Journal
from countenance.audit.evidence import PadEvidence, read_pad_evidence
from countenance.errors import BadRequest, Conflict, CountenanceError, Denied
from countenance.jobs import LivenessSessions
from countenance.ledger import Ledger
from countenance.mandates import MandateState, OutsideCheck, OutsideCheckStore
from countenance.operations import LivenessState, read_statement
from countenance.signing import JSON


class OutsideChecks:
    """The outside checks of one installation, and the way by which their results come in.

    issuers: public keys, hex, of those whose evidence is trusted here.
    """

    def __init__(
        self, store: OutsideCheckStore, sessions: LivenessSessions, ledger: Ledger, issuers: Collection[str] = ()
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._journal = Journal(ledger, "outside check")
        self._issuers = frozenset(issuers)
        self.now = store.now
        self.all = store.all

    def request(
        self,
        name: str,
        public_key: str,
        *,
        evidence: bytes | None,
        without_evidence: str | None,
        requested_by: str,
        expires_at: datetime,
    ) -> OutsideCheck:
        """Enter a requested check; none of its results is accepted until another person approves it.

        evidence: a file of PAD evidence that names the check as its system, is signed by a trusted issuer, in date, and
        does not end before the check. without_evidence: why the check is to be accepted without; this is recorded.
        """
        read = None if evidence is None else self._trusted(evidence, name, expires_at)
        check = self._store.draft(
            name,
            public_key,
            evidence=None if evidence is None else hashlib.sha256(evidence).hexdigest(),
            without_evidence=without_evidence,
            requested_by=requested_by,
            expires_at=expires_at,
        )
        public: dict[str, JSON] = {
            "name": check.name,
            "public_key": check.public_key,
            "expires": check.expires_at.isoformat(),
            "evidence": check.evidence,
        }
        if read is not None:
            public |= {"apcer_at_most": read.highest_apcer, "bpcer_at_most": read.highest_bpcer}
        else:
            public["without_evidence"] = check.without_evidence
        self._record("requested", check, public, {"by": requested_by})
        return self._store.request(check)

    def approve(self, check_id: str, *, approved_by: str) -> OutsideCheck:
        """Put a check in force; `Denied` to its requester, `Conflict` while another one is in force."""
        check = self._in_state(check_id, MandateState.REQUESTED)
        if approved_by == check.requested_by:
            raise Denied("an outside check is approved by somebody else than who asked for it")
        if self.now() >= check.expires_at:
            raise Conflict("the check has expired before it was approved; ask for it again")
        if self._store.in_force() is not None:
            raise Conflict("another outside check is in force; end that one first")
        self._record("approved", check, {}, {"by": approved_by})
        return self._store.approve(check_id, approved_by=approved_by)

    def end(self, check_id: str, why: str, *, by: str | None = None) -> OutsideCheck:
        """End a check, or refuse a requested one: from now on none of its results is accepted or answered."""
        check = self._in_state(check_id, MandateState.REQUESTED, MandateState.ACTIVE, MandateState.EXPIRED)
        self._record("ended", check, {}, {"why": why, "by": by})
        return self._store.end(check_id, why)

    def take_result(self, session_id: str, statement: bytes, signature: bytes) -> LivenessState:
        """Accept what the check in force signed for a session; returns the session's new state. `NoSuchSession`;
        `Denied` for a statement of another session, check or key, or a check that is not in force; `Conflict` for a
        session that has its result or is over. A refusal is recorded if the session exists.
        """
        session = self._sessions.show(session_id)
        try:
            check = self._store.in_force(session.check_id)
            if check is None:
                raise Denied("the outside check of this session is not in force")
            result = read_statement(statement, signature, check)
            if result.session != session.session_id:
                raise Denied("the statement was signed for another session")
            if session.statement is not None:
                raise Conflict("this session has its result already")
            if self.now() >= session.ends_at:
                raise Conflict("this session is over: its result came too late")
            digest = hashlib.sha256(statement).hexdigest()
            self._record("result", check, {"status": result.status}, {"session": session_id, "statement": digest})
            self._sessions.take(session_id, statement, signature)
        except CountenanceError as error:
            self._journal.record(
                "result refused", {"check": session.check_id, "why": type(error).__name__}, {"session": session_id}
            )
            raise
        return LivenessState(result.status)

    def _trusted(self, evidence: bytes, name: str, expires_at: datetime) -> PadEvidence:
        read = read_pad_evidence(evidence)
        if read.issuer not in self._issuers:
            raise Denied(
                f"the evidence is signed by {read.issuer[:16]}…, whose key does not lie in the "
                "folder of trusted evidence"
            )
        if not read.in_date(self.now()):
            raise BadRequest(f"the evidence counts from {read.issued_at} until {read.expires_at}, and not now")
        if expires_at > read.expires:
            raise BadRequest(f"a check ends no later than its evidence, which ends on {read.expires_at}")
        if read.system.name != name.strip():
            raise BadRequest(f"the evidence is about {read.system.name!r}; a check is registered under that name")
        return read

    def _in_state(self, check_id: str, *allowed: MandateState) -> OutsideCheck:
        check = self._store.show(check_id)
        if (state := check.state(self.now())) not in allowed:
            raise Conflict(f"check {check_id} is {state}; this needs one that is {' or '.join(sorted(allowed))}")
        return check

    def _record(
        self, change: str, check: OutsideCheck, public: Mapping[str, JSON], private: Mapping[str, JSON | None]
    ) -> None:
        self._journal.record(change, {"check": check.check_id, **public}, private)
