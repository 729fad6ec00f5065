"""Nothing of Ray stays on this machine: neither processes, which tests end, nor the folders of its sessions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_sessions_left() -> Iterator[None]:
    """Ray's own choice of a folder: the paths of its sockets must be short, those of pytest's folders are not."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tempfile.mkdtemp(prefix="ray-")
        patch.setenv("RAY_TMPDIR", folder)
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            assert not Path(folder).exists()
