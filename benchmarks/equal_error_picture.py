"""The picture of docs/equal-error.md, from the JSON of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parents[1] / "docs" / "equal-error.png"
_BEFORE, _AFTER = "#b5493b", "#1f5f8b"
_FLOOR = 2e-5


def draw(result: dict[str, Any], target: Path = PICTURE) -> None:
    """False match rate of every group before and after, with intervals, worst group first."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    before = {each["name"]: each for each in result["before"]["fmr"] if not each["name"].startswith("press ")}
    after = {each["name"]: each for each in result["after"]["fmr"]}
    names = sorted(before, key=lambda name: before[name]["rate"])
    figure, axes = plt.subplots(figsize=(8.6, 6.4), dpi=160)
    for y, name in enumerate(names):
        for each, colour, shift in ((before[name], _BEFORE, 0.14), (after[name], _AFTER, -0.14)):
            low, high = max(each["low"], _FLOOR), max(each["high"], _FLOOR)
            axes.plot([low, high], [y + shift] * 2, color=colour, linewidth=2.2, alpha=0.45, solid_capstyle="round")
            axes.plot(max(each["rate"], _FLOOR), y + shift, "o", color=colour, markersize=6)
    axes.axvline(result["before"]["target"], color="#555555", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    ticks = [1e-4, 3e-4, 1e-3, 3e-3]
    axes.set_xticks(ticks, ["1 in 10,000", "1 in 3,300", "1 in 1,000", "1 in 330"])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [_readable(name) for name in names])
    axes.set_xlabel("chance that two different people are taken for the same person")
    axes.set_title("One threshold for all: who is taken for somebody else?", loc="left", fontweight="bold", fontsize=13)
    worst = max(before.values(), key=lambda each: float(each["rate"]))["rate"]
    least = min(before.values(), key=lambda each: float(each["rate"]))["rate"]
    ratio = max(a["rate"] for n, a in after.items() if n in before) / max(
        min(a["rate"] for n, a in after.items() if n in before), 1e-12
    )
    axes.plot(
        [], [], "o", color=_BEFORE, label=f"plain score (worst group {worst / max(least, 1e-12):.0f} times the best)"
    )
    axes.plot([], [], "o", color=_AFTER, label=f"evened score ({ratio:.1f} times)")
    axes.legend(loc="upper left", frameon=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.text(
        0.01,
        0.005,
        "Dots: measured on people that the correction was not made of. Bars: 95 % intervals, people as units. "
        "FairFace labels are perceived by others.",
        fontsize=7,
        color="#555555",
    )
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(target, metadata={"Software": None})
    plt.close(figure)


def _readable(name: str) -> str:
    race, _, gender = name.rpartition(" ")
    return f"{race.replace('_', ' / ')}, {'women' if gender == 'female' else 'men'}"


if __name__ == "__main__":
    draw(json.loads((Path(__file__).with_name("results") / "equal_error.json").read_text()))
