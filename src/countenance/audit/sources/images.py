"""Folders of images, run through an engine. Every image counts, even if it gives no template."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import numpy as np

from countenance.audit.analysis.faces import FaceAudit
from countenance.audit.analysis.measurement import Outcomes
from countenance.audit.formats.plan import ImageFolder, LiveApi, Measure, Plan
from countenance.audit.formats.results import ModelUsed
from countenance.audit.labelled.people import UNSAID, Labelled, Spellings, people_of_rows
from countenance.audit.labelled.tables import read_table
from countenance.audit.sources.source import Equipment, Loaded, OwnEngine, Present, Source, by_pictures
from countenance.audit.sources.templates import Faces, faces_data
from countenance.engine import FaceEngine
from countenance.engine.template_cache import CachedTemplate, TemplateCache, template_of
from countenance.errors import BadRequest
from countenance.progress import track


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Image files and who is on them. paths: one per image. labelled.subjects: (images,), -1 where set aside."""

    paths: tuple[Path, ...]
    labelled: Labelled


def labelled_images(
    folder: Path,
    labels: Path,
    file: str,
    subject: str | None,
    factors: Sequence[str],
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> LabelledImages:
    """Read a label table with one row per image. BadRequest: a missing column, a file twice, a path out of `folder`."""
    table = read_table(labels, [file, *([subject] if subject else []), *factors])
    (codes,), names = table.texts(file)
    if (codes < 0).any():
        raise BadRequest(f"{table.name} has {int((codes < 0).sum())} rows without a file")
    if len(names) != len(codes):
        raise BadRequest(f"{table.name} names {len(codes) - len(names)} files twice")
    root = folder.resolve()
    paths = tuple(root / names[code] for code in codes)
    outside = sum(not path.resolve().is_relative_to(root) for path in paths)
    if outside:
        raise BadRequest(f"{outside} files of {table.name} lie outside the image folder")
    return LabelledImages(paths, people_of_rows(table, subject, factors, contradictions, spellings))


def read_images(
    source: ImageFolder,
    folder: Path,
    factors: Sequence[str],
    engine: FaceEngine,
    cache: Path,
    contradictions: str = "error",
    workers: int = 0,
    spellings: Spellings = UNSAID,
) -> Faces:
    """Run every labelled image through `engine`. What was done before is read from `cache` (a folder of templates,
    one per engine; delete it when the audit is over), so an interrupted run goes on where it stopped.

    workers: threads, 0: one per core. BadRequest: as `labelled_images`, or no image gave a template.
    """
    images = labelled_images(
        folder / source.folder, folder / source.labels, source.file, source.subject, factors, contradictions, spellings
    )
    templates = TemplateCache(cache, f"{engine.version}-{source.choose}", engine.dimension)
    keys, cached = _looked_up(images.paths, engine, source.choose, templates, workers or os.cpu_count() or 1)
    kept = images.labelled.subjects >= 0
    subjects = images.labelled.subjects[kept]
    chosen = [one for one, keep in zip(cached, kept, strict=True) if keep]
    failed = np.array([one.vector is None for one in chosen], bool)
    if failed.all():
        raise BadRequest("no image gave a template")
    outcomes = Outcomes(
        subjects,
        failed,
        np.array([one.state == "unreadable" for one in chosen], bool),
        {name: np.array([getattr(one, name) for one in chosen], np.float64) for name in CachedTemplate.MEASURES},
    )
    vectors = np.stack([one.vector for one in chosen if one.vector is not None])
    findings = list(images.labelled.findings)
    if missing := sum(one.state == "missing" for one in chosen):
        findings.append(f"{missing} of {len(chosen)} images are not there; they count as failures")
    return Faces(
        images.labelled.people,
        subjects[~failed],
        vectors,
        str(engine.model),
        outcomes,
        tuple(findings),
        digest_of_images(keys),
    )


def _looked_up(
    paths: Sequence[Path],
    engine: FaceEngine,
    choose: Literal["largest", "centre"],
    templates: TemplateCache,
    workers: int,
) -> tuple[list[str], list[CachedTemplate]]:
    def see(path: Path) -> tuple[str, CachedTemplate]:
        try:
            image = path.read_bytes()
        except OSError:
            return "", CachedTemplate("missing")
        key = hashlib.sha256(image).hexdigest()
        known = templates.get(key)
        return key, known if known is not None else template_of(engine, image, choose)

    with ThreadPoolExecutor(workers) as pool, templates:
        keys: list[str] = []
        seen: list[CachedTemplate] = []
        for key, one in track(_ordered(pool, see, paths, 4 * workers), "images", len(paths), "images"):
            if key:
                templates.put(key, one)
            keys.append(key)
            seen.append(one)
    return keys, seen


def digest_of_images(hashes: Sequence[str]) -> str:
    """sha256 over the sorted sha256 of images: one name for a set of pictures."""
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _ordered(
    pool: ThreadPoolExecutor, see: Callable[[Path], tuple[str, CachedTemplate]], paths: Sequence[Path], window: int
) -> Iterator[tuple[str, CachedTemplate]]:
    """Results in order, with at most `window` images under way."""
    waiting: list[Future[tuple[str, CachedTemplate]]] = []
    for path in paths:
        waiting.append(pool.submit(see, path))
        if len(waiting) >= window:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


Pictures = TypeVar("Pictures", ImageFolder, LiveApi)


class LabelledImageSource(Source[Pictures]):
    """A folder of images and a table that says who is on them."""

    measures: ClassVar[tuple[Measure, ...]] = ("fmr", "fnmr", "fte")

    @property
    def scores(self) -> tuple[str, ...]:
        """Files that hold scores, or what they follow from."""
        return ()

    @property
    def names_subjects(self) -> bool:
        """Whether it is known which rows are of one person."""
        return self._described.subject is not None

    def present(self) -> Present | None:
        """Whom the data is about, read without its scores."""
        source = self._described
        labelled = labelled_images(
            self._folder / source.folder, self._folder / source.labels, source.file, source.subject,
            self._plan.groups.factors, self._plan.contradictions, self._plan.groups.spellings,
        ).labelled  # fmt: skip
        return by_pictures(labelled.people, labelled.subjects, labelled.findings)


class ImageSource(LabelledImageSource[ImageFolder]):
    """Images through an engine of this project, all pairs compared."""

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        inputs = self.hashes()
        return load_images(self._described, self._folder, self._plan, equipment.engine(), inputs)


def load_images(source: ImageFolder, folder: Path, plan: Plan, own: OwnEngine, inputs: Mapping[str, str]) -> Loaded:
    """Images read through `own` and loaded for their analysis. inputs: sha256 of other files, by name."""
    groups = plan.groups
    faces = read_images(
        source, folder, groups.factors, own.engine, own.cache, plan.contradictions, spellings=groups.spellings
    )
    models = (
        ModelUsed("embedder", own.engine.version, own.engine.version, str(own.engine.model)),
        ModelUsed("detector", own.detector, "as in the manifest"),
    )
    assert plan.images is not None
    return Loaded(
        FaceAudit(faces_data(faces, own.sides)), {**inputs, f"{plan.images.folder}/": faces.images_digest}, models
    )
