"""The data folder is its owner's alone: made so whatever the umask, and checked before anything in it is used."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from countenance.errors import Misconfigured

OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SECRETS = (
    "countenance.sqlite*",
    "keys",
    "keys/*",
    "enrolling",
    "enrolling/*",
    "videos-in-hand",
    "videos-in-hand/*",
    "audits",
    "audits/*",
    "audits/*/*",
    "calibration",
    "calibration/*",
    "calibrating",
    "kernels",
    "backing-up-*",
    "restoring-*",
)
LEFT_OVER = ("backing-up-*", "restoring-*")
"""What a backup or a restore that was killed leaves in the data folder: it holds what the database holds."""


def private_home(home: Path) -> None:
    """Make `home` with mode 700, and have this process make all further files for its user alone (umask 077).

    A folder that holds no secret yet is narrowed to 700. `Misconfigured` where one that does, or a secret in it, is
    open to other users: it may have been read, so that narrowing it in silence would hide that.
    """
    os.umask(0o077)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = list(_secrets(home))
    if not secrets and _open(home):
        home.chmod(0o700)
    if wide := open_to_others(home):
        mend = f"chmod -R go= {shlex.quote(str(home))}"
        raise Misconfigured(
            f"other users of this machine may open {wide[0].name!r} in the data folder (mode "
            f"{stat.S_IMODE(wide[0].stat().st_mode):o}, expected {700 if wide[0].is_dir() else 600}). Mend it with: "
            f"{mend} - and consider whether somebody read keys or templates before"
        )


def open_to_others(home: Path) -> list[Path]:
    """The data folder and the secrets in it, those that other users of this machine may open."""
    return [path for path in (home, *_secrets(home)) if _open(path)]


def _secrets(home: Path) -> Iterator[Path]:
    for pattern in _SECRETS:
        yield from sorted(home.glob(pattern))


def _open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & OTHERS)
    except FileNotFoundError:  # a log of the database's that ended meanwhile
        return False
