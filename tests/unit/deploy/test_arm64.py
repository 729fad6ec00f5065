"""Every dependency of the server has a wheel for ARM64: those that were looked up are the ones that are locked.

`requirements/arm64.txt` and `arm64-macos.txt` name the wheels with their hashes. The lock holds the hash of each file
that may be installed, so that a wheel whose hash is there under the dependency's name and version exists, and is of
that version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[3]
COMMON = {
    "os_name": "posix", "python_version": "3.11", "python_full_version": "3.11.9", "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}  # fmt: skip
LINUX = {**COMMON, "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"}
MACOS = {**COMMON, "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
GLIBC = 35  # 2.35
_LOCKED = re.compile(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$")


def locked(environment: dict[str, str]) -> dict[tuple[str, str], set[str]]:
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
        if marker is None or Marker(marker).evaluate(environment):
            found[str(canonicalize_name(name)), version] = hashes
    return found


def on_linux() -> set[Tag]:
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in range(GLIBC, 16, -1)] + ["manylinux2014_aarch64"]
    return _tags(platforms)


def on_macos() -> set[Tag]:
    return _tags(list(mac_platforms((13, 0), "arm64")))


def _tags(platforms: list[str]) -> set[Tag]:
    return {
        *cpython_tags((3, 11), platforms=platforms),
        *compatible_tags((3, 11), "cp311", platforms),
    }


def looked_up(file: str) -> Iterator[tuple[str, str]]:
    """Name and hash of each wheel."""
    for line in (ROOT / "requirements" / file).read_text().splitlines()[1:]:
        digest, wheel = line.split()
        yield wheel, digest


@pytest.mark.parametrize(
    ("file", "environment", "installable"),
    [("arm64.txt", LINUX, on_linux()), ("arm64-macos.txt", MACOS, on_macos())],
    ids=["Linux", "macOS"],
)
def test_each_locked_dependency_has_a_wheel_for_arm64(
    file: str, environment: dict[str, str], installable: set[Tag]
) -> None:
    found = {}
    for wheel, digest in looked_up(file):
        name, version, _, tags = parse_wheel_filename(wheel)
        assert tags & installable, wheel
        found[str(name), str(version)] = digest
    known = locked(environment)
    assert found.keys() == known.keys()
    assert [name for name, digest in found.items() if digest not in known[name]] == []
    said = (ROOT / "docs" / "operating.md").read_text()
    assert f"for all {len(known)} locked dependencies" in said
    assert len(re.findall(rf"\| all {len(known)} \|", said)) == 2  # Linux, macOS
