"""Holds answers against botocore's service model: types, required and unknown members, enumerations, ranges, patterns.

botocore does not check what a server sends, so this is written here, independent of the code under test.
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape


def check_answers(client: Any) -> list[str]:
    """Make `client` hold every successful answer against the model; the operations that were seen, in order."""
    seen: list[str] = []

    def hold(http_response: Any, model: OperationModel, **_: Any) -> None:
        if http_response.status_code == 200:
            assert http_response.headers["content-type"] == "application/x-amz-json-1.1"
            assert len(http_response.headers["x-amzn-requestid"]) == 36
            assert model.output_shape is not None
            _check(json.loads(http_response.content), model.output_shape, model.name)
            seen.append(model.name)

    client.meta.events.register("after-call.rekognition.*", hold)
    return seen


def _check(value: Any, shape: Shape, place: str) -> None:
    meta = shape.metadata
    kind = shape.type_name
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), place
        assert set(value) <= set(shape.members), f"{place}: {set(value) - set(shape.members)} not in the model"
        assert set(shape.required_members) <= set(value), place
        for name, item in value.items():
            assert item is not None, f"{place}.{name} is null"
            _check(item, shape.members[name], f"{place}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), place
        size = len(value)
        assert meta.get("min", 0) <= size or size == 0, place  # AWS itself sends empty lists
        assert size <= meta.get("max", size), place
        for item in value:
            _check(item, shape.member, f"{place}[]")
    elif kind == "string":
        assert isinstance(value, str), place
        assert meta.get("min", 0) <= len(value) <= meta.get("max", len(value)), place
        assert value in meta.get("enum", [value]), f"{place}: {value}"
        if "pattern" in meta:
            assert re.fullmatch(meta["pattern"], value), f"{place}: {value}"
    elif kind in ("integer", "long"):
        assert type(value) is int, place
        assert meta.get("min", value) <= value <= meta.get("max", value), place
    elif kind in ("float", "double", "timestamp"):
        assert type(value) in (int, float), place
        assert meta.get("min", value) <= value <= meta.get("max", value), place
    elif kind == "boolean":
        assert isinstance(value, bool), place
    elif kind == "map":
        assert isinstance(value, dict), place
        assert meta.get("min", 0) <= len(value) <= meta.get("max", len(value)), place
        for key, item in value.items():
            assert isinstance(key, str), place
            assert isinstance(item, str), place  # tags; Python's re does not know their pattern
    else:
        raise AssertionError(f"{place}: no answer of the served operations holds a {kind}")
