"""The data folder is its owner's alone, whatever the umask and whichever command comes first."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from countenance import settings
from countenance.app import Countenance
from countenance.cli import cli
from countenance.errors import Misconfigured
from countenance.home import private_home


@pytest.fixture(autouse=True, params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


def modes(home: Path) -> dict[str, int]:
    found = {str(path.relative_to(home)): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    return {**found, ".": stat.S_IMODE(home.stat().st_mode)}


def use(home: Path) -> None:
    app = Countenance.open(settings.Settings(home=home))
    app.ledger.append({"kind": "note"}).wait()
    assert not {each for each, mode in modes(home).items() if mode & 0o077}, modes(home)  # while logs are there, too
    app.close()


def narrow(home: Path) -> None:
    found = modes(home)
    assert {"countenance.sqlite", "keys", "keys/ledger.key", "keys/mandates.key"} <= set(found)
    assert not {each for each, mode in found.items() if mode & 0o077}, found


def test_every_file_of_a_new_data_folder_is_its_owners_alone(home: Path) -> None:
    use(home)
    narrow(home)


def test_so_it_is_where_fetching_models_came_first(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", str(home))
    CliRunner().invoke(cli, ["models", "fetch", "--from", str(tmp_path)])  # finds none there
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    use(home)
    narrow(home)


def test_so_it_is_in_a_folder_that_was_there_without_a_secret(home: Path) -> None:
    home.mkdir()
    home.chmod(0o755)
    use(home)
    narrow(home)


@pytest.mark.parametrize(
    ("name", "mode"),
    [(".", 0o755), (".", 0o710), ("countenance.sqlite", 0o644), ("keys", 0o750), ("keys/ledger.key", 0o640)],
)
def test_a_wider_one_is_refused_with_the_command_that_mends_it(home: Path, name: str, mode: int) -> None:
    use(home)
    (home / name).chmod(mode)
    with pytest.raises(Misconfigured, match=rf"chmod -R go= {home}") as caught:
        private_home(home)
    assert f"mode {mode:o}" in str(caught.value)
    os.system(str(caught.value).partition("with: ")[2].partition(" - ")[0])
    use(home)
