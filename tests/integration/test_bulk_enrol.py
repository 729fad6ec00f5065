"""Bulk enrolment, interrupted and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.serving import HOME, grant, need_weights, opened

from countenance.demo.faces import orl_faces


def test_an_interrupted_enrolment_goes_on_and_enrols_nobody_twice(tmp_path: Path) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    photos = [photo for photo in orl_faces(HOME / "demo-faces") if photo.number <= 2]
    for photo in photos:
        path = tmp_path / "in" / f"person {photo.person}" / f"{photo.number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.png)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    key = grant(environment)
    command = [sys.executable, "-c", "from countenance.cli import main; main()", "enrol", "staff"]
    command += [str(tmp_path / "in"), "--key", key.access_key, "--external-id", "folder", "--quality", "NONE"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    done = None
    for _ in range(600):
        done = next((tmp_path / "home" / "enrolling").glob("*.done"), None)
        if done is not None and len(done.read_text().splitlines()) > 5:
            break
        assert process.poll() is None, "it was done before it could be interrupted"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=250
    )
    assert again.returncode == 0, again.stderr
    assert "were done before" in again.stdout
    with opened(environment) as app:
        faces = app.gallery.faces("staff", limit=4096).items
    assert len(faces) == len(photos)
    assert {face.external_id for face in faces} == {f"person:20{photo.person}" for photo in photos}
