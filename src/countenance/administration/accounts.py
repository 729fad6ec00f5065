"""Sign-in of operators to the console: password and one-time code; each set-up and sign-in is in the ledger first.
Other ways in are `Passkeys` and `ProviderSignIn`.

An operator is entered on the server's own machine (`countenance operator add`) and sets up a sign-in with the token
printed there. While there is no operator at all, and only then, a code that `countenance serve` prints lets the first
one in.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from countenance.administration.attempts import Attempts
from countenance.administration.journal import Journal
from countenance.administration.mandates import Mandates
from countenance.administration.operators import Operators
from countenance.errors import BadRequest, NotFound, Unauthenticated
from countenance.ledger import Ledger
from countenance.mandates import (
    AccountSecret,
    AccountStore,
    Operator,
    Passkey,
    ProvenBy,
    Role,
    SignInStore,
    StoredSession,
)
from countenance.signing import JSON

SHORTEST, LONGEST = 12, 128
"""Characters of a password."""
IDLE = timedelta(minutes=30)
"""A session ends after this long without use."""
WHOLE = timedelta(hours=10)
"""A session ends this long after it began, used or not."""
_FIRST_ROLES = (Role.REQUEST, Role.APPROVE, Role.REVIEW)
_FIRST_LASTS = timedelta(days=90)
_STEP_S = 30
_NOTED = timedelta(minutes=1)  # precision of the time of a session's last use
_AT_ONCE = 2  # passwords hashed at the same time: each takes 64 MiB
_WRONG = "name, password or code is wrong"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in. form_token: what each form of the session must carry. began_at: UTC."""

    operator: Operator
    cookie: str
    form_token: str
    began_at: datetime
    proven_by: ProvenBy


def new_seed() -> str:
    """A new seed for one-time codes (RFC 6238): 160 random bits in base32."""
    return pyotp.random_base32()


def seed_picture(name: str, seed: str) -> str:
    """A QR code, as an SVG element, from which an authenticator app reads the seed."""
    address = pyotp.TOTP(seed).provisioning_uri(name=name, issuer_name="Countenance")
    return str(segno.make(address, error="m").svg_inline(scale=4, border=4, light="#fff", dark="#000"))


class Accounts:
    """The accounts and sessions of one installation's operators. hasher: argon2id; tests pass a cheap one."""

    def __init__(
        self,
        store: AccountStore,
        sign_ins: SignInStore,
        operators: Operators,
        mandates: Mandates,
        ledger: Ledger,
        hasher: PasswordHasher | None = None,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._operators = operators
        self._mandates = mandates
        self._journal = Journal(ledger, "account")
        self._hasher = hasher or PasswordHasher()
        self._clock_s = clock_s
        self._hashing = BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._by_name = Attempts(store.now, 5)
        self._by_address = Attempts(store.now, 30)
        self._first: str | None = None
        self._one = Lock()
        self.now = store.now

    def first_code(self) -> str | None:
        """The code that lets the first operator in, the same until this process ends; None once there is one."""
        if self._operators.all():
            return None
        self._first = self._first or secrets.token_urlsafe(24)
        return self._first

    def is_first(self, code: str) -> bool:
        """Whether `code` lets the first operator in now."""
        return self._first is not None and _same(code, self._first) and not self._operators.all()

    def begin_first(self, code: str, name: str, password: str, seed: str, one_time: str) -> str:
        """Enter the first operator, who may ask, approve and review; returns the cookie of a session.

        `Unauthenticated` if the code is wrong or there is an operator already; else as for `join`.
        """
        with self._one:
            if not self.is_first(code):
                raise Unauthenticated("this link was used already, or is not of this server's present run")
            _check_password(password, name)
            step = self._step(seed, one_time)
            operator, _token = self._operators.add(name, _FIRST_ROLES, self.now() + _FIRST_LASTS)
            return self._set_up(operator, password, seed, step)

    def join(self, token: str, password: str, seed: str, one_time: str, address: str) -> str:
        """Set up, or set up anew, the sign-in of whoever holds `token`; returns the cookie of a session.

        `Unauthenticated` for an invalid token, `BadRequest` for an unsuitable password or a wrong one-time code.
        """
        self._by_address.begin(address)
        operator = self._operators.holding(token)
        _check_password(password, operator.name)
        step = self._step(seed, one_time)
        self._by_address.succeeded(address)
        return self._set_up(operator, password, seed, step)

    def sign_in(self, name: str, password: str, one_time: str, address: str) -> str:
        """Begin a session; returns its cookie. `Unauthenticated` never says which of the three was wrong.

        `LimitExceeded` after five failures of one name from one address within 15 minutes, or thirty from one address.
        """
        key = f"{address} {name.strip().casefold()}"
        self._by_address.begin(address)
        self._by_name.begin(key)
        operator = self._active(name)
        secret = self._store.secret_of(operator.operator_id) if operator else None
        right = self._verified(secret.password if secret else self._nobody, password)
        if not (right and operator and secret):
            raise Unauthenticated(_WRONG)
        try:
            step = self._step(secret.seed, one_time)
        except BadRequest:
            raise Unauthenticated(_WRONG) from None
        if not self._store.use_step(operator.operator_id, step):
            raise Unauthenticated(_WRONG)
        self._by_address.succeeded(address)
        self._by_name.succeeded(key)
        return self.begin(operator, ProvenBy.PASSWORD)

    @contextmanager
    def attempt(self, address: str) -> Iterator[None]:
        """An attempt to sign in by other means, which failed where the block raises; `LimitExceeded` after too many."""
        self._by_address.begin(address)
        yield
        self._by_address.succeeded(address)

    def begin(self, operator: Operator, proven_by: ProvenBy) -> str:
        """Begin a session of an operator who proved to be one, on record; returns its cookie."""
        self._journal.record("signed in", {"operator": operator.operator_id, "proven_by": proven_by})
        return self._store.begin(operator.operator_id, proven_by)

    def confirm(self, operator: Operator, one_time: str) -> None:
        """Take a fresh one-time code of somebody who is signed in; `BadRequest` if it is wrong or was used before, or
        the operator has none. `LimitExceeded` after five failures within 15 minutes.
        """
        key = f"confirm {operator.operator_id}"
        self._by_name.begin(key)
        secret = self._store.secret_of(operator.operator_id)
        if secret is None:
            raise BadRequest("set up a password and one-time codes first, with your operator's token")
        if not self._store.use_step(operator.operator_id, self._step(secret.seed, one_time)):
            raise BadRequest("this one-time code was used already: wait for the next one")
        self._by_name.succeeded(key)

    def session(self, cookie: str, *, used: bool = True) -> SignedIn | None:
        """Who is signed in with that cookie now; None if the session is over, or its operator is not active.

        used: whether this counts as use, which puts off the end of a session that nobody uses.
        """
        stored = self._store.session(cookie)
        now = self.now()
        if stored is None or stored.ended_at or now >= min(stored.seen_at + IDLE, stored.began_at + WHOLE):
            return None
        operator = self._operators.acting(stored.operator_id)
        if operator is None:
            return None
        if used and now - stored.seen_at >= _NOTED:
            self._store.seen(cookie)
        token = self._store.derived("form", cookie)
        return SignedIn(operator, cookie, token, stored.began_at, stored.proven_by)

    def sign_out(self, cookie: str) -> None:
        """End a session for good."""
        self._store.end(cookie)

    def form_token(self, cookie: str) -> str:
        """What a form must carry that is sent before sign-in. cookie: a random one of that browser."""
        return self._store.derived("form before", cookie)

    def sessions_of(self, operator: Operator) -> list[StoredSession]:
        """The operator's latest sessions, the newest first."""
        return self._store.sessions_of(operator.operator_id)

    def has_account(self, operator: Operator) -> bool:
        """Whether the operator set up a sign-in by password."""
        return self._store.secret_of(operator.operator_id) is not None

    def ways_of(self, operator: Operator) -> list[str]:
        """What the operator can sign in with: of password, passkey, provider."""
        has = {
            ProvenBy.PASSWORD: self.has_account(operator),
            ProvenBy.PASSKEY: bool(self._sign_ins.passkeys_of(operator.operator_id)),
            ProvenBy.PROVIDER: self._sign_ins.link_of(operator.operator_id) is not None,
        }
        return [str(each) for each in has if has[each]]

    def key_under(self, operator: Operator, mandate_id: str) -> str:
        """The access key with which the operator acts here under a mandate; made, and recorded, on first use.

        `Denied` to anybody but the mandate's requester, as for every key; `Conflict` if it is not in force.
        """
        if self._mandates.show(mandate_id).requested_by == operator.name:
            kept = self._store.key_under(operator.operator_id, mandate_id)
            if kept is not None:
                return kept
        made = self._mandates.issue_key(mandate_id, to=operator.name).access_key
        self._store.keep_key(operator.operator_id, mandate_id, made)
        return made

    def _set_up(self, operator: Operator, password: str, seed: str, step: int) -> str:
        with self._hashing:
            hashed = self._hasher.hash(password)
        self._journal.record("set up", {"operator": operator.operator_id})
        for passkey in self._sign_ins.passkeys_of(operator.operator_id):  # one may be a thief's
            self.remove_passkey(passkey, "set up anew")
        self._store.set_up(operator.operator_id, AccountSecret(hashed, seed))
        self._store.use_step(operator.operator_id, step)
        return self.begin(operator, ProvenBy.PASSWORD)

    def remove_passkey(self, passkey: Passkey, why: str) -> None:
        """Remove a passkey, on record; `NotFound` where it is gone already."""
        entry: dict[str, JSON] = {"operator": passkey.operator_id, "passkey": passkey.passkey_id, "why": why}
        self._journal.record("passkey removed", entry)
        self._sign_ins.remove(passkey)

    def _active(self, name: str) -> Operator | None:
        try:
            return self._operators.acting(self._operators.named(name).operator_id)
        except NotFound:
            return None

    def _verified(self, hashed: str, password: str) -> bool:
        """Takes as long for an unknown name as for a known one. Passwords beyond the limit are not hashed."""
        with self._hashing:
            try:
                return self._hasher.verify(hashed, password[: LONGEST + 1].encode("utf-8", "surrogatepass"))
            except (VerificationError, InvalidHashError):
                return False

    def _step(self, seed: str, one_time: str) -> int:
        """The step of 30 s to which the code belongs: the current one or a neighbour, else `BadRequest`."""
        code = "".join(one_time.split())
        if len(seed) != 32 or not set(seed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
            raise BadRequest("the seed of the one-time codes is not one that this server made")
        now = int(self._clock_s()) // _STEP_S
        codes = pyotp.TOTP(seed, interval=_STEP_S)
        for step in (now, now - 1, now + 1):
            if _same(code, codes.at(step * _STEP_S)):
                return step
        raise BadRequest("the one-time code is not right: is the clock of your device?")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())


def _check_password(password: str, name: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
        raise BadRequest(f"a password has {SHORTEST} to {LONGEST} printable characters; a sentence is a good one")
    if len(set(password)) < 5 or name.strip().casefold() in password.casefold():
        raise BadRequest("a password has at least five different characters, and not your name in it")
