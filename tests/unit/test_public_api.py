"""What programs may rely on: the names, their docstrings, their types, and imports that do nothing else."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import griffe
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = griffe.load("countenance", search_paths=[str(ROOT / "src")])
PROMISED = tomllib.loads((Path(__file__).parent / "public_api.toml").read_text())

WATCHED = """
import json, os, sys, threading
before, variables, noted = set(sys.modules), dict(os.environ), []
def note(event, arguments):
    writes = event == "open" and (arguments[1] or "r") not in ("r", "rb")
    if writes or event.startswith(("socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "os.system")):
        noted.append(f"{event} {arguments}")
sys.addaudithook(note)
import MODULE
print(json.dumps({
    "modules": sorted(set(sys.modules) - before),
    "noted": noted,
    "variables": dict(os.environ) == variables,
    "threads": threading.active_count(),
}))
"""


def imported(module: str, folder: Path) -> dict[str, list[str] | bool | int]:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED.replace("MODULE", module)],
        cwd=folder,
        env={**os.environ, "COUNTENANCE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_each_public_room_that_exports_names_is_written_down() -> None:
    exporting = [f"countenance.{room}" for room in ("audit", "metrics", "client") if SOURCE[room].exports is not None]
    assert ["countenance", *exporting] == list(PROMISED)


@pytest.mark.parametrize("module", PROMISED)
def test_a_module_exports_the_names_that_are_written_down_and_no_others(module: str) -> None:
    assert sorted(importlib.import_module(module).__all__) == PROMISED[module]


@pytest.mark.parametrize("module", PROMISED)
def test_every_exported_name_has_a_docstring_of_its_own(module: str) -> None:
    room = SOURCE[module.partition(".")[2]] if "." in module else SOURCE
    assert room.docstring
    silent = [name for name in PROMISED[module] if not name.startswith("__") and not room[name].docstring]
    assert not silent


def test_the_version_is_the_installed_packages() -> None:
    import countenance

    assert countenance.__version__ == version("countenance")
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = countenance.no_such_thing


def test_importing_the_package_loads_one_module_and_does_nothing(tmp_path: Path) -> None:
    done = imported("countenance", tmp_path)
    assert done["modules"] == ["countenance"]
    assert (done["noted"], done["variables"], done["threads"]) == ([], True, 1)
    assert not list(tmp_path.iterdir())


def test_the_client_of_a_server_brings_no_engine_and_no_server(tmp_path: Path) -> None:
    done = imported("countenance.client", tmp_path)
    assert isinstance(done["modules"], list)
    brought = {name.partition(".")[0] for name in done["modules"]}
    assert not brought & {"openvino", "cv2", "numpy", "scipy", "fastapi", "uvicorn", "sqlalchemy", "botocore", "boto3"}
    assert (done["noted"], done["variables"], done["threads"]) == ([], True, 1)
    assert not list(tmp_path.iterdir())


def test_the_mathematics_bring_no_server_no_engine_and_no_files(tmp_path: Path) -> None:
    done = imported("countenance.metrics", tmp_path)
    assert isinstance(done["modules"], list)
    brought = {name.partition(".")[0] for name in done["modules"]}
    heavy = {"openvino", "cv2", "onnxruntime", "fastapi", "uvicorn", "sqlalchemy", "botocore", "boto3", "matplotlib"}
    assert not brought & heavy
    ours = {name.split(".")[1] for name in done["modules"] if name.startswith("countenance.")}
    assert ours == {"errors", "metrics"}
    assert (done["noted"], done["variables"]) == ([], True)
    assert not list(tmp_path.iterdir())


def test_importing_the_auditor_loads_one_module_and_does_nothing(tmp_path: Path) -> None:
    done = imported("countenance.audit", tmp_path)
    assert isinstance(done["modules"], list)
    ours = [name for name in done["modules"] if name.startswith("countenance")]
    assert ours == ["countenance", "countenance.audit"]
    assert not {name.partition(".")[0] for name in done["modules"]} & {"numpy", "scipy", "pyarrow", "jinja2"}
    assert (done["noted"], done["variables"], done["threads"]) == ([], True, 1)
    assert not list(tmp_path.iterdir())


def test_the_auditor_fetches_each_name_from_where_a_type_checker_finds_it() -> None:
    import countenance.audit

    for name in PROMISED["countenance.audit"]:
        found = getattr(countenance.audit, name)
        assert f"{found.__module__}.{found.__qualname__}" == SOURCE["audit"][name].final_target.path
    assert set(PROMISED["countenance.audit"]) <= set(dir(countenance.audit))
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = countenance.audit.no_such_thing


def test_an_audit_of_a_score_file_needs_no_engine_no_client_and_no_server(tmp_path: Path) -> None:
    done = imported("countenance.audit.running, countenance.audit.sources.scores", tmp_path)
    assert isinstance(done["modules"], list)
    brought = {name.partition(".")[0] for name in done["modules"]}
    assert not brought & {"openvino", "cv2", "fastapi", "uvicorn", "sqlalchemy", "botocore", "boto3", "azure", "click"}


def test_a_type_checker_sees_the_types_of_the_installed_package(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text((ROOT / "tests" / "typing" / "public_api.py").read_text())
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache'}"]
    done = subprocess.run([*command, program.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Success: no issues found in 1 source file" in done.stdout
