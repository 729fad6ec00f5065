"""An attack on a face comparison by somebody who sees its answers only: change a picture step by step until it matches.

The attacker has a key, a picture of somebody else, and a picture of the victim that the server compares with (or a user
or gallery that the victim is in). Each step adds a smooth random change to the picture of the other person, asks, and
keeps what is answered with more. Success: the picture that the attacker ends with matches the victim.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

Answer = Callable[[bytes], float | None]
"""What is told of a picture: a similarity, 0 for nothing; None when the budget is spent."""
SIDE = 160


@dataclass(frozen=True)
class Climb:
    """How an attack went. calls: answered. told: the best similarity told. picture: what the attacker ends with."""

    calls: int
    told: float
    picture: bytes


def climb(start: np.ndarray, ask: Answer, seed: int, most: int, *, guided: bool = True, step: float = 24.0) -> Climb:
    """Climb from the picture `start` (side, side, 3) with at most `most` calls.

    A (1+1) evolution strategy in the low frequencies of the picture, with the step adapted by success. guided: whether
    answers are used; without them it is what chance gives for as many pictures.
    """
    random = np.random.default_rng(seed)
    best, told, calls = start.astype(np.float32), -1.0, 0
    while calls < most:
        change = random.normal(size=(10, 10, 3)).astype(np.float32)
        tried = np.clip(best + step * cv2.resize(change, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 255)
        if calls == 0:
            tried = best
        picture = encoded(tried)
        answer = ask(picture)
        if answer is None:
            break
        calls += 1
        better = answer > told if guided else True
        if better or (guided and answer == told and random.random() < 0.5):
            best = tried
        step = float(np.clip(step * (1.2 if better else 0.96), 4.0, 40.0))
        told = max(told, answer)
        if told >= 99.0:
            break
    return Climb(calls, max(0.0, told), encoded(best))


def encoded(picture: np.ndarray) -> bytes:
    """As a PNG."""
    done, content = cv2.imencode(".png", picture.astype(np.uint8))
    assert done
    return content.tobytes()


def faces_of(path: Path) -> np.ndarray:
    """The middle of a picture of LFW, (side, side, 3)."""
    picture = cv2.imread(str(path))
    assert picture is not None
    return cv2.resize(picture[40:210, 40:210], (SIDE, SIDE))


def people(least: int) -> Iterator[tuple[str, list[Path]]]:
    """People of LFW with at least so many pictures, in the order of their names."""
    root = Path(os.environ["COUNTENANCE_DATA"]) / "lfw"
    by_name: dict[str, list[Path]] = {}
    for path in sorted((root / "images").rglob("*.jpg")):
        by_name.setdefault(path.stem.rpartition("_")[0], []).append(path)
    for name, paths in by_name.items():
        if len(paths) >= least:
            yield name, paths
