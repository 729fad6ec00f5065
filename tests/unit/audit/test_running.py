from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.engine import MODEL, FakeEngine, picture_of
from tests.unit.audit.made_up import NOW
from tests.unit.audit.score_files import score_file

from countenance.audit.bundle import blocks_add_up
from countenance.audit.formats.plan import (
    DeclaredHypothesis,
    Groups,
    ImageFolder,
    OutcomeTable,
    Plan,
    RiskTable,
    ScoreFile,
    System,
    TemplateFile,
    ThresholdRule,
)
from countenance.audit.formats.results import FaceResults, GroupResult, Results, Share
from countenance.audit.planning.plans import default_hypotheses
from countenance.audit.running import load, run_audit
from countenance.audit.sources.source import Equipment, OwnEngine
from countenance.errors import BadRequest
from countenance.metrics import Comparisons, Counting, PairCounts


def plan(**changes: object) -> Plan:
    made = {
        "title": "t",
        "question": "q",
        "system": System("s"),
        "groups": Groups(("gender",), "made up"),
        "scores": ScoreFile("scores.csv", labels="people.csv"),
        "threshold": ThresholdRule("fixed", 2.0),
        **changes,
    }
    found = Plan(**made)  # type: ignore[arg-type]
    return found if "hypotheses" in changes else dataclasses.replace(found, hypotheses=default_hypotheses(found))


def run(folder: Path, of_plan: Plan, declared: Plan | None = None) -> Results:
    return run_audit(declared or of_plan, of_plan, load(of_plan, folder), lambda: NOW)


def test_an_audit_that_is_counted_in_parts_has_the_same_results(tmp_path: Path) -> None:
    score_file(tmp_path, per_person=4)
    of_plan, parts = plan(threshold=ThresholdRule("fmr", 0.01)), list[int]()

    def backwards(work: Callable[[Comparisons], PairCounts], given: Iterable[Comparisons]) -> Iterable[PairCounts]:
        here = list(given)
        parts.append(len(here))
        return map(work, reversed(here))

    loaded = load(of_plan, tmp_path, Equipment(spread=Counting(backwards, parts=7)))
    assert run_audit(of_plan, of_plan, loaded, lambda: NOW) == run(tmp_path, of_plan)
    assert set(parts) == {7}


def table(path: Path) -> list[dict[str, str]]:
    head, *lines = path.read_text().splitlines()
    return [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]


def test_rates_by_group_are_those_that_counting_by_hand_gives(tmp_path: Path) -> None:
    rows = table(score_file(tmp_path))
    women = {row["subject"] for row in table(tmp_path / "people.csv") if row["gender"] == "female"}
    found = run(tmp_path, plan())
    assert found.faces is not None
    groups = {group.group: group for group in found.faces.analyses[0].groups}
    members: dict[str, Callable[[str], bool]] = {"female": lambda s: s in women, "male": lambda s: s not in women}
    for name, inside in members.items():
        within = [r for r in rows if inside(r["subject_a"]) and inside(r["subject_b"])]
        impostors = [float(r["score"]) for r in within if r["same"] == "0"]
        mates = [float(r["score"]) for r in within if r["same"] == "1"]
        group = groups[name]
        assert (group.fmr.errors, group.fmr.trials) == (sum(s >= 2 for s in impostors), len(impostors))
        assert (group.fnmr.errors, group.fnmr.trials) == (sum(s < 2 for s in mates), len(mates))
        assert group.people == len(
            [s for s in {r["subject_a"] for r in rows} | {r["subject_b"] for r in rows} if inside(s)]
        )
        assert group.histogram is not None
        assert sum(group.histogram.impostors) == len(impostors) and sum(group.histogram.genuine) == len(mates)
    across = [r for r in rows if (r["subject_a"] in women) != (r["subject_b"] in women)]
    cell = next(c for c in found.faces.analyses[0].cross if {c.first, c.second} == {"female", "male"})
    assert (cell.fmr.errors, cell.fmr.trials) == (sum(float(r["score"]) >= 2 for r in across), len(across))


def test_distances_give_the_same_audit_in_their_own_units(tmp_path: Path) -> None:
    for name, distance in (("s", False), ("d", True)):
        (tmp_path / name).mkdir()
        score_file(tmp_path / name, distance=distance)
    similar = run(tmp_path / "s", plan())
    distant = run(tmp_path / "d", plan(threshold=ThresholdRule("fixed", -2.0)))
    assert similar.faces is not None and distant.faces is not None
    assert distant.faces.direction == "distance" and distant.faces.threshold == -2.0
    assert distant.faces.fmr == similar.faces.fmr and distant.faces.fnmr == similar.faces.fnmr
    a, b = similar.faces.analyses[0].groups[0], distant.faces.analyses[0].groups[0]
    assert a.threshold_needed == pytest.approx(-(b.threshold_needed or 0))
    assert a.histogram is not None and b.histogram is not None
    assert a.histogram.low == pytest.approx(-b.histogram.high)
    assert sum(a.histogram.impostors) == sum(b.histogram.impostors)
    assert [p.threshold for p in similar.faces.analyses[0].sweep] == pytest.approx(
        [-p.threshold for p in distant.faces.analyses[0].sweep]
    )


def test_a_difference_that_is_there_is_shown_and_leads_the_report(tmp_path: Path) -> None:
    score_file(tmp_path, people=150, impostors=20_000, wolf=1.0)
    found = run(tmp_path, plan())
    verdict = next(j for j in found.judged if j.measure == "fmr")
    assert (verdict.verdict, verdict.planned) == ("difference shown", True)
    assert found.preregistered and found.deviations == ()
    assert "female" in found.numbers.worst and "labelled female" in found.headline
    only = run(tmp_path, plan(hypotheses=(DeclaredHypothesis("fmr", "gender"),)))
    assert only.headline.startswith("s takes strangers for the same person")
    assert "every search in a gallery of 10,000" in only.numbers.meaning
    assert any("fails to recognise" in line and "Not declared" in line for line in only.also)


def test_too_little_data_is_no_proof_of_anything(tmp_path: Path) -> None:
    score_file(tmp_path, people=30, impostors=200, wolf=0.0)
    found = run(tmp_path, plan())
    assert {j.verdict for j in found.judged} == {"insufficient evidence"}
    assert "cannot tell" in found.headline
    assert any("evidence is insufficient" in line for line in found.untold)


def test_what_was_changed_after_the_plan_makes_verdicts_exploratory(tmp_path: Path) -> None:
    score_file(tmp_path, people=150, impostors=20_000, wolf=1.0)
    found = run(tmp_path, plan(threshold=ThresholdRule("fixed", 1.5)), declared=plan())
    assert not found.preregistered
    assert [d.what for d in found.deviations] == ["threshold.value"]
    assert not any(j.planned for j in found.judged)
    assert "4.7 times" in found.headline
    assert found.plan_hash == plan().hash


def test_groups_expected_and_absent_are_listed_and_unexpected_ones_exploratory(tmp_path: Path) -> None:
    score_file(tmp_path)
    found = run(tmp_path, plan(groups=Groups(("gender",), "told", expected={"gender": ("female", "other")})))
    assert found.faces is not None
    analysis = found.faces.analyses[0]
    assert analysis.empty == ("other",)
    other = next(group for group in analysis.groups if group.group == "other")
    assert not other.fmr.known and other.fmr.reason
    assert {(j.group, j.planned) for j in found.judged} >= {("male", False)}
    assert any("nobody in the data" in line for line in found.untold)


def test_a_threshold_at_an_fmr_holds_for_the_population_that_it_names(tmp_path: Path) -> None:
    score_file(tmp_path, people=150, impostors=20_000)
    populations: dict[str, Callable[[FaceResults], Share]] = {
        "all": lambda faces: faces.fmr,
        "gender=male": lambda faces: next(g.fmr for g in faces.analyses[0].groups if g.group == "male"),
    }
    for population, pick in populations.items():
        found = run(tmp_path, plan(threshold=ThresholdRule("fmr", 0.01, population)))
        assert found.faces is not None
        rate = pick(found.faces)
        assert rate.estimate is not None and 0.008 < rate.estimate <= 0.01
    with pytest.raises(BadRequest, match="names no group of gender"):
        run(tmp_path, plan(threshold=ThresholdRule("fmr", 0.01, "gender=x")))


def test_below_the_censor_point_nothing_is_told(tmp_path: Path) -> None:
    path = score_file(tmp_path)
    head, *lines = path.read_text().splitlines()
    hidden = [("," + line.split(",", 1)[1]) if float(line.split(",")[0]) < 1.0 else line for line in lines]
    path.write_text("\n".join([head, *hidden]) + "\n")
    source = ScoreFile(
        "scores.csv", labels="people.csv", missing="censored", censored_below=1.0, direction="similarity"
    )
    found = run(tmp_path, plan(scores=source))
    assert found.faces is not None
    assert found.faces.censored_below == 1.0
    drawn = [group.histogram for group in found.faces.analyses[0].groups if group.histogram is not None]
    assert drawn and all(histogram.low == 1.0 for histogram in drawn)  # what was not told is not drawn higher up
    whole = [float(line.split(",")[0]) >= 2 for line in lines if line.split(",")[1] == "0"]
    assert (found.faces.fmr.errors, found.faces.fmr.trials) == (sum(whole), len(whole))
    assert all(point.threshold >= 1.0 for point in found.faces.analyses[0].sweep)
    assert any("Scores below 1 were not told" in line for line in found.untold)
    with pytest.raises(BadRequest, match=r"below|beyond"):
        run(tmp_path, plan(scores=source, threshold=ThresholdRule("fixed", 0.5)))


def test_without_impostors_there_is_no_false_match_rate_and_that_is_said(tmp_path: Path) -> None:
    path = score_file(tmp_path)
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *(line for line in lines if line.split(",")[1] == "1")]) + "\n")
    source = ScoreFile("scores.csv", labels="people.csv", direction="similarity")
    found = run(tmp_path, plan(scores=source))
    assert found.faces is not None
    assert not found.faces.fmr.known and found.faces.fnmr.known
    assert {j.verdict for j in found.judged if j.measure == "fmr"} == {"insufficient evidence"}
    assert any("false match rate is unknown" in line for line in found.untold)
    with pytest.raises(BadRequest, match="no comparisons of different people"):
        run(tmp_path, plan(scores=source, threshold=ThresholdRule("fmr", 0.01)))


def test_without_mated_pairs_there_is_no_miss_rate_and_that_is_said(tmp_path: Path) -> None:
    path = score_file(tmp_path)
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *(line for line in lines if line.split(",")[1] == "0")]) + "\n")
    found = run(tmp_path, plan(scores=ScoreFile("scores.csv", labels="people.csv", direction="similarity")))
    assert found.faces is not None
    assert found.faces.fmr.known and not found.faces.fnmr.known
    assert any("miss rate is unknown" in line for line in found.untold)


def test_a_single_group_cannot_be_compared_and_that_is_the_headline(tmp_path: Path) -> None:
    score_file(tmp_path)
    people = (tmp_path / "people.csv").read_text().replace("female", "male")
    (tmp_path / "people.csv").write_text(people)
    found = run(tmp_path, plan())
    assert found.judged == ()
    assert "no rate that could be compared" in found.headline
    assert any("there is one group only" in line for line in found.untold)


def test_small_groups_are_merged_before_anything_is_counted(tmp_path: Path) -> None:
    score_file(tmp_path, people=60)
    head, *lines = (tmp_path / "people.csv").read_text().splitlines()
    lines[1] = lines[1].replace("male", "rare one")
    lines[2] = lines[2].replace("male", "rare two")
    (tmp_path / "people.csv").write_text("\n".join([head, *lines]) + "\n")
    found = run(tmp_path, plan())
    assert found.faces is not None
    analysis = found.faces.analyses[0]
    assert analysis.merged == ("rare one", "rare two")
    assert [group.group for group in analysis.groups] == ["female", "male"]


def test_a_reference_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    score_file(tmp_path)
    with pytest.raises(BadRequest, match="reference group 'men' is not among the groups of gender: female, male"):
        run(tmp_path, plan(hypotheses=(DeclaredHypothesis("fmr", "gender", "men"),)))


def test_blocks_of_a_group_are_of_its_own_people_though_others_have_no_label(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = (np.repeat(random.normal(size=(300, 8)), 2, axis=0) + 0.9 * random.normal(size=(600, 8))).astype(
        np.float32
    )
    gender = np.array(["", "a", "b"])[random.integers(0, 3, 300)]
    np.savez(
        tmp_path / "t.npz",
        template=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        subject=np.repeat([f"s{at}" for at in range(300)], 2),
        gender=np.repeat(gender, 2),
    )
    rule = ThresholdRule("fixed", 0.5)
    faces = run(tmp_path, plan(scores=None, templates=TemplateFile("t.npz"), threshold=rule, small_cell=5)).faces
    assert faces is not None
    parts: list[FaceResults | GroupResult] = [faces, *faces.analyses[0].groups]
    for part in parts:
        assert part.blocks and blocks_add_up(part)
        assert sum(block.fnmr_errors for block in part.blocks) == part.fnmr.errors != 0
    short = dataclasses.replace(faces, blocks=faces.blocks[1:])
    assert not blocks_add_up(short)


def test_templates_are_compared_all_with_all(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, 16))
    vectors = (np.repeat(centres, 3, axis=0) + 0.6 * random.normal(size=(180, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    subject = np.repeat([f"s{i}" for i in range(60)], 3)
    gender = np.repeat(np.where(np.arange(60) % 2 == 0, "a", "b"), 3)
    np.savez(tmp_path / "t.npz", template=vectors, subject=subject, gender=gender)
    found = run(tmp_path, plan(scores=None, templates=TemplateFile("t.npz"), threshold=ThresholdRule("fixed", 0.5)))
    assert found.faces is not None
    scores = vectors @ vectors.T
    i, j = np.triu_indices(180, 1)
    same = subject[i] == subject[j]
    both_a = (gender[i] == "a") & (gender[j] == "a")
    group = found.faces.analyses[0].groups[0]
    accepted = scores[i, j] >= 0.5
    assert (group.fmr.errors, group.fmr.trials) == ((accepted & ~same & both_a).sum(), (~same & both_a).sum())
    assert (group.fnmr.errors, group.fnmr.trials) == ((~accepted & same & both_a).sum(), (same & both_a).sum())
    assert found.data.comparisons == 180 * 179 // 2
    measured = [s for s in found.faces.searches if s.measured is not None]
    assert measured == [] or all(s.gallery <= 30 for s in measured)


def test_images_without_a_face_count_by_group(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    lines = ["file,subject,gender"]
    for at in range(40):
        gender = "a" if at < 20 else "b"
        for shot in range(2):
            name = f"{at}-{shot}.jpg"
            lost = gender == "b" and shot == 1
            (tmp_path / "p" / name).write_bytes(picture_of() if lost else picture_of(100 + at))
            lines.append(f"{name},{at},{gender}")
    (tmp_path / "l.csv").write_text("\n".join(lines) + "\n")
    made = plan(scores=None, images=ImageFolder("p", "l.csv"), threshold=ThresholdRule("fixed", 0.9))
    own = OwnEngine(FakeEngine(), "fake detector", tmp_path / "cache")
    loaded = load(made, tmp_path, Equipment(lambda: own))
    found = run_audit(made, made, loaded, lambda: NOW)
    assert found.faces is not None
    failures = {g.group: (g.failures.errors, g.failures.trials) for g in found.faces.analyses[0].groups}
    assert failures == {"a": (0, 40), "b": (20, 40)}
    assert (found.faces.failures.errors, found.faces.failures.trials) == (20, 80)
    verdict = next(j for j in found.judged if j.measure == "fte")
    assert verdict.verdict == "difference shown"
    assert [m.sha256 for m in loaded.models if m.role == "embedder"] == [MODEL]
    assert found.faces.analyses[0].groups[0].quality[0].images == 40
    assert set(found.data.inputs) == {"l.csv", "p/"}


def outcomes(folder: Path, text: str) -> Plan:
    (folder / "r.csv").write_text(text)
    source = OutcomeTable("r.csv", positive="yes")
    return plan(scores=None, threshold=None, outcomes=source, hypotheses=())


def test_no_answer_is_an_error_of_the_classifier(tmp_path: Path) -> None:
    rows = ["truth,predicted,gender", *["yes,yes,a"] * 30, *["yes,,a"] * 10, *["no,no,b"] * 40]
    found = run(tmp_path, outcomes(tmp_path, "\n".join(rows) + "\n"))
    assert found.outcomes is not None
    groups = {group.group: group for group in found.outcomes.analyses[0].groups}
    assert (groups["a"].error.errors, groups["a"].error.trials) == (10, 40)
    assert (groups["a"].no_answer.errors, groups["b"].no_answer.errors) == (10, 0)
    assert "10 of 80 rows have no prediction; they count as errors" in found.findings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("truth,predicted\nyes,yes\n", "no column 'gender'"),
        ("truth,predicted,gender\n,yes,a\n", "1 rows without a true class"),
        ("truth,predicted,gender\nno,no,a\n", "truly 'yes', the positive class"),
        ("truth,predicted,gender\n", "has no rows"),
    ],
)
def test_bad_outcome_tables_are_errors(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        run(tmp_path, outcomes(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("score,outcome,gender\n1,1,a\nnan,0,b\n", "1 rows of r.csv have no score"),
        ("score,outcome,gender\n1,maybe,a\n", "got 'maybe'"),
        ("score,outcome,gender\n", "has no rows"),
    ],
)
def test_bad_risk_tables_are_errors(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(BadRequest, match=words):
        run(tmp_path, plan(scores=None, threshold=None, risks=RiskTable("r.csv", high_from=5.0), hypotheses=()))
