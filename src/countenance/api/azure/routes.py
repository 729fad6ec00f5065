"""Which handler answers which method and path, and which paths are refused by name.

`{}` stands for one part of a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from countenance.api.azure import face_calls
from countenance.api.azure.answers import GROUP_CODES
from countenance.api.azure.errors import (
    INVALID_REQUEST,
    METHOD_NOT_ALLOWED,
    UNKNOWN_PATH,
    UNSUPPORTED_FEATURE,
    AzureRefused,
)
from countenance.api.azure.group_calls import GroupCalls
from countenance.api.azure.wire_call import Handler
from countenance.operations import GroupKind

VERSIONS = ("v1.0", "v1.1-preview.1", "v1.2-preview.1", "v1.2")
PREFIX = "/face"

COLLECTIONS: Mapping[str, GroupKind] = {
    "persongroups": GroupKind.PERSON_GROUP,
    "largepersongroups": GroupKind.LARGE_PERSON_GROUP,
    "facelists": GroupKind.FACE_LIST,
    "largefacelists": GroupKind.LARGE_FACE_LIST,
}
"""The names of the kinds of groups and lists in paths."""

NOT_OFFERED: Mapping[str, str] = {
    "detectLiveness": "liveness: no check with published errors (ISO/IEC 30107-3) and a permissive licence is known",
    "detectLivenessWithVerify": "liveness: no check with published errors (ISO/IEC 30107-3) and a permissive licence "
    "is known",
    "session": "liveness sessions and their pictures",
    "persons": "the person directory, which Microsoft took out of its clients; use large person groups",
    "dynamicpersongroups": "dynamic person groups, which Microsoft took out of its clients; use large person groups",
    "snapshots": "snapshots, which Microsoft took out of the service",
    "operations": "operations that last: everything here is done when it is answered",
}
"""First parts of paths that Azure Face has or had, with the reason why they are not served."""


def _served() -> dict[tuple[str, str], tuple[Handler, str]]:
    """(method, path) to the handler and the kind's name in error codes."""
    table: dict[tuple[str, str], tuple[Handler, str]] = {
        ("POST", "detect"): (face_calls.detect, "Face"),
        ("POST", "verify"): (face_calls.verify, "PersonGroup"),
        ("POST", "identify"): (face_calls.identify, "PersonGroup"),
        ("POST", "findsimilars"): (face_calls.find_similar, "FaceList"),
        ("POST", "group"): (face_calls.group, "Face"),
    }
    for word, kind in COLLECTIONS.items():
        calls = GroupCalls(kind)
        mine: dict[tuple[str, str], Handler] = {
            ("GET", word): calls.list,
            ("PUT", f"{word}/{{}}"): calls.create,
            ("GET", f"{word}/{{}}"): calls.read,
            ("PATCH", f"{word}/{{}}"): calls.update,
            ("DELETE", f"{word}/{{}}"): calls.delete,
        }
        if kind is not GroupKind.FACE_LIST:
            mine |= {("POST", f"{word}/{{}}/train"): calls.train, ("GET", f"{word}/{{}}/training"): calls.training}
        faces = f"{word}/{{}}/persistedfaces"
        if kind.of_people:
            people = f"{word}/{{}}/persons"
            faces = f"{people}/{{}}/persistedfaces"
            mine |= {
                ("POST", people): calls.create_person,
                ("GET", people): calls.list_persons,
                ("GET", f"{people}/{{}}"): calls.read_person,
                ("PATCH", f"{people}/{{}}"): calls.update_person,
                ("DELETE", f"{people}/{{}}"): calls.delete_person,
            }
        mine |= {("POST", faces): calls.add_face, ("DELETE", f"{faces}/{{}}"): calls.delete_face}
        if kind is not GroupKind.FACE_LIST:
            mine |= {("GET", f"{faces}/{{}}"): calls.read_face, ("PATCH", f"{faces}/{{}}"): calls.update_face}
        if kind is GroupKind.LARGE_FACE_LIST:
            mine[("GET", faces)] = calls.list_faces
        table |= {key: (handler, GROUP_CODES[kind]) for key, handler in mine.items()}
    return table


SERVED: Mapping[tuple[str, str], tuple[Handler, str]] = _served()
"""Everything that is served."""


@dataclass(frozen=True, slots=True)
class Route:
    """handler: answers the request. group: the kind's name in error codes. parts: the variable parts of the path."""

    handler: Handler
    group: str
    parts: tuple[str, ...]
    pattern: str

    @property
    def takes_image(self) -> bool:
        """Whether the body is a picture."""
        return self.pattern == "detect" or self.pattern.endswith("persistedfaces")


def route_of(method: str, path: str) -> Route:
    """The route of a request below /face; `AzureRefused` with 404, 405 or, for calls that only Azure has, 403."""
    version, _, rest = path.removeprefix(PREFIX + "/").partition("/")
    if version not in VERSIONS:
        raise AzureRefused(UNKNOWN_PATH, f"Azure Face is spoken at {PREFIX}/ and one of {', '.join(VERSIONS)}.")
    parts = rest.split("/")
    if parts[0] in NOT_OFFERED:
        raise AzureRefused(INVALID_REQUEST, f"Not offered here: {NOT_OFFERED[parts[0]]}.", UNSUPPORTED_FEATURE)
    candidates = [
        (verb, pattern)
        for verb, pattern in SERVED
        if pattern.count("/") == len(parts) - 1
        and all(p in ("{}", part) for p, part in zip(pattern.split("/"), parts, strict=True))
    ]
    if not candidates:
        raise AzureRefused(UNKNOWN_PATH, "Resource not found.")
    pattern = next((pattern for verb, pattern in candidates if verb == method), None)
    if pattern is None:
        raise AzureRefused(METHOD_NOT_ALLOWED, f"this path takes {', '.join(sorted(verb for verb, _ in candidates))}")
    handler, group = SERVED[method, pattern]
    variable = tuple(part for p, part in zip(pattern.split("/"), parts, strict=True) if p == "{}")
    return Route(handler, group, variable, pattern)
