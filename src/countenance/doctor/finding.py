"""What a check of the doctor's says: one finding for each thing that it looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from countenance.settings import Settings


class Severity(StrEnum):
    """What is to be done about a finding."""

    WELL = "well"
    WARNING = "warning"
    """the server runs, and refuses something or soon will"""
    WRONG = "wrong"
    """the server does not start, or must not go on"""
    UNKNOWN = "unknown"
    """it could not be looked at before something else is put right"""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """check: what was looked at, one word. says: what was found. remedy: what to do, empty where nothing is."""

    check: str
    health: Severity
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the checks ask of the machine. now: the clock, UTC. free_bytes: room on the disk of a folder.

    decodes_video: whether FFmpeg is there. open_files: how many this process may be allowed.
    """

    now: Callable[[], datetime]
    free_bytes: Callable[[Path], int]
    decodes_video: Callable[[], bool]
    open_files: Callable[[], float]


Check = Callable[[Settings, Surroundings], Iterator[Diagnosis]]
