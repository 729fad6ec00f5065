"""The steps of the Dockerfile, run in a folder instead of an image: what comes of them serves."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_the_steps_of_the_first_stage_make_a_program_that_serves(tmp_path: Path) -> None:
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text())
    first, last = text.split("\nFROM ")[-2:]
    source, program = tmp_path / "src", tmp_path / "program"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTENANCE_", "PYTHON"))}
    for line in first.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *names, target = rest.split()
            for name in names:
                at = source / (target if len(names) == 1 else name)
                at.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, at)
        elif word == "RUN":
            source.mkdir(exist_ok=True)
            command = rest.replace("/opt/countenance", str(program)).replace("python3", sys.executable)
            subprocess.run(command, shell=True, cwd=source, env=clean, check=True)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = dict(re.findall(r"(COUNTENANCE_[A-Z_]+)=(\S+)", last))
    settings |= {
        "COUNTENANCE_HOST": "127.0.0.1",
        "COUNTENANCE_HOME": str(tmp_path / "home"),
        "COUNTENANCE_PORT": str(port),
    }
    settings["COUNTENANCE_WEIGHTS"] = settings["COUNTENANCE_WEIGHTS"].replace("/opt/countenance", str(program))
    server = subprocess.Popen([program / "bin" / "countenance", "serve"], cwd=tmp_path, env={**clean, **settings})
    try:
        for _ in range(1200):
            assert server.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                    assert answer.status == 200
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        else:
            pytest.fail("it did not answer")
    finally:
        server.terminate()
        assert server.wait(60) == 0
