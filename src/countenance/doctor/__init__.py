"""What is wrong with an installation, and what to do: each check looks at one thing and changes nothing."""

from __future__ import annotations

import math
import resource
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from countenance.doctor.engine_checks import check_models, check_rules, check_video
from countenance.doctor.finding import Check, Diagnosis, Severity, Surroundings
from countenance.doctor.home_checks import check_disk, check_files, check_home, check_keys, check_left_over, check_tls
from countenance.doctor.record_checks import check_record
from countenance.settings import Settings

__all__ = ["Diagnosis", "Severity", "Surroundings", "diagnose", "this_machine"]

_CHECKS: Sequence[Check] = (
    check_home,
    check_keys,
    check_record,
    check_models,
    check_rules,
    check_video,
    check_disk,
    check_files,
    check_tls,
    check_left_over,
)


def diagnose(own: Settings, surroundings: Surroundings) -> list[Diagnosis]:
    """Everything that was looked at, in the order in which it is best put right."""
    return [each for check in _CHECKS for each in check(own, surroundings)]


def this_machine() -> Surroundings:
    """The clock, disk, decoder and limits of this machine."""
    return Surroundings(lambda: datetime.now(UTC), _free_bytes, _decodes_video, _open_files)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _decodes_video() -> bool:
    import cv2

    return bool(cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG))


def _open_files() -> float:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if hard == resource.RLIM_INFINITY else hard
