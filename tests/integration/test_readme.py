"""The README's example, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.serving import HOME, ROOT, serving

from countenance.demo.faces import orl_faces

BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_example_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    faces = {(photo.person, photo.number): photo.png for photo in orl_faces(HOME / "demo-faces")}
    for number in (1, 2):
        (tmp_path / f"ann-{number}.png").write_bytes(faces[5, number])
    _, grant, record = blocks("sh")
    (program,) = blocks("python")
    with serving(tmp_path / "home") as live:
        environment = {**os.environ, **live.environment, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_PROXY": "*"}

        def shell(text: str) -> str:
            done = subprocess.run(
                ["bash", "-euc", text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        exports = [line for line in shell(grant).splitlines() if line.startswith("export ")]
        assert len(exports) == 6
        (tmp_path / "program.py").write_text(program)
        said = shell("\n".join([*exports, f"{sys.executable} program.py"]))
        assert said.startswith("ann ")
        assert "by chance: 0.001" in said
        assert "nothing altered" in shell(record)
