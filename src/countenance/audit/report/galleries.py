"""The gallery-size curve: how the size of a gallery makes false candidates likely."""

from __future__ import annotations

from countenance.audit.findings.words import of, percent
from countenance.audit.formats.results import FaceResults
from countenance.audit.report.axes import LogAxis, number_label
from countenance.audit.report.figures import Figure, Grid
from countenance.audit.report.frame import KEY_TOP, frame, keys
from countenance.drawing.svg import LINES, mark, picture, polyline


def gallery_curve(faces: FaceResults) -> Figure | None:
    """Chance of a false candidate by gallery size and probe group: the formula as lines, what was measured as marks."""
    groups = list(dict.fromkeys(s.group for s in faces.searches))
    lines = [(g, [s for s in faces.searches if s.group == g and s.chance_any > 0]) for g in groups]
    lines = [(g, found) for g, found in lines if len(found) > 1]
    if not lines:
        return None
    across = LogAxis.over([float(s.gallery) for s in faces.searches])
    chances = [s.chance_any for _, found in lines for s in found]
    down = LogAxis.over([max(1e-6, min(chances)), 1.0])
    box, parts = frame(across, down, "people in the gallery", "chance of a false candidate", number_label)
    ranked = sorted(lines, key=lambda pair: -pair[1][-1].expected_false)
    shown = ranked if len(ranked) <= len(LINES) else [*ranked[:4], *ranked[-3:]]
    for (_, found), (colour, dash) in zip(shown, LINES, strict=False):
        parts.append(
            polyline([(across.place(s.gallery), 1 - down.place(s.chance_any)) for s in found], box, colour, dash)
        )
        for s in found:
            if s.measured is not None and s.measured.estimate:
                x, y = across.place(s.gallery), 1 - down.place(s.measured.estimate)
                parts.append(mark(box[0] + box[2] * x, box[1] + box[3] * y, "ring", colour, "measured"))
    key = keys([(name, *style) for (name, _), style in zip(shown, LINES, strict=False)])
    rows = tuple(
        (f"{s.gallery:,}", s.group, f"{s.expected_false:.3g}", percent(s.chance_any), percent(s.chance_high),
         "" if s.measured is None else f"{percent(s.measured.estimate)} ({of(s.measured)})",
         "" if s.lead_right is None else percent(s.lead_right))
        for s in faces.searches
    )  # fmt: skip
    heads = ("gallery", "probe group", "false candidates per search", "chance of any", "at the upper bound", "measured",
             "lead is right")  # fmt: skip
    title = "The larger the gallery, the likelier a false candidate"
    note = (
        "Chance that a search for somebody who is not in the gallery returns at least one false candidate. Lines: the "
        "formula 1-(1-FMR)^N with a gallery mixed like the data; rings: measured on galleries drawn from the data."
    )
    height = KEY_TOP + 20 * len(shown) + 6
    return Figure(title, picture(height, "".join([*parts, *key]), title), note, Grid(heads, rows))
