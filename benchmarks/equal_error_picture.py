"""The pictures of docs/equal-error.md, from the JSON of the benchmark."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parents[1] / "docs" / "equal-error.png"
FRONTIER = PICTURE.with_name("equal-error-frontier.png")
_BEFORE, _AFTER = "#b5493b", "#1f5f8b"
_OTHERS = "#6b6b6b"
_FLOOR = 2e-5
_PROMISE_BROKEN = 2.0  # times the promised FMR from which on a method's strangers in press pictures match too often
_SHORT = {
    "raw cosine": "plain score",
    "Z/T-norm, whole mixed cohort (Linghu M1, M2)": "Z/T-norm",
    "cluster z-norm, 14 clusters (Linghu M1.2, M2.2, M3)": "cluster z-norm",
    "fair score normalisation, 100 clusters (Terhörst)": "fair score norm.",
    "cluster-conditional calibration, 100 clusters (FairCal)": "FairCal",
    "cluster z-norm, mixed cohort": "cluster z-norm, mixed",
    "fair score normalisation, mixed cohort": "fair score norm., mixed",
    "cluster-conditional calibration, mixed cohort": "FairCal, mixed",
    "AS-norm, FairFace cohort, k=100": "AS-norm, one kind",
    "AS-norm, mixed cohort, k=100": "AS-norm, mixed",
    "mean-only, FairFace cohort, k=30": "mean-only, one kind",
    "mean-only, mixed cohort, k=30": "mean-only, mixed",
    "mean-only, centroids of the mixed cohort, k=5": "mean-only, centroids",
    "learned map of score, cohort statistics and quality": "learned map",
    "crowding, taught FairFace as it is only": "ours, one kind",
    "crowding, weighted centroids (ships)": "ours: what ships",
}


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


def draw_frontier(result: Mapping[str, Any], target: Path = FRONTIER) -> None:
    """How unequal the groups are against how many people are missed: every method, and ours along its trade-off."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    methods, ours = result["frontier"]["methods"], result["frontier"]["ours"]
    figure, both = plt.subplots(1, 2, figsize=(12.4, 6.6), dpi=160, sharey=True)
    titles = ("At the threshold that all groups share", "Where strangers in press photos match once in 10,000")
    for axes, title, pick in zip(both, titles, (_there, _own), strict=True):
        axes.plot([pick(m) for m in ours], [_ratio(m) for m in ours], color=_AFTER, linewidth=1.6, zorder=2)
        spots = []
        edge = 1.7 * sorted(pick(m) for m in methods)[-2]
        for m in methods:
            colour = (
                _BEFORE if m["name"] == "raw cosine" else _AFTER if _SHORT[m["name"]].startswith("ours") else _OTHERS
            )
            x, y = pick(m), _ratio(m)
            high = m["ratio"]["high"] or y * 3
            axes.plot(
                [min(x, edge)] * 2,
                [max(m["ratio"]["low"], 1.0), high],
                color=colour,
                linewidth=1.4,
                alpha=0.35,
                zorder=1,
            )
            broken = max(m["press_fmr"].values()) > _PROMISE_BROKEN * result["before"]["target"]
            axes.plot(
                min(x, edge),
                y,
                "o",
                color=colour,
                markersize=7,
                markerfacecolor="white" if broken else colour,
                zorder=3,
            )
            far = f": {100 * x:.1f} %, off to the right" if x > edge else ""
            spots.append((min(x, edge), y, _SHORT[m["name"]] + far, colour))
        axes.set_yscale("log")
        axes.set_ylim(1.0, 22)
        axes.set_xlim(0, min(1.04 * edge, 1.3 * max(x for x, *_ in spots)))
        _label(axes, spots)
        axes.set_title(title, loc="left", fontsize=10.5)
        axes.set_xlabel("press photos of the same person that are missed")
        axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:g} %")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.grid(color="#e4e4e4", linewidth=0.6)
        axes.set_axisbelow(True)
    both[0].set_yticks([1, 2, 3, 5, 10, 20], ["equal", "2 times", "3 times", "5 times", "10 times", "20 times"])
    both[0].minorticks_off()
    both[0].set_ylabel("worst group mistaken for somebody else, against the best")
    figure.suptitle("Equal risk has a price: better is lower and further left", x=0.01, ha="left", fontweight="bold")
    figure.text(
        0.01,
        0.005,
        "Bars: 95 % intervals. Line: from none of our correction to more than all of it. Hollow: strangers in press "
        "photos match more than twice as often as promised there,\nso few misses are bought with false matches. All "
        "measured on people that the correction was not made of; FairFace labels are perceived by others.",
        fontsize=7.5,
        color="#555555",
    )
    figure.tight_layout(rect=(0, 0.045, 1, 0.98))
    figure.savefig(target, metadata={"Software": None})
    plt.close(figure)


def _ratio(method: Mapping[str, Any]) -> float:
    """The ratio, or what it is at least where the best group had no false match."""
    found = method["ratio"]
    return float(found["low"] if found["ratio"] is None else found["ratio"])


def _there(method: Mapping[str, Any]) -> float:
    return float(method["fnmr"]["all"]["rate"])


def _own(method: Mapping[str, Any]) -> float:
    return float(method["own"]["0.0001"]["all"]["rate"])


def _label(axes: Any, spots: list[tuple[float, float, str, str]]) -> None:
    """Write each name beside its spot, on lines far enough apart, with a thin line where a name had to move."""
    from matplotlib.patheffects import withStroke

    width = axes.get_xlim()[1]
    dot = 0.009 * width
    taken = [(x - dot, x + dot, math.log10(y)) for x, y, _, _ in spots]  # from, to, and height in decades
    for x, y, name, colour in sorted(spots, key=lambda spot: spot[1]):
        length, height = 0.0165 * width * len(name), math.log10(y)
        left = x + 1.4 * dot if x + length < width else x - 1.4 * dot - length
        while any(a < left + length and left < b and abs(height - h) < 0.036 for a, b, h in taken):
            height += 0.006
        taken.append((left, left + length, height))
        moved = abs(height - math.log10(y)) > 0.02
        axes.annotate(
            name,
            (x, y),
            (left if left > x else x - 1.4 * dot, 10**height),
            color=colour,
            fontsize=8.5,
            va="center",
            ha="left" if left > x else "right",
            fontweight="bold" if "ships" in name else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6} if moved else None,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


def _readable(name: str) -> str:
    race, _, gender = name.rpartition(" ")
    return f"{race.replace('_', ' / ')}, {'women' if gender == 'female' else 'men'}"


if __name__ == "__main__":
    found = json.loads((Path(__file__).with_name("results") / "equal_error.json").read_text())
    draw(found)
    draw_frontier(found)
