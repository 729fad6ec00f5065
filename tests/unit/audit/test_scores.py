from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.unit.audit.score_files import score_file

from countenance.audit.analysis.measurement import ScoredComparisons
from countenance.audit.formats.plan import ScoreFile
from countenance.audit.sources.scores import read_scores
from countenance.errors import BadRequest

WITH_IMAGES = ScoreFile("scores.csv", labels="people.csv", images=("image_a", "image_b"))
HEAD = "score,same,subject_a,subject_b,image_a,image_b,gender_a,gender_b"


def read(folder: Path, source: ScoreFile = WITH_IMAGES, contradictions: str = "error") -> ScoredComparisons:
    return read_scores(source, folder, ["gender"], contradictions)


def rows(folder: Path, *lines: str) -> ScoreFile:
    (folder / "scores.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    return ScoreFile("scores.csv", images=("image_a", "image_b"), direction="similarity")


GOOD = ("0.9,1,a,a,a1,a2,f,f", "0.1,0,a,b,a1,b1,f,m", "0.2,0,b,c,b1,c1,m,m")


def test_scores_come_with_their_people(tmp_path: Path) -> None:
    score_file(tmp_path)
    found = read(tmp_path)
    assert found.people.count == 60
    assert len(found.comparisons) == 3060
    np.testing.assert_array_equal(found.comparisons.mated, found.a == found.b)
    assert "found from the data" in " ".join(found.findings)


def test_distances_are_recognised_and_turned_round(tmp_path: Path) -> None:
    score_file(tmp_path)
    similar = read(tmp_path).comparisons
    score_file(tmp_path, distance=True)
    found = read(tmp_path)
    assert found.comparisons.negated
    np.testing.assert_allclose(found.comparisons.score, similar.score)
    assert "read as distances" in found.findings[-1]


def test_a_direction_declared_wrongly_is_an_error(tmp_path: Path) -> None:
    score_file(tmp_path)
    with pytest.raises(BadRequest, match="other way than was said"):
        read(tmp_path, ScoreFile("scores.csv", labels="people.csv", direction="distance"))


def test_mixed_directions_are_an_error_that_names_the_group(tmp_path: Path) -> None:
    path = score_file(tmp_path, gap=6.0)
    head, *lines = path.read_text().splitlines()
    women = {f"p{i:03d}" for i in range(0, 60, 3)}
    turned = [f"-{line}" if line.split(",")[2] in women else line for line in lines]
    path.write_text("\n".join([head, *(line.replace("--", "") for line in turned)]) + "\n")
    with pytest.raises(BadRequest, match="directions are mixed: in the group 'female'"):
        read(tmp_path)


def test_columns_by_side_serve_as_well_as_a_label_table(tmp_path: Path) -> None:
    found = read(tmp_path, rows(tmp_path, *GOOD))
    assert found.people.ids == ("a", "b", "c")
    assert found.people.codes.tolist() == [[0], [1], [1]]


def test_whether_it_is_one_person_can_be_told_from_the_subjects(tmp_path: Path) -> None:
    rows(tmp_path, *GOOD)
    found = read(tmp_path, ScoreFile("scores.csv", same=None, direction="similarity"))
    assert found.comparisons.mated.tolist() == [True, False, False]


def test_a_missing_column_is_an_error(tmp_path: Path) -> None:
    score_file(tmp_path)
    with pytest.raises(BadRequest, match="has no column 'cosine'"):
        read(tmp_path, ScoreFile("scores.csv", score="cosine"))


def test_nan_is_an_error_until_the_plan_says_what_it_means(tmp_path: Path) -> None:
    lines = (*GOOD, ",0,a,c,a1,c1,f,m", "nan,1,b,b,b1,b2,m,m")
    source = rows(tmp_path, *lines)
    with pytest.raises(BadRequest, match=r"2 comparisons of scores.csv have no score"):
        read(tmp_path, source)
    failed = read(tmp_path, ScoreFile("scores.csv", direction="similarity", missing="failure"))
    assert failed.comparisons.failed.sum() == 2
    assert "2 comparisons have no score and count as failures to acquire" in failed.findings
    censored = read(tmp_path, ScoreFile("scores.csv", direction="similarity", missing="censored", censored_below=0.05))
    assert np.isneginf(censored.comparisons.score).sum() == 2
    assert censored.comparisons.censor_point == 0.05


def test_a_repeated_pair_of_images_counts_once_whichever_side_comes_first(tmp_path: Path) -> None:
    found = read(tmp_path, rows(tmp_path, *GOOD, GOOD[1], "0.1,0,b,a,b1,a1,m,f"))
    assert len(found.comparisons) == 3
    assert "2 rows of scores.csv repeat a pair of images; each pair counts once" in found.findings


def test_a_pair_with_two_scores_is_an_error_or_set_aside(tmp_path: Path) -> None:
    source = rows(tmp_path, *GOOD, "0.3,0,b,a,b1,a1,m,f")
    with pytest.raises(BadRequest, match=r"1 pairs of images in scores.csv have two different scores"):
        read(tmp_path, source)
    found = read(tmp_path, source, "set aside")
    assert sorted(found.comparisons.score.tolist()) == [0.2, 0.9]


def test_labels_that_contradict_the_subjects_are_an_error_or_set_aside(tmp_path: Path) -> None:
    source = rows(tmp_path, *GOOD, "0.3,1,a,c,a1,c1,f,m")
    with pytest.raises(BadRequest, match="1 comparisons say 'same' against their subjects"):
        read(tmp_path, source)
    found = read(tmp_path, source, "set aside")
    assert len(found.comparisons) == 3
    assert any("set aside" in finding for finding in found.findings)


def test_a_person_in_two_groups_is_an_error_or_set_aside(tmp_path: Path) -> None:
    source = rows(tmp_path, *GOOD, "0.3,0,b,c,b2,c2,f,m")
    with pytest.raises(BadRequest, match=r"1 of 3 subjects in scores.csv belong to two groups"):
        read(tmp_path, source)
    found = read(tmp_path, source, "set aside")
    assert found.people.ids == ("a", "c")
    assert len(found.comparisons) == 1


def test_people_without_a_label_are_left_out_with_a_finding(tmp_path: Path) -> None:
    score_file(tmp_path)
    (tmp_path / "people.csv").write_text("\n".join((tmp_path / "people.csv").read_text().splitlines()[:-1]) + "\n")
    found = read(tmp_path)
    assert "1 of 60 subjects have no row in people.csv; their comparisons are left out" in found.findings
    assert found.people.count == 59
    assert (found.a >= 0).all() and (found.b >= 0).all()


def test_a_label_table_about_others_is_an_error(tmp_path: Path) -> None:
    score_file(tmp_path)
    (tmp_path / "people.csv").write_text("subject,gender\nx,female\n")
    with pytest.raises(BadRequest, match=r"no subject of scores.csv is in people.csv"):
        read(tmp_path)


def test_without_subjects_every_row_is_independent_and_that_is_a_finding(tmp_path: Path) -> None:
    rows(tmp_path, *GOOD)
    found = read(tmp_path, ScoreFile("scores.csv", subjects=(), direction="similarity"))
    assert found.people.count == 6
    assert any(finding.kind == "no-people" for finding in found.comparisons.findings)


def test_scores_outside_their_stated_limits_are_an_error(tmp_path: Path) -> None:
    rows(tmp_path, *GOOD)
    with pytest.raises(BadRequest, match=r"1 scores of scores.csv lie outside 0.15 to 1"):
        read(tmp_path, ScoreFile("scores.csv", direction="similarity", limits=(0.15, 1.0)))


def test_without_impostors_the_direction_must_be_said(tmp_path: Path) -> None:
    rows(tmp_path, GOOD[0])
    with pytest.raises(BadRequest, match="direction of scores cannot be found"):
        read(tmp_path, ScoreFile("scores.csv"))
    found = read(tmp_path, ScoreFile("scores.csv", direction="similarity"))
    assert any(finding.kind == "no-non-mated" for finding in found.comparisons.findings)
