"""Passkeys (WebAuthn): added by an operator who is signed in and gives a fresh one-time code; then they sign in alone.

The authenticator must verify its user (by PIN, finger or face, on the device), so that one passkey is two factors. The
server keeps public keys only. What a browser answers counts for one challenge, once, for five minutes, and at the one
address that the settings name.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    generate_challenge,
    options_to_json,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from countenance.administration.accounts import Accounts, SignedIn
from countenance.administration.journal import Journal
from countenance.administration.operators import Operators
from countenance.errors import BadRequest, NotFound, NotOffered, Unauthenticated
from countenance.ledger import Ledger
from countenance.mandates import AccountStore, Operator, Passkey, ProvenBy, SignInStore

LASTS = timedelta(minutes=5)
"""For so long a challenge can be answered."""
_MILLISECONDS = int(LASTS.total_seconds() * 1000)
LATE = "this took too long, or was begun in another browser; try again"
UNKNOWN = "this passkey is not one of an operator here"
COPIED = (
    "the count of this passkey's signatures did not grow, as when it was copied: it was removed, and your sessions "
    "have ended. Sign in with your password, and tell whoever runs this server"
)
# what webauthn raises for an answer that is not right, and what its parsers raise for one that is not an answer
_FAULTS = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class PasskeyStep:
    """What a page hands to the browser. options: JSON of WebAuthn. step: what comes back with the answer."""

    options: str
    step: str


class Passkeys:
    """The passkeys of one installation's operators. url: the address of the console, such as https://faces.example;
    none are offered without one, or where its host is an IP address, which WebAuthn does not take.
    """

    def __init__(
        self,
        store: AccountStore,
        sign_ins: SignInStore,
        accounts: Accounts,
        operators: Operators,
        ledger: Ledger,
        url: str | None,
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._accounts = accounts
        self._operators = operators
        self._journal = Journal(ledger, "account")
        self._url = url or ""
        self._host = urlsplit(self._url).hostname or ""
        self.offered = bool(self._host) and not _is_ip(self._host)

    def of(self, operator: Operator) -> list[Passkey]:
        """The operator's passkeys, oldest first."""
        return self._sign_ins.passkeys_of(operator.operator_id)

    def asked(self, form_token: str) -> PasskeyStep:
        """What the browser that holds `form_token` asks an authenticator for, to sign in."""
        self._check_offered()
        challenge = generate_challenge()
        options = generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=_MILLISECONDS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return self._step("passkey", form_token, options_to_json(options), challenge)

    def sign_in(self, form_token: str, step: str, answer: str, address: str) -> str:
        """Begin a session of the operator whose passkey answered; returns its cookie.

        `Unauthenticated` where the answer is not right; `LimitExceeded` after too many of an address;
        `NotAsRecorded` where the passkey's row differs from the record.
        """
        self._check_offered()
        with self._accounts.attempt(address):
            values = self._store.opened_step("passkey", form_token, step)
            if values is None:
                raise Unauthenticated(LATE)
            given = _parsed(answer)
            passkey = self._known(given)
            verified = self._verified(given, passkey, values["challenge"])
            operator = self._operators.acting(passkey.operator_id)
            if operator is None or given.response.user_handle != _handle(operator):
                raise Unauthenticated(UNKNOWN)
            if not self._store.use_challenge(values["challenge"], LASTS):
                raise Unauthenticated(LATE)
            uses = verified.new_sign_count
            if (uses or passkey.uses) and uses <= passkey.uses:
                self._accounts.remove_passkey(passkey, "copied")
                self._store.end_all(passkey.operator_id)  # one may be the copy's
                raise Unauthenticated(COPIED)
            if not self._sign_ins.use(passkey, uses):
                raise Unauthenticated(LATE)
        return self._accounts.begin(operator, ProvenBy.PASSKEY)

    def adding(self, who: SignedIn, name: str, one_time: str) -> PasskeyStep:
        """What the browser asks an authenticator for, to add a passkey; `BadRequest` for a wrong one-time code."""
        self._check_offered()
        if not name:
            raise BadRequest("give the passkey a name, such as that of the device")
        self._accounts.confirm(who.operator, one_time)
        challenge = generate_challenge()
        known = [
            PublicKeyCredentialDescriptor(base64url_to_bytes(each.credential_id)) for each in self.of(who.operator)
        ]
        options = generate_registration_options(
            rp_id=self._host,
            rp_name="Countenance",
            user_name=who.operator.name,
            user_id=_handle(who.operator),
            challenge=challenge,
            timeout=_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=known,
        )
        return self._step("new passkey", who.form_token, options_to_json(options), challenge, name=name)

    def add(self, who: SignedIn, step: str, answer: str) -> Passkey:
        """Add the passkey that an authenticator made, on record; `BadRequest` where its answer is not right."""
        self._check_offered()
        values = self._store.opened_step("new passkey", who.form_token, step)
        if values is None or not self._store.use_challenge(values["challenge"], LASTS):
            raise BadRequest(LATE)
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(values["challenge"]),
                expected_rp_id=self._host,
                expected_origin=self._url,
                require_user_verification=True,
            )
        except _FAULTS as error:
            raise BadRequest("what the browser sent is not a new passkey for this address") from error
        credential = bytes_to_base64url(made.credential_id)
        key, operator_id = made.credential_public_key, who.operator.operator_id
        passkey = self._sign_ins.draft(operator_id, values["name"], credential, key, made.sign_count)
        self._journal.record("passkey added", {"operator": operator_id, "passkey": passkey.passkey_id})
        self._sign_ins.add(passkey)
        return passkey

    def remove(self, operator: Operator, passkey_id: str) -> None:
        """Remove one of the operator's own passkeys, on record; `NotFound` for any other."""
        for passkey in self.of(operator):
            if passkey.passkey_id == passkey_id:
                return self._accounts.remove_passkey(passkey, "by its operator")
        raise NotFound("you have no such passkey")

    def _known(self, given: AuthenticationCredential) -> Passkey:
        try:
            return self._sign_ins.with_credential(bytes_to_base64url(given.raw_id))
        except NotFound:
            raise Unauthenticated(UNKNOWN) from None

    def _verified(self, given: AuthenticationCredential, passkey: Passkey, challenge: str) -> VerifiedAuthentication:
        try:
            return verify_authentication_response(
                credential=given,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._host,
                expected_origin=self._url,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared here, since a copy is more than a wrong answer
                require_user_verification=True,
            )
        except _FAULTS as error:
            raise Unauthenticated("what the browser sent is not this passkey's answer for this address") from error

    def _step(self, kind: str, bound_to: str, options: str, challenge: bytes, **more: str) -> PasskeyStep:
        values = {"challenge": bytes_to_base64url(challenge), **more}
        return PasskeyStep(options, self._store.sealed_step(kind, bound_to, values, LASTS))

    def _check_offered(self) -> None:
        if not self.offered:
            raise NotOffered("passkeys need COUNTENANCE_CONSOLE_URL, with a host that is a name")


def _handle(operator: Operator) -> bytes:
    return operator.operator_id.encode()


def _parsed(answer: str) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(answer)
    except _FAULTS as error:
        raise Unauthenticated("what the browser sent is not the answer of a passkey") from error


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
