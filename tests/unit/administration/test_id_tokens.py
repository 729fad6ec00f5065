"""ID tokens and answers of a provider that are not right; what a real provider does not send is made here."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.fakes.clock import Clock

from countenance.administration import IdentityProvider, ProviderTerms
from countenance.errors import Unauthenticated

ISSUER, CLIENT = "https://id.example/city", "countenance"
START = datetime(2026, 11, 29, 10, tzinfo=UTC)
NOW = int(START.timestamp())
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "sub": "ann", "aud": CLIENT, "exp": NOW + 600, "iat": NOW, "nonce": "n", "amr": ["mfa"],
}  # fmt: skip


class ScriptedProvider(IdentityProvider):
    """Answers by path, in place of a network. asked: the paths that were asked for."""

    def __init__(self, token: str, clock: Clock, **published: Any) -> None:
        terms = ProviderTerms(ISSUER, CLIENT, "secret", "https://faces.example/back", "https://faces.example/out")
        super().__init__(terms, clock)
        places = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        self.keys: Any = {"keys": [KEY.as_dict(private=False)]}
        self.token: Any = {"id_token": token, "access_token": "access", "token_type": "Bearer"}
        self.published = {"issuer": ISSUER, **places, **published}
        self.status = 200
        self.asked: list[str] = []

    def _asked(
        self, method: str, place: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        name = place.rpartition("/")[2]
        self.asked.append(name)
        answers = {"openid-configuration": self.published, "jwks_uri": self.keys, "token_endpoint": self.token}
        return (self.status if name == "token_endpoint" else 200), answers[name]


def signed(key: Any = KEY, alg: str = "RS256", **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])


def unsigned(header: dict[str, Any], mac: str = "") -> str:
    parts = (json.dumps(each).encode() for each in (header, CLAIMS))
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts] + [mac])


def subject(token: str, clock: Clock | None = None, issuer: str = "", **published: Any) -> str:
    provider = ScriptedProvider(token, clock or Clock(START), **published)
    return provider.subject_of("code", "n", "v" * 43, issuer)


def test_a_right_token_tells_its_subject() -> None:
    assert subject(signed()) == "ann"
    assert subject(signed(aud=[CLIENT])) == "ann"
    assert subject(signed(aud=[CLIENT, "another"], azp=CLIENT)) == "ann"
    assert subject(signed(at_hash=create_half_hash("access", "RS256").decode())) == "ann"
    assert subject(signed(alg="PS256")) == "ann"
    assert subject(signed(), issuer=ISSUER) == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://id.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["ann"]},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "later"},
        {"iat": None},
        {"nbf": NOW + 61},
        {"iat": NOW + 61},
        {"nonce": "m"},
        {"nonce": None},
        {"nonce": ["n"]},
        {"amr": "mfa"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
def test_a_token_that_says_otherwise_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match=r"not accepted|second factor"):
        subject(signed(**changes))


def by_hmac(key: bytes) -> str:
    """A token with the provider's public key as the secret of HS256."""
    content = unsigned({"alg": "HS256", "kid": "one"})[:-1]
    mac = hmac.digest(key, content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        unsigned({"alg": "none"}),
        unsigned({"alg": "None", "kid": "one"}),
        unsigned({"kid": "one"}),
        unsigned({"alg": "RS256", "kid": "one"}, "AAAA"),
        signed(OTHER),
        by_hmac(KEY.as_pem(private=False)),
        by_hmac(json.dumps(KEY.as_dict(private=False)).encode()),
        signed() + ".x",
        "{}",
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated, match="not accepted"):
        subject(token)


@pytest.mark.parametrize(
    "keys", [{}, {"keys": None}, {"keys": []}, {"keys": [7]}, {"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]}]
)
def test_keys_that_are_none_let_nobody_in(keys: Any) -> None:
    provider = ScriptedProvider(signed(), Clock(START))
    provider.keys = keys
    with pytest.raises(Unauthenticated, match="not accepted"):
        provider.subject_of("code", "n", "v", "")


def test_a_key_that_a_token_brings_along_is_not_used() -> None:
    header = {"alg": "RS256", "kid": "two", "jwk": OTHER.as_dict(private=False)}
    with pytest.raises(Unauthenticated, match="not accepted"):
        subject(jwt.encode(header, CLAIMS, OTHER))


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "place",
    [None, 7, "", "http://id.example/x", "https://id.example:444/x", "https://evil.test/x", "https://id.example.evil.test/x",
     "https://id.example@evil.test/x", "file:///etc/passwd", "https://id.example:x/"],
)  # fmt: skip
def test_only_the_host_of_the_issuer_is_asked(name: str, place: object) -> None:
    provider = ScriptedProvider(signed(), Clock(START), **{name: place})
    with pytest.raises(Unauthenticated, match="on its own host"):
        provider.subject_of("code", "n", "v", "") if name != "authorization_endpoint" else provider.sign_in_url(
            "s", "n", "v" * 43
        )


@pytest.mark.parametrize("status", [302, 400, 401, 500, 503])
def test_a_code_that_is_not_taken_lets_nobody_in(status: int) -> None:
    provider = ScriptedProvider(signed(), Clock(START))
    provider.status = status
    with pytest.raises(Unauthenticated):
        provider.subject_of("code", "n", "v", "")


def test_what_the_provider_publishes_is_read_once_an_hour() -> None:
    clock = Clock(START)
    provider = ScriptedProvider(signed(), clock)
    for _ in range(3):
        provider.subject_of("code", "n", "v", "")
    assert provider.asked.count("openid-configuration") == provider.asked.count("jwks_uri") == 1
    clock.advance(3601)
    provider.token["id_token"] = signed(iat=NOW + 3601, exp=NOW + 9000)
    provider.subject_of("code", "n", "v", "")
    assert provider.asked.count("openid-configuration") == provider.asked.count("jwks_uri") == 2


def test_the_secret_is_in_no_text_of_the_terms() -> None:
    provider = ScriptedProvider(signed(), Clock(START))
    assert "secret" not in repr(provider.terms).replace("client_secret", "")
    assert provider.terms.name == "id.example"


def test_an_issuer_that_promises_to_name_itself_must() -> None:
    promise: Any = {"authorization_response_iss_parameter_supported": True}
    assert subject(signed(), issuer=ISSUER, **promise) == "ann"
    for issuer in ("", "https://evil.test"):
        with pytest.raises(Unauthenticated, match="another issuer"):
            subject(signed(), issuer=issuer, **promise)
