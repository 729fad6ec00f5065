"""`countenance audit compas`, `gender-shades` and `own-evidence`: audits that come with the project."""

from __future__ import annotations

from pathlib import Path

import click

from countenance.cli.audit.options import ANY, FILE, key_option

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of evaluation data. Default: COUNTENANCE_DATA.",
)
out_option = click.option("-o", "--out", type=ANY, help="Write a signed bundle here, a folder or a .zip.")


@click.command()
@click.argument("file", type=FILE, required=False)
@data_option
@out_option
@key_option
def compas(file: Path | None, data: Path | None, out: Path | None, key: Path | None) -> None:
    """Carry out ProPublica's study of COMPAS again from its file (default: the one in the data folder)."""
    from countenance.cli.audit import study_runs

    study_runs.compas(file, data, out, key)


@click.command("gender-shades")
@out_option
@key_option
def gender_shades(out: Path | None, key: Path | None) -> None:
    """Compute Gender Shades' twelve cells again from their published rates, with intervals. --out: a bundle each."""
    from countenance.cli.audit import study_runs

    study_runs.gender_shades(out, key)


@click.command("own-evidence")
@data_option
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to."
)
@click.option(
    "--threshold-fmr", default=1e-3, show_default=True, help="FMR of the threshold, for the group served worst."
)
@click.option("--days", default=365, show_default=True, help="Days until the evidence expires.")
@click.option(
    "--key", type=FILE, help="Signing key (hex seed, made on first use); default: evidence.key in the data folder."
)
@click.option("--plain", is_flag=True, help="Audit the plain scores instead, to show what the normaliser changes.")
def own_evidence(data: Path | None, out: Path, threshold_fmr: float, days: int, key: Path | None, plain: bool) -> None:
    """Make the project's own evidence for the model in use from LFW and FairFace: two signed bundles and a statement.

    Templates are kept in the data folder while it runs, so an interrupted run goes on. The private key never leaves
    that folder; its public half is written beside the evidence.
    """
    from countenance.cli.audit import study_runs

    study_runs.own_evidence(data, out, threshold_fmr, days, key, plain)
