"""Checks of what the answers rest on: models, calibration, evidence, rules, and the decoder of videos."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from countenance import operations
from countenance.doctor.finding import Diagnosis, Severity, Surroundings
from countenance.engine import load_manifests
from countenance.engine.weights import state
from countenance.errors import CountenanceError
from countenance.faces import ModelId
from countenance.operations.evidence import evidence_facts
from countenance.policy import Rules
from countenance.scoring import Calibration, load_normaliser
from countenance.settings import Settings

SOON = timedelta(days=30)
"""How long before evidence ends the doctor speaks of it."""


def check_models(own: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """The weights in use are there and whole; their calibration and evidence are of exactly this model."""
    try:
        manifests = load_manifests(own.models_dir)
    except CountenanceError as error:
        yield Diagnosis("weights", Severity.WRONG, str(error), "put the manifest right")
        yield Diagnosis("calibration", Severity.UNKNOWN, "the manifests have to be put right first")
        return
    for setting, name, kind in (("DETECTOR", own.detector, "detector"), ("MODEL", own.model, "embedder")):
        manifest = manifests.get(name)
        if manifest is None or manifest.kind != kind:
            there = ", ".join(sorted(each.name for each in manifests.values() if each.kind == kind))
            says = f"COUNTENANCE_{setting} names {name!r}, which is no {kind}"
            yield Diagnosis("weights", Severity.WRONG, says, f"name one of: {there}")
            continue
        status = state(manifest, own.models_cache)
        if status == "ok":
            yield Diagnosis("weights", Severity.WELL, f"{manifest.label}: sha256 as its manifest says")
        elif manifest.folder is not None:
            yield Diagnosis("weights", Severity.WRONG, f"{manifest.label}: {status}", f"put {manifest.file} beside it")
        else:
            says = f"{manifest.label}: {status} in {own.models_cache}"
            yield Diagnosis("weights", Severity.WRONG, says, "countenance models fetch")
    embedder = manifests.get(own.model)
    if embedder is None or embedder.kind != "embedder":
        yield Diagnosis("calibration", Severity.UNKNOWN, "the model has to be named right first")
        return
    yield from _calibration(own, embedder.model, surroundings)


def _calibration(own: Settings, model: ModelId, surroundings: Surroundings) -> Iterator[Diagnosis]:
    try:
        normaliser = load_normaliser(model, own.calibration / "cohorts")
        calibration = Calibration.load(model, normaliser.identity, own.calibration / "calibrations")
    except CountenanceError as error:
        yield Diagnosis("calibration", Severity.WRONG, str(error), "countenance calibrate")
        yield Diagnosis("evidence", Severity.UNKNOWN, "the calibration has to be put right first")
        return
    says = f"{calibration.identity[:8]}, of model {model[:8]} and normaliser {normaliser.identity[:8]}"
    yield Diagnosis("calibration", Severity.WELL, says)
    yield from _evidence(own, model, calibration.identity, surroundings)


def _evidence(own: Settings, model: ModelId, calibration: str, surroundings: Surroundings) -> Iterator[Diagnosis]:
    now = surroundings.now()
    try:
        trusted = operations.trusted_evidence(own.evidence, shipped=own.shipped_evidence)
        says = operations.evidence_summary(trusted, model, calibration, now)
        best = evidence_facts(trusted, model, calibration, now)
    except (CountenanceError, OSError) as error:
        yield Diagnosis("evidence", Severity.WRONG, str(error), "mend or remove that file in COUNTENANCE_EVIDENCE")
        return
    if best.expires_at is None or best.expires_at - now < SOON:
        remedy = "audit this model again, and put the signed evidence into COUNTENANCE_EVIDENCE (docs/audit.md)"
        yield Diagnosis("evidence", Severity.WARNING, says, remedy)
    else:
        yield Diagnosis("evidence", Severity.WELL, says)


def check_rules(own: Settings, _: Surroundings) -> Iterator[Diagnosis]:
    """The packs that the settings name can be read and validated."""
    try:
        Rules.load(own.packs, own.packs_dir, own.appeal_contact)
        if own.charter is not None:
            operations.read_charter(own.charter)
    except CountenanceError as error:
        yield Diagnosis("rules", Severity.WRONG, str(error), "see COUNTENANCE_PACKS, _PACKS_DIR and _CHARTER")
    else:
        yield Diagnosis("rules", Severity.WELL, f"packs in force: {', '.join(own.packs)}")


def check_video(_: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """Videos can be decoded."""
    if surroundings.decodes_video():
        yield Diagnosis("video", Severity.WELL, "OpenCV has FFmpeg")
    else:
        remedy = "install opencv-python-headless as a wheel; pictures work without it"
        yield Diagnosis("video", Severity.WARNING, "OpenCV has no FFmpeg: videos cannot be decoded", remedy)
