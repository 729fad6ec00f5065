from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.unit.audit import made_up

from countenance.audit.analysis.disclosure import blocks_of
from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.findings.differences import _paired_ratio, compare_bundles
from countenance.audit.formats.plan import System, TemplateFile, ThresholdRule
from countenance.audit.formats.results import FEWEST_BLOCKS, Results, rate_of
from countenance.audit.running import load, run_audit
from countenance.errors import BadRequest
from countenance.metrics import ratio, tally
from countenance.metrics.statistics.dyads import Tally

IDS = tuple(f"person {n}" for n in range(400))
NOBODY = (np.empty(0, np.int64),) * 3


def all_pairs_tally(rows: np.ndarray, errors: np.ndarray) -> Tally:
    a, b = np.triu_indices(len(rows), 1)
    return tally(rows[a], rows[b], errors[a, b])


def test_blocks_hold_every_count_and_no_block_is_small() -> None:
    rows = np.arange(100, 350)
    random = np.random.default_rng(0)
    errors = random.random((250, 250)) < 0.02
    genuine = (rows[:200], random.integers(0, 3, 200), np.full(200, 3))
    digest, blocks = blocks_of(rows, IDS, all_pairs_tally(rows, errors), genuine, 10)
    assert len(digest) == 64
    assert len(blocks) == 25
    assert sum(b.fmr_errors for b in blocks) == 2 * np.triu(errors, 1).sum()
    assert sum(b.fmr_trials for b in blocks) == 250 * 249
    assert sum(b.fnmr_errors for b in blocks) == genuine[1].sum()
    assert {b.fmr_trials for b in blocks} == {10 * 249}


def test_blocks_do_not_tell_the_misses_that_a_small_group_keeps_to_itself() -> None:
    rows = np.arange(200)
    few = (rows[:9], np.ones(9, np.int64), np.full(9, 3))
    errors = all_pairs_tally(rows, np.zeros((200, 200), bool))
    assert sum(b.fnmr_trials for b in blocks_of(rows, IDS, errors, few, 10)[1]) == 0
    assert sum(b.fnmr_trials for b in blocks_of(rows, IDS, errors, few, 9)[1]) == 27


def test_the_same_people_in_another_order_give_the_same_blocks() -> None:
    rows = np.arange(200)
    errors = np.random.default_rng(1).random((200, 200)) < 0.02
    once = blocks_of(rows, IDS, all_pairs_tally(rows, errors), NOBODY, 10)
    turned = np.random.default_rng(2).permutation(200)
    again = blocks_of(rows[turned], IDS, all_pairs_tally(rows, errors), NOBODY, 10)
    assert once == again
    assert blocks_of(rows[:-1], IDS, all_pairs_tally(rows, errors), NOBODY, 10)[0] != once[0]


def test_too_few_people_have_no_blocks() -> None:
    rows = np.arange(10 * FEWEST_BLOCKS - 1)
    errors = np.zeros((len(rows), len(rows)), bool)
    assert blocks_of(rows, IDS, all_pairs_tally(rows, errors), NOBODY, 10)[1] == ()


def simulated(random: np.random.Generator, people: int = 320, ratio: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Block counts (40, 2) of an old and a new version: lambs stay lambs, and most false matches stay the same."""
    lamb = random.gamma(1.0, 1.0, people)
    likely = np.minimum(0.02 * np.sqrt(np.outer(lamb, lamb)), 1)
    shared = random.random((people, people))
    old = shared < likely
    new = np.where(random.random((people, people)) < 0.7, shared, random.random((people, people))) < ratio * likely
    tables = []
    for hits in (old, new):
        upper = np.triu(hits, 1)
        by_person = (upper + upper.T).sum(axis=1)
        blocks = by_person.reshape(40, -1).sum(axis=1)
        tables.append(np.stack([blocks, np.full(40, (people // 40) * (people - 1))], axis=1).astype(float))
    return tables[0], tables[1]


@pytest.mark.parametrize("ratio", [1.0, 0.8])
def test_the_paired_interval_covers_the_change_that_is_there(ratio: float) -> None:
    random = np.random.default_rng(3)
    inside = []
    width = []
    for _ in range(150):
        old, new = simulated(random, ratio=ratio)
        estimate, interval, _ = _paired_ratio(old, new, 2.0, 0.95)
        assert interval.low is not None and interval.high is not None
        inside.append(interval.low <= ratio <= interval.high)
        width.append(np.log(interval.high / interval.low))
        assert interval.low <= estimate <= interval.high
    assert 0.90 <= np.mean(inside) <= 1.0
    assert np.mean(width) < 0.4


def bundle(folder: Path, name: str, results: Results | None = None, **plan: object) -> Bundle:
    made = made_up.plan(**plan)
    write_bundle(folder / name, made_up.files(made, results if results is not None else made_up.results(made)))
    return read_bundle(folder / name)


def repaired(**changes: object) -> Results:
    """The same audit of a new version: the worst group's false matches are down to a fifth."""
    results = made_up.results(system=System("Gatekeeper", "2.5", "Example GmbH"))
    assert results.faces is not None
    analysis = made_up.analysis(false=(50, 61, 48, 12), **changes)  # type: ignore[arg-type]
    return dataclasses.replace(results, faces=dataclasses.replace(results.faces, analyses=(analysis,)))


def test_a_repair_is_shown_where_it_was_made_and_nowhere_else(tmp_path: Path) -> None:
    found = compare_bundles(bundle(tmp_path, "old"), bundle(tmp_path, "new", repaired()))
    assert found.same_plan and found.same_threshold_rule
    fmr = {c.group: c for c in found.changes if (c.analysis, c.measure) == ("group", "fmr")}
    worst = fmr["women, darker"]
    assert (worst.verdict, worst.paired) == ("better", True)
    assert worst.ratio == pytest.approx(50 / 240, rel=0.1)
    assert {c.verdict for g, c in fmr.items() if g != "women, darker"} == {"no change shown"}


def gallery(folder: Path, name: str, likeness: float) -> Bundle:
    """An audit of 240 people with two templates each, all of them drawn to one side by `likeness`."""
    random = np.random.default_rng(7)  # the same people, whatever the likeness
    people, other = random.standard_normal((2, 240, 16))
    side = np.eye(16)[0]
    vectors = np.concatenate([people + likeness * side, people + 0.8 * other + likeness * side]).astype(np.float32)
    subjects = np.tile([f"person {n}" for n in range(240)], 2)
    groups = np.tile(np.array(["a", "b"]), 240)
    np.savez(folder / f"{name}.npz", template=vectors, subject=subjects, group=groups)
    made = made_up.plan(
        scores=None,
        templates=TemplateFile(f"{name}.npz", subject="subject"),
        threshold=ThresholdRule("fixed", 0.7),
    )
    found = run_audit(made, made, load(made, folder), lambda: made_up.NOW)
    write_bundle(folder / name, made_up.files(made, found))
    return read_bundle(folder / name)


def test_everybody_is_paired_like_any_group(tmp_path: Path) -> None:
    old, new = gallery(tmp_path, "old", 1.0), gallery(tmp_path, "new", 0.9)
    faces = old.results.faces
    assert faces is not None
    assert sum(b.fmr_errors for b in faces.blocks) == 2 * (faces.fmr.errors or 0) > 0
    assert sum(b.fmr_trials for b in faces.blocks) == 2 * (faces.fmr.trials or 0)
    assert sum(b.fnmr_errors for b in faces.blocks) == faces.fnmr.errors
    changes = {c.measure: c for c in compare_bundles(old, new).changes if (c.analysis, c.group) == ("", "everybody")}
    change = changes["fmr"]
    assert change.paired and change.note == "paired by blocks of people"
    assert change.ratio == pytest.approx((change.after.estimate or 0) / (change.before.estimate or 1))
    apart = ratio(rate_of(change.after), rate_of(change.before)).at(0.95)
    assert change.bounds.low is not None and change.bounds.high is not None
    assert change.bounds.high / change.bounds.low < apart.high / apart.low
    assert change.verdict == "better", "what nobody could tell from two independent audits"
    assert apart.holds(1.0)
    assert not changes["failures"].paired
    misses = changes["fnmr"]
    assert misses.before.errors != misses.after.errors
    assert not misses.paired, "they disagree in too few blocks"


def test_other_people_are_compared_as_independent_and_that_is_said(tmp_path: Path) -> None:
    found = compare_bundles(bundle(tmp_path, "old"), bundle(tmp_path, "new", repaired(digest="e" * 64)))
    worst = next(c for c in found.changes if (c.measure, c.group) == ("fmr", "women, darker"))
    assert (worst.verdict, worst.paired) == ("better", False)
    assert "independent" in worst.note


def test_groups_that_one_audit_lacks_are_not_comparable(tmp_path: Path) -> None:
    results = made_up.results()
    assert results.faces is not None
    fewer = made_up.analysis(groups=made_up.GROUPS[:3], false=made_up.FALSE[:3], missed=made_up.MISSED[:3])
    results = dataclasses.replace(results, faces=dataclasses.replace(results.faces, analyses=(fewer,)))
    found = compare_bundles(bundle(tmp_path, "old"), bundle(tmp_path, "new", results))
    gone = next(c for c in found.changes if (c.measure, c.group) == ("fmr", "men, lighter"))
    assert gone.verdict == "not comparable"


def test_different_plans_and_inputs_are_noted(tmp_path: Path) -> None:
    other = made_up.plan(seed=5)
    new = made_up.results(other)
    new = dataclasses.replace(
        new, data=dataclasses.replace(new.data, inputs={"scores.csv": "cd" * 32}), preregistered=False
    )
    found = compare_bundles(bundle(tmp_path, "old"), bundle(tmp_path, "new", new, seed=5))
    said = " ".join(found.notes)
    assert "different plans" in said and "Input files differ: scores.csv" in said and "new audit is exploratory" in said


def test_figures_that_disagree_about_fairness_are_named(tmp_path: Path) -> None:
    results = made_up.results()
    assert results.faces is not None
    analysis = results.faces.analyses[0]
    moved = tuple(dataclasses.replace(f, value=(f.value or 0) + 0.001) for f in analysis.summaries)
    faces = dataclasses.replace(results.faces, analyses=(dataclasses.replace(analysis, summaries=moved),))
    found = compare_bundles(bundle(tmp_path, "old"), bundle(tmp_path, "new", dataclasses.replace(results, faces=faces)))
    (said,) = [note for note in found.notes if "disagree" in note]
    assert "fairer by fairness discrepancy rate; less fair by inequity rate, GARBE" in said
    same = compare_bundles(bundle(tmp_path, "a"), bundle(tmp_path, "b"))
    assert not any("disagree" in note for note in same.notes)


def test_bundles_with_problems_are_not_compared(tmp_path: Path) -> None:
    good = bundle(tmp_path, "old")
    with pytest.raises(BadRequest, match="not what was signed"):
        compare_bundles(good, dataclasses.replace(good, problems=("x",)))
