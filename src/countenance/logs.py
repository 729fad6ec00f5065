"""The log: what is written is written for operators, without a face, a name or a secret.

An error is told by its kind and place, never by its message or its traceback's lines: they may hold what was sent.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

TOLD = "told"
"""`log.warning(…, extra={TOLD: {…}})`: facts for the log as JSON, beside the words."""


def write_log(form: str) -> None:
    """Write warnings and worse to stderr, as `text` or as `json`; those of libraries and of threads that die, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    threading.excepthook = _thread_died


class TextLines(logging.Formatter):
    """The words alone; of an error, its kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        error = _error_of(record)
        return record.getMessage() + (f": {error['kind']} at {error['place']}" if error else "")


class JsonLines(logging.Formatter):
    """One JSON object a line: at (UTC), level, source, says, what was told beside it, an error by kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "source": record.name,
            "says": record.getMessage(),
        }
        line |= getattr(record, TOLD, {})
        if error := _error_of(record):
            line["error"] = error
        return json.dumps(line, ensure_ascii=False, default=str)


def _error_of(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    return {"kind": record.exc_info[0].__name__, "place": _place(record.exc_info[2])}


def _place(at: TracebackType | None) -> str:
    for frame in traceback.extract_tb(at)[-1:]:
        return f"{Path(frame.filename).name}:{frame.lineno}"
    return "nowhere"


def _thread_died(died: threading.ExceptHookArgs) -> None:
    name = died.thread.name if died.thread else "unknown"
    logging.getLogger("countenance").error(
        "the thread %s ended: %s at %s", name, died.exc_type.__name__, _place(died.exc_traceback)
    )
