"""Everybody of the data folder, as the engine sees them: whom a calibration is fitted to and tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from countenance.calibrate.degradations import GRID, HARDER, Degradation
from countenance.calibrate.fit import MATED_PICTURES, Degraded, People, without_repeats
from countenance.calibrate.labelled_pictures import (
    Kind,
    Shot,
    by_chance,
    degraded_portraits,
    further_portraits,
    portraits,
)
from countenance.engine import FaceEngine

DEGRADED_PEOPLE, DEGRADED_PRESS_PEOPLE = 600, 560
"""Whose pictures are degraded in every way of the grid, and whose press picture in the harder ways: of the latter as
many women as men. Half of them are fitted to.
"""


def everybody(
    wanted: Mapping[Kind, Sequence[Shot]],
    engine: FaceEngine,
    cache: Path,
    workers: int,
    further: Path | None = None,
    degraded: int = DEGRADED_PEOPLE,
) -> tuple[People, float, int]:
    """The people of `wanted` (`labelled_pictures.shots`), without repeats: as `without_repeats` returns them.

    Templates are cached under `cache`. further: ready-made templates of other tight pictures. degraded: people of tight
    pictures.
    """
    press = few_of_each(wanted["press"])
    tight, widened, named = (
        portraits(pictures, engine, cache, workers) for pictures in (wanted["tight"], wanted["widened"], press)
    )
    if further is not None:
        tight = tight.joined(further_portraits(further, engine.model))

    def worse(pictures: Sequence[Shot], grid: Sequence[Degradation], number: int) -> Degraded:
        made, cells = degraded_portraits(pictures, grid, number, engine, cache, workers)
        return Degraded(made, cells, np.ones(len(made), bool))

    both = women_and_men(press, DEGRADED_PRESS_PEOPLE)
    return without_repeats(
        tight, widened, named, worse(wanted["tight"], GRID, degraded), worse(both, HARDER, len(both))
    )


def few_of_each(press: Sequence[Shot]) -> list[Shot]:
    """The first `MATED_PICTURES` pictures of each person, in the order given: no more are used of anybody."""
    seen: dict[str, int] = {}
    kept = []
    for shot in press:
        seen[shot.person] = seen.get(shot.person, 0) + 1
        if seen[shot.person] <= MATED_PICTURES:
            kept.append(shot)
    return kept


def women_and_men(press: Sequence[Shot], number: int) -> list[Shot]:
    """The first picture of `number` people drawn at random, always the same ones, as many women as men if there are
    enough of both.
    """
    first = {shot.person: shot for shot in reversed(press)}
    return [
        shot
        for gender in ("female", "male")
        for shot in by_chance([shot for shot in first.values() if shot.gender == gender])[: number // 2]
    ]
