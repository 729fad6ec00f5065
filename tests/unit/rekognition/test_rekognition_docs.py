"""docs/rekognition.md says what the code does: its tables are read and compared."""

from __future__ import annotations

from pathlib import Path

from countenance.api.admission import MAX_VALUES
from countenance.api.rekognition import LIMITS
from countenance.api.rekognition import errors as wire
from countenance.api.rekognition.actions import PAGE, Actions
from countenance.api.rekognition.buckets import MAX_OBJECT_BYTES
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.user_actions import ASSOCIATION, USER_PAGE
from countenance.api.rekognition.wire_operation import MATCHES, SIMILARITY
from countenance.gallery.users import MOST_FACES

TEXT = (Path(__file__).parents[3] / "docs" / "rekognition.md").read_text()
NAMES = {kind.__name__ for kind in wire.FAULTS}
ROWS = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in TEXT.splitlines() if line[:1] == "|"]


def test_the_table_of_errors_is_the_table_of_the_code() -> None:
    told = {(row[0], row[1], int(row[2])) for row in ROWS if len(row) == 3 and row[0] in NAMES}
    assert told == {(kind.__name__, fault.type, fault.status) for kind, fault in wire.FAULTS.items()}


def test_every_type_that_the_dialect_raises_is_in_the_page() -> None:
    faults = {fault for fault in vars(wire).values() if isinstance(fault, wire.AwsError)}
    told = {(row[1], int(row[2])) for row in ROWS if len(row) == 3 and row[2].isdigit()}
    assert {(fault.type, fault.status) for fault in faults} <= told


def test_the_table_of_operations_is_what_is_served() -> None:
    served = Actions("r", Objects({}), Pages(b"k")).served
    titles = [row[0] for row in ROWS]
    start = titles.index("operation") + 2
    assert set(titles[start : start + len(served)]) == set(served)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    mib = 1024 * 1024
    for number in (
        f"{LIMITS.body_bytes // mib} MiB",
        f"{LIMITS.held_bytes // mib} MiB",
        f"{LIMITS.body_seconds:g} s",
        f"{MAX_OBJECT_BYTES // mib} MiB",
        f"({MAX_VALUES:,})",
        f"has {PAGE:,} items",
        f"at most {MATCHES} matches",
        f"Thresholds are {SIMILARITY:g} ",
        f"UserMatchThreshold {ASSOCIATION:g} ",
        f"{USER_PAGE} on a page",
        f"beyond {MOST_FACES} faces",
    ):
        assert number in TEXT.replace("\n", " "), number
