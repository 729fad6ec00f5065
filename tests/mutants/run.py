"""`make mutants [PART=name]`: change the code a little, many times, and see that a test notices each change.

`--sample N --seed S` tries N mutants of each part, drawn at random, against the tests that are nearest to it only, and
keeps in benchmarks/results/mutants.json what it found: a part then takes minutes instead of hours, and tells a rate.

Each part is some modules and the tests that answer for them. mutmut keeps its results below `.mutants/PART`, so a run
that was interrupted goes on where it stopped, and a later one tests only what changed. It leaves out functions with
decorators (properties, compiled kernels). A mutant that no test noticed must be in `survivors.toml` with the reason
why no test could or should; this program fails on any other, and on an entry that no longer survives.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from countenance.metrics.statistics.intervals import wilson

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".mutants"
WHAT = "Mutants drawn at random from each part of `tests/mutants/run.py`, and which of them the nearest tests noticed."
RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
KILLED = {1, 3, -24, 24, 152, 36}  # a test failed; pytest broke; ran out of time
LATE = {-24, 24, 152, 36}  # of those, who ran out of time


@dataclass(frozen=True, slots=True)
class Part:
    """modules: patterns below src/countenance. tests: files or folders below tests that answer for them.

    nearest: those of them that a sample is tried against; all where there are none.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    nearest: tuple[str, ...] = ()


PARTS = {
    "guard": Part(
        ("operations/guard.py",),
        ("unit/operations",),
        ("unit/operations/test_guard.py", "unit/operations/test_duties.py"),
    ),
    "mandates": Part(
        ("mandates/mandate.py",),
        ("unit/mandates", "unit/operations/test_guard.py"),
        ("unit/mandates/test_register.py",),
    ),
    "signing": Part(("signing.py",), ("unit/test_signing.py", "unit/ledger/test_notes.py")),
    "kleene": Part(
        ("policy/kleene.py",),
        ("unit/policy/test_kleene.py", "unit/policy/test_silence.py", "unit/policy/test_decisions.py"),
        ("unit/policy/test_kleene.py", "unit/policy/test_decisions.py"),
    ),
    "policy": Part(
        tuple(f"policy/{name}.py" for name in ("rules", "compiled", "facts", "decision", "obligations", "clauses")),
        ("unit/policy",),
        tuple(f"unit/policy/test_{name}.py" for name in ("decisions", "facts", "obligations", "invariants")),
    ),
    "merkle": Part(("ledger/merkle.py",), ("unit/ledger/test_merkle.py",)),
    "ledger": Part(
        tuple(f"ledger/{name}.py" for name in ("entries", "batch", "writer", "checkpoint", "receipt", "erasure")),
        ("unit/ledger",),
        tuple(f"unit/ledger/test_{name}.py" for name in ("ledger", "ledger_entries", "ledger_erasure", "receipts")),
    ),
    "verifier": Part(("ledger/verifier.py",), ("unit/ledger",), ("unit/ledger/test_verifier.py",)),
    "verification": Part(
        ("metrics/verification/*",),
        ("unit/metrics",),
        tuple(
            f"unit/metrics/test_{name}.py" for name in ("verification", "comparisons", "operating_points", "tradeoff")
        ),
    ),
    "metrics": Part(
        tuple(f"metrics/{room}/*" for room in ("all_pairs", "decisions", "search", "statistics")), ("unit/metrics",)
    ),
    "search": Part(
        ("gallery/search/bounded.py", "gallery/search/codes.py", "gallery/search/layout.py"),
        ("unit/gallery/search",),
        ("unit/gallery/search/test_bounded.py",),
    ),
}


def survivors(name: str) -> list[str]:
    """Run one part and name the mutants that no test noticed."""
    folder = prepared(name, PARTS[name].tests, KEPT / name)
    _mutmut(folder, "-m", "mutmut", "run", "--max-children", os.environ.get("CHILDREN", "1"))
    exits = _exits(folder)
    unfinished = [mutant for mutant, code in exits.items() if code is None]
    if unfinished:
        raise SystemExit(f"{len(unfinished)} mutants of {name} were not tried; run it again to go on")
    found = [mutant for mutant, code in exits.items() if code not in KILLED]
    print(f"{name}: {len(exits)} mutants, {len(found)} not noticed by any test")
    return found


def sample(name: str, count: int, seed: int) -> list[str]:
    """Try some mutants of a part, keep the result, and name those that the nearest tests did not notice."""
    part = PARTS[name]
    folder = prepared(name, part.nearest or part.tests, KEPT / f"{name}-sample")
    _mutmut(folder, str(Path(__file__).with_name("sampled.py")), str(count), str(seed))
    return noted(name, folder, seed)


def noted(name: str, folder: Path, seed: int) -> list[str]:
    """Keep what is known of the mutants that were drawn in `folder`, and name those that no test noticed."""
    part = PARTS[name]
    drawn, exits = json.loads((folder / "sampled.json").read_text()), _exits(folder)
    tried = [mutant for mutant in drawn["names"] if exits[mutant] is not None]
    late = [mutant for mutant in tried if exits[mutant] in LATE]
    found = [mutant for mutant in tried if exits[mutant] not in KILLED]
    rate = wilson(len(found), len(tried))
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"what": WHAT, "parts": {}}
    kept["parts"][name] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
        "load_average": round(os.getloadavg()[0], 1),
        "seed": seed,
        "tests": list(part.nearest or part.tests),
        "mutants": drawn["of"],
        "drawn": len(drawn["names"]),
        "tried": len(tried),
        "killed": len(tried) - len(found) - len(late),
        "timed out": len(late),
        "survived": len(found),
        "survival rate, 95 %": [round(bound, 4) for bound in (rate.low, rate.high)],
        "survivors": found,
    }
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"{name}: {len(tried)} of {drawn['of']} mutants, {len(found)} not noticed by the nearest tests")
    return found


def _mutmut(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut ended with {done.returncode} in {folder}")


def _exits(folder: Path) -> dict[str, int | None]:
    exits: dict[str, int | None] = {}
    for meta in sorted((folder / "mutants" / "src").rglob("*.meta")):
        exits |= json.loads(meta.read_text())["exit_code_by_key"]
    return exits


def prepared(name: str, tests: tuple[str, ...], folder: Path) -> Path:
    """The folder, where mutmut finds the sources, the tests and its settings."""
    part = PARTS[name]
    folder.mkdir(parents=True, exist_ok=True)
    for link in ("src", "tests", "benchmarks", "docs", "README.md", "changes"):
        if not (folder / link).exists():
            (folder / link).symlink_to(ROOT / link)
    lists = {
        "source_paths": ["src"],
        "only_mutate": [f"src/countenance/{pattern}" for pattern in part.modules],
        "also_copy": ["benchmarks", "docs", "README.md", "changes"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:randomly", "-k", "not postgresql"],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in tests],
    }
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in lists.items())
    pytest = (ROOT / "pyproject.toml").read_text().partition("[tool.pytest.ini_options]")[2].partition("\n[")[0]
    (folder / "pyproject.toml").write_text(f"[tool.mutmut]\n{settings}\n\n[tool.pytest.ini_options]{pytest}\n")
    return folder


def main(arguments: list[str]) -> int:
    """0 where every survivor is argued for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--sample", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    asked = parser.parse_args(arguments)
    argued: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text())
    wrong = False
    for name in asked.parts or list(PARTS):
        found = set(sample(name, asked.sample, asked.seed) if asked.sample else survivors(name))
        reasons = set(argued.get(name, {}))
        folder = f".mutants/{name}-sample" if asked.sample else f".mutants/{name}"
        for mutant in sorted(found - reasons):
            print(f"not noticed and not argued for: {mutant}   (cd {folder}; mutmut show {mutant})")
        gone = set() if asked.sample else reasons - found
        for mutant in sorted(gone):
            print(f"argued for, but noticed now or gone: {mutant}")
        wrong = wrong or bool(found - reasons or gone)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
