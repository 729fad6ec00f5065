"""The command: which pictures get which ids, and on whose behalf; `run` does the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from countenance.cli.enrol.names import printed
from countenance.cli.enrol.pictures import Listing, NamedBy, in_bucket, in_folder, in_manifest
from countenance.cli.installation import installation
from countenance.cli.quality import QUALITY_FILTERS
from countenance.errors import BadRequest

_BUCKET = "s3://"


@click.command(
    "enrol",
    help="Enrol the pictures below FOLDER into a gallery; run it again to go on after an interrupt. FOLDER may be "
    "s3://BUCKET/PREFIX, of a bucket that the server may read. Every file that is not enrolled is named on stderr, "
    "with the reason.",
)
@click.argument("gallery")
@click.argument("folder")
@click.option("--key", help="Access key id of the mandate under which this is done; needed but for --dry-run.")
@click.option(
    "--external-id",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="What names a face: the path of its file below FOLDER, without the suffix, or the folder that the file is in.",
)
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A CSV file with the columns path (below FOLDER), id and, if wanted, user; only its files are enrolled.",
)
@click.option("--dry-run", is_flag=True, help="Say which file would get which id, and do nothing.")
@click.option("--max-faces", type=click.IntRange(1, 100), default=1, show_default=True, help="Faces per picture.")
@click.option(
    "--quality",
    type=click.Choice(QUALITY_FILTERS),
    default="AUTO",
    show_default=True,
    help="How good a face has to be.",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 4096),
    default=0,
    help="Have so many processes of the cluster COUNTENANCE_CLUSTER do it; they find FOLDER at the same path, or "
    "read the same buckets.",
)
def enrol(
    gallery: str,
    folder: str,
    key: str | None,
    external_id: Literal["file", "folder"],
    manifest: Path | None,
    dry_run: bool,
    max_faces: int,
    quality: str,
    workers: int,
) -> None:
    """Every picture is one operation of its own: decided, on record, and enrolled once however often this is run."""
    from countenance.cli.enrol.run import EnrolmentRun, is_picture
    from countenance.operations import Caller, QualityFilter

    place, listing = _listed(folder, external_id, manifest, is_picture)
    for name, why in listing.left_out:
        click.echo(f"{printed(name)}: not enrolled: {why}", err=True)
    if not listing.pictures:
        raise BadRequest(f"there is no picture to enrol below {folder}")
    if dry_run:
        for picture in listing.pictures:
            user = f" ({picture.user})" if picture.user else ""
            click.echo(f"{printed(picture.name)} -> {picture.external_id}{user}")
        click.echo(f"{len(listing.pictures)} pictures would be enrolled, {len(listing.left_out)} files would not")
        return
    if key is None:
        raise BadRequest("enrolling needs --key, the access key id of a mandate")
    with installation() as app:
        EnrolmentRun(app, Caller(key), gallery, max_faces, QualityFilter(quality), workers).run(place, listing)


def _listed(
    source: str, named_by: NamedBy, manifest: Path | None, is_picture: Callable[[bytes], bool]
) -> tuple[str, Listing]:
    """What the pictures lie in, a folder or a part of a bucket, and which ones there are."""
    if source.startswith(_BUCKET):
        bucket, _, below = source.removeprefix(_BUCKET).partition("/")
        prefix = f"{below.rstrip('/')}/" if below.rstrip("/") else ""
        with installation(reads=True) as app:
            objects = list(app.objects.listed(bucket, prefix))
        return f"{_BUCKET}{bucket}/{prefix}", in_bucket(bucket, prefix, objects, named_by, manifest)
    folder = Path(source).resolve()  # processes of a cluster have another working folder
    if not folder.is_dir():
        raise BadRequest(f"there is no folder {source}")
    if manifest is None:
        return str(folder), in_folder(folder, named_by, is_picture)
    return str(folder), in_manifest(manifest, folder, is_picture)
