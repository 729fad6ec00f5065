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


def test_a_first_search_takes_at_most_five_steps() -> None:
    text = (ROOT / "README.md").read_text()
    chapter = text[text.index("## A first search") :]
    chapter = chapter[: chapter.index("\n## ", 1)]
    assert re.findall(r"^(\d)\. ", chapter, re.MULTILINE) == ["1", "2", "3", "4", "5"]


def test_the_example_of_the_readme_works_as_it_stands_for_a_newcomer(tmp_path: Path) -> None:
    """Nobody names a data folder: server, grant and export find the same one, each from a folder of its own."""
    faces = {(photo.person, photo.number): photo.png for photo in orl_faces(HOME / "demo-faces")}
    for number in (1, 2):
        (tmp_path / f"ann-{number}.png").write_bytes(faces[5, number])
    _, grant, record = blocks("sh")
    (program,) = blocks("python")
    newcomer = {"HOME": str(tmp_path / "ann"), "XDG_DATA_HOME": ""}
    with serving(None, **newcomer) as live:
        others = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
        environment = {**others, **live.environment, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_PROXY": "*"}

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
    assert (tmp_path / "ann/.local/share/countenance/countenance.sqlite").exists()
    assert not (tmp_path / "data").exists()
