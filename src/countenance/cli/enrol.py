"""`countenance enrol`: a folder of pictures into a gallery, behind a mandate, resumed where it was interrupted."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import click

from countenance.app import Countenance
from countenance.cli.opening import opened
from countenance.errors import BadRequest, ImageError, NotFound
from countenance.operations import Answer, Caller, CreateGallery, Enrol, Enrolled, QualityFilter
from countenance.progress import track

_PICTURES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff"}


@click.command("enrol", help="Enrol a folder of pictures into a gallery; run it again to go on after an interrupt.")
@click.argument("gallery")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", required=True, help="Access key id of the mandate under which this is done.")
@click.option(
    "--external-id",
    type=click.Choice(["file", "folder"]),
    default="file",
    show_default=True,
    help="What names a face: its file, or the folder that the file lies in.",
)
@click.option("--max-faces", type=click.IntRange(1, 100), default=1, show_default=True, help="Faces per picture.")
@click.option(
    "--quality",
    type=click.Choice([*QualityFilter]),
    default="AUTO",
    show_default=True,
    help="How good a face has to be.",
)
def enrol(gallery: str, folder: Path, key: str, external_id: str, max_faces: int, quality: str) -> None:
    """Every picture is one operation of its own: decided, on record, and enrolled once however often this is run."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    if not paths:
        raise BadRequest(f"there is no picture under {folder}")
    with opened() as app:
        caller = Caller(key)
        try:
            app.tools.gallery.describe(gallery)
        except NotFound:
            app.guard.carry_out(caller, CreateGallery(gallery))
        journal = _journal(app, gallery, folder.resolve(), external_id, max_faces, quality)
        done = set(journal.read_text().splitlines()) if journal.exists() else set()
        todo = [path for path in paths if str(path.relative_to(folder)) not in done]
        if done:
            click.echo(f"{len(done)} pictures were done before; {len(todo)} to go")

        def one(path: Path) -> Answer[Enrolled]:
            name = path.parent.name if external_id == "folder" else path.stem
            ask = Enrol(gallery, path.read_bytes(), _named(name), max_faces, QualityFilter(quality))
            return app.guard.carry_out(caller, ask)

        began, counts = time.monotonic(), Counter[str]()
        with journal.open("a") as record:
            for path, future in track(_ahead(todo, one), gallery, len(todo), "images"):
                try:
                    result = future.result().result
                except ImageError as error:
                    counts["unusable pictures"] += 1
                    click.echo(f"{path.relative_to(folder)}: {error}", err=True)
                else:
                    counts["faces enrolled"] += len(result.faces)
                    counts["pictures without a usable face"] += not result.faces
                record.write(f"{path.relative_to(folder)}\n")
                record.flush()
        rate = len(todo) / max(time.monotonic() - began, 1e-9)
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing new"
        click.echo(f"{len(todo)} pictures, {rate:.1f} images/s: {said}")
        click.echo(f"{gallery} now holds {app.tools.gallery.describe(gallery).faces} faces")


def _ahead(
    todo: list[Path], one: Callable[[Path], Answer[Enrolled]]
) -> Iterator[tuple[Path, Future[Answer[Enrolled]]]]:
    """Each picture with its future, in order, a few at work at once so that vision batches and syncs are shared."""
    workers = 4 * (os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Path, Future[Answer[Enrolled]]]] = deque()
        try:
            for path in todo:
                waiting.append((path, pool.submit(one, path)))
                if len(waiting) > workers:
                    yield waiting.popleft()
            yield from waiting
        finally:
            pool.shutdown(cancel_futures=True)


def _journal(app: Countenance, *what: object) -> Path:
    """The file that says which pictures of exactly this job are done."""
    name = hashlib.sha256(repr([str(each) for each in what]).encode()).hexdigest()[:16]
    folder = app.settings.home / "enrolling"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{name}.done"


def _named(text: str) -> str:
    """`text` in the letters that an ExternalImageId may have."""
    return re.sub(r"[^a-zA-Z0-9_.\-:]", "_", text)[:255]
