from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.audit.evidence.statement import Sealed
from countenance.audit.formats.codec import from_json, json_schema, later, to_json
from countenance.audit.formats.plan import SystemsPlan
from countenance.audit.formats.schemas import FOLDER, SCHEMAS, made
from countenance.errors import BadRequest
from countenance.signing import canonical


@dataclass(frozen=True, slots=True)
class Inner:
    """Inside."""

    rate: float | None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    """Outside."""

    count: Annotated[int, "how many"]
    kind: Literal["a", "b"]
    inner: Inner
    more: Mapping[str, Inner]
    on: bool = False


inners = st.builds(
    Inner, st.none() | st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text(), max_size=3).map(tuple)
)
outers = st.builds(
    Outer,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.sampled_from(["a", "b"]),
    inners,
    st.dictionaries(st.text(max_size=5), inners, max_size=3),
    st.booleans(),
)


@given(outers)
def test_a_record_survives_canonical_json_and_fits_its_schema(record: Outer) -> None:
    value = json.loads(canonical(to_json(record)))
    assert from_json(Outer, value) == record
    jsonschema.validate(value, json_schema(Outer, "outer"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": "3"}, "Outer.count is a whole number, got '3'"),
        ({"count": True}, "Outer.count is a whole number"),
        ({"kind": "c"}, "Outer.kind is one of a, b"),
        ({"inner": []}, "Outer.inner is a table"),
        ({"inner": {"rate": math.nan}}, "Outer.inner.rate is a finite number"),
        ({"inner": {"rate": 1.0, "names": "x"}}, "Outer.inner.names is a list"),
        ({"colour": 1}, "has no field 'colour'"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], words: str) -> None:
    value = {"count": 1, "kind": "a", "inner": {"rate": None}, "more": {}} | change
    with pytest.raises(BadRequest) as caught:
        from_json(Outer, value)
    assert words in str(caught.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadRequest, match="lacks the field 'kind'"):
        from_json(Outer, {"count": 1, "inner": {"rate": None}, "more": {}})


def test_numbers_that_are_none_never_get_into_a_record() -> None:
    with pytest.raises(ValueError, match="finite"):
        to_json(Inner(math.inf))
    assert to_json({"a": np.float32(0.5), "b": np.int64(3)}) == {"a": 0.5, "b": 3}


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [
        *SCHEMAS,
        ("evidence.schema.json", Sealed, "Countenance evidence 1"),
        ("systems-plan.schema.json", SystemsPlan, "Countenance audit plan for several systems 1"),
    ],
)
def test_the_shipped_schemas_are_those_of_the_records(name: str, kind: type[object], title: str) -> None:
    schema = json.loads((FOLDER / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == made(kind, title), "run `python -m countenance.audit.formats.schemas` to write them again"


@dataclass(frozen=True, slots=True)
class Grown:
    """A record that got fields later."""

    count: int
    words: Mapping[str, str] = later(dict)
    share: float | None = later(None)


def test_a_later_field_is_not_written_while_it_has_its_default() -> None:
    assert to_json(Grown(3)) == {"count": 3}
    assert to_json(Grown(3, {"a": "b"}, 0.5)) == {"count": 3, "words": {"a": "b"}, "share": 0.5}
    assert from_json(Grown, {"count": 3}) == Grown(3)
    assert json_schema(Grown, "grown")["$defs"]["Grown"]["required"] == ["count"]
