"""docs/azure.md says what the code does and what Microsoft's clients offer: its tables are read and compared."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from azure.ai.vision.face import FaceAdministrationClient, FaceClient, FaceSessionClient
from azure.cognitiveservices.vision.face import FaceClient as OlderClient
from azure.core.credentials import AzureKeyCredential
from msrest.authentication import CognitiveServicesCredentials

from countenance.api.azure import LIMITS, face_calls, values
from countenance.api.azure import errors as wire
from countenance.api.azure.answers import GUESSED, MEASURED, NOT_MEASURED, OVER, UNDER
from countenance.api.azure.routes import NOT_OFFERED, SERVED, VERSIONS
from countenance.api.azure.server import JSON_BYTES
from countenance.gallery.kept_faces import MOST, MOST_OF_ONE
from countenance.gallery.users import MOST_FACES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "azure.md").read_text()
ROWS = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in TEXT.splitlines() if line[:1] == "|"]
CALLS = [row for row in ROWS if len(row) == 5 and re.match(r"(GET|PUT|POST|PATCH|DELETE) /", row[0])]


def operations(client: Any) -> set[str]:
    """The public calls of a client, those of its groups as group.call."""
    found = set()
    for name, member in inspect.getmembers(client):
        if name.startswith("_") or name in ("send_request", "close", "config", "api_version"):
            continue
        if inspect.ismethod(member):
            found.add(name)
        elif type(member).__name__.endswith("Operations"):
            found |= {f"{name}.{call}" for call, _ in inspect.getmembers(member, inspect.ismethod) if call[0] != "_"}
    return found


def test_every_call_of_both_clients_is_in_the_table() -> None:
    key, older = AzureKeyCredential("k"), OlderClient
    untyped: Any = older
    newer = set().union(
        *(operations(kind("http://h", key)) for kind in (FaceClient, FaceAdministrationClient, FaceSessionClient))
    )
    assert {row[1].strip("`") for row in CALLS} - {"–"} == newer
    assert {row[2].strip("`") for row in CALLS} - {"–"} == operations(
        untyped("http://h", CognitiveServicesCredentials("k"))
    )


def test_every_route_is_in_the_table_and_what_is_refused_is_not_served() -> None:
    told = {tuple(re.split(r"[ ,]", row[0])[:2]) for row in CALLS if row[3] == "served"}
    assert told == {(method, f"/{pattern}") for method, pattern in SERVED}
    for row in CALLS:
        assert row[3] in ("served", "refused: addresses", "refused: liveness", "refused: snapshots")
        if row[3] in ("refused: liveness", "refused: snapshots") and "/detect with" not in row[0]:
            assert row[0].split("/")[1] in NOT_OFFERED


def test_every_row_names_a_test_that_exists() -> None:
    files = (ROOT / "tests" / "contract" / "azure").glob("test_*.py")
    tests = set(re.findall(r"^def (test_\w+)", "\n".join(file.read_text() for file in files), re.MULTILINE))
    assert {row[4] for row in CALLS} <= tests


def test_the_table_of_errors_is_the_table_of_the_code() -> None:
    names = {kind.__name__ for kind in wire.FAULTS}
    told = {(row[0], row[1], int(row[2])) for row in ROWS if len(row) == 3 and row[0] in names}
    assert told == {(kind.__name__, fault.code, fault.status) for kind, fault in wire.FAULTS.items()}
    faults = {fault for fault in vars(wire).values() if isinstance(fault, wire.AzureError)}
    every = {(row[1], int(row[2])) for row in ROWS if len(row) == 3 and row[2].isdigit()}
    assert {(fault.code, fault.status) for fault in faults} <= every


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    for said in (
        *VERSIONS,
        f"{LIMITS.body_bytes:,} bytes",
        f"{JSON_BYTES // 1024} KiB",
        f"{LIMITS.body_seconds:g} s",
        f"at most {values.MAX_NAME} characters",
        f"people {values.MAX_USER_DATA // 1024} KB, of faces {values.MAX_FACE_USER_DATA // 1024} KB",
        f"at most {values.MAX_PAGE:,})",
        f"({face_calls.SHORTEST_LIFE} to {face_calls.LONGEST_LIFE:,}; {face_calls.LONGEST_LIFE:,} unless",
        f"{MOST_OF_ONE:,} faces are kept for one mandate and {MOST:,} in all",
        f"at most {MOST_FACES} faces (Azure",
        f"underExposure below {UNDER:g}, overExposure above {OVER:g}",
    ):
        assert said in TEXT.replace("\n  ", " ").replace("\n", " "), said
    for name in (*MEASURED, *NOT_MEASURED, *GUESSED):
        assert f"`{name}`" in TEXT
