"""ProPublica's study of COMPAS from its own file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from countenance.audit.analysis.decisions import RiskAudit
from countenance.audit.formats.codec import stamp
from countenance.audit.formats.plan import DeclaredHypothesis, Groups, InputFile, Plan, RiskTable, System
from countenance.audit.sources.decisions import read_risks
from countenance.audit.sources.source import Loaded, sha256_of
from countenance.errors import NotFound


def compas_study(file: Path, now: datetime) -> tuple[Plan, Loaded]:
    """The plan and the data: everybody in the file, score 5 and more called high, groups by race.

    file: compas-scores-two-years.csv with the columns race, decile_score and two_year_recid. NotFound: not there.
    """
    if not file.is_file():
        raise NotFound(f"there is no file {file.name}; it is ProPublica's compas-scores-two-years.csv")
    hash_ = sha256_of(file)
    table = RiskTable(
        file.name, "decile_score", "two_year_recid", high_from=5.0,
        label_warning="a new arrest within two years, which is not a new crime: who is policed more is arrested more",
    )  # fmt: skip
    plan = Plan(
        title="COMPAS by race, after ProPublica 2016",
        question="Who is wrongly called high risk, and who is wrongly called low?",
        system=System("COMPAS", "Broward County, Florida, 2013-2014", "Northpointe"),
        groups=Groups(("race",), "from the court's register"),
        risks=table,
        population="people arrested and scored in Broward County, with two years to look back on",
        conditions="scores as given by the county's pretrial services",
        limits=(
            "the file leaves out people who could not be followed for two years",
            "the score is used to decide about the very people whose outcome is measured",
        ),
        created=stamp(now),
        inputs=(InputFile(file.name, hash_),),
        data_seen=True,
        margin=1.25,
        hypotheses=(DeclaredHypothesis("fpr", "race", "Caucasian"), DeclaredHypothesis("fnr", "race", "Caucasian")),
    )
    return plan, Loaded(RiskAudit(read_risks(table, file.parent, plan.groups.factors)), {file.name: hash_})
