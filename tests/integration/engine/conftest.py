import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.engine import Engine, load_manifests
from countenance.engine.weights import state

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of fetched weights."""
    cache = Path(os.environ.get("COUNTENANCE_HOME", ROOT / "data")) / "models"
    missing = [m.name for m in load_manifests().values() if state(m, cache) != "ok"]
    if missing:
        pytest.skip(f"weights of {', '.join(missing)} are not in {cache}; run `countenance models fetch`")
    return cache


@pytest.fixture(scope="session")
def engine(weights: Path) -> Iterator[Engine]:
    engine = Engine.open(weights, "yunet", "sface", threads=2)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    folder = Path(os.environ.get("COUNTENANCE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no evaluation data at {folder}; name its folder in COUNTENANCE_DATA")
    return folder
