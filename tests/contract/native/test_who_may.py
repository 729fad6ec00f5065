"""Tokens and roles: nobody without a good token gets in, and each role does its own."""

from __future__ import annotations

import base64
import logging
import time
from datetime import timedelta

import httpx
import pytest
from tests.contract.native.native_world import NO_SUCH, PEOPLE, World, kept_logs, now, request_body

from countenance.api.native import document
from countenance.mandates import Role

ALL = {"request", "approve", "review", "audit"}
MATRIX = {
    ("get", "/health"): None,
    ("get", "/ready"): None,
    ("get", "/mandates/{mandate_id}/budget"): ALL,
    ("get", "/ledger/proof"): None,
    ("get", "/me"): ALL,
    ("get", "/mandate-templates"): ALL,
    ("get", "/mandates"): ALL,
    ("post", "/mandates"): {"request"},
    ("get", "/mandates/{mandate_id}"): ALL,
    ("post", "/mandates/{mandate_id}/approval"): {"approve"},
    ("post", "/mandates/{mandate_id}/refusal"): {"approve"},
    ("post", "/mandates/{mandate_id}/renewal"): {"approve"},
    ("post", "/mandates/{mandate_id}/revocation"): {"approve"},
    ("post", "/mandates/{mandate_id}/keys"): {"request"},
    ("get", "/custody"): {"approve", "review", "audit"},
    ("get", "/custody/{hold_id}"): {"approve", "review", "audit"},
    ("get", "/custody/{hold_id}/contents"): {"review"},
    ("post", "/custody/{hold_id}/reviews"): {"review"},
    ("post", "/custody/{hold_id}/authorisation"): {"approve"},
    ("get", "/report"): {"approve", "audit"},
    ("get", "/moratoria"): ALL,
    ("post", "/moratoria"): {"request", "approve", "review"},
    ("post", "/moratoria/{moratorium_id}/consents"): {"request", "approve", "review"},
    ("get", "/liveness/checks"): ALL,
    ("post", "/liveness/checks"): {"request"},
    ("post", "/liveness/checks/{check_id}/approval"): {"approve"},
    ("post", "/liveness/checks/{check_id}/revocation"): {"approve"},
    ("post", "/liveness/results"): None,
    ("get", "/video-jobs"): {"request", "approve"},
    ("get", "/cases"): {"request", "approve"},
    ("post", "/cases"): {"request"},
    ("get", "/cases/{case_id}"): {"request", "approve"},
    ("post", "/cases/{case_id}/authorisations"): {"approve"},
    ("post", "/cases/{case_id}/closing"): {"request", "approve"},
    ("post", "/cases/{case_id}/pictures"): {"request"},
    ("post", "/cases/{case_id}/crops"): {"request"},
    ("post", "/cases/{case_id}/searches"): {"request"},
    ("post", "/cases/{case_id}/comparisons"): {"request"},
    ("get", "/cases/{case_id}/searches/{search_id}"): {"request", "approve"},
    ("post", "/cases/{case_id}/searches/{search_id}/leads/{lead}/picture"): {"approve"},
    ("post", "/cases/{case_id}/searches/{search_id}/leads/{lead}/evidence"): {"request"},
    ("post", "/cases/{case_id}/searches/{search_id}/leads/{lead}/exports"): {"request"},
    ("post", "/cases/{case_id}/videos"): {"request"},
    ("get", "/cases/{case_id}/videos/{video_id}"): {"request"},
    ("post", "/cases/{case_id}/videos/{video_id}/views"): {"request"},
    ("get", "/cases/{case_id}/videos/{video_id}/people/{person}/view"): {"request"},
    ("post", "/cases/{case_id}/videos/{video_id}/people/{person}/picture"): {"request"},
    ("get", "/reviews/me"): {"review"},
    ("get", "/reviews/form"): {"review"},
    ("post", "/reviews/next"): {"review"},
    ("get", "/reviews/pairs/{pair_id}"): {"review"},
    ("get", "/reviews/pairs/{pair_id}/first"): {"review"},
    ("post", "/reviews/pairs/{pair_id}/looked"): {"review"},
    ("get", "/reviews/pairs/{pair_id}/second"): {"review"},
    ("post", "/reviews/pairs/{pair_id}/judgement"): {"review"},
    ("get", "/reviews/reviewers"): {"approve"},
    ("post", "/reviews/rights"): {"approve"},
    ("get", "/reviews/known"): {"request", "approve"},
    ("post", "/reviews/known"): {"request"},
    ("delete", "/reviews/known/{known_id}"): {"approve"},
    ("get", "/policy/packs"): ALL,
    ("post", "/policy/explain"): ALL,
    ("get", "/refusals"): ALL,
    ("get", "/ledger"): ALL,
    ("get", "/ledger/checkpoint"): ALL,
    ("get", "/ledger/entries/{index}"): {"audit"},
}
"""Who may call what; None: needs no token. Said here a second time, so that a change of the routes shows."""
KEYED = {
    ("post", "/detections"),
    ("post", "/comparisons"),
    ("post", "/redactions"),
    ("get", "/galleries"),
    ("post", "/galleries"),
    ("get", "/galleries/{gallery_id}"),
    ("delete", "/galleries/{gallery_id}"),
    ("post", "/galleries/{gallery_id}/searches"),
    ("post", "/galleries/{gallery_id}/enrolments"),
    ("post", "/galleries/{gallery_id}/erasures"),
    ("get", "/galleries/{gallery_id}/faces"),
    ("post", "/galleries/{gallery_id}/faces"),
    ("delete", "/galleries/{gallery_id}/faces/{face_id}"),
    ("get", "/galleries/{gallery_id}/users"),
    ("post", "/galleries/{gallery_id}/users"),
    ("delete", "/galleries/{gallery_id}/users/{user_id}"),
    ("post", "/galleries/{gallery_id}/users/{user_id}/faces"),
    ("post", "/galleries/{gallery_id}/users/{user_id}/removals"),
}
"""What an access key is needed for, and no token helps with."""


def test_the_matrix_covers_every_route_and_the_document_says_the_same() -> None:
    said = {
        (method, path.removeprefix("/v1")): set(operation["x-roles"]) or None
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }
    assert said == {**MATRIX, **dict.fromkeys(KEYED)}


@pytest.mark.parametrize(("method", "path"), sorted(KEYED))
def test_calls_about_faces_need_a_key_and_its_secret(shared: World, method: str, path: str) -> None:
    url = path.format(gallery_id="g0", face_id="00000000-0000-4000-8000-000000000000", user_id="u")
    key = shared.granted()
    good = (key["access_key"], key["secret"])
    wrong = [
        None,
        (good[0], good[1][:-1]),
        (good[0], good[1] + "x"),
        (good[0], ""),
        ("CNTNNOSUCHKEY", good[1]),
        good[::-1],
    ]
    body = {} if method in ("get", "delete") else {"content": b"{", "headers": {"content-type": "application/json"}}
    with httpx.Client(base_url=shared.url + "/v1", trust_env=False) as client:
        for auth in wrong:
            answer = client.request(method, url, auth=auth, **body)  # type: ignore[arg-type]
            assert answer.status_code == 401, answer.text
            assert answer.headers["www-authenticate"].startswith("Basic")
            assert answer.json()["type"] == "urn:countenance:problem:unauthenticated"
        answer = client.request(method, url, auth=good, **body)  # type: ignore[arg-type]
        assert answer.status_code in (200, 400, 404, 415), answer.text
        for sent in ("Basic", "Basic :", "Basic !!!!", "Basic " + "A" * 500, f"Bearer {shared.tokens['flo does all']}"):
            refused = client.request(method, url, headers={"authorization": sent})
            assert refused.status_code == 401


def test_two_proofs_in_one_request_are_none(shared: World) -> None:
    key = shared.granted()
    sent = "Basic " + base64.b64encode(f"{key['access_key']}:{key['secret']}".encode()).decode()
    once, twice = [("authorization", sent)], [("authorization", sent)] * 2
    url = shared.url + "/v1/galleries"
    assert httpx.get(url, headers=once, trust_env=False).status_code == 200
    assert httpx.get(url, headers=twice, trust_env=False).status_code == 401


def test_a_body_is_refused_before_it_is_held(shared: World) -> None:
    key = shared.granted()
    client = shared.faces(key["access_key"], key["secret"])
    large = client.post("/detections", content=b" " * (16 * 2**20 + 1), headers={"content-type": "application/json"})
    assert (large.status_code, large.json()["type"]) == (413, "urn:countenance:problem:body-too-large")


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_each_role_at_each_endpoint(shared: World, method: str, path: str) -> None:
    """A role that may is answered by the endpoint itself (whatever it says); one that may not is a 403 before that."""
    allowed = MATRIX[method, path]
    url = path.format(**NO_SUCH)
    body = {} if method == "get" else {"content": b"{", "headers": {"content-type": "application/json"}}
    for token in (None, "cntn_" + "A" * 43, "wrong", "x" * 5000):
        answer = shared.client(token=token).request(method, url, **body)  # type: ignore[arg-type]
        assert (answer.status_code == 401) == (allowed is not None), answer.text
        if allowed is not None:
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "urn:countenance:problem:unauthenticated"
    for name, roles in PEOPLE.items():
        answer = shared.client(name).request(method, url, **body)  # type: ignore[arg-type]
        may = allowed is None or bool(allowed & set(roles))
        assert (answer.status_code == 403) == (not may), (name, answer.text)
        assert answer.status_code in (200, 400, 404, 409, 422, 403), answer.text


def test_a_revoked_renewed_or_expired_token_is_refused_at_the_next_call(shared: World) -> None:
    made, token = shared.operators.add("Gus Was", [Role.AUDIT], now() + timedelta(days=1))
    client = shared.client(token=token)
    assert client.get("/me").json()["name"] == "Gus Was"
    _, newer = shared.operators.renew("gus was", now() + timedelta(days=2))
    assert client.get("/me").status_code == 401
    client = shared.client(token=newer)
    assert client.get("/me").status_code == 200
    shared.operators.revoke("Gus Was")
    assert client.get("/me").status_code == 401
    changes = [e.fields["change"] for e in shared.ledger.entries() if e.fields.get("operator") == made.operator_id]
    assert changes == ["added", "renewed", "revoked"]
    _, brief = shared.operators.add("Hal Brief", [Role.AUDIT], now() + timedelta(seconds=1))
    client = shared.client(token=brief)
    assert client.get("/me").status_code == 200
    time.sleep(1.1)
    assert client.get("/me").status_code == 401


def test_the_token_comes_once_and_in_its_own_header(shared: World) -> None:
    token = shared.tokens["eve audits"]
    url = shared.url + "/v1/me"
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert httpx.get(url, headers=twice, trust_env=False).status_code == 401
    for scheme in ("Basic", "bear"):
        assert httpx.get(url, headers={"authorization": f"{scheme} {token}"}, trust_env=False).status_code == 401
    assert httpx.get(url, params={"token": token}, trust_env=False).status_code == 401
    assert httpx.get(url, headers={"authorization": f"bearer {token}"}, trust_env=False).status_code == 200


def test_no_token_no_secret_and_nothing_that_was_sent_is_logged(shared: World) -> None:
    keeper = kept_logs()
    root = logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "countenance")]
    for each in loggers:
        each.addHandler(keeper)
    try:
        key = shared.granted(holder={"name": "Very Private Person"})
        shared.client("ann asks").post("/mandates", json={"holder": "Very Private Person"})
        shared.client("ann asks").post("/mandates", json=request_body(facts={"use": "Very Private Person"}))
        shared.client(token="cntn_" + "B" * 43).get("/mandates")
    finally:
        root.setLevel(level)
        for each in [root, *loggers]:
            each.removeHandler(keeper)
    lines = [line for line in keeper.lines if "httpcore" not in line]  # type: ignore[attr-defined]
    text = "\n".join(lines)
    for secret in (key["secret"], "Very Private Person", "B" * 43, *shared.tokens.values()):
        assert secret not in text
