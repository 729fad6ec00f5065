"""Face Liveness by an outside check: sessions, and its signed result. Without a check callers are told why not."""

from __future__ import annotations

from collections.abc import Mapping

from countenance.api.rekognition.answers import Body
from countenance.api.rekognition.errors import INVALID_PARAMETER, Refused
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.wire_operation import GuardCall, WireOperation
from countenance.operations import CreateLivenessSession, ReadLivenessResult


def _create(params: Params, carry_out: GuardCall) -> Body:
    settings = params.get("Settings", {})
    if "KmsKeyId" in params or "OutputConfig" in settings:
        raise Refused(INVALID_PARAMETER, "KmsKeyId and OutputConfig are not offered: no picture of a session is kept")
    if "ChallengePreferences" in settings:
        raise Refused(INVALID_PARAMETER, "ChallengePreferences are not offered: the outside check has its own way")
    return {"SessionId": carry_out(CreateLivenessSession(params.get("ClientRequestToken"))).session_id}


def _results(params: Params, carry_out: GuardCall) -> Body:
    result = carry_out(ReadLivenessResult(params["SessionId"]))
    confidence: Body = {} if result.confidence is None else {"Confidence": result.confidence}
    return {"SessionId": result.session_id, "Status": result.state.value, **confidence}


LIVENESS: Mapping[str, WireOperation] = {
    "CreateFaceLivenessSession": _create,
    "GetFaceLivenessSessionResults": _results,
}
"""The two operations, by wire name."""
