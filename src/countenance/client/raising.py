"""From a problem (RFC 9457) to the error of `countenance.errors` that the server raised."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from countenance import errors

_KIND = "urn:countenance:problem:"
_OTHERS: Mapping[str, type[errors.CountenanceError]] = {
    "deny": errors.Denied,
    "undetermined": errors.Denied,
    "malformed": errors.BadRequest,
    "unfit": errors.BadRequest,
    "body-too-large": errors.BadRequest,
    "content-type": errors.BadRequest,
    "too-slow": errors.BadRequest,
    "no-such-path": errors.NotOffered,
    "method-not-allowed": errors.NotOffered,
}


def error_in(status: int, headers: Mapping[str, str], body: bytes) -> errors.CountenanceError:
    """The error that an answer of that status tells of. Of one that is no problem: `CountenanceError`."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return errors.CountenanceError(f"the server answered {status}, and not as /v1 does; is the address right?")
    return error_of(problem, headers)


def error_of(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> errors.CountenanceError:
    """The error that a problem tells of. `Denied.decision` is the problem itself: clauses, facts, remedy, appeal."""
    kind = str(problem.get("type", "")).removeprefix(_KIND)
    error_type = _KINDS.get(kind, errors.CountenanceError)
    text = str(problem.get("detail") or problem.get("title") or kind)
    if faults := problem.get("faults"):
        text = f"{text} {'; '.join(': '.join((str(each.get('at')), str(each.get('says')))) for each in faults)}"
    error: errors.CountenanceError
    if issubclass(error_type, errors.Denied):
        error = error_type(text, dict(problem))
    elif issubclass(error_type, errors.BudgetSpent):
        wait = (headers or {}).get("retry-after")
        error = error_type(text, retry_after=None if wait is None else int(wait) if wait.isdigit() else 60)
    else:
        error = error_type(text)
    receipt = problem.get("receipt")
    error.receipt = receipt if isinstance(receipt, str) else None
    return error


def _every(root: type[errors.CountenanceError]) -> list[type[errors.CountenanceError]]:
    return [root, *(each for kind in root.__subclasses__() for each in _every(kind))]


_KINDS: Mapping[str, type[errors.CountenanceError]] = {
    **{re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind for kind in _every(errors.CountenanceError)},
    **_OTHERS,
}
