"""Every dependency of the server has a wheel for ARM64: those that were looked up are the ones that are locked.

`requirements/arm64.txt` names the wheels with their hashes. The lock holds the hash of each file that may be installed,
so that a wheel whose hash is there under the dependency's name and version exists, and is of that version.
"""

from __future__ import annotations

import re
from pathlib import Path

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[3]
ARM64 = {
    "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64",
    "python_version": "3.11", "python_full_version": "3.11.9", "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}  # fmt: skip
GLIBC = 35  # 2.35
_LOCKED = re.compile(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$")


def locked() -> dict[tuple[str, str], set[str]]:
    """Hashes by name and version, of what is installed there."""
    found: dict[tuple[str, str], set[str]] = {}
    hashes: set[str] = set()
    for line in (ROOT / "requirements" / "run.txt").read_text().splitlines():
        if line.startswith(" "):
            hashes.add(line.partition("sha256:")[2].removesuffix(" \\"))
            continue
        match = _LOCKED.match(line)
        assert match is not None, line
        name, version, marker = match.groups()
        hashes = set()
        if marker is None or Marker(marker).evaluate(ARM64):
            found[str(canonicalize_name(name)), version] = hashes
    return found


def installable() -> set[Tag]:
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in range(GLIBC, 16, -1)] + ["manylinux2014_aarch64"]
    return {
        *cpython_tags((3, 11), platforms=platforms),
        *compatible_tags((3, 11), "cp311", platforms),
    }


def test_each_locked_dependency_has_a_wheel_for_arm64() -> None:
    looked_up = {}
    for line in (ROOT / "requirements" / "arm64.txt").read_text().splitlines()[1:]:
        digest, file = line.split()
        name, version, _, tags = parse_wheel_filename(file)
        assert tags & installable(), file
        looked_up[str(name), str(version)] = digest
    known = locked()
    assert looked_up.keys() == known.keys()
    assert [name for name, digest in looked_up.items() if digest not in known[name]] == []
    said = (ROOT / "docs" / "operating.md").read_text()
    assert f"for all {len(known)} locked dependencies" in said
