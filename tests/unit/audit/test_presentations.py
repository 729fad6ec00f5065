"""Audits of presentation attack detection, from a table to signed evidence."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.audit.made_up import NOW, SIGNER
from tests.unit.audit.made_up import files as files_of_faces

from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.evidence import issue_pad_evidence, pad_agrees_with, read_pad_evidence
from countenance.audit.findings.presentations import presentation_lines
from countenance.audit.formats.plan import DeclaredHypothesis, Groups, Plan, PresentationTable, System
from countenance.audit.formats.results import PresentationGroup, PresentationResults, Results
from countenance.audit.planning.guessing import guessed_draft, seen
from countenance.audit.planning.plans import default_hypotheses, plan_bytes
from countenance.audit.report.page import report_page
from countenance.audit.running import load, run, run_audit
from countenance.cli import cli
from countenance.errors import BadRequest

SAMPLE = Path(__file__).parents[3] / "examples/audit-tutorial/presentations.csv"
HEAD = "attack_type,decision,subject,skin"


def plan(**changes: object) -> Plan:
    source = PresentationTable("p.csv", **{"decision": "decision", **changes})  # type: ignore[arg-type]
    return Plan("t", "q", System("check", "1"), Groups(("skin",), "perceived"), presentations=source, small_cell=2)


def audited(folder: Path, rows: list[str], made: Plan | None = None, head: str = HEAD) -> Results:
    (folder / "p.csv").write_text("\n".join([head, *rows]) + "\n")
    made = made or plan()
    return run_audit(made, made, load(made, folder), lambda: NOW)


def with_usual_hypotheses(made: Plan) -> Plan:
    return dataclasses.replace(made, hypotheses=default_hypotheses(made))


def found(results: Results) -> PresentationResults:
    assert results.presentations is not None
    return results.presentations


def attacks(kind: str, subjects: int, accepted: int, each: int = 1, skin: str = "light", first: int = 0) -> list[str]:
    """`each` attacks of every subject; the first `accepted` of all rows are accepted."""
    whose = [first + at for at in range(subjects) for _ in range(each)]
    said = ["bona fide" if at < accepted else "attack" for at in range(len(whose))]
    return [f"{kind},{word},s{who},{skin}" for who, word in zip(whose, said, strict=True)]


def of(group: PresentationGroup, species: str) -> tuple[int | None, int | None]:
    line = next(line for line in group.species if line.species == species)
    return line.apcer.errors, line.apcer.trials


def test_rates_are_those_that_counting_by_hand_gives(tmp_path: Path) -> None:
    rows = [*attacks("print", 10, 3), *attacks("mask", 10, 0), *attacks("print", 10, 1, skin="dark", first=10)]
    rows += ["print,,s1,light", "print,,s2,light"]
    rows += [f"bona fide,{word},s{at},light" for at, word in enumerate(["attack"] * 2 + ["bona fide"] * 7 + [""])]
    rows += [f"bona_fide,bona fide,s{at},dark" for at in range(10, 20)]
    results = audited(tmp_path, rows)
    everybody = found(results).everybody
    assert [line.species for line in everybody.species] == ["mask", "print"]
    assert (of(everybody, "print"), of(everybody, "mask")) == ((4, 20), (0, 10))
    silent = {line.species: (line.apnrr.errors, line.apnrr.trials) for line in everybody.species}
    assert silent == {"print": (2, 22), "mask": (0, 10)}
    assert (everybody.bpcer.errors, everybody.bpcer.trials) == (2, 19)
    assert (everybody.bpnrr.errors, everybody.bpnrr.trials) == (1, 20)
    (analysis,) = found(results).analyses
    dark, light = analysis.groups
    assert (of(dark, "print"), of(light, "print")) == ((1, 10), (3, 10))
    assert (dark.bpcer.errors, light.bpcer.errors, light.bpcer.trials) == (0, 2, 9)
    assert of(dark, "mask") == (0, 0)
    assert "in neither APCER nor BPCER" in "".join(results.findings)


def test_the_highest_apcer_is_that_of_one_species_never_of_all_together(tmp_path: Path) -> None:
    head = "attack_type,species,decision,subject,skin"
    lines = {"paper": 0, "screen": 2, "silicone": 9}
    rows = [
        f"{'mask' if kind == 'silicone' else 'picture'},{kind},{'bona fide' if at < wrong else 'attack'},s{at},light"
        for kind, wrong in lines.items()
        for at in range(30)
    ]
    rows += [f"bona fide,,bona fide,s{at},dark" for at in range(30, 40)]
    everybody = found(audited(tmp_path, rows, plan(species="species"), head)).everybody
    highest = {one.attack_type: one for one in everybody.highest}
    assert [(one.species, one.apcer) for one in everybody.highest] == [
        ("silicone", 0.3), ("screen", 2 / 30), ("silicone", 0.3),
    ]  # fmt: skip
    shares = {line.species: line.apcer for line in everybody.species}
    assert highest[""].bounds.high == shares["silicone"].high
    assert 0 < (highest[""].bounds.low or 0.0) < (shares["silicone"].low or 0.0)  # corrected for three species
    assert (highest["picture"].over, highest[""].over) == (2, 3)


def test_no_error_comes_with_its_upper_bound(tmp_path: Path) -> None:
    rows = [*attacks("mask", 54, 0), *(f"bona fide,bona fide,s{at},dark" for at in range(60, 80))]
    results = audited(tmp_path, rows, with_usual_hypotheses(plan()))
    said = presentation_lines(found(results).everybody)
    assert said[0] == "Highest APCER: 0 % for mask (0 of 54), at most 6.64 %."
    assert said[1] == "BPCER: 0 of 20, at most 16.1 %."
    assert {j.verdict for j in results.judged} == {"insufficient evidence"}


def test_presentations_of_few_subjects_or_one_series_tell_less(tmp_path: Path) -> None:
    """The same counts, by 60 subjects, by 12 subjects of five each, and by 60 subjects with instruments of 4 series."""
    bona_fide = [f"bona fide,bona fide,s{at},dark" for at in range(100, 120)]
    alone = audited(tmp_path, [*attacks("mask", 60, 15), *bona_fide])
    few = audited(tmp_path, [*attacks("mask", 12, 15, 5), *bona_fide])
    series = [f"{row},batch{at // 15}" for at, row in enumerate(attacks("mask", 60, 15))]
    made = audited(tmp_path, [*series, *(f"{row}," for row in bona_fide)], plan(series="series"), f"{HEAD},series")
    shares = [found(one).everybody.species[0].apcer for one in (alone, few, made)]
    assert [(share.errors, share.trials) for share in shares] == [(15, 60)] * 3
    assert shares[0].effective_trials == 60
    assert (shares[1].effective_trials or 60) < 20
    assert (shares[2].effective_trials or 60) < 20
    assert [share.people for share in shares] == [60, 12, 60]
    assert found(made).everybody.species[0].series == 4


def test_a_difference_in_bona_fide_presentations_leads_and_species_are_judged_apart(tmp_path: Path) -> None:
    rows = [f"bona fide,{'attack' if at < 2 else 'bona fide'},s{at},light" for at in range(200)]
    rows += [f"bona fide,{'attack' if at < 240 else 'bona fide'},s{at},dark" for at in range(200, 400)]
    rows += [*attacks("print", 40, 4), *attacks("mask", 40, 6)]
    rows += [*attacks("print", 40, 5, skin="dark", first=200), *attacks("mask", 40, 30, skin="dark", first=200)]
    results = audited(tmp_path, rows, with_usual_hypotheses(plan()))
    assert results.headline == (
        "check calls bona fide presentations attacks 20 times as often for people labelled dark as for people labelled "
        "light."
    )
    verdicts = {(j.measure, j.of_class): j.verdict for j in results.judged if j.declared}
    assert verdicts == {
        ("bpcer", ""): "difference shown",
        ("apcer", "mask"): "difference shown",
        ("apcer", "print"): "insufficient evidence",
    }
    assert results.also == (
        "check accepts attacks by mask 5 times as often for people labelled dark as for people labelled light.",
    )
    assert "accepted attacks (APCER) by print for" in "".join(results.untold)


def test_a_hypothesis_about_silence_where_there_was_none_is_no_verdict(tmp_path: Path) -> None:
    rows = [*attacks("print", 10, 3), *(f"bona fide,bona fide,s{at},dark" for at in range(10, 20))]
    made = dataclasses.replace(plan(), hypotheses=(DeclaredHypothesis("apnrr", "skin"),))
    (declared,) = [j for j in audited(tmp_path, rows, made).judged if j.declared]
    assert (declared.verdict, declared.reason) == ("insufficient evidence", "none was seen in any group")


@pytest.mark.parametrize(
    ("key", "wrong"), [("bona_fide_from", ["0.1", "0.9"]), ("attack_from", ["0.9", "0.1"])]
)  # fmt: skip
def test_scores_decide_by_the_cut_off_that_the_plan_names(tmp_path: Path, key: str, wrong: list[str]) -> None:
    bona, attack = wrong[::-1] if key == "bona_fide_from" else (wrong[1], wrong[0])
    rows = [f"print,{bona if at < 2 else attack},s{at},light" for at in range(10)]
    rows += [f"bona fide,{attack if at < 13 else bona},s{at},dark" for at in range(10, 30)] + ["print,,s1,light"]
    results = audited(
        tmp_path, rows, plan(decision=None, score="score", **{key: 0.5}), HEAD.replace("decision", "score")
    )
    everybody = found(results).everybody
    assert (of(everybody, "print"), everybody.bpcer.errors) == ((2, 10), 3)
    assert everybody.species[0].apnrr.errors == 1
    assert found(results).decided == f"a score of 0.5 or more counts as {key.split('_from')[0].replace('_', ' ')}"


def test_a_cut_off_the_wrong_way_round_is_stated(tmp_path: Path) -> None:
    rows = [f"print,{0.1 + at / 1000},s{at},light" for at in range(30)]
    rows += [f"bona fide,{0.9 - at / 1000},s{at},dark" for at in range(30, 60)]
    made = plan(decision=None, score="score", attack_from=0.5)
    results = audited(tmp_path, rows, made, HEAD.replace("decision", "score"))
    assert "the scores run against the plan" in "".join(results.findings)


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        (["print,attack,a,x", "mask,attack,b,x"], {}, "has attacks only.*bona_fide = 'mask'"),
        (["bona fide,attack,a,x"], {}, "has bona fide presentations only"),
        ([",attack,a,x", "bona fide,attack,a,x"], {}, "1 rows that say neither"),
        (["print,1,a,x", "bona fide,0,a,x"], {}, r"says '0', '1': .*decisions = \{"),
        (["print,attack,a,x", "Print,attack,b,x", "live,attack,a,x"], {"bona_fide": "live"}, "spellings = "),
        (["print,attack,a,x", "bona fide,attack,a,y"], {}, "belong to two groups"),
        (["print,attack,a,x", "bona fide,attack,a,x"], {"species": "kind"}, "has no column 'kind'"),
        (["print,attack,,x", "bona fide,attack,a,x"], {}, "empty cells"),
        ([], {}, "has no rows"),
        (["print,attack,a,x", "bona fide,attack,b,x"], {"decision": None, "score": "decision", "attack_from": 1.0},
         "is no number|no number"),
    ],
)  # fmt: skip
def test_bad_tables_are_errors(tmp_path: Path, rows: list[str], changes: dict[str, object], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        audited(tmp_path, rows, plan(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decision": None}, "either a column"),
        ({"score": "score"}, "either a column"),
        ({"decision": None, "score": "s"}, "nobody but you can say"),
        ({"attack_from": 0.5}, "nobody but you can say"),
        ({"decision": None, "score": "s", "attack_from": 0.5, "bona_fide_from": 0.5}, "nobody but you can say"),
        ({"decisions": {"1": "live"}}, "one of bona fide, attack, no response"),
        ({"no_score": (-1.0,)}, "are about scores"),
    ],
)
def test_a_plan_that_leaves_open_what_counts_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan(**changes)


def test_a_withheld_species_is_told_in_no_number_and_the_highest_says_so(tmp_path: Path) -> None:
    rows = [*attacks("print", 30, 3), *attacks("mask", 4, 4), *attacks("screen", 30, 2)]
    rows += [f"bona fide,bona fide,s{at},dark" for at in range(40, 70)]
    made = dataclasses.replace(plan(), small_cell=10)
    results = audited(tmp_path, rows, made)
    everybody = found(results).everybody
    mask = next(line for line in everybody.species if line.species == "mask")
    assert (mask.apcer.errors, mask.apcer.reason, mask.series) == (None, "withheld: fewer than 10 people", None)
    assert everybody.highest[0].withheld >= 1
    assert "the highest may be among them" in presentation_lines(everybody)[0]
    assert "attacks by mask" in "".join(results.untold)
    known = [line.apnrr.trials or 0 for line in everybody.species if line.apnrr.known]
    total = (everybody.presentations or 0) - sum(known) - (everybody.bpnrr.trials or 0)
    assert total != 4  # the total less all other rows must not tell the four


def test_what_a_file_seems_to_be_and_the_plan_that_follows(tmp_path: Path) -> None:
    looked = seen(SAMPLE)
    assert (looked.kind, looked.factors, looked.doubts) == ("presentations", ("skin",), ())
    assert looked.roles == {
        "attack": "attack_type", "decision": "decision", "species": "species", "subject": "subject", "series": "series",
    }  # fmt: skip
    assert "[presentations]" in guessed_draft(looked, None)
    (tmp_path / "p.csv").write_text("attack_type,decision,skin\nprint,0,a\nlive,1,b\n")
    assert len(seen(tmp_path / "p.csv").doubts) == 2
    (tmp_path / "p.csv").write_text("attack_type,score,skin\nprint,0.3,a\nbona fide,0.4,b\n")
    with pytest.raises(BadRequest, match="bona_fide_from or attack_from"):
        guessed_draft(seen(tmp_path / "p.csv"), None)


def test_from_the_sample_to_evidence_that_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "presentations.csv").write_bytes(SAMPLE.read_bytes())
    source = PresentationTable("presentations.csv", species="species", decision="decision", series="series")
    made = Plan("Lab", "q", System("check", "2", "Maker"), Groups(("skin",), "perceived"), presentations=source)
    made = with_usual_hypotheses(made)
    (tmp_path / "plan.json").write_bytes(plan_bytes(made))
    results = run(tmp_path / "plan.json", tmp_path / "b.zip", SIGNER, clock=lambda: NOW)
    bundle = read_bundle(tmp_path / "b.zip")
    assert bundle.problems == ()
    page = report_page(bundle)
    assert re.search(r"silicone mask.*?0 of 54, at most \d", page, re.DOTALL)
    assert "Attacks accepted, by species (APCER)" in page
    assert page.count("For whom are attacks accepted? By skin") == 1  # one table, with a row by species
    until = NOW.replace(year=NOW.year + 1)
    content = issue_pad_evidence([bundle], NOW, until, SIGNER, independent=True)
    evidence = read_pad_evidence(content)
    assert (evidence.system.name, evidence.in_date(NOW), evidence.in_date(until)) == ("check", True, False)
    assert evidence.audits[0].results == results.presentations
    assert evidence.highest_apcer == found(results).everybody.highest[0].bounds.high
    assert pad_agrees_with(evidence, bundle) == ()
    changed = json.loads(content)
    changed["statement"]["audits"][0]["results"]["everybody"]["bpcer"]["errors"] = 0
    with pytest.raises(BadRequest, match="was changed after signing"):
        read_pad_evidence(json.dumps(changed).encode())
    with pytest.raises(BadRequest, match="rests on audits of presentations"):
        issue_pad_evidence([_faces(tmp_path)], NOW, until, SIGNER)
    unnamed = dataclasses.replace(bundle, results=dataclasses.replace(results, system=System("check")))
    with pytest.raises(BadRequest, match="one version of one system"):
        issue_pad_evidence([unnamed], NOW, until, SIGNER)
    with pytest.raises(BadRequest, match="one version of one system"):
        issue_pad_evidence([bundle, unnamed], NOW, until, SIGNER)
    with pytest.raises(BadRequest, match="after it is issued"):
        issue_pad_evidence([bundle], NOW, NOW, SIGNER)


def _faces(folder: Path) -> Bundle:
    write_bundle(folder / "faces.zip", files_of_faces())
    return read_bundle(folder / "faces.zip")


def test_evidence_from_the_shell(tmp_path: Path) -> None:
    source = PresentationTable("presentations.csv", species="species", decision="decision", series="series")
    (tmp_path / "presentations.csv").write_bytes(SAMPLE.read_bytes())
    made = Plan("Lab", "q", System("check", "2", "Maker"), Groups(("skin",), "perceived"), presentations=source)
    (tmp_path / "plan.json").write_bytes(plan_bytes(made))
    shell, key = CliRunner(), ["--key", str(tmp_path / "key")]
    ran = shell.invoke(cli, ["audit", "run", str(tmp_path / "plan.json"), "-o", str(tmp_path / "b.zip"), *key])
    assert "Highest APCER: " in ran.output
    file = tmp_path / "e.json"
    made_of = ["audit", "pad-evidence", "issue", str(tmp_path / "b.zip"), "-o", str(file), *key]
    assert shell.invoke(cli, made_of).exit_code == 0
    checked = shell.invoke(cli, ["audit", "pad-evidence", "verify", str(file), "--bundle", str(tmp_path / "b.zip")])
    assert (checked.exit_code, "check, version 2, of Maker" in checked.output) == (0, True)
    other = shell.invoke(cli, ["audit", "pad-evidence", "verify", str(file), "--issuer", "00" * 32])
    assert (other.exit_code, "not by the key asked for" in other.output) == (1, True)
