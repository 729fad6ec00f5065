"""The commands: where galleries come from, and what is to be done with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from countenance.cli.quality import QUALITY_FILTERS
from countenance.errors import BadRequest
from countenance.settings import client_environment

if TYPE_CHECKING:
    from countenance.cli.migrate.moving import Choices
    from countenance.cli.migrate.pictures import Pictures

migrate = click.Group(
    "migrate",
    help="Galleries from a service in the cloud, with the pictures that you still have. Templates cannot come along.",
)
_IDENTICAL = 0.5
"""The confidence from which on Azure Face calls faces identical: `IDENTICAL` of the operations."""
_Command = TypeVar("_Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_WHERE = [
    click.option("--key", help="Access key id of the mandate under which this is done; needed but for --dry-run."),
    click.option(
        "--folder",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="The folder that the pictures are in.",
    ),
    click.option("--bucket", help="The S3 bucket that the pictures are in, in place of --folder; read through boto3."),
    click.option("--s3-endpoint", help="Address of that bucket, where it is not AWS's."),
    click.option("--profile", help="The profile of boto3 whose credentials are used."),
    click.option("--region", help="The AWS region; else AWS_REGION or boto3's own."),
]
_WHAT = [
    click.option(
        "--manifest",
        type=_FILE,
        help="A CSV file with the columns collection, path (or key, of a bucket) and external_id, user or face_id.",
    ),
    click.option("--name", "rule", help="What pictures are called, such as {ExternalImageId}.jpg; else --manifest."),
    click.option(
        "--quality", type=click.Choice(QUALITY_FILTERS), default="AUTO", show_default=True,
        help="How good a face has to be.",
    ),
    click.option(
        "--report", type=click.Path(path_type=Path, file_okay=False), default=Path("migration"), show_default=True,
        help="Folder for what became of every face, and for --compare.",
    ),
    click.option("--dry-run", is_flag=True, help="Read the source, say what would happen and what it costs; no more."),
    click.option("--price", type=click.FloatRange(0), help="What the source asks for a call, for the estimate."),
    click.option(
        "--compare", is_flag=True,
        help="Enrol nothing: ask both services the same questions. Sends pictures to the source; asks before.",
    ),
    click.option("--questions", type=_FILE, help="A CSV file of questions for --compare; else a sample is drawn."),
    click.option("--pairs", type=click.IntRange(0), default=200, show_default=True, help="Comparisons in the sample."),
    click.option("--searches", type=click.IntRange(0), default=100, show_default=True, help="Searches in the sample."),
    click.option("--seed", type=int, default=1, show_default=True, help="Of the sample."),
    click.option(
        "--calls-per-second", type=click.FloatRange(0.01, 1000), default=5.0, show_default=True,
        help="How fast the source is asked.",
    ),
    click.option("--yes", is_flag=True, help="Do not ask before pictures are sent to the source."),
]  # fmt: skip


def _with(options: list[Callable[[_Command], _Command]]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@migrate.command("rekognition", help="Collections of Amazon Rekognition; run it again to go on after an interrupt.")
@click.option("--collection", "names", multiple=True, help="A collection; several may be named. None named: all.")
@click.option("--endpoint", help="Address of the source, where it is not AWS's; AWS_ENDPOINT_URL… do not count here.")
@_with(_WHERE)
@_with(_WHAT)
@click.option(
    "--threshold", type=click.FloatRange(0, 100), default=80.0, show_default=True,
    help="The similarity from which on both services are asked to find faces alike.",
)  # fmt: skip
def rekognition(
    names: tuple[str, ...], endpoint: str | None, profile: str | None, region: str | None, threshold: float, **rest: Any
) -> None:
    """Re-enrol collections, or compare."""
    from countenance.cli.migrate.moving import move
    from countenance.cli.migrate.rekognition_source import Collections, aws

    region = region or client_environment().get("AWS_REGION")
    choices = _choices(names, region=region, profile=profile, there=threshold, here=threshold, **rest)
    move(lambda: Collections(aws("rekognition", region, profile, endpoint), threshold), choices)


@migrate.command("azure", help="Groups and lists of Azure Face; run it again to go on after an interrupt.")
@click.option("--group", "names", multiple=True, help="A group or list; several may be named. None named: all.")
@click.option("--endpoint", required=True, help="Address of the resource, https://NAME.cognitiveservices.azure.com.")
@click.option("--azure-key", envvar="AZURE_FACE_KEY", help="Its key; better given as AZURE_FACE_KEY.")
@click.option("--model", default="recognition_04", show_default=True, help="The recognition model for --compare.")
@_with(_WHERE)
@_with(_WHAT)
@click.option(
    "--confidence", type=click.FloatRange(0, 1), default=_IDENTICAL, show_default=True,
    help="The confidence from which on faces are alike; here, the similarity that it stands for.",
)  # fmt: skip
def azure(
    names: tuple[str, ...], endpoint: str, azure_key: str | None, model: str, confidence: float, **rest: Any
) -> None:
    """Re-enrol groups and lists, or compare."""
    from countenance.cli.migrate.azure_source import AzureGroups
    from countenance.cli.migrate.moving import move
    from countenance.operations import similarity_at_confidence

    choices = _choices(names, there=100 * confidence, here=similarity_at_confidence(confidence), **rest)
    move(lambda: AzureGroups(endpoint, azure_key or "", model), choices)


def _choices(
    names: tuple[str, ...],
    *,
    folder: Path | None,
    bucket: str | None,
    s3_endpoint: str | None,
    profile: str | None,
    region: str | None,
    quality: str,
    **rest: Any,
) -> Choices:
    from countenance.cli.migrate.moving import Choices
    from countenance.cli.migrate.pictures import Bucket, Folder
    from countenance.cli.migrate.rekognition_source import aws
    from countenance.operations import QualityFilter

    if (folder is None) == (bucket is None):
        raise BadRequest("the pictures are in a --folder or in a --bucket: name one of them")
    if bucket is None:
        assert folder is not None
        place: Pictures = Folder(folder)
        place_name = str(folder.resolve())
    else:
        region = region or client_environment().get("AWS_REGION")
        place, place_name = Bucket(bucket, aws("s3", region, profile, s3_endpoint)), f"bucket {bucket}"
    return Choices(names, place, place_name, bucket is not None, quality=QualityFilter(quality), **rest)
