"""Where nobody is named, pairs are not called people, and what is not done for want of names is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.audit import made_up
from tests.unit.audit.made_up import FACES, NOW, OUTCOMES, carried_out, pairs
from tests.unit.audit.test_report import Page

from countenance.audit.bundle import Bundle
from countenance.audit.planning.plans import plan_of_draft
from countenance.audit.report.page import card_page, report_page
from countenance.audit.report.questions import embed_svg
from countenance.errors import BadRequest

LABELS = 'labels = { A = "women", B = "men" }'


def audited(folder: Path, *, named: bool = False, missed: tuple[int, int] = (40, 5), labels: str = "") -> Bundle:
    """300 mates and 600 impostors in each of two groups, and four pairs of a third, too few to publish."""
    others = [(at % 300, (at + 1 + at // 300) % 300) for at in range(600)]
    lines = [line for group, misses in zip("AB", missed, strict=True) for line in pairs(group, 300, misses, others, 15)]
    subjects = '["subject_a", "subject_b"]' if named else "[]"
    draft = FACES.replace("[scores]", f"{labels}\n[scores]\nsubjects = {subjects}")
    return made_up.audited(folder, [*lines, *pairs("C", 4, 0, (), 0)], draft)


@pytest.mark.parametrize(("missed", "labels"), [((40, 5), ""), ((40, 5), LABELS), ((5, 5), ""), ((0, 0), LABELS)])
def test_pairs_are_not_people_anywhere(tmp_path: Path, missed: tuple[int, int], labels: str) -> None:
    bundle = audited(tmp_path, missed=missed, labels=labels)
    results = bundle.results
    told = [results.headline, results.numbers.worst, results.numbers.ratio, results.numbers.meaning, *results.also]
    pages = [Page(page(bundle)).text for page in (report_page, card_page)]
    svg = embed_svg(bundle)
    pages += [] if svg is None else [svg]
    for page in [*told, *pages]:
        assert not re.search(r"people labelled|so many people|this many people|too few people", page, re.I)
        assert not re.search(r"(?<!gallery of )\b[\d,]+ people\b(?! of their own| in the gallery)", page)
        assert "everybody else" not in page
    assert results.data.people == 0
    assert "1,804 comparisons of people whom nobody named" in pages[0]


def test_what_was_not_done_for_want_of_names_is_said_on_the_first_page(tmp_path: Path) -> None:
    page = Page(report_page(audited(tmp_path))).text
    assert "Who is on the pictures is not known. Each pair counts as independent" in page.partition("Verdicts")[0]
    assert "pairs labelled A" in page and "with this many pairs, differences not seen" in page
    assert "rates are clustered by person" not in page


def test_histograms_of_mates_stay_and_no_digest_of_people_is_made_up(tmp_path: Path) -> None:
    faces = audited(tmp_path).results.faces
    assert faces is not None
    for group in faces.analyses[0].groups:
        assert group.histogram is not None and sum(group.histogram.genuine) == 300
        assert sum(group.histogram.impostors) == 600
        assert (group.people_digest, group.blocks) == ("", ())
    assert (faces.people_digest, faces.blocks) == ("", ())


def test_named_people_are_people(tmp_path: Path) -> None:
    bundle = audited(tmp_path, named=True)
    assert "people labelled A" in bundle.results.headline and bundle.results.data.people == 600
    assert "600 people, 1,804 comparisons" in Page(report_page(bundle)).text


def test_rows_of_a_classifier_are_not_people_unless_somebody_is_named(tmp_path: Path) -> None:
    lines = ["grp,truth,predicted", *(f"{'AB'[at % 2]},y,{'n' if at % 40 == 0 else 'y'}" for at in range(800))]
    (tmp_path / "o.csv").write_text("\n".join(lines) + "\n")
    bundle = carried_out(tmp_path, OUTCOMES)
    page = Page(report_page(bundle)).text
    assert bundle.results.headline == "Gatekeeper is wrong about 5.00 % of rows labelled A and none of rows labelled B."
    assert "people labelled" not in page and "this many rows, differences not seen" in page
    assert "Which rows are about the same people is not known. Each row counts as another person's" in page


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (("yes", "no", "1", "0"), '{ "0" = "no", "1" = "yes" }'),
        (("female", "male", "F", "M"), '{ "F" = "female", "M" = "male" }'),
        (("cat", "dog", "7", "9"), '{ "7" = "?", "9" = "?" }'),
    ],
)
def test_what_predicted_classes_may_mean_is_guessed_one_by_one(
    tmp_path: Path, classes: tuple[str, ...], said: str
) -> None:
    rows = [f"A,{classes[at % 2]},{classes[2 + at % 2]}" for at in range(40)]
    (tmp_path / "o.csv").write_text("\n".join(["grp,truth,predicted", *rows]) + "\n")
    (tmp_path / "d.toml").write_text(OUTCOMES)
    with pytest.raises(BadRequest, match=re.escape(said)):
        plan_of_draft(tmp_path / "d.toml", NOW)
