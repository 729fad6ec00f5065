"""Templates (.npz or .npy) and the table of whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.audits import FaceAudit
from countenance.audit.analysis.faces_data import faces_data
from countenance.audit.formats.plan import Measure, Plan, TemplateFile
from countenance.audit.labelled.faces import Faces, Vectors
from countenance.audit.labelled.people import gather, people_of_rows
from countenance.audit.labelled.tables import Codes, natural, read_table
from countenance.audit.sources.source import Equipment, Loaded, Present, by_pictures, hashes_of
from countenance.errors import BadRequest, NotFound


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


class TemplateSource:
    """Templates, all pairs compared."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        assert plan.templates is not None
        self._plan, self._folder, self._source = plan, folder, plan.templates

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is compared where a draft does not say."""
        return ("fmr", "fnmr")

    @property
    def labels(self) -> tuple[str, ...]:
        """Files that hold labels only."""
        return (self._source.labels,) if self._source.labels else ()

    @property
    def scores(self) -> tuple[str, ...]:
        """Files that hold scores, or what they follow from."""
        return (self._source.file,)

    @property
    def names_subjects(self) -> bool:
        """Whether it is known which rows are of one person."""
        return self._source.subject is not None

    def present(self) -> Present | None:
        """Whom the data is about, read without its scores."""
        source, groups = self._source, self._plan.groups
        if source.labels is None:
            faces = self._read()
            return by_pictures(faces.people, faces.subjects)
        wanted = [*([source.subject] if source.subject else []), *groups.factors]
        table = read_table(self._folder / source.labels, wanted)
        labelled = people_of_rows(table, source.subject, groups.factors, self._plan.contradictions)
        return by_pictures(labelled.people, labelled.subjects)

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(FaceAudit(faces_data(self._read())), hashes_of(self, self._folder))

    def _read(self) -> Faces:
        return read_templates(self._source, self._folder, self._plan.groups.factors, self._plan.contradictions)
