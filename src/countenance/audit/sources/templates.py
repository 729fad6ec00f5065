"""Templates (.npz or .npy), a table that says whose they are, and the comparison of all pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.faces import FaceAudit
from countenance.audit.analysis.measurement import (
    BINS,
    Counts,
    FaceData,
    Measurement,
    Outcomes,
    Sides,
    Vectors,
    binned,
    by_person,
)
from countenance.audit.formats.plan import TemplateFile
from countenance.audit.labelled.people import (
    UNSAID,
    Grouping,
    LabelledPeople,
    Spellings,
    gather,
    people_of_rows,
)
from countenance.audit.labelled.tables import Codes, natural, read_table
from countenance.audit.sources.source import Equipment, Loaded, Present, Source, by_pictures
from countenance.errors import BadRequest, NotFound
from countenance.metrics import (
    OpenSet,
    PairSums,
    Tradeoff,
    Verification,
    all_pairs,
    open_set,
)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Templates of labelled people, to be compared all with all.

    subjects: (n,), row of `people`. vectors: (n, d), float32, norm 1. model: sha256 of what made them, where known.
    outcomes: of every image, where the templates were made here. findings: what was wrong with the data.
    images_digest: sha256 over the sorted sha256 of all images, where images were read.
    """

    people: LabelledPeople
    subjects: Codes
    vectors: Vectors
    model: str | None
    outcomes: Outcomes | None
    findings: tuple[str, ...]
    images_digest: str = ""


def read_templates(
    source: TemplateFile,
    folder: Path,
    factors: Sequence[str],
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> Faces:
    """Read templates and whose they are. Vectors that are not of length 1 are made so, and a finding says it.

    NotFound: no such file. BadRequest: arrays that do not fit together, NaN, a template of zeros, a missing column,
    a person in two groups.
    """
    path = folder / source.file
    if not path.is_file():
        raise NotFound(f"there is no file {path.name}")
    try:
        loaded: Any = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadRequest(f"{path.name} is no .npy or .npz file of plain arrays") from error
    arrays = {source.vectors: loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    vectors, findings = unit_vectors(_array(arrays, source.vectors, path.name), path.name)
    if source.labels is not None:
        table = read_table(folder / source.labels, [*([source.subject] if source.subject else []), *factors])
        if table.rows != len(vectors):
            raise BadRequest(f"{table.name} has {table.rows} rows for {len(vectors)} templates")
        labelled = people_of_rows(table, source.subject, factors, contradictions, spellings)
    else:
        coded = [_codes(_array(arrays, factor, path.name), len(vectors), factor) for factor in factors]
        rows = np.stack([codes for codes, _ in coded], axis=1)
        if source.subject is None:
            who, ids = np.arange(len(vectors), dtype=np.int32), tuple(map(str, range(len(vectors))))
        else:
            who, ids = _codes(_array(arrays, source.subject, path.name), len(vectors), source.subject)
        labels = tuple(names for _, names in coded)
        labelled = gather(ids, tuple(factors), labels, [(who, rows)], contradictions, path.name)
        if source.subject is None:
            labelled = replace(labelled, people=replace(labelled.people, ids=None))
    known = labelled.subjects >= 0
    if not known.any():
        raise BadRequest(f"{path.name} has no template of a labelled person")
    return Faces(labelled.people, labelled.subjects[known], vectors[known], None, None, (*findings, *labelled.findings))


def unit_vectors(given: NDArray[Any], name: str) -> tuple[Vectors, tuple[str, ...]]:
    """`given` (n, d) as float32 with norm 1, and findings about what had to be changed."""
    if given.ndim != 2 or not np.issubdtype(given.dtype, np.floating):
        raise BadRequest(f"templates are a table of decimal numbers (n, d), {name} holds {given.dtype} {given.shape}")
    vectors = np.ascontiguousarray(given, np.float32)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise BadRequest(f"{int(bad.sum())} templates of {name} hold NaN or infinity")
    norms = np.linalg.norm(vectors, axis=1)
    if (norms < 1e-6).any():
        raise BadRequest(f"{int((norms < 1e-6).sum())} templates of {name} are all zeros")
    if np.abs(norms - 1).max(initial=0) < 1e-5:
        return vectors, ()
    off = int((np.abs(norms - 1) > 1e-2).sum())
    findings = (f"{off} templates of {name} were not of length 1 and were scaled; scores are cosines",) if off else ()
    return vectors / norms[:, None], findings


def _array(arrays: dict[str, Any], wanted: str, name: str) -> NDArray[Any]:
    if wanted not in arrays:
        raise BadRequest(f"{name} has no array {wanted!r}; it has {', '.join(sorted(arrays))}")
    return np.asarray(arrays[wanted])


def _codes(values: NDArray[Any], rows: int, name: str) -> tuple[Codes, tuple[str, ...]]:
    if values.shape != (rows,):
        raise BadRequest(f"array {name!r} has shape {values.shape} for {rows} templates")
    raw, codes = np.unique(values.astype(str), return_inverse=True)
    texts = [str(text).strip() for text in raw]
    names = natural({text for text in texts if text})
    at = {text: place for place, text in enumerate(names)}
    return np.array([at.get(text, -1) for text in texts], np.int32)[codes], tuple(names)


def faces_data(faces: Faces, sides: Sides | None = None, limits: tuple[float, float] = (-1.0, 1.0)) -> FaceData:
    """Data for an analysis out of templates. sides: how vectors become probe and gallery sides (None: plain cosine).

    limits: lowest and highest score to tell apart, for the histograms that thresholds are found in.
    """
    probe, gallery = (faces.vectors, None) if sides is None else sides(faces.vectors)
    outcomes, n = faces.outcomes, len(faces.subjects)

    def chosen(grouping: Grouping) -> tuple[Vectors, Vectors | None, Codes, Codes]:
        group = grouping.codes[faces.subjects]
        known = group >= 0
        other = None if gallery is None else gallery[known]
        return probe[known], other, faces.subjects[known], group[known]

    def measure(grouping: Grouping, thresholds: Sequence[float]) -> Measurement:
        one, other, people, group = chosen(grouping)
        low, high = limits
        sums = all_pairs(one, other, people, group, grouping.groups, tuple(thresholds), low=low, high=high)
        return _FacesMeasurement(sums, tuple(thresholds), np.unique(people).astype(np.int64))

    def search(grouping: Grouping, sizes: Sequence[int], threshold: float, seed: int) -> OpenSet | None:
        one, other, people, group = chosen(grouping)
        possible = [size for size in sizes if size <= len(np.unique(people).astype(np.int64)) // 2]
        if not possible:
            return None
        return open_set(one, other, people, group, grouping.groups, possible, [threshold], seed=seed)

    return FaceData(
        people=faces.people,
        present=np.unique(faces.subjects if outcomes is None else outcomes.subjects).astype(np.int32),
        unit="templates" if outcomes is None else "images",
        rows=n if outcomes is None else len(outcomes.subjects),
        comparisons=n * (n - 1) // 2,
        findings=faces.findings,
        outcomes=outcomes,
        negated=False,
        censor_point=None,
        measure=measure,
        search=search,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _FacesMeasurement:
    """rows: of the people in `sums`, by their numbers there, which leave out who has no label."""

    sums: PairSums
    thresholds: tuple[float, ...]
    rows: NDArray[np.int64]

    def verification(self, at: int) -> Verification:
        verification = self.sums.verification(at)
        cells = tuple(
            replace(cell, tally=replace(cell.tally, people=self.rows[cell.tally.people])) for cell in verification.cells
        )
        return replace(verification, cells=cells)

    def genuine(self, at: int, group: int) -> tuple[Counts, Counts, Counts]:
        here = self.sums.genuine_group == group
        return by_person(self.rows[self.sums.genuine_person[here]], self.sums.genuine[here] < self.thresholds[at])

    def threshold_at(self, fmr: float, group: int | None) -> float | None:
        histogram = self.sums.impostor_histogram
        if not (histogram if group is None else histogram[group, group]).sum():
            return None
        threshold = self.sums.threshold_at(fmr, group, group)
        return threshold if math.isfinite(threshold) else None

    def tradeoff(self, group: int | None) -> Tradeoff | None:
        genuine = len(self.sums.genuine) if group is None else int((self.sums.genuine_group == group).sum())
        impostors = self.sums.impostor_histogram if group is None else self.sums.impostor_histogram[group, group]
        return self.sums.tradeoff(group, group) if genuine and impostors.sum() else None

    def histogram(self, group: int, low: float, high: float) -> tuple[Counts, Counts]:
        centres = (self.sums.edges[:-1] + self.sums.edges[1:]) / 2
        width = high - low if high > low else 1.0
        place = np.clip((centres - low) / width * BINS, 0, BINS - 1).astype(np.int64)
        impostors = np.bincount(place, self.sums.impostor_histogram[group, group], BINS).astype(np.int64)
        return impostors, binned(self.sums.genuine[self.sums.genuine_group == group], low, high)

    def limits(self) -> tuple[float, float]:
        used = np.flatnonzero(self.sums.impostor_histogram.sum(axis=(0, 1)))
        low, high = (self.sums.edges[used[0]], self.sums.edges[used[-1] + 1]) if len(used) else (0.0, 1.0)
        return float(min(low, self.sums.genuine.min(initial=low))), float(
            max(high, self.sums.genuine.max(initial=high))
        )


class TemplateSource(Source[TemplateFile]):
    """Templates, all pairs compared."""

    @property
    def names_subjects(self) -> bool:
        """Whether it is known which rows are of one person."""
        return self._described.subject is not None

    def present(self) -> Present | None:
        """Whom the data is about, read without its scores."""
        source, groups = self._described, self._plan.groups
        if source.labels is None:
            faces = self._read()
            return by_pictures(faces.people, faces.subjects, faces.findings)
        wanted = [*([source.subject] if source.subject else []), *groups.factors]
        table = read_table(self._folder / source.labels, wanted)
        labelled = people_of_rows(table, source.subject, groups.factors, self._plan.contradictions, groups.spellings)
        return by_pictures(labelled.people, labelled.subjects, labelled.findings)

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(FaceAudit(faces_data(self._read())), self.hashes())

    def _read(self) -> Faces:
        groups = self._plan.groups
        return read_templates(
            self._described, self._folder, groups.factors, self._plan.contradictions, groups.spellings
        )
