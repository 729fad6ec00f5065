"""Look up the wheel of each dependency of run.txt for ARM64, and write arm64.txt; fails where one has to be built."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "# The wheel of each dependency of run.txt for Linux on ARM64 (glibc 2.35), Python 3.11; see docs/operating.md\n"


def main() -> None:
    """Ask the package index; nothing is installed."""
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in range(35, 16, -1)] + ["manylinux2014_aarch64"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed",
            "--target", folder, "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
            *(f"--abi={abi}" for abi in ("cp311", "abi3", "none")), *(f"--platform={each}" for each in platforms),
            "--report", str(report), "-r", str(HERE / "run.txt"),
        ]  # fmt: skip
        subprocess.run(command, check=True)  # noqa: S603  # our own interpreter, and pip
        found = [each["download_info"] for each in json.loads(report.read_text())["install"]]
    files = sorted((each["url"].rpartition("/")[2], each["archive_info"]["hashes"]["sha256"]) for each in found)
    (HERE / "arm64.txt").write_text(HEAD + "".join(f"{digest}  {file}\n" for file, digest in files))


if __name__ == "__main__":
    main()
