"""Every cell of the results as one row of a table, for spreadsheets and for checking."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from countenance.audit.formats.results import Results
from countenance.audit.formats.shares import Share

COLUMNS = (
    "analysis", "measure", "group", "other_group", "errors", "trials", "people", "estimate", "low", "high", "level",
    "reason",
)  # fmt: skip

Row = tuple[str, str, str, str, Share]


def counts_csv(results: Results) -> bytes:
    """All shares of `results` as CSV, UTF-8, one row each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for analysis, measure, group, other, share in rows(results):
        numbers = (share.errors, share.trials, share.people, share.estimate, share.low, share.high)
        told = ["" if number is None else repr(number) for number in numbers]
        writer.writerow([analysis, measure, group, other, *told, share.level, share.reason])
    return text.getvalue().encode()


def rows(results: Results) -> Iterator[Row]:
    """Analysis, measure, group, other group and share of every cell."""
    if results.faces is not None:
        yield from _faces(results)
    if results.outcomes is not None:
        yield "", "error", "everybody", "", results.outcomes.everybody.error
        for outcome_analysis in results.outcomes.analyses:
            for line in outcome_analysis.groups:
                yield outcome_analysis.name, "error", line.group, "", line.error
                yield outcome_analysis.name, "no answer", line.group, "", line.no_answer
                for one in line.classes:
                    yield outcome_analysis.name, f"ppv of {one.label}", line.group, "", one.ppv
                    yield outcome_analysis.name, f"tpr of {one.label}", line.group, "", one.tpr
                    yield outcome_analysis.name, f"fpr of {one.label}", line.group, "", one.fpr
    if results.risks is not None:
        for name in ("fpr", "fnr", "ppv", "npv", "selected", "prevalence"):
            yield "", name, "everybody", "", getattr(results.risks.everybody, name)
        for risk_analysis in results.risks.analyses:
            for group in risk_analysis.groups:
                for name in ("fpr", "fnr", "ppv", "npv", "selected", "prevalence"):
                    yield risk_analysis.name, name, group.group, "", getattr(group, name)
            for cell in risk_analysis.calibration:
                yield risk_analysis.name, f"observed at {cell.low:g} to {cell.high:g}", cell.group, "", cell.observed


def _faces(results: Results) -> Iterator[Row]:
    faces = results.faces
    assert faces is not None
    for name, share in (("fmr", faces.fmr), ("fnmr", faces.fnmr), ("failures", faces.failures)):
        yield "", name, "everybody", "", share
    for point in faces.operating:
        yield "", f"fnmr at fmr {point.fmr_target:g}", "everybody", "", point.fnmr
    for protocol in faces.protocols:
        yield "", f"fmr, {protocol.name}", "everybody", "", protocol.fmr
    for analysis in faces.analyses:
        for group in analysis.groups:
            for name in ("fmr", "fmr_any", "fnmr", "failures"):
                yield analysis.name, name, group.group, "", getattr(group, name)
        for cell in analysis.cross:
            yield analysis.name, "fmr across", cell.first, cell.second, cell.fmr
    for search in faces.searches:
        if search.measured is not None:
            yield "search", f"fpir in {search.gallery}", search.group, "", search.measured
        if search.missed is not None:
            yield "search", f"fnir in {search.gallery}", search.group, "", search.missed
