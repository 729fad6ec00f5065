"""What `countenance audit compas`, `gender-shades` and `own-evidence` do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from countenance.audit.analysis.measurement import Vectors
from countenance.audit.bundle import verify_bundle
from countenance.audit.evidence import EvidenceSubject, issue_evidence, read_evidence
from countenance.audit.findings.words import interval, of, one_sided, percent, rate, seen
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Results, Share
from countenance.audit.running import run_audit, seal
from countenance.audit.sources.source import Loaded, OwnEngine
from countenance.audit.studies.compas import compas_study
from countenance.audit.studies.gender_shades import gender_shades_study
from countenance.audit.studies.own import FAIRFACE, LFW, OperatingMode, fairface_plan, lfw_plan, load_study, with_inputs
from countenance.audit.studies.published import published_compas, published_gender_shades
from countenance.cli.audit.options import now, signer
from countenance.settings import data_folder, load
from countenance.signing import Signer


def compas(file: Path | None, data: Path | None, out: Path | None, key: Path | None) -> None:
    """Carry out ProPublica's study of COMPAS again from its file (default: the one in the data folder)."""
    table = file if file is not None else data_folder(load(), data) / "compas" / "compas-scores-two-years.csv"
    plan, loaded = compas_study(table, now())
    results = _run(plan, loaded, out, key)
    assert results.risks is not None
    published = published_compas()
    click.echo(results.headline)
    for group in results.risks.analyses[0].groups:
        click.echo(f"{group.group}: FPR {_said(group.fpr)}, FNR {_said(group.fnr)}")
        if group.group in published.groups:
            was = published.groups[group.group]
            click.echo(f"  published: FPR {was.fpr_pct} %, FNR {was.fnr_pct} % of {was.n:,}")
        if (i := group.identity) is not None:
            click.echo(
                f"  p/(1-p) · (1-PPV)/PPV · (1-FNR) = {i.prevalence:.4f}/{1 - i.prevalence:.4f} · "
                f"{1 - i.ppv:.4f}/{i.ppv:.4f} · {1 - i.fnr:.4f} = {i.implied:.4f} = FPR"
            )
    click.echo("With unequal shares of outcomes no score can have equal FPR, equal FNR and equal PPV at once.")
    click.echo(f"Source: {published.study}; {published.status}.")


def _said(share: Share) -> str:
    known = seen(share) if one_sided(share) else f"{percent(share.estimate)} ({of(share)}; {interval(share)})"
    return known if share.known else f"unknown ({share.reason})"


def gender_shades(out: Path | None, key: Path | None) -> None:
    """Compute Gender Shades' twelve cells again from their published rates, with intervals. --out: a bundle each."""
    published = published_gender_shades()
    for system in published.error_pct:
        plan, loaded = gender_shades_study(system, now())
        target = None
        if out is not None:
            target = out.with_name(f"{out.stem}-{system.replace('+', 'p').lower()}{out.suffix}")
        results = _run(plan, loaded, target, key)
        assert results.outcomes is not None
        click.echo(f"{system}: {results.headline}")
        cells = {group.group: group for group in results.outcomes.analyses[-1].groups}
        for cell, pct in zip(published.cells, published.error_pct[system], strict=True):
            error = cells[cell].error
            click.echo(f"  {cell}: {rate(error)} [{interval(error)}] {of(error)}; published {pct} %")
    click.echo(f"Source: {published.study}; {published.status}.")


def own_evidence(data: Path | None, out: Path, threshold_fmr: float, days: int, key: Path | None, plain: bool) -> None:
    """Make the project's own evidence for the model in use from LFW and FairFace: two signed bundles and a statement.

    Templates are kept in the data folder while it runs, so an interrupted run goes on. The private key never leaves
    that folder; its public half is written beside the evidence.
    """
    from countenance.engine import Engine
    from countenance.scoring import Calibration, RawCosine, load_normaliser

    s = load()
    engine = Engine.open(s.models_cache, s.detector, s.model, threads=s.threads, extra=s.models_dir)
    normaliser = RawCosine() if plain else load_normaliser(engine.model, s.calibration / "cohorts")
    calibration = Calibration.load(engine.model, normaliser.identity, s.calibration / "calibrations")
    score = float(calibration.score_at_fmr(threshold_fmr))
    operation = OperatingMode(s.model, engine.version, normaliser.identity, calibration.identity, threshold_fmr, score)
    work = s.home / "audit"

    def sides(vectors: Vectors) -> tuple[Vectors, Vectors]:
        return normaliser.probe_side(vectors), normaliser.gallery_side(vectors)

    own = OwnEngine(engine, s.detector, work / "templates" / s.detector, sides)
    sign = Signer.from_file(key if key is not None else s.keys / "evidence.key")
    made = now()
    bundles = []
    for study, plan in ((LFW, lfw_plan(operation, made)), (FAIRFACE, fairface_plan(operation, made))):
        loaded = load_study(plan, study, data_folder(load(), data), work / "own", own, lambda name: True)
        declared = with_inputs(plan, loaded)
        results = run_audit(declared, declared, loaded, now)
        target = out / f"{s.model}.{study.name}{'.plain' if plain else ''}.fmr-{threshold_fmr:g}.zip"
        seal(target, declared, results, loaded, sign, now)
        bundles.append(verify_bundle(target))
        click.echo(f"{target.name}: {results.headline}")
    subject = EvidenceSubject(
        str(engine.model), engine.version, normaliser.identity, calibration.identity, threshold_fmr, score
    )
    content = issue_evidence(bundles, subject, made, made + timedelta(days=days), sign)
    name = f"{s.model}{'.plain' if plain else ''}.fmr-{threshold_fmr:g}.evidence.json"
    (out / name).write_bytes(content)
    (out / "countenance.pub").write_text(sign.public.hex() + "\n")
    evidence = read_evidence(content)
    click.echo(f"{name}: until {evidence.expires_at}, worst group's FMR at most {percent(evidence.highest_fmr)}, "
               f"lowest TPR {percent(evidence.lowest_tpr)}")  # fmt: skip


def _run(plan: Plan, loaded: Loaded, out: Path | None, key: Path | None) -> Results:
    results = run_audit(plan, plan, loaded, now)
    if out is not None:
        seal(out, plan, results, loaded, signer(key), now)
        click.echo(f"bundle {out}")
    return results
