"""The figures in docs/equal-error.md, written from the JSON of the benchmark, so that none is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "equal-error.md"
BEGIN, END = "<!-- figures: python -m benchmarks.equal_error_page -->", "<!-- end of figures -->"


def aims(methods: Sequence[Mapping[str, Any]], raw: str, ships: str) -> list[dict[str, Any]]:
    """What was aimed for, what is, and whether that is enough; point estimates, as the aims say."""
    before = next(m for m in methods if m["name"] == raw)
    after = next(m for m in methods if m["name"] == ships)
    plain, even = before["fnmr"], after["fnmr"]
    own_before, own = before["own"]["0.0001"]["all"], after["own"]["0.0001"]["all"]
    lines = [
        ("largest over smallest FMR of 14 groups, mean 1 in 1,000", 2.0, after["ratio"], "times"),
        ("the same where the mean is 3 in 10,000", 3.0, after["ratio_3e-4"], "times"),
        ("the same between age bands, mean 1 in 1,000", 2.5, after["age_ratio"], "times"),
        ("LFW: share missed at that threshold", plain["all"]["rate"] / 5, even["all"], "share"),
        ("LFW, women: share missed at that threshold", plain["women"]["rate"] / 5, even["women"], "share"),
        (
            "LFW: women missed for each man missed, at that threshold",
            2.0,
            {"ratio": _over(even["women"]["rate"], even["men"]["rate"])},
            "times",
        ),
        ("LFW: share missed at LFW's own FMR of 1 in 10,000", own_before["high"], own, "share"),
    ]
    return [
        {
            "what": what,
            "aim": aim,
            "found": found,
            "unit": unit,
            "met": (value := _value(found)) is not None and value <= aim,
        }
        for what, aim, found, unit in lines
    ]


def figures(result: Mapping[str, Any]) -> str:
    """The table of aims and what bounds them, in Markdown."""
    methods = result["frontier"]["methods"]
    before = next(m for m in methods if m["name"] == "raw cosine")
    best = min(methods, key=lambda m: float(m["own"]["0.001"]["all"]["rate"]))
    least = min(methods, key=lambda m: float(m["fnmr"]["all"]["rate"]))
    gaps = {m["name"]: _over(*(m["own"]["0.0001"][who]["rate"] for who in ("women", "men"))) for m in methods}
    fewest = min(gaps, key=lambda name: gaps[name] or float("inf"))
    lines = [
        BEGIN,
        "| aimed for | at most | plain score | what ships (95 % interval) | reached |",
        "|---|---|---|---|---|",
    ]
    plain = aims(methods, before["name"], before["name"])
    for was, each in zip(plain, result["aims"], strict=True):
        show = _percent if each["unit"] == "share" else _times
        found = each["found"]
        ends = f" ({show(found['low'])} to {show(found['high'])})" if "low" in found else ""
        reached = "yes" if each["met"] else "**no**"
        lines.append(
            f"| {each['what']} | {show(each['aim'])} | {show(_value(was['found']))} | "
            f"{show(_value(found))}{ends} | {reached} |"
        )
    lines += [
        "",
        "What bounds these figures, over all methods of the comparison:",
        "",
        f"- Where strangers in press pictures match once in 1,000, the fewest misses of any method are "
        f"{_percent(best['own']['0.001']['all']['rate'])} ({best['name']}). A fifth of the plain score's misses is "
        f"{_percent(before['fnmr']['all']['rate'] / 5)}. The plain score misses so many at the common threshold since "
        f"it is far too strict for press pictures there: it lets {_in(before['press_fmr']['women'])} strangers among "
        f"women pass, instead of 1 in 1,000.",
        f"- The fewest misses of any method at the common threshold are {_percent(least['fnmr']['all']['rate'])} "
        f"({least['name']}). There {_in(least['press_fmr']['women'])} strangers among women and "
        f"{_in(least['press_fmr']['men'])} among men in press pictures match.",
        f"- The smallest ratio of women's to men's misses of any method, at one FMR of 1 in 10,000 over LFW, is "
        f"{_times(gaps[fewest])} ({fewest}).",
        END,
    ]
    return "\n".join(lines)


def write_figures(result: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put the figures between their two marks in the page."""
    text = page.read_text()
    start, end = text.index(BEGIN), text.index(END) + len(END)
    page.write_text(text[:start] + figures(result) + text[end:])


def _over(above: float, below: float) -> float | None:
    return above / below if below else None


def _value(found: Mapping[str, Any]) -> float | None:
    value = found["ratio"] if "ratio" in found else found["rate"]
    return None if value is None else float(value)


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.2f} %"


def _times(ratio: float | None) -> str:
    if ratio is None:
        return "no end"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}"


def _in(rate: float) -> str:
    return f"1 in {1 / rate:,.0f}" if rate > 0 else "no"


if __name__ == "__main__":
    write_figures(json.loads((Path(__file__).with_name("results") / "equal_error.json").read_text()))
