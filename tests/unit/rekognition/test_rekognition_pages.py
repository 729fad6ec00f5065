from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from countenance.api.rekognition.pages import MAX_TOKEN, Pages
from countenance.errors import BadPageToken

ID = st.from_regex(r"[a-zA-Z0-9_.\-]{1,255}", fullmatch=True)
CURSOR = st.from_regex(r"[a-zA-Z0-9_.\-:]{0,236}", fullmatch=True)
URL_SAFE = re.compile(r"[A-Za-z0-9._~-]*")
PAGES = Pages(b"k" * 32)


@given(ID, CURSOR)
def test_a_token_gives_its_cursor_back_and_fits_in_next_token(gallery_id: str, cursor: str) -> None:
    token = PAGES.token("ListFaces", gallery_id, cursor)
    assert len(token) <= MAX_TOKEN
    assert URL_SAFE.fullmatch(token)
    assert PAGES.cursor("ListFaces", gallery_id, token) == cursor


@given(ID)
def test_every_collection_id_is_a_cursor_of_its_list(cursor: str) -> None:
    token = PAGES.token("ListCollections", "", cursor)
    assert len(token) <= MAX_TOKEN
    assert URL_SAFE.fullmatch(token)
    assert PAGES.cursor("ListCollections", "", token) == cursor


@pytest.mark.parametrize("cursor", [":" * 236, *("-" * n for n in (235, 236, 237, 238, 254, 255)), "a" * 255, ""])
def test_the_longest_cursors_fit(cursor: str) -> None:
    token = PAGES.token("ListCollections", "", cursor)
    assert len(token) <= MAX_TOKEN
    assert URL_SAFE.fullmatch(token)
    assert PAGES.cursor("ListCollections", "", token) == cursor


def test_a_token_is_good_for_its_operation_collection_and_installation_only() -> None:
    token = PAGES.token("ListFaces", "staff", "41")
    for pages, operation, gallery_id in [
        (PAGES, "ListCollections", "staff"),
        (PAGES, "ListFaces", "guests"),
        (PAGES, "ListFaces", ""),
        (Pages(b"x" * 32), "ListFaces", "staff"),
    ]:
        with pytest.raises(BadPageToken):
            pages.cursor(operation, gallery_id, token)


@given(st.text(max_size=300))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(BadPageToken):
        PAGES.cursor("ListFaces", "staff", text)


@given(st.data())
def test_an_altered_token_is_refused(data: DataObject) -> None:
    token = PAGES.token("ListFaces", "staff", "41")
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([c for c in token if c != token[at]] + ["!"]))
    altered = token[:at] + other + token[at + 1 :]
    if altered != token:
        with pytest.raises(BadPageToken):
            PAGES.cursor("ListFaces", "staff", altered)
