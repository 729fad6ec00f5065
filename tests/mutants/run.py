"""`make mutants [PART=name]`: change the code a little, many times, and see that a test notices each change.

Each part is some modules and the tests that answer for them. mutmut keeps its results below `.mutants/PART`, so a run
that was interrupted goes on where it stopped, and a later one tests only what changed. It leaves out functions with
decorators (properties, compiled kernels). A mutant that no test noticed must be in `survivors.toml` with the reason
why no test could or should; this program fails on any other, and on an entry that no longer survives.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".mutants"
KILLED = {1, 3, -24, 24, 152, 36}  # a test failed; pytest broke; ran out of time


@dataclass(frozen=True, slots=True)
class Part:
    """modules: patterns below src/countenance. tests: files or folders below tests that answer for them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "guard": Part(("operations/guard.py",), ("unit/operations",)),
    "mandates": Part(("mandates/mandate.py",), ("unit/mandates", "unit/operations/test_guard.py")),
    "signing": Part(("signing.py",), ("unit/test_signing.py", "unit/ledger/test_notes.py")),
    "kleene": Part(
        ("policy/kleene.py",),
        ("unit/policy/test_kleene.py", "unit/policy/test_silence.py", "unit/policy/test_decisions.py"),
    ),
    "policy": Part(
        tuple(f"policy/{name}.py" for name in ("rules", "compiled", "facts", "decision", "obligations", "clauses")),
        ("unit/policy",),
    ),
    "merkle": Part(("ledger/merkle.py",), ("unit/ledger/test_merkle.py",)),
    "ledger": Part(
        tuple(f"ledger/{name}.py" for name in ("entries", "batch", "writer", "checkpoint", "receipt", "erasure")),
        ("unit/ledger",),
    ),
    "verifier": Part(("ledger/verifier.py",), ("unit/ledger",)),
    "metrics": Part(("metrics/*",), ("unit/metrics",)),
    "search": Part(
        ("gallery/search/bounded.py", "gallery/search/codes.py", "gallery/search/layout.py"),
        ("unit/gallery/search",),
    ),
}


def survivors(name: str) -> list[str]:
    """Run one part and name the mutants that no test noticed."""
    folder = prepared(name)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", os.environ.get("CHILDREN", "1")]
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode} in {folder}")
    exits: dict[str, int | None] = {}
    for meta in sorted((folder / "mutants" / "src").rglob("*.meta")):
        exits |= json.loads(meta.read_text())["exit_code_by_key"]
    unfinished = [mutant for mutant, code in exits.items() if code is None]
    if unfinished:
        raise SystemExit(f"{len(unfinished)} mutants of {name} were not tried; run it again to go on")
    found = [mutant for mutant, code in exits.items() if code not in KILLED]
    print(f"{name}: {len(exits)} mutants, {len(found)} not noticed by any test")
    return found


def prepared(name: str) -> Path:
    """A folder where mutmut finds the sources, the tests and its settings."""
    part, folder = PARTS[name], KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    for link in ("src", "tests", "benchmarks", "docs", "README.md", "changes"):
        if not (folder / link).exists():
            (folder / link).symlink_to(ROOT / link)
    lists = {
        "source_paths": ["src"],
        "only_mutate": [f"src/countenance/{pattern}" for pattern in part.modules],
        "also_copy": ["benchmarks", "docs", "README.md", "changes"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:randomly"],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in part.tests],
    }
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in lists.items())
    pytest = (ROOT / "pyproject.toml").read_text().partition("[tool.pytest.ini_options]")[2].partition("\n[")[0]
    (folder / "pyproject.toml").write_text(f"[tool.mutmut]\n{settings}\n\n[tool.pytest.ini_options]{pytest}\n")
    return folder


def main(asked: list[str]) -> int:
    """0 where every survivor is argued for."""
    argued: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text())
    wrong = False
    for name in asked or list(PARTS):
        found, reasons = set(survivors(name)), argued.get(name, {})
        for mutant in sorted(found - set(reasons)):
            print(f"not noticed and not argued for: {mutant}   (cd .mutants/{name}; mutmut show {mutant})")
        for mutant in sorted(set(reasons) - found):
            print(f"argued for, but noticed now or gone: {mutant}")
        wrong = wrong or found != set(reasons)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
