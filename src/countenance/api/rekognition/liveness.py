"""Face Liveness is not offered, and callers are told why."""

from __future__ import annotations

from collections.abc import Mapping

from countenance.api.rekognition.answers import Body
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.wire_operation import GuardCall, WireOperation
from countenance.errors import NoSuchSession, NotOffered

WHY = (
    "Face Liveness is not offered: no check with a permissive licence has published its errors by ISO/IEC 30107-3, and "
    "a pretended score would be worse than none."
)


def _create(params: Params, carry_out: GuardCall) -> Body:
    raise NotOffered(WHY)


def _results(params: Params, carry_out: GuardCall) -> Body:
    raise NoSuchSession(f"There is no such session. {WHY}")


LIVENESS: Mapping[str, WireOperation] = {
    "CreateFaceLivenessSession": _create,
    "GetFaceLivenessSessionResults": _results,
}
"""The two operations, by wire name. They use no face, so the guard is not asked."""
