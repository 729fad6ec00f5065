"""One OpenID provider, as a relying party sees it: authorization code flow with PKCE, and ID tokens that are checked.

Requests go to the issuer's own scheme, host and port only, follow no redirect, and are bounded in time and size. What
the provider publishes about itself is kept for an hour; its keys are read anew where a token names one that is unknown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from countenance.errors import Unauthenticated

ANY = "any"
"""In place of a second factor's name: the provider need not say that there was one."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""With public keys only: no `none`, and no HMAC, whose key could be a public one."""
_KEPT = timedelta(hours=1)
_KEYS_ANEW = timedelta(seconds=10)  # after keys were read, an unknown one does not have them read again for so long
_LEEWAY_S = 60
_WAIT_S = 5.0  # for connecting, and for each wait
_WHOLE_S = 10.0  # for an answer
_MOST_BYTES = 256 * 1024
_AT_ONCE = 4
UNREACHABLE = "the OpenID provider does not answer as it should; sign in with your password, or try again later"


@dataclass(frozen=True, slots=True)
class ProviderTerms:
    """What an installation agreed with its provider. returns_to: where it sends browsers back to.

    second_factors: of these `amr` or `acr` of an ID token must name one; `ANY` alone lets every token in.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    returns_to: str
    signed_out_at: str
    second_factors: tuple[str, ...] = ("mfa",)

    @property
    def name(self) -> str:
        """The host of the issuer, for people."""
        return urlsplit(self.issuer).hostname or self.issuer


class IdentityProvider:
    """The provider of `terms`. now: the clock, UTC."""

    def __init__(self, terms: ProviderTerms, now: Callable[[], datetime]) -> None:
        self.terms = terms
        self._now = now
        self._origin = _origin(terms.issuer)
        self._pool = urllib3.PoolManager(maxsize=_AT_ONCE, retries=False)
        self._free = BoundedSemaphore(_AT_ONCE)
        self._lock = Lock()
        self._metadata: tuple[datetime, dict[str, Any]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def sign_in_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser asks the provider for a code. `Unauthenticated` where the provider does not answer."""
        asked = {"acr_values": " ".join(self.terms.second_factors)} if self.needs_second_factor else {}
        return str(
            prepare_grant_uri(
                self._endpoint("authorization_endpoint"),
                self.terms.client_id,
                "code",
                redirect_uri=self.terms.returns_to,
                scope="openid",
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                **asked,
            )
        )

    def sign_out_url(self) -> str | None:
        """Where a browser ends its session at the provider; None where the provider names no such place."""
        if "end_session_endpoint" not in self._published():
            return None
        asked = {"client_id": self.terms.client_id, "post_logout_redirect_uri": self.terms.signed_out_at}
        return f"{self._endpoint('end_session_endpoint')}?{urlencode(asked)}"

    @property
    def needs_second_factor(self) -> bool:
        """Whether a token must say that there was a second factor."""
        return self.terms.second_factors != (ANY,)

    def subject_of(self, code: str, nonce: str, verifier: str, issuer: str) -> str:
        """Exchange a code for an ID token; returns its subject. `Unauthenticated` where anything about it is not right.

        issuer: what came with the code, "" for nothing (RFC 9207).
        """
        promised = self._published().get("authorization_response_iss_parameter_supported") is True
        if (issuer or promised) and issuer != self.terms.issuer:
            raise Unauthenticated("the answer is of another issuer than the one that was asked")
        answer = self._exchanged(code, verifier)
        claims = self._checked(str(answer.get("id_token", "")), nonce, answer.get("access_token"))
        if self.needs_second_factor:
            methods = claims.get("amr")
            said = {*(methods if isinstance(methods, list) else ()), claims.get("acr")}
            if not said.intersection(self.terms.second_factors):
                raise Unauthenticated("the OpenID provider does not say that a second factor was used")
        return str(claims["sub"])

    def _exchanged(self, code: str, verifier: str) -> dict[str, Any]:
        place = self._endpoint("token_endpoint")
        methods = self._published().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        how = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.terms.returns_to, code_verifier=verifier
        )
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        signer = ClientAuth(self.terms.client_id, self.terms.client_secret, how)
        place, headers, body = signer.prepare("POST", place, headers, body)
        status, answer = self._asked("POST", place, headers, body)
        if status != 200:
            if 400 <= status < 500:
                raise Unauthenticated("the OpenID provider does not accept this sign-in; begin again")
            raise Unauthenticated(UNREACHABLE)
        return answer

    def _checked(self, token: str, nonce: str, access_token: object) -> CodeIDToken:
        try:
            read = self._signed(token)
            expected = {"iss": self.terms.issuer, "aud": self.terms.client_id, "nonce": nonce}
            options: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in expected.items()}
            options |= {name: {"essential": True} for name in ("sub", "exp", "iat")}
            params = {"nonce": nonce, "client_id": self.terms.client_id, "access_token": access_token}
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(int(self._now().timestamp()), _LEEWAY_S)
            if not isinstance(claims["sub"], str):
                raise ValueError("a subject is a text")
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Unauthenticated(
                "the ID token of the OpenID provider is not accepted: it is not signed by it, not for this server, not "
                "of this sign-in, or too old"
            ) from error
        return claims

    def _signed(self, token: str) -> jwt.Token:
        """The token, if a key of the provider signed it; a key that is not known may be new."""
        try:
            return jwt.decode(token, self._key_set(_KEPT), list(_ALGORITHMS))
        except (JoseError, ValueError):
            return jwt.decode(token, self._key_set(_KEYS_ANEW), list(_ALGORITHMS))

    def _key_set(self, oldest: timedelta) -> KeySet:
        with self._lock:
            if self._keys is None or self._now() - self._keys[0] >= oldest:
                published = self._answered(self._endpoint("jwks_uri"))["keys"]
                keys = [each for each in published if each["kty"] in ("RSA", "EC") and each.get("use") != "enc"]
                self._keys = (self._now(), KeySet.import_key_set({"keys": keys}))
            return self._keys[1]

    def _published(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery), if it is the one that was agreed."""
        kept = self._metadata
        if kept is None or self._now() - kept[0] >= _KEPT:
            place = self.terms.issuer.rstrip("/") + "/.well-known/openid-configuration"
            published = self._answered(place)
            if published.get("issuer") != self.terms.issuer:
                raise Unauthenticated("the OpenID provider calls itself otherwise than COUNTENANCE_OIDC_ISSUER does")
            self._metadata = kept = (self._now(), published)
        return kept[1]

    def _endpoint(self, name: str) -> str:
        """An address that the provider published; `Unauthenticated` if it is on another host."""
        place = self._published().get(name)
        if not isinstance(place, str) or _origin(place) != self._origin:
            raise Unauthenticated(f"the OpenID provider names no {name} on its own host")
        return place

    def _answered(self, place: str) -> dict[str, Any]:
        status, answer = self._asked("GET", place, {"accept": "application/json"})
        if status != 200:
            raise Unauthenticated(UNREACHABLE)
        return answer

    def _asked(
        self, method: str, place: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of an answer; `Unauthenticated` where it is too late, too large or none."""
        if _origin(place) != self._origin or not self._free.acquire(timeout=_WAIT_S):
            raise Unauthenticated(UNREACHABLE)
        ends = time.monotonic() + _WHOLE_S
        try:
            answer = self._pool.request(
                method,
                place,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=_WAIT_S, read=_WAIT_S),
            )
            try:
                content = b""
                while part := answer.read1(65_536):
                    content += part
                    if len(content) > _MOST_BYTES or time.monotonic() > ends:
                        raise ValueError("too much, or too late")
            finally:
                answer.close()
            read = json.loads(content) if answer.status < 500 else {}
        except (urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError) as error:
            raise Unauthenticated(UNREACHABLE) from error
        finally:
            self._free.release()
        if not isinstance(read, dict):
            raise Unauthenticated(UNREACHABLE)
        return answer.status, read


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None
