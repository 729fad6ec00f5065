"""Bulk enrolment: every picture of LFW by one command, interrupted once and resumed.

Each picture is one operation of its own: decided, on record, durable. Peer: OpenCV's FaceDetectorYN + FaceRecognizerSF
with the same weights on a sample of the same pictures in the same run, vision only, one process for each core.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.server import key_for, opencv_images_per_second, pictures
from benchmarks.vision_pictures import data
from countenance import settings
from countenance.app import Countenance

GALLERY = "everybody"
INTERRUPT_AT = 1000
COMMAND = [sys.executable, "-c", "from countenance.cli import main; main()", "enrol", GALLERY]


def run() -> dict[str, Any]:
    """Enrol, interrupt, go on, and count."""
    folder = data() / "lfw" / "images"
    if not folder.is_dir():
        raise SystemExit("the bulk benchmark needs LFW in the evaluation data: set COUNTENANCE_DATA")
    opencv = opencv_images_per_second(pictures(64))
    with tempfile.TemporaryDirectory(prefix="countenance-bulk-") as home:
        environment = {
            **os.environ,
            "COUNTENANCE_HOME": home,
            "COUNTENANCE_WEIGHTS": str(settings.load({**os.environ}).models_cache),
        }
        command = [*COMMAND, str(folder), "--key", _key(environment), "--external-id", "folder", "--quality", "NONE"]
        before = _interrupted(command, environment)
        began = time.perf_counter()
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"the enrolment failed: {ended.stderr[-2000:]}")
        said = ended.stdout
        whole_s = time.perf_counter() - began
        app = Countenance.open(settings.load(environment))
        try:
            faces, entries = app.gallery.describe(GALLERY).faces, app.ledger.size
        finally:
            app.close()
    count = sum(1 for _ in folder.glob("*/*.jpg"))
    rest, rate = re.search(r"(\d+) pictures, ([\d.]+) images/s", said).groups()  # type: ignore[union-attr]
    row = {
        "pictures": count,
        "before the interrupt": before,
        "after it": int(rest),
        "images/s, as the command says": float(rate),
        "images/s, its start and end included": int(rest) / whole_s,
        "OpenCV, vision only, images/s": opencv["median"],
        "of OpenCV's": float(rate) / opencv["median"],
        "faces enrolled": faces,
        "ledger entries": entries,
    }
    return {
        "what": (__doc__ or "").partition("\n")[0],
        "opencv_images_per_second": opencv,
        "said": said.splitlines(),
        "tables": [
            {
                "title": "LFW's pictures of 250x250 into one gallery by one command",
                "note": "The largest face of each picture. Killed once, then run again to the end; a face that was "
                "enrolled twice would make more faces than pictures.",
                "rows": [row],
            }
        ],
    }


def _key(environment: dict[str, str]) -> str:
    """An access key for everything, in a new installation."""
    app = Countenance.open(settings.load(environment))
    try:
        return key_for(app, GALLERY).access_key
    finally:
        app.close()


def _interrupted(command: list[str], environment: dict[str, str]) -> int:
    """Start, kill after INTERRUPT_AT pictures, and say how many were done."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit("the enrolment ended before it could be interrupted")
            done = _done(Path(environment["COUNTENANCE_HOME"]))
            if done >= INTERRUPT_AT:
                break
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return _done(Path(environment["COUNTENANCE_HOME"]))


def _done(home: Path) -> int:
    journal = next((home / "enrolling").glob("*.done"), None)
    return 0 if journal is None else len(journal.read_text().splitlines())
