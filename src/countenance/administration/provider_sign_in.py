"""Sign-in by an OpenID provider: who signed in there is the operator that the account was linked to before, on record.

The provider gives no rights. An operator is entered first, and the account (issuer and subject) is linked to the
operator on the server's own machine.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from datetime import timedelta

from countenance.administration.accounts import Accounts
from countenance.administration.identity_provider import IdentityProvider
from countenance.administration.journal import Journal
from countenance.administration.operators import Operators
from countenance.errors import BadRequest, Conflict, NotFound, Unauthenticated
from countenance.ledger import Ledger
from countenance.mandates import AccountStore, Operator, ProvenBy, ProviderLink, SignInStore

LASTS = timedelta(minutes=10)
"""For so long a sign-in at the provider may take."""
BEGIN_AGAIN = "this sign-in was not begun in this browser, took too long, or was used already; begin again"


class ProviderSignIn:
    """Sign-in by `provider`, if there is one, and the links of its accounts."""

    def __init__(
        self,
        store: AccountStore,
        sign_ins: SignInStore,
        accounts: Accounts,
        operators: Operators,
        ledger: Ledger,
        provider: IdentityProvider | None,
    ) -> None:
        self._store = store
        self._sign_ins = sign_ins
        self._accounts = accounts
        self._operators = operators
        self._journal = Journal(ledger, "account")
        self._provider = provider
        self.link_of = sign_ins.link_of

    @property
    def name(self) -> str | None:
        """The provider's host; None where none is configured."""
        return None if self._provider is None else self._provider.terms.name

    @property
    def needs_second_factor(self) -> bool:
        """Whether who signs in there must have used a second factor, by the provider's word."""
        return self._provider is not None and self._provider.needs_second_factor

    def begin(self, form_token: str, place: str) -> str:
        """The address at the provider where the browser that holds `form_token` signs in. place: where it goes then."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        values = {"nonce": nonce, "verifier": verifier, "place": place}
        state = self._store.sealed_step("provider", form_token, values, LASTS)
        return self._configured().sign_in_url(state, nonce, verifier)

    def finish(self, form_token: str, told: Mapping[str, str], address: str) -> tuple[str, str]:
        """The cookie of a session, and where to go on to. told: the query that the provider sent the browser back with.

        `Unauthenticated` where that is not right, or the account is linked to no operator who may act now;
        `LimitExceeded` after too many of an address; `NotAsRecorded` where the link's row differs from the record.
        """
        provider = self._configured()
        with self._accounts.attempt(address):
            values = self._store.opened_step("provider", form_token, told.get("state", ""))
            if values is None:
                raise Unauthenticated(BEGIN_AGAIN)
            if "error" in told or not told.get("code"):
                raise Unauthenticated("the OpenID provider did not let you in")
            subject = provider.subject_of(told["code"], values["nonce"], values["verifier"], told.get("iss", ""))
            if not self._store.use_challenge(values["nonce"], LASTS):
                raise Unauthenticated(BEGIN_AGAIN)
            operator = self._operator(provider.terms.issuer, subject)
        return self._accounts.begin(operator, ProvenBy.PROVIDER), values["place"]

    def sign_out_url(self) -> str | None:
        """Where a browser ends its session at the provider, too; None where there is no such place."""
        try:
            return None if self._provider is None else self._provider.sign_out_url()
        except Unauthenticated:  # it does not answer
            return None

    def link(self, name: str, subject: str) -> ProviderLink:
        """Let an account at the provider sign in as an operator, on record; `AlreadyExists` if either is linked."""
        operator = self._operators.named(name)
        if operator.revoked_at is not None:
            raise Conflict("the operator is revoked, for good")
        made = self._sign_ins.draft_link(operator.operator_id, self._configured().terms.issuer, subject)
        self._record("linked", made)
        self._sign_ins.add_link(made)
        return made

    def unlink(self, name: str) -> ProviderLink:
        """End that, and all sessions of the operator, on record; `NotFound` where there is no link."""
        link = self._sign_ins.link_of(self._operators.named(name).operator_id)
        if link is None:
            raise NotFound("this operator has no account at a provider")
        self._record("unlinked", link)
        self._sign_ins.remove_link(link)
        self._store.end_all(link.operator_id)
        return link

    def _operator(self, issuer: str, subject: str) -> Operator:
        try:
            operator = self._operators.acting(self._sign_ins.linked(issuer, subject).operator_id)
        except NotFound:
            raise Unauthenticated(
                "this account is linked to no operator here. Whoever runs this server can link it: countenance "
                f"operator link NAME --subject {shlex.quote(subject[:255])}"
            ) from None
        if operator is None:
            raise Unauthenticated("the operator of this account is expired or revoked")
        return operator

    def _record(self, change: str, link: ProviderLink) -> None:
        public = {"operator": link.operator_id, "issuer": link.issuer}
        self._journal.record(change, public, {"subject": link.subject})

    def _configured(self) -> IdentityProvider:
        if self._provider is None:
            raise BadRequest("no OpenID provider is configured: see COUNTENANCE_OIDC_ISSUER")
        return self._provider
