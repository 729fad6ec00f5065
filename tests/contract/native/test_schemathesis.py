"""Requests that schemathesis makes of the OpenAPI document, against the real application: no answer contradicts it.

The engine is a fake, rules and stores are real. Held results and mandates are there under their real ids, so that
answers about them are seen, too. Examples are bounded and the same in every run.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import ignored_auth
from schemathesis.transport.serialization import Binary
from tests.contract.native.native_world import World, now, request_body, world
from tests.fakes.engine import picture_of
from tests.fakes.rules import FixedRules

from countenance.api.native import document
from countenance.policy import Verdict

EXAMPLES = 15
PICTURES = [picture_of(1), picture_of(1, 2), picture_of()]
RECEIPT = "x-countenance-receipt"

ELSEWHERE = [ignored_auth]
"""It sends this module's own token again and takes it for a made-up one; test_who_may.py tries every call without."""

schemathesis.openapi.format("line", st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=60))
schemathesis.openapi.format("byte", st.sampled_from([base64.b64encode(each).decode() for each in PICTURES]))


schemathesis.openapi.format("binary", st.sampled_from(PICTURES).map(Binary))
schemathesis.openapi.format(
    "json-except-boxes", st.sampled_from(["[]", '[{"left": 0, "top": 0.1, "width": 0.5, "height": 0.5}]'])
)


@schemathesis.serializer("image/*", "video/*", "application/octet-stream")
def bytes_alone(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file's bytes as they are."""
    return bytes(value.data) if isinstance(value, Binary) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("application/x-ndjson")
def lines(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A text that is generated for the body, as it is; it seldom holds a picture, so one goes first."""
    return b'{"image": "' + base64.b64encode(picture_of(1)) + b'"}\n' + str(value).encode("utf-8", "replace")


CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "401", "403", "404", "409", "429"]},
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
            },
        }
    }
)
"""400 is what a body gets that fits the schema and makes no sense, such as an end before the beginning; 413, one that
is longer than a call takes because a text in it is.
"""
SCHEMA = schemathesis.openapi.from_dict(document(), config=CONFIG)


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, Any]]]:
    with world(tmp_path_factory.mktemp("examined"), FixedRules(Verdict.PERMIT)) as made:
        key = made.granted(galleries=["*"])
        client = made.faces(key["access_key"], key["secret"])
        client.post("/galleries", json={"gallery_id": "known"})
        image = base64.b64encode(picture_of(1)).decode()
        faces = client.post("/galleries/known/faces", json={"image": image}).json()
        client.post("/galleries/known/users", json={"user_id": "somebody"})
        hold = made.custody.hold(
            mandate_id=key["mandate_id"],
            decision=0,
            request_hash="0" * 64,
            result_hash="1" * 64,
            contents={"candidates": [["a", 99.0, None]]},
            reviewers=2,
            authorise_by=now(),
            clauses=("test-1",),
        )
        case = {
            "mandate_id": key["mandate_id"],
            "purpose": "find a witness",
            "offence": "a theft",
            "authority": "court 3",
            "reference": "w-17",
            "until": (now() + timedelta(days=2)).isoformat(),
        }
        ann = made.client("flo does all")
        own = ann.post("/mandates", json=request_body(galleries=["*"])).json()["mandate_id"]
        made.client("ben approves").post(f"/mandates/{own}/approval")
        case_id = ann.post("/cases", json={**case, "mandate_id": own}).json()["case_id"]
        picture_id = ann.post(f"/cases/{case_id}/pictures", json={"image": image}).json()["picture_id"]
        search = {"picture_id": picture_id, "gallery_id": "known"}
        found = ann.post(f"/cases/{case_id}/searches", json=search).json()
        made.films.add("a.mp4", 3)
        film = ann.post(f"/cases/{case_id}/videos", json={"bucket": "films", "name": "a.mp4"}).json()
        made.run_jobs()
        pair = {"mandate_id": own, "first": image, "second": image, "same": True}
        pair_id = ann.post("/reviews/known", json=pair).json()["known_id"]
        known = {
            "case_id": case_id,
            "search_id": found["search_id"],
            "lead": 1,
            "video_id": film["video_id"],
            "person": 1,
            "known_id": pair_id,
            "mandate_id": key["mandate_id"],
            "hold_id": hold.hold_id,
            "gallery_id": "known",
            "face_id": faces["enrolled"][0]["face_id"],
            "user_id": "somebody",
            "index": 0,
            RECEIPT: made.ledger.receipt(0).header(),
            "auth": (key["access_key"], key["secret"]),
        }
        yield made, known


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_contradicts_the_document(
    case: schemathesis.Case[Any], examined: tuple[World, dict[str, Any]]
) -> None:
    made, known = examined
    negated = {where for where, info in case.meta.components.items() if info.mode.is_negative} if case.meta else set()
    if case.operation.path.endswith("/enrolments") and ParameterLocation.BODY in negated:
        return  # each line is answered for itself: 200, and a problem in the line's place
    if ParameterLocation.BODY in negated and case.media_type not in (None, "application/json"):
        return  # in a form everything is text, and bytes are bytes: a wrong type there may be a right value
    if ParameterLocation.QUERY not in negated and case.media_type in ("application/json", "multipart/form-data"):
        case.query.clear()  # which is for a body of bytes alone, as each parameter says
    if ParameterLocation.PATH not in negated and case.method != "DELETE":
        for name in case.path_parameters:
            case.path_parameters[name] = known.get(name, case.path_parameters[name])
    if RECEIPT in case.headers and ParameterLocation.HEADER not in negated:
        case.headers[RECEIPT] = known[RECEIPT]
    headers: dict[str, str] = {}
    if ParameterLocation.HEADER not in negated:  # else its made-up token is what is tried
        security = case.operation.definition.raw["security"]
        if security == [{"operator": []}]:
            roles = case.operation.definition.raw["x-roles"]
            name = "eve audits" if roles == ["audit"] else "flo does all"
            headers["authorization"] = f"Bearer {made.tokens[name]}"
        elif security == [{"key": []}]:
            pair = ":".join(known["auth"]).encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    case.call_and_validate(base_url=made.url, headers=headers, excluded_checks=ELSEWHERE)
