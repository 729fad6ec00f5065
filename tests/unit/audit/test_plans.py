from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.audit.made_up import plan
from tests.unit.audit.score_files import score_file

from countenance.audit.formats.codec import to_json
from countenance.audit.formats.plan import (
    DeclaredHypothesis,
    Groups,
    Plan,
    ThresholdRule,
    plan_of,
    systems_plan_of,
)
from countenance.audit.labelled.people import people_of_rows
from countenance.audit.labelled.tables import read_table
from countenance.audit.planning.drafts import example, examples
from countenance.audit.planning.plans import plan_bytes, plan_of_draft, systems_plan_of_draft
from countenance.audit.running import changes, circumstances, planned_analyses, surprises
from countenance.errors import BadRequest, NotFound

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def draft(folder: Path, text: str) -> Path:
    path = folder / "draft.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", [kind for kind in examples() if kind != "systems"])
def test_every_example_is_a_plan(tmp_path: Path, kind: str) -> None:
    made = plan_of_draft(draft(tmp_path, example(kind)), NOW)
    assert made.hypotheses
    assert made.created == "2026-05-04T03:02:01Z"
    assert not made.data_seen
    assert plan_of(json.loads(plan_bytes(made))) == made
    assert made.hash == hashlib.sha256(plan_bytes(made)).hexdigest()


def test_the_example_of_several_systems_is_a_plan(tmp_path: Path) -> None:
    made = systems_plan_of_draft(draft(tmp_path, example("systems")), NOW)
    assert made is not None
    assert systems_plan_of(json.loads(plan_bytes(made))) == made
    assert made.hash == hashlib.sha256(plan_bytes(made)).hexdigest()
    assert [plan.system.name for plan in made.plans] == ["System A", "System B"]


def test_there_is_an_example_for_every_source() -> None:
    assert set(examples()) == {
        "scores",
        "templates",
        "images",
        "rekognition",
        "azure-face",
        "adapter",
        "outcomes",
        "pad",
        "risks",
        "systems",
    }
    with pytest.raises(NotFound, match="there are adapter, azure-face"):
        example("../plan")


def test_scores_that_are_there_already_are_written_down(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("subject,gender,age\na,f,9\nb,m,9\n")
    first = plan_of_draft(draft(tmp_path, example("scores")), NOW)
    assert not first.data_seen
    assert [file.name for file in first.inputs] == ["people.csv"]
    (tmp_path / "scores.csv").write_text("score,same,subject_a,subject_b\n" + "0.1,0,a,b\n0.9,1,a,a\n" * 20)
    second = plan_of_draft(tmp_path / "draft.toml", NOW)
    assert second.data_seen
    assert [file.name for file in second.inputs] == ["people.csv", "scores.csv"]


def pictures(folder: Path, women: int, men: int, of_women: int = 1, of_men: int = 1) -> Path:
    """A draft about templates of so many people with so many pictures each; the templates are not there yet."""
    rows = [f"w{n},female" for n in range(women) for _ in range(of_women)]
    rows += [f"m{n},male" for n in range(men) for _ in range(of_men)]
    (folder / "labels.csv").write_text("\n".join(["subject,gender", *rows]) + "\n")
    return draft(folder, example("templates"))


@pytest.mark.parametrize(
    ("people", "declared", "why"),
    [
        ({"women": 30, "men": 30}, ["fmr"], "Misses by gender are not compared: nobody has two pictures."),
        (
            {"women": 30, "men": 30, "of_women": 2},
            ["fmr"],
            "Misses by gender are not compared: fewer than two groups have 10 people with two pictures or more.",
        ),
        ({"women": 9, "men": 30, "of_women": 2, "of_men": 2}, [], "fewer than two groups have 10 people"),
        ({"women": 10, "men": 30, "of_women": 2, "of_men": 2}, ["fmr", "fnmr"], ""),
    ],
)
def test_a_comparison_that_the_data_cannot_decide_is_not_declared(
    tmp_path: Path, people: dict[str, int], declared: list[str], why: str
) -> None:
    made = plan_of_draft(pictures(tmp_path, **people), NOW)
    assert [h.measure for h in made.hypotheses] == declared
    assert why in " ".join(made.limits)
    assert bool(made.limits) == bool(why)
    assert plan_of(json.loads(plan_bytes(made))) == made


def test_a_comparison_that_a_person_declares_stays_declared(tmp_path: Path) -> None:
    path = pictures(tmp_path, 30, 30)
    path.write_text(path.read_text() + '\n[[hypotheses]]\nmeasure = "fnmr"\nfactor = "gender"\n')
    made = plan_of_draft(path, NOW)
    assert made.hypotheses == (DeclaredHypothesis("fnmr", "gender"),)
    assert made.limits == ()


def test_score_files_without_pairs_of_one_person_declare_no_misses(tmp_path: Path) -> None:
    text = (
        example("scores").replace('intersections = [["gender", "age"]]', "").replace('["gender", "age"]', '["gender"]')
    )
    text = text.replace('direction = "find"', 'direction = "similarity"')
    score_file(tmp_path)
    assert [h.measure for h in plan_of_draft(draft(tmp_path, text), NOW).hypotheses] == ["fmr", "fnmr"]
    score_file(tmp_path, per_person=1, impostors=1500)
    made = plan_of_draft(draft(tmp_path, text), NOW)
    assert [h.measure for h in made.hypotheses] == ["fmr"]
    assert made.limits[-1] == "Misses by gender are not compared: no comparison is of one person."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("value = 0.001", "value = 2.0"), "between 0 and 1"),
        (('rule = "fmr"', 'rule = "eer"'), "plan.threshold.rule is one of fixed, fmr"),
        (('factors = ["gender", "age"]', "factors = []"), "at least one factor"),
        (('intersections = [["gender", "age"]]', 'intersections = [["gender", "skin"]]'), "an intersection crosses"),
        (("margin = 2.0", "margin = 0.5"), "ratio above 1"),
        (("[threshold]", "[outcomes]\nfile='x'\n[threshold]"), "exactly one of"),
        (('title = "', 'titel = "'), "no field 'titel'"),
        (("[gallery]", 'created = "now"\n[gallery]'), "a draft does not say|no field 'created'"),
        (("alpha = 0.05", "alpha = 0.05\ndata_seen = false"), "a draft does not say 'data_seen'"),
        (("sizes = [1000, 10000, 100000]", "sizes = [1000, 10]"), "in order"),
    ],
)
def test_what_is_wrong_in_a_draft_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    text = example("scores")
    assert change[0] in text
    with pytest.raises(BadRequest, match=words):
        plan_of_draft(draft(tmp_path, text.replace(*change)), NOW)


def test_an_empty_name_in_a_draft_is_none_since_toml_has_no_word_for_it(tmp_path: Path) -> None:
    text = example("templates")
    assert 'subject = "subject"' in text
    made = plan_of_draft(draft(tmp_path, text.replace('subject = "subject"', 'subject = ""')), NOW)
    assert made.templates is not None
    assert made.templates.subject is None
    unchanged = plan_of_draft(draft(tmp_path, text), NOW).templates
    assert unchanged is not None and unchanged.subject == "subject"


def test_a_draft_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is no TOML"):
        plan_of_draft(draft(tmp_path, "title = "), NOW)
    with pytest.raises(NotFound):
        plan_of_draft(tmp_path / "none.toml", NOW)


def test_a_hypothesis_is_about_something_that_is_measured() -> None:
    with pytest.raises(ValueError, match="ppv is not measured here"):
        plan(hypotheses=(DeclaredHypothesis("ppv", "group"),))
    with pytest.raises(ValueError, match="no factor or intersection"):
        plan(hypotheses=(DeclaredHypothesis("fmr", "age"),))


def test_the_hash_changes_with_every_field() -> None:
    made = plan()
    hashes = {made.hash}
    for name, value in to_json(made).items():
        if isinstance(value, str) and name not in ("format", "correction", "contradictions"):
            change: Any = {name: value + "!"}
            hashes.add(dataclasses.replace(made, **change).hash)
    hashes.add(plan(alpha=0.01).hash)
    hashes.add(plan(threshold=ThresholdRule("fmr", 1e-4)).hash)
    assert len(hashes) == 8


def test_a_change_after_the_plan_is_a_deviation_that_makes_everything_exploratory() -> None:
    declared = plan()
    done = plan(threshold=ThresholdRule("fmr", 1e-4))
    (found,) = changes(declared, done)
    assert (found.what, found.planned, found.done) == ("threshold.value", "0.001", "0.0001")
    assert planned_analyses(done, (found,)) == {"group": False}


def test_a_change_of_gallery_sizes_leaves_verdicts_as_planned() -> None:
    declared = plan()
    done = dataclasses.replace(declared, gallery=dataclasses.replace(declared.gallery, searches=10))
    (found,) = changes(declared, done)
    assert found.touches == "gallery"
    assert planned_analyses(done, (found,)) == {"group": True}


def test_the_same_plan_has_no_deviation() -> None:
    assert changes(plan(), plan()) == ()


def test_scores_seen_and_files_changed_are_circumstances() -> None:
    seen = plan(data_seen=True)
    assert [d.what for d in circumstances(seen, {})] == ["data_seen"]
    from countenance.audit.formats.plan import InputFile

    with_file = plan(inputs=(InputFile("people.csv", "a" * 64),))
    assert circumstances(with_file, {"people.csv": "a" * 64}) == ()
    assert [d.what for d in circumstances(with_file, {"people.csv": "b" * 64})] == ["inputs.people.csv"]


def test_groups_that_nobody_expected_are_deviations(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("who,group\na,x\nb,z\n")
    people = people_of_rows(read_table(tmp_path / "l.csv"), "who", ["group"]).people
    expecting: Plan = plan(groups=Groups(("group",), "told", expected={"group": ("x", "y")}))
    (found,) = surprises(expecting, people)
    assert found.touches == "group=z"
    assert planned_analyses(expecting, (found,)) == {"group": True}


def test_every_field_of_a_plan_says_what_it_means() -> None:
    table = (Path(__file__).parents[3] / "docs/audit-fields.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 80 and not [line for line in rows if line.endswith("|  |")]
