"""`countenance calibrate MODEL` for an embedder of one's own: files that a server then takes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from countenance.calibrate import people as reading
from countenance.calibrate.labelled_pictures import Portraits, Shot
from countenance.cli import calibrate as command
from countenance.cli import cli
from countenance.engine import Engine
from countenance.errors import ModelError
from countenance.faces import ModelId
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import Crowding, load_normaliser

MINE = ModelId("cd" * 32)
D, FACES, NAMED = 40, 700, 120


def portraits(vectors: np.ndarray, person: list[str], gender: np.ndarray, race: np.ndarray) -> Portraits:
    n = len(vectors)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Portraits(unit, np.array(person), gender, race, np.array(["20-29", "30-39"])[np.arange(n) % 2], np.ones(n))


def labelled() -> dict[str, Portraits]:
    rng = np.random.default_rng(3)
    gender, race = np.array(["female", "male"])[np.arange(FACES) % 2], np.array(["A", "B"])[np.arange(FACES) // 2 % 2]
    faces = rng.normal(size=(FACES, D))
    faces[race == "A", 0] += 2.0
    named = [f"t{i}" for i in range(FACES)]
    twice = rng.normal(size=(NAMED, D)).repeat(2, axis=0) + rng.normal(size=(2 * NAMED, D)) * 0.3
    sex = np.array(["female", "male"])[np.arange(NAMED) % 2].repeat(2)
    return {
        "tight": portraits(faces, named, gender, race),
        "widened": portraits(faces + rng.normal(size=faces.shape) * 0.3, named, gender, race),
        "press": portraits(twice, [f"p{i}" for i in range(NAMED) for _ in "ab"], sex, np.array([""] * 2 * NAMED)),
    }


def shots_of(people: dict[str, Portraits]) -> dict[str, list[Shot]]:
    """A shot for each row."""
    return {
        kind: [Shot("press" if kind == "press" else "tight", Path(kind), person, gender, "", "")
               for person, gender in zip(each.person.tolist(), each.gender.tolist(), strict=True)]
        for kind, each in people.items()
    }  # fmt: skip


def degraded(faces: Portraits) -> tuple[Portraits, np.ndarray]:
    """All people made worse in two ways, of which one makes them look much alike."""
    rng = np.random.default_rng(4)
    blurred, dark = (
        faces.vectors + shift for shift in (np.eye(D)[1] * 0.8, rng.normal(size=faces.vectors.shape) * 0.03)
    )
    both = np.vstack([blurred, dark]).astype(np.float32)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    twice = faces.joined(faces)
    made = Portraits(both, twice.person, twice.gender, twice.race, twice.age, twice.sharpness)
    return made, np.repeat(["blur 1", "dark 1"], len(faces))


def drawn(people: dict[str, Portraits], wanted: list[Shot]) -> Portraits:
    """The first picture of each person of `wanted`."""
    each = people[wanted[0].path.name]
    first = {person: i for i, person in reversed(list(enumerate(each.person.tolist())))}
    return each[np.array([first[shot.person] for shot in wanted])]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command left its files, for people that this test made up in place of pictures and a network."""
    folder = tmp_path_factory.mktemp("calibrated")
    engine = SimpleNamespace(model=MINE, version="mine-2026-cdcdcdcd", close=lambda: None)
    people = labelled()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTENANCE_HOME", str(folder / "home"))
        patch.setattr(Engine, "open", lambda *given, **more: engine)
        patch.setattr(command, "shots", lambda data: shots_of(people))
        patch.setattr(reading, "portraits", lambda wanted, *given: people[wanted[0].path.name])
        patch.setattr(reading, "degraded_portraits", lambda wanted, *given: degraded(drawn(people, wanted)))
        done = CliRunner().invoke(
            cli, ["calibrate", "mine", "--data", str(folder), "--out", str(folder), "--steps", "4"]
        )
    assert done.exit_code == 0, done.output
    return folder


def test_another_embedder_gets_a_normaliser_and_a_calibration_of_its_own(out: Path) -> None:
    normaliser = load_normaliser(MINE, out / "cohorts")
    assert isinstance(normaliser, Crowding)
    calibration = Calibration.load(MINE, normaliser.identity, out / "calibrations")
    assert calibration.similarity(calibration.score(80.0)) == pytest.approx(80.0, abs=0.1)
    assert Calibration.load(MINE, "raw", out / "calibrations").normaliser == "raw"


def test_its_cohort_is_means_of_twenty_people_or_more_and_near_nobody(out: Path) -> None:
    manifest = json.loads(next((out / "cohorts").glob("*.cohort.json")).read_text())
    assert manifest["fewest_people_per_centre"] >= 20
    normaliser = load_normaliser(MINE, out / "cohorts")
    assert isinstance(normaliser, Crowding)
    people = labelled()
    nearest = max(float((people[kind].vectors @ normaliser.centres.T).max()) for kind in ("tight", "widened"))
    assert nearest < 0.95
    assert manifest["largest_cosine_of_a_centre_to_a_picture_used"] <= nearest + 1e-3


def test_a_changed_cohort_is_served_with_no_calibration_but_its_own(out: Path, tmp_path: Path) -> None:
    manifest = next((out / "cohorts").glob("*.cohort.json"))
    for path in manifest.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / manifest.name
    changed.write_text(changed.read_text().replace('"sharpness": 20.0', '"sharpness": 19.0'))
    normaliser = load_normaliser(MINE, tmp_path)
    with pytest.raises(ModelError, match="run countenance calibrate"):
        Calibration.load(MINE, normaliser.identity, out / "calibrations")


def test_pictures_that_look_like_nobody_in_particular_are_known_by_their_templates(out: Path) -> None:
    normaliser = load_normaliser(MINE, out / "cohorts")
    assert isinstance(normaliser, Crowding)
    faces = labelled()["tight"]
    worse, cells = degraded(faces)
    sharp, blurred = (normaliser.recognisability(v) for v in (faces.vectors, worse.vectors[cells == "blur 1"]))
    assert sharp is not None and blurred is not None
    assert ((sharp >= 0) & (sharp <= 100)).all()
    assert np.median(sharp) > np.median(blurred) + 5
