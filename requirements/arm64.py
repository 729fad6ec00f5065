"""Look up the wheel of each dependency of run.txt for ARM64: Linux in arm64.txt, macOS in arm64-macos.txt.

It fails where one has to be built.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "# The wheel of each dependency of run.txt for {}, Python 3.11; see docs/operating.md\n"
LINUX = [*(f"manylinux_2_{minor}_aarch64" for minor in range(35, 16, -1)), "manylinux2014_aarch64"]
MACOS = [
    *(f"macosx_{major}_0_{chip}" for major in range(13, 10, -1) for chip in ("arm64", "universal2")),
    *(f"macosx_10_{minor}_universal2" for minor in range(16, 3, -1)),
]


def main() -> None:
    """Ask the package index; nothing is installed."""
    _write("arm64.txt", "Linux on ARM64 (glibc 2.35)", LINUX)
    _write("arm64-macos.txt", "macOS 13 on Apple silicon", MACOS)


def _write(file: str, platform: str, tags: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed",
            "--target", folder, "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
            *(f"--abi={abi}" for abi in ("cp311", "abi3", "none")), *(f"--platform={tag}" for tag in tags),
            "--report", str(report), "-r", str(HERE / "run.txt"),
        ]  # fmt: skip
        subprocess.run(command, check=True)  # noqa: S603  # our own interpreter, and pip
        found = [each["download_info"] for each in json.loads(report.read_text())["install"]]
    wheels = sorted((each["url"].rpartition("/")[2], each["archive_info"]["hashes"]["sha256"]) for each in found)
    (HERE / file).write_text(HEAD.format(platform) + "".join(f"{digest}  {wheel}\n" for wheel, digest in wheels))


if __name__ == "__main__":
    main()
