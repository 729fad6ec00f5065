"""Amazon's JavaScript SDK v3 under Node, unchanged: typed exceptions, paginators, bytes, dates."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.contract.javascript.node import MODULES, node_with
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET, FakeGuard, serving

PROGRAM = Path(__file__).parents[1] / "javascript" / "program.mjs"


@pytest.fixture(scope="module")
def said() -> Mapping[str, Any]:
    """What the program said at its end."""
    program = node_with("@aws-sdk/client-rekognition")
    with serving(FakeGuard()) as url:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "NODE_"))}
        done = subprocess.run(
            [program, PROGRAM],
            env={
                **clean,
                "MODULES": str(MODULES),
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL_REKOGNITION": url,
                "AWS_ENDPOINT_URL_STS": url,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


def test_faces_are_indexed_and_found_below_the_floor_too(said: Mapping[str, Any]) -> None:
    assert said["indexed"] == 3
    assert said["found"] == [["team", 99.5]]
    assert said["version"] == "1.0"
    assert said["associated"] == "ACTIVE"


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("again", "ResourceAlreadyExistsException"),
        ("missing", "ResourceNotFoundException"),
        ("token", "InvalidPaginationTokenException"),
        ("invalid", "InvalidImageFormatException"),
        ("nobody", "InvalidParameterException"),
    ],
)
def test_errors_are_the_sdks_own_classes(said: Mapping[str, Any], what: str, name: str) -> None:
    assert (said[what]["name"], said[what]["typed"]) == (name, True)


def test_the_message_for_no_face_is_the_one_that_programs_look_for(said: Mapping[str, Any]) -> None:
    assert "There are no faces in the image. Should be at least 1." in said["nobody"]["message"]


def test_paginators_come_to_their_end(said: Mapping[str, Any]) -> None:
    assert said["collections"] == [["a-1", "a-2"], ["a-3", "staff"]]
    assert (said["faces"], said["pages"]) == (3, 3)


def test_what_is_left_out_is_undefined_and_dates_are_dates(said: Mapping[str, Any]) -> None:
    assert said["gender"] == "not told"
    assert said["created"] is True


def test_the_token_service_answers_too(said: Mapping[str, Any]) -> None:
    assert said["account"] == "000000000000"
