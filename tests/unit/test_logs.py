"""The log in both forms: words and facts, of an error its kind and place, nothing that was sent."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from countenance.logs import TOLD, JsonLines, TextLines, write_log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)


def of_a_failure() -> logging.LogRecord:
    try:
        raise ValueError("mary.smith could not be read")
    except ValueError as error:
        about = (type(error), error, error.__traceback__)
        return logging.LogRecord("here", logging.ERROR, "f", 1, "it %s", ("failed",), about)


def test_an_error_is_told_by_its_kind_and_place_only() -> None:
    text, line = TextLines().format(of_a_failure()), json.loads(JsonLines().format(of_a_failure()))
    assert text.startswith("it failed: ValueError at test_logs.py:")
    assert line["says"] == "it failed" and line["level"] == "error" and line["source"] == "here"
    assert line["error"]["kind"] == "ValueError"
    assert "mary" not in text + json.dumps(line)


def test_facts_stand_beside_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    write_log("json")
    logging.getLogger("countenance").warning("refused: %s", "m", extra={TOLD: {"mandate": "m"}})
    logging.getLogger("countenance").info("nobody needs this")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) | {"mandate": "m", "says": "refused: m"} == json.loads(line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_thread_that_dies_tells_nothing_of_what_it_held(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(form)

    def die() -> None:
        raise KeyError("mary.smith")

    thread = threading.Thread(target=die, name="galleries")
    thread.start()
    thread.join()
    said = capsys.readouterr().err
    assert "galleries ended: KeyError at test_logs.py:" in said
    assert "mary" not in said and len(said.splitlines()) == 1
