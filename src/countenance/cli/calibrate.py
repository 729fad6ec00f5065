"""`countenance calibrate`: fit what scores of a model mean, from labelled pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from countenance.calibrate.confidence import as_toml, fitted, look, reliability
from countenance.calibrate.degradations import GRID, HARDER
from countenance.calibrate.files import Origin, write_calibration, write_cohort
from countenance.calibrate.fit import calibrating_groups, impostor_groups, make_normaliser, raw_groups
from countenance.calibrate.labelled_pictures import shots
from countenance.calibrate.people import everybody
from countenance.engine import Engine, Manifest, load_manifests
from countenance.engine.confidence import IDENTITY
from countenance.home import private_home
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import RAW, RawCosine
from countenance.settings import Settings, data_folder, load


@click.command()
@click.argument("model")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder with lfw/ and fairface/. Default: COUNTENANCE_DATA.",
)
@click.option(
    "--further",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Further FairFace templates of this model (.npz with template, race, gender, age, model).",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Default: HOME/calibration.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws the people who are set aside.")
@click.option("--steps", type=int, default=140, show_default=True, help="Steps of the fit, at most.")
@click.option("--note", "notes", multiple=True, help="Something that the files should say about themselves.")
def calibrate(
    model: str, data: Path | None, further: Path | None, out: Path | None, seed: int, steps: int, notes: tuple[str, ...]
) -> None:
    """Fit normaliser and similarity of MODEL to false match rates; of a detector, its confidence.

    Templates are kept under HOME/calibrating while this runs and afterwards, so that it can be interrupted and run
    again; they are biometric data: delete the folder when done. Half of the people are only tested on.
    """
    settings = load()
    private_home(settings.home)
    data = data_folder(settings, data)
    out = out or settings.home / "calibration"
    detector = load_manifests(settings.models_dir).get(model)
    if detector is not None and detector.detection is not None:
        _calibrate_detector(detector, data, out, settings)
        return
    engine = Engine.open(
        settings.models_cache, settings.detector, model, threads=settings.threads, extra=settings.models_dir
    )
    cache, workers = settings.home / "calibrating", 2 * (settings.threads or os.cpu_count() or 1)
    sources = [
        "FairFace (CC BY 4.0), the labelled pictures of the data folder, as they are, with widened edges, and some of "
        f"them degraded in {len(GRID)} ways (docs/equal-error.md)"
    ]
    if further is not None:
        sources.append(f"FairFace, ready-made templates of other pictures ({further.name})")
    sources.append(
        "Labeled Faces in the Wild, deep-funneled (research benchmark): scores only, some of its pictures degraded in "
        f"{len(HARDER)} ways"
    )
    people, cut, aside = everybody(shots(data), engine, cache, workers, further)
    fit, test = people.part(0, 2, seed), people.part(1, 2, seed)
    click.echo(f"{len(people.tight)} FairFace people ({aside} pictures set aside), half of them fitted to")
    made = make_normaliser(fit, engine.model, seed, steps)
    samples = (
        ("fairface_people_fitted", len(fit.tight)),
        ("fairface_people_held_out", len(test.tight)),
        ("fairface_pictures_set_aside", aside),
        ("fairface_people_degraded_fitted", len(np.unique(fit.degraded.portraits.person))),
        ("degraded_pictures_fitted", len(fit.degraded)),
        ("lfw_people_degraded_fitted", len(np.unique(fit.degraded_press.portraits.person))),
        ("degraded_lfw_pictures_fitted", len(fit.degraded_press)),
        ("lfw_people_fitted", len(np.unique(fit.press.person))),
        ("lfw_people_held_out", len(np.unique(test.press.person))),
    )
    date = datetime.now(UTC).date().isoformat()
    command = f"countenance calibrate {model} --seed {seed} --steps {steps}"
    command += f" --further {further.name}" if further is not None else ""
    origin = Origin(engine.model, engine.version, date, seed, tuple(sources), samples, cut, command, notes)
    normaliser = write_cohort(out / "cohorts", made, origin)
    click.echo(f"normaliser {normaliser.identity[:16]}: {len(normaliser.centres)} centres")
    for identity, groups, scored_by in (
        (RAW, raw_groups(fit, seed), RawCosine()),
        (normaliser.identity, calibrating_groups(fit, engine.model, seed, steps), normaliser),
    ):
        held_out = impostor_groups([(test, scored_by)])
        calibration = write_calibration(out / "calibrations", identity, groups, held_out, origin)
        _show(calibration, "plain cosine" if identity == RAW else "normalised")
    engine.close()


DETECTOR_PICTURES = 4000
"""With a face, and as many without: half of each are fitted to."""


def _calibrate_detector(detector: Manifest, data: Path, out: Path, settings: Settings) -> None:
    """Write what the detector's scores are worth, as the part of its manifest that says so."""
    assert detector.detection is not None
    plain = replace(detector, detection=replace(detector.detection, confidence=IDENTITY))
    embedder = load_manifests(settings.models_dir)[settings.model]
    engine = Engine(plain, embedder, settings.models_cache, settings.threads)
    wanted = shots(data)
    tight = [shot.path for shot in wanted["tight"]]
    press = list({shot.person: shot.path for shot in wanted["press"]}.values())
    number = min(DETECTOR_PICTURES, 2 * min(len(tight), len(press)))
    finds = look(engine, tight, press, number, 2 * engine.threads)
    engine.close()
    curve = fitted(finds.half(0))
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{detector.label}.confidence.toml"
    target.write_text(as_toml(curve), encoding="utf-8")
    click.echo(f"{number} pictures with a face and {number} without; put {target.name} in place of that part of the")
    click.echo(f"manifest of {detector.name}. Held out, by confidence:")
    for line in reliability(curve, finds.half(1)):
        click.echo(
            f"  {line.low:g} to {line.high:g}: {line.finds} finds, mean {line.confidence:.2f}, {line.faces} are faces"
        )


def _show(calibration: Calibration, what: str) -> None:
    anchors = ", ".join(f"{s:g} at {calibration.score(float(s)):.4f}" for s in (80.0, 90.0, 99.0, 99.9))
    click.echo(f"{what}: similarity {anchors} (calibration {calibration.identity[:16]})")
