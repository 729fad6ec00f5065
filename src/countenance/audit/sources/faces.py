"""Templates together with the people they belong to, and the images that gave none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.audit.formats.plan import TemplateFile
from countenance.audit.sources.people import LabelledPeople, gather, people_of_rows
from countenance.audit.sources.tables import Codes, natural, read_table
from countenance.errors import BadRequest, NotFound

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of every image: failures and quality are results, not missing rows.

    subjects: (images,), row of the people. failed: (images,), bool, no template could be made. unreadable: (images,),
    bool, those of the failed that could not be decoded at all. quality: by name ("sharpness", "brightness",
    "size_px", "confidence"), (images,), float64, NaN where there is no face.
    """

    subjects: Codes
    failed: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    quality: dict[str, NDArray[np.float64]]


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


def read_templates(source: TemplateFile, folder: Path, factors: Sequence[str], contradictions: str = "error") -> Faces:
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
        labelled = people_of_rows(table, source.subject, factors, contradictions)
    else:
        coded = [_codes(_array(arrays, factor, path.name), len(vectors), factor) for factor in factors]
        rows = np.stack([codes for codes, _ in coded], axis=1)
        if source.subject is None:
            who, ids = np.arange(len(vectors), dtype=np.int32), tuple(map(str, range(len(vectors))))
        else:
            who, ids = _codes(_array(arrays, source.subject, path.name), len(vectors), source.subject)
        labels = tuple(names for _, names in coded)
        labelled = gather(ids, tuple(factors), labels, [(who, rows)], contradictions, path.name)
    known = labelled.subjects >= 0
    if not known.any():
        raise BadRequest(f"{path.name} has no template of a labelled person")
    return Faces(labelled.people, labelled.subjects[known], vectors[known], None, None, (*findings, *labelled.findings))


def unit_vectors(given: NDArray[Any], name: str) -> tuple[Vectors, tuple[str, ...]]:
    """`given` (n, d) as float32 of norm 1, and what had to be changed for that."""
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
    told = [str(said).strip() for said in raw]
    names = natural({said for said in told if said})
    at = {said: place for place, said in enumerate(names)}
    return np.array([at.get(said, -1) for said in told], np.int32)[codes], tuple(names)
