"""The OpenAPI document: current, and nothing in it unexplained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countenance.api.native import document
from countenance.api.native.problems import KINDS

ROOT = Path(__file__).parents[3]
DOCUMENT = document()
OPERATIONS = {
    f"{method} {path}": operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


def test_the_checked_in_document_is_current() -> None:
    written = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert written == DOCUMENT, "write it again: python -m countenance.api.native > docs/openapi.json"


def test_every_field_and_every_schema_is_described() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name
        for field, about in schema.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"


def test_every_body_and_every_answer_is_closed() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if name not in ("Problem", "JsonValue"):
            assert schema.get("additionalProperties") is False, name


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_who_may_and_how_it_fails(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert all(each.get("description") for each in operation.get("parameters", []))
    by_key = name.partition("/v1/")[2].startswith(("detections", "comparisons", "redactions", "galleries"))
    assert operation["security"] == ([{"operator": []}] if operation["x-roles"] else [{"key": []}] * by_key)
    for status, answer in operation["responses"].items():
        assert answer["description"]
        media = "application/problem+json" if status >= "400" else None
        assert media is None or set(answer["content"]) == {media}
    assert {"401", "403", "422"} <= set(operation["responses"])


def test_ids_of_operations_are_told_apart() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere_and_nothing_lies_about_unused() -> None:
    named = {each.rsplit("/", 1)[1] for each in references(DOCUMENT)}
    lines = {"BulkLine"}  # of NDJSON, whose schema is that of a text
    assert named | lines == set(DOCUMENT["components"]["schemas"])


def test_the_guide_has_the_table_of_errors_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "native-api.md").read_text(encoding="utf-8")
    for kind, row in KINDS.items():
        assert f"| {kind.__name__} | {row.status} | {row.title} |" in text
    for name in OPERATIONS:
        method, path = name.split(" ")
        assert f"`{method.upper()} {path}`" in text, name
