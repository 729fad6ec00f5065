from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.native.native_world import World, world


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server under the house rules for all tests of a module; each makes its own mandates."""
    with world(tmp_path_factory.mktemp("native")) as made:
        yield made
