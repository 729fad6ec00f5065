"""Results of older formats, read as what they say in the present one.

Format 1 had three verdicts and called a shown difference within the margin "equivalence shown". Nothing else of an old
file changes: its headline, its counts and its hash stay what was signed.
"""

from __future__ import annotations

from collections.abc import Mapping

from countenance.audit.formats.codec import Json, from_json
from countenance.audit.formats.results import FORMAT, FORMATS, Results
from countenance.errors import BadRequest


def results_of(value: Json) -> Results:
    """Results from their JSON value, of any format there was. `BadRequest` says which field is wrong."""
    if isinstance(value, Mapping) and value.get("format", FORMAT) not in FORMATS:
        raise BadRequest(f"these are no results of format {' or '.join(FORMATS)}, got {value.get('format')!r}")
    if isinstance(value, Mapping) and value.get("format") == FORMATS[0]:
        value = {**value, "judged": [_verdict(one) for one in value.get("judged", ())]}
    return from_json(Results, value, "results")


def _verdict(judged: Json) -> Json:
    if not isinstance(judged, Mapping) or "margin_kind" in judged:
        return judged
    verdict, p, bounds = judged.get("verdict"), judged.get("p_corrected"), judged.get("bounds")
    alpha = 1 - bounds["level"] if isinstance(bounds, Mapping) and isinstance(bounds.get("level"), float) else 0.05
    if verdict == "disparity shown":
        verdict = "difference shown"
    elif verdict == "equivalence shown" and isinstance(p, (int, float)) and p <= alpha + 1e-12:
        verdict = "difference shown, within the declared margin"
    return {**judged, "verdict": verdict, "margin_kind": "ratio"}
