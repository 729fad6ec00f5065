"""`countenance redact`: pictures and recorded video with faces covered, each with a report beside it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from countenance.app import Countenance
from countenance.cli.enrol.names import printed
from countenance.cli.installation import installation
from countenance.engine import STORED
from countenance.errors import BadRequest, CountenanceError, Denied, ImageTooLarge, NotRecorded, Unauthenticated
from countenance.faces import BoundingBox
from countenance.operations import (
    BEGINNING,
    Caller,
    RedactionWish,
    VideoFile,
    is_video,
    picture_kind,
)
from countenance.progress import track
from countenance.redaction import (
    CODECS,
    LEAST_SCORE,
    STYLES,
    SUFFIXES,
    SURE_SCORE,
    Codec,
    Style,
    VideoTarget,
    put,
    written_as,
)
from countenance.redaction.report import FORMAT
from countenance.signing import JSON
from countenance.video import Frame, VideoFacts

REPORT = ".redaction.json"
"""What a report's name ends with, after the name of the file that it is about."""


def _box(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[BoundingBox, ...]:
    try:
        return tuple(BoundingBox(*map(float, value.split(","))) for value in values)
    except (TypeError, ValueError):
        raise click.BadParameter("a box is LEFT,TOP,WIDTH,HEIGHT in ratios of the upright picture, 0 to 1") from None


@click.command(
    "redact",
    help="Cover all faces of SOURCE (a picture, a recorded video, or a folder of them) beyond recovery, take metadata "
    "out, and write a report beside each file. The originals stay as they are; run it again to go on after an "
    "interrupt. Every file that is not done is named on stderr, with the reason.",
)
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True,
    help="Where to write: a file for a file, a folder for a folder.",
)  # fmt: skip
@click.option("--key", required=True, help="Access key id of the mandate under which this is done.")
@click.option(
    "--except-box", "boxes", multiple=True, callback=_box,
    help="Leave faces there as they are: LEFT,TOP,WIDTH,HEIGHT in ratios of the upright picture (repeat).",
)  # fmt: skip
@click.option(
    "--except-gallery", "gallery",
    help="Leave people as they are who are enrolled there; the mandate must state that they consented.",
)  # fmt: skip
@click.option(
    "--similarity", type=click.FloatRange(0, 100), default=99.0, show_default=True,
    help="How similar a face must be to somebody of that gallery.",
)  # fmt: skip
@click.option(
    "--least", type=click.FloatRange(0.05, SURE_SCORE), default=LEAST_SCORE, show_default=True,
    help="The detector's score from which a find is covered: less covers more, also what is no face.",
)  # fmt: skip
@click.option(
    "--style", type=click.Choice(STYLES), default="blur", show_default=True,
    help="blur: few large blocks, jittered and blurred. fill: one grey, of which nothing can be guessed.",
)  # fmt: skip
@click.option(
    "--codec", type=click.Choice([*CODECS]), default="mpeg4", show_default=True,
    help="What video is written as, in MP4. vp9 plays in browsers and takes about thirty times as long to write.",
)  # fmt: skip
@click.option(
    "--step", type=click.FloatRange(0, 3600), default=0.0, show_default=True,
    help="Seconds between two frames of a video that faces are searched in; 0, every frame, misses least.",
)  # fmt: skip
@click.option("--no-sound", is_flag=True, help="Leave the sound of videos out: voices, too, tell who somebody is.")
def redact(
    source: Path,
    out: Path,
    key: str,
    boxes: tuple[BoundingBox, ...],
    gallery: str | None,
    similarity: float,
    least: float,
    style: Style,
    codec: Codec,
    step: float,
    no_sound: bool,
) -> None:
    """Each file is one operation: decided, on record, and done once however often this is run."""
    if boxes and gallery:
        raise BadRequest("name either --except-box or --except-gallery, not both")
    wish = RedactionWish(boxes, gallery, similarity, least, style, codec, step, not no_sound)
    todo = _files(source, out)
    with installation() as app:
        counts = _Redaction(app, Caller(key), wish).run(todo, source, out)
    click.echo(", ".join(f"{count} {what}" for what, count in counts.items() if count) or "there was nothing to do")
    if counts["not done"]:
        raise click.exceptions.Exit(1)


class _Redaction:
    """One run."""

    def __init__(self, app: Countenance, caller: Caller, wish: RedactionWish) -> None:
        self._app, self._caller, self._wish = app, caller, wish
        self._counts = Counter[str]()

    def run(self, todo: list[tuple[Path, str]], source: Path, out: Path) -> Counter[str]:
        """Do every file; name those that are not done."""
        whole = source.is_dir()
        for path, name in track(todo, "redaction", len(todo), "files"):
            try:
                self._one(path, out / name if whole else (out / name if out.is_dir() else out))
            except (Unauthenticated, Denied, NotRecorded):
                raise  # the next file would fare no better
            except CountenanceError as error:
                self._not_done(name, str(error))
            except OSError as error:
                self._not_done(name, f"it cannot be read or written: {error.strerror}")
        return self._counts

    def _not_done(self, name: str, why: str) -> None:
        self._counts["not done"] += 1
        click.echo(f"{printed(name)}: not done: {why}", err=True)

    def _one(self, path: Path, asked: Path) -> None:
        kind = _kind(path)
        asked.parent.mkdir(parents=True, exist_ok=True)
        target = _named(asked, kind)
        report = target.with_name(target.name + REPORT)
        if target.exists() and target.samefile(path):
            raise BadRequest("the output would be the input")
        if report.exists() and not target.exists() and _is_ours(report):
            report.unlink()  # a run ended between the two
        if target.exists() or report.exists():
            if self._was_done(path, target, report):
                self._counts["done before"] += 1
                return
            raise BadRequest(
                f"{target.name} or its report exists and is not from this file in this way; it is not overwritten"
            )
        if kind == "video":
            self._video(path, target, report)
        else:
            self._picture(path, target, report)

    def _was_done(self, path: Path, target: Path, report: Path) -> bool:
        try:
            earlier = json.loads(report.read_text(encoding="utf-8"))
            return bool(
                earlier["input_sha256"] == _sha256(path)
                and earlier["asked"] == self._wish.said()
                and earlier["output_sha256"] == _sha256(target)
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _picture(self, path: Path, target: Path, report: Path) -> None:
        size = path.stat().st_size
        if size > STORED.max_bytes:
            raise ImageTooLarge(f"the file has {size} bytes, at most {STORED.max_bytes} are read")
        image, wish = path.read_bytes(), self._wish
        answer = self._app.guard.carry_out(self._caller, wish.picture(image))
        done = answer.result
        unsure = sum(not region.sure for region in done.report.covered)
        self._put(target, report, done.content, done.report.body(), answer.receipt, unsure)

    def _video(self, path: Path, target: Path, report: Path) -> None:
        wish = self._wish
        handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".mp4")
        os.close(handle)
        part = Path(scratch)
        part.unlink()
        film = VideoFile(path, 1000 * wish.step, progress=_shown)
        to = VideoTarget(part, wish.codec, wish.style, wish.sound)
        try:
            answer = self._app.guard.carry_out(self._caller, wish.video(film, to))
            made = answer.result.report
            click.echo(f"{path.name}: sound {made.sound}; time stamps {made.times}", err=True)
            self._put(target, report, part, made.body(), answer.receipt, made.count(False))
        finally:
            part.unlink(missing_ok=True)

    def _put(
        self, target: Path, report: Path, made: bytes | Path, body: dict[str, JSON], receipt: str, unsure: int
    ) -> None:
        """The report first, then its file: a run that ends in between does the file again the next time."""
        made_path = made if isinstance(made, Path) else _scratch(target, made)
        whole: dict[str, Any] = {
            **body, "output_sha256": _sha256(made_path), "asked": self._wish.said(), "receipt": receipt,
        }  # fmt: skip
        scratch = _scratch(report, json.dumps(whole, indent=1, ensure_ascii=False).encode() + b"\n")
        try:
            put(scratch, report)
            try:
                put(made_path, target)
            except BadRequest:
                report.unlink()
                raise
        finally:
            scratch.unlink(missing_ok=True)
            made_path.unlink(missing_ok=True)
        self._counts["done"] += 1
        self._counts["of them with something to look at"] += unsure > 0


def _is_ours(report: Path) -> bool:
    try:
        contents = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(contents, dict) and contents.get("format") == FORMAT


def _files(source: Path, out: Path) -> list[tuple[Path, str]]:
    """The files to do with their names below `source`, in order; `BadRequest` where `out` lies among them."""
    if not source.is_dir():
        return [(source, source.name)]
    if out.resolve().is_relative_to(source.resolve()) or source.resolve().is_relative_to(out.resolve()):
        raise BadRequest("the folder to write to must lie beside SOURCE, not in it or around it")
    if out.exists() and not out.is_dir():
        raise BadRequest(f"{out} is a file, and a folder is needed for a folder")
    files: list[tuple[Path, str]] = []

    def unreadable(error: OSError) -> None:
        raise BadRequest(f"{error.filename} cannot be read: {error.strerror}")

    for where, folders, names in os.walk(source, onerror=unreadable):
        folders.sort()
        names += [name for name in folders if (Path(where) / name).is_symlink()]  # not followed, and named
        files += [(Path(where) / name, (Path(where) / name).relative_to(source).as_posix()) for name in sorted(names)]
    return files


def _kind(path: Path) -> str:
    """The kind of picture, or "video"; `BadRequest` where it is neither."""
    if path.is_dir():
        raise BadRequest("a link to a folder, which is not followed")
    if not path.is_file():
        there = path.exists() or not path.is_symlink()
        raise BadRequest("not a regular file" if there else "a link to a file that is not there")
    with path.open("rb") as file:
        begins = file.read(BEGINNING)
    if not begins:
        raise BadRequest("the file is empty")
    kind = "video" if is_video(begins) else picture_kind(begins)
    if kind is None:
        raise BadRequest("neither a picture nor a video of a kind that is read here")
    return kind


def _named(asked: Path, kind: str) -> Path:
    """The file to write: `asked`, with the ending of what is written added where its own is another."""
    if kind == "video":
        ends: tuple[str, ...] = (".mp4",)
    else:
        ends = SUFFIXES[written_as(kind)]
    return asked if asked.suffix.lower() in ends else asked.with_name(asked.name + ends[0])


def _shown(frames: Iterable[Frame], facts: VideoFacts) -> Iterable[Frame]:
    expected = round(facts.duration_ms * facts.rate / 1000) if facts.duration_ms and facts.rate else None
    return track(frames, "video", expected, "frames")


def _scratch(target: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
