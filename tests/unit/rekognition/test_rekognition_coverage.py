"""The coverage page is complete: a face operation or member that botocore's model gains fails here."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from countenance.api.rekognition import Objects
from countenance.api.rekognition.actions import Actions
from countenance.api.rekognition.pages import Pages

ROOT = Path(__file__).parents[3]


def _written() -> Any:
    spec = importlib.util.spec_from_file_location("rekognition_coverage", ROOT / "docs" / "rekognition_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


coverage = _written()


def test_the_page_is_what_the_model_and_the_decisions_give() -> None:
    assert (ROOT / "docs" / "rekognition-coverage.md").read_text() == coverage.page()


def test_no_member_of_the_model_is_new() -> None:
    assert set(coverage.found_members()) == set(coverage.known_members())


def test_every_face_operation_is_answered() -> None:
    assert len(coverage.face_operations()) == 34
    assert set(coverage.face_operations()) == set(Actions("r", Objects({}), Pages(b"k")).served)


def test_an_operation_that_nobody_decided_about_stops_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "OTHER_OPERATIONS", coverage.OTHER_OPERATIONS - {"DetectText"})
    with pytest.raises(ValueError, match="DetectText"):
        coverage.face_operations()


def test_each_operation_is_called_in_the_test_that_is_named() -> None:
    for name in coverage.face_operations():
        text = (ROOT / "tests" / coverage.SHOWN_BY.get(name, coverage._BOTO)).read_text()
        assert re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() in text or f'"{name}"' in text, name


def test_each_served_member_of_a_request_is_sent_in_a_test() -> None:
    files = [
        *(ROOT / "tests" / "contract" / "rekognition").glob("*.py"),
        *(ROOT / "tests" / "integration").rglob("*.py"),
    ]
    text = "\n".join(path.read_text() for path in files)
    for name in coverage.face_operations():
        shape = coverage.load_model().operation_model(name).input_shape
        for place, key in coverage.members(shape, ""):
            member = place.rpartition(".")[2]
            if coverage.fate(name, key).startswith("served"):
                assert re.search(rf"\b{member}\b", text), f"{name} {place} is sent in no test"
