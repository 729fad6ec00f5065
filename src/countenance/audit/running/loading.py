"""Whatever a plan's source is, read into data of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from countenance.audit.analysis.faces_data import Sides, faces_data
from countenance.audit.analysis.scored_data import scored_data
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import ModelUsed
from countenance.audit.planning.drafts import files_of, sha256_of
from countenance.audit.running.running import Loaded
from countenance.audit.sources.decisions import read_outcomes, read_risks
from countenance.audit.sources.faces import read_templates
from countenance.audit.sources.images import digest_of_images, read_images
from countenance.audit.sources.live.asking import Asked, Drawn
from countenance.audit.sources.scores import read_scores
from countenance.engine import FaceEngine
from countenance.errors import BadRequest


@dataclass(frozen=True, slots=True, eq=False)
class OwnEngine:
    """An engine of this project and where its templates are kept while an audit runs.

    detector: the detector's name, for the record. sides: how templates are compared (None: plain cosine).
    """

    engine: FaceEngine
    detector: str
    cache: Path
    sides: Sides | None = None


def load(plan: Plan, folder: Path, own: OwnEngine | None = None) -> Loaded:
    """Read the data of `plan`; its paths are relative to `folder`. own: needed for images. Live services: `asked`."""
    inputs = _inputs(plan, folder)
    factors = plan.groups.factors
    if plan.scores is not None:
        return Loaded(scored_data(read_scores(plan.scores, folder, factors, plan.contradictions)), inputs)
    if plan.templates is not None:
        return Loaded(faces_data(read_templates(plan.templates, folder, factors, plan.contradictions)), inputs)
    if plan.outcomes is not None:
        return Loaded(read_outcomes(plan.outcomes, folder, factors, plan.contradictions), inputs)
    if plan.risks is not None:
        return Loaded(read_risks(plan.risks, folder, factors), inputs)
    if plan.images is None:
        raise BadRequest("a live service is asked first, then its answers are loaded")
    if own is None:
        raise BadRequest("images need an engine")
    faces = read_images(plan.images, folder, factors, own.engine, own.cache, plan.contradictions)
    models = (
        ModelUsed("embedder", own.engine.version, own.engine.version, str(own.engine.model)),
        ModelUsed("detector", own.detector, "as in the manifest"),
    )
    return Loaded(faces_data(faces, own.sides), {**inputs, f"{plan.images.folder}/": faces.images_digest}, models)


def asked(
    plan: Plan, folder: Path, drawn: Drawn, answers: Asked, models: tuple[ModelUsed, ...], cassette: Path
) -> Loaded:
    """The answers of a live service as loaded data; the cassette is an input like any file."""
    assert plan.api is not None
    inputs = {
        **_inputs(plan, folder),
        f"{plan.api.folder}/": digest_of_images(drawn.hashes),
        cassette.name: sha256_of(cassette),
    }
    return Loaded(scored_data(answers.scored, answers.outcomes), inputs, models)


def _inputs(plan: Plan, folder: Path) -> dict[str, str]:
    labels, scores = files_of(plan)
    return {name: sha256_of(folder / name) for name in (*labels, *scores) if (folder / name).is_file()}
