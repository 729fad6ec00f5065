"""The promise of 80, 90 and 99 by group, counted on people whom the shipped normaliser and calibration never saw.

The counts are those that `countenance calibrate` wrote into the calibration that ships; nothing is run anew.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from countenance.engine.manifest import load_manifests
from countenance.settings import load

SIMILARITIES = (80, 90, 99)
"""Promised: at most 1 in 1,000, 1 in 10,000 and 1 in 100,000."""


def run() -> dict[str, Any]:
    """A row for each group, and one for each age band."""
    version = load_manifests()[load().model].label
    folder = files("countenance.scoring").joinpath("calibrations")
    shipped = json.loads(folder.joinpath(f"{version}.even.calibration.json").read_text())
    anchors = {anchor["similarity"]: anchor for anchor in shipped["anchors"]}
    held_out = shipped["samples"]["fairface_people_held_out"], shipped["samples"]["lfw_people_held_out"]
    note = (
        f"False matches of pairs of strangers of one group (perceived labels), 95 % intervals with people as units; "
        f"{held_out[0]:,} people of FairFace and {held_out[1]:,} of LFW that were held out. Templates {version}, "
        f"calibration of {shipped['date']}. Where no pair matches the interval says what the data can show."
    )
    return {
        "what": (__doc__ or "").split("\n\n")[0],
        "tables": [
            {"title": title, "note": note, "rows": [_row(anchors, key, i) for i in range(len(anchors[80.0][key]))]}
            for title, key in (
                ("Promised 1e-3, 1e-4 and 1e-5: groups", "held_out_groups"),
                ("The same by age band, which the promise does not cover", "held_out_ages"),
            )
        ],
    }


def _row(anchors: dict[float, Any], key: str, index: int) -> dict[str, object]:
    lines = {similarity: anchors[similarity][key][index] for similarity in SIMILARITIES}
    row: dict[str, object] = {"group": lines[80]["group"], "pairs": lines[80]["pairs"]}
    for similarity, line in lines.items():
        low, high = line["fmr_interval_95"]
        rate = line["false_matches"] / line["pairs"]
        row[f"at {similarity}"] = f"{rate:.2g} ({low:.1g} to {high:.1g}; {line['false_matches']})"
    return row
