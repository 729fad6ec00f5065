"""The figures and the picture of docs/growth.md, from the JSON of the benchmark, so that none is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "growth.md"
PICTURE = PAGE.with_name("growth.png")
BEGIN, END = "<!-- figures: python -m benchmarks.growth_page -->", "<!-- end of figures -->"
_LINES = (("80", "#b5493b"), ("90", "#c98a1b"), ("99", "#4d7c4a"), ("99.9", "#1f5f8b"), ("100", "#5b4b8a"))


def figures(result: Mapping[str, Any]) -> str:
    """The tables, in Markdown."""
    lines = [
        BEGIN,
        f"### What it would take (nodes of {result['node']}; each shard is a node)",
        "",
        "| faces | shards | memory for codes | rows on disk | database | one search, nothing else going on: median "
        "(99th percentile) | at half the most: median (99th percentile) | most searches a second "
        "| reading a lost shard again |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {p['faces']:,} | {p['shards']} | {_size(p['memory_gb'])} | {_size(p['rows_gb'])} "
        f"| {_size(p['database_gb'])} | {_ms(p['idle_p50_ms'])} ({_ms(p['idle_p99_ms'])}) "
        f"| {_ms(p['half_p50_ms'])} ({_ms(p['half_p99_ms'])}) | {p['most_s']:,.0f} | {_time(p['read_again_s'])} |"
        for p in result["plans"]
    ]
    lines += [
        "",
        "### What an answer is worth",
        "",
        "| faces | innocent people expected in one search at 80 | at 90 | at 99 | at 99.9 | FMR for 1 search in 100 "
        "with an innocent person | which is a similarity of | people missed there (95 % interval) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for e in result["errors"]:
        innocent = " | ".join(_people(e["expected"][s]) for s in ("80", "90", "99", "99.9"))
        where = "none: the scale ends" if e["similarity"] is None else f"{e['similarity']:.2f}"
        missed = f"{100 * e['missed']:.0f} % ({100 * e['missed_low']:.0f} to {100 * e['missed_high']:.0f})"
        missed = f"more than {missed}" if e["similarity"] is None else missed
        lines.append(f"| {e['faces']:,} | {innocent} | {_rate(e['fmr'])} | {where} | {missed} |")
    f = result["fitted"]
    lines += [
        "",
        f"Fitted: {f['fixed_ms']:.2g} ms and {f['ns_a_face']:.2g} ns a face on one core; a further core adds "
        f"{100 * f['further_core']:.0f} % of the first; {f['code_bytes']:.0f} bytes a face are read by every search; "
        f"asking takes {f['ask_ms']:.2g} ms and {f['ms_a_shard']:.2g} ms a shard; the 99th percentile of a search is "
        f"{f['spread_p99']:.2g} times its median.",
        "",
        f"Beside what was measured: {_checked(result['tables'])}",
        END,
    ]
    return "\n".join(lines)


def _checked(tables: Sequence[Mapping[str, Any]]) -> str:
    """How far the model is from what was measured, in a sentence for each comparison."""
    scans, _, cluster = (table["rows"] for table in tables)
    worst = max(scans, key=lambda row: abs(row["one core"] / row["fitted"] - 1))
    said = [
        f"at {worst['faces']:,} faces one core took {worst['one core']:.3g} ms, the line says {worst['fitted']:.3g}."
    ]
    for row in cluster:
        rate = row["searches a second"]
        how = rate if isinstance(rate, str) else f"at {rate:.0f} searches a second"
        said.append(
            f"Two shards on one machine, {how}: median {row['measured p50 ms']:.3g} ms "
            f"(model {row['model p50 ms']:.3g}), "
            f"99th percentile {row['measured p99 ms']:.3g} ms (model {row['model p99 ms']:.3g})."
        )
    return " ".join(said)


def draw(result: Mapping[str, Any], target: Path = PICTURE) -> None:
    """Innocent people expected in one search against the size of the gallery, a line for each similarity."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8.6, 5.4), dpi=160)
    n = [point["faces"] for point in result["curve"]]
    for similarity, colour in _LINES:
        expected = [point[f"expected {similarity}"] for point in result["curve"]]
        axes.plot(n, expected, color=colour, linewidth=2.4)
        axes.annotate(
            f"similarity {similarity}", (n[-1], expected[-1]), xytext=(6, 0), textcoords="offset points", color=colour,
            va="center", fontsize=10, fontweight="bold",
        )  # fmt: skip
    axes.axhline(1, color="#555555", linewidth=0.9, linestyle=":")
    axes.text(3e7, 1.3, "one innocent person in every search", color="#555555", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(n[0], n[-1])
    axes.set_xticks([1e5, 1e6, 1e7, 1e8, 1e9], ["100,000", "1 million", "10 million", "100 million", "1,000 million"])
    axes.set_yticks(
        [1e-4, 1e-2, 1, 1e2, 1e4, 1e6],
        ["1 in 10,000", "1 in 100", "1", "100", "10,000", "1,000,000"],
    )
    axes.minorticks_off()
    axes.set_ylim(5e-5, 2e6)
    axes.set_xlabel("faces in the gallery, none of them the person searched for")
    axes.set_title("How many innocent people one search names, on average", loc="left", fontweight="bold", fontsize=13)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    figure.subplots_adjust(left=0.14, right=0.83, top=0.91, bottom=0.12)
    figure.savefig(target)
    plt.close(figure)


def write_page(result: Mapping[str, Any], page: Path = PAGE) -> None:
    """Draw, and put the figures between their two marks in the page."""
    text = page.read_text()
    start, end = text.index(BEGIN), text.index(END) + len(END)
    page.write_text(text[:start] + figures(result) + text[end:])
    draw(result, page.with_name(PICTURE.name))


def _size(gigabytes: float) -> str:
    return f"{gigabytes:,.0f} GB" if gigabytes >= 10 else f"{gigabytes:.2g} GB"


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _people(expected: float) -> str:
    return f"{expected:,.0f}" if expected >= 1 else f"{expected:.2g}"


def _rate(rate: float) -> str:
    return f"1 in {float(f'{1 / rate:.2g}'):,.0f}"


if __name__ == "__main__":
    write_page(json.loads((Path(__file__).with_name("results") / "growth.json").read_text()))
