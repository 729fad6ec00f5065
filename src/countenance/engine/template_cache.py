"""Templates on disk while many images are read, so that an interrupted run does nothing twice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from countenance.engine.picture import FaceEngine
from countenance.errors import ImageError
from countenance.faces import DetectedFace

State = Literal["template", "no face", "unreadable", "missing"]
_STATES: tuple[State, ...] = ("template", "no face", "unreadable", "missing")


@dataclass(frozen=True, slots=True, eq=False)
class CachedTemplate:
    """The result for one image. vector: (d,), float32, None without a face. The measures are those of `Quality`."""

    MEASURES: ClassVar[tuple[str, ...]] = ("sharpness", "brightness", "size_px", "confidence")

    state: State
    vector: NDArray[np.float32] | None = None
    sharpness: float = float("nan")
    brightness: float = float("nan")
    size_px: float = float("nan")
    confidence: float = float("nan")


class TemplateCache:
    """Entries by the sha256 of their image, in files of 500 under `folder`/`name`, which appear complete or not at all.

    These are biometric templates: the folder is made with mode 700. Use it as a context manager; leaving it, even by an
    interrupt, writes what is not yet written.
    """

    PART = 500

    def __init__(self, folder: Path, name: str, dimension: int) -> None:
        self._folder = folder / name
        self._dimension = dimension
        self._known: dict[str, CachedTemplate] = {}
        self._fresh: dict[str, CachedTemplate] = {}
        self._parts = 0
        for path in sorted(self._folder.glob("part-*.npz")):
            self._read(path)
            self._parts = max(self._parts, int(path.stem.removeprefix("part-")) + 1)

    def get(self, key: str) -> CachedTemplate | None:
        """The entry of the image with this hash, if there is one."""
        return self._known.get(key)

    def put(self, key: str, entry: CachedTemplate) -> None:
        """Store `entry`, unless there is one already."""
        if key in self._known:
            return
        self._known[key] = self._fresh[key] = entry
        if len(self._fresh) >= self.PART:
            self._write()

    def __enter__(self) -> TemplateCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def _read(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as part:
            vectors, states, measures = part["vectors"], part["states"], part["measures"]
            for at, key in enumerate(part["keys"]):
                state = _STATES[int(states[at])]
                vector = vectors[at] if state == "template" else None
                self._known[str(key)] = CachedTemplate(state, vector, *(float(x) for x in measures[at]))

    def _write(self) -> None:
        if not self._fresh:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entries = list(self._fresh.values())
        nothing = np.zeros(self._dimension, np.float32)
        target = self._folder / f"part-{self._parts:06d}.npz"
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(
                file,
                keys=np.array(list(self._fresh)),
                states=np.array([_STATES.index(entry.state) for entry in entries], np.int8),
                vectors=np.stack([nothing if e.vector is None else e.vector for e in entries]),
                measures=np.array(
                    [[getattr(s, name) for name in CachedTemplate.MEASURES] for s in entries], np.float64
                ),
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        self._fresh.clear()
        self._parts += 1


def template_of(engine: FaceEngine, image: bytes, choose: Literal["largest", "centre"]) -> CachedTemplate:
    """What the engine makes of one image: a template and the quality of the chosen face, or why there is none."""
    try:
        picture = engine.look(image)
        if not picture.faces:
            return CachedTemplate("no face")
        face = picture.faces[0] if choose == "largest" else nearest_to_the_middle(picture.faces)
        (template,) = engine.embed(picture, [face])
    except ImageError:
        return CachedTemplate("unreadable")
    quality = face.quality
    return CachedTemplate(
        "template", template.vector, quality.sharpness, quality.brightness, quality.size_px, face.confidence
    )


def nearest_to_the_middle(faces: Sequence[DetectedFace]) -> DetectedFace:
    """The face whose box's middle is nearest to the picture's."""
    return min(faces, key=_off_centre)


def _off_centre(face: DetectedFace) -> float:
    return (face.box.left + face.box.width / 2 - 0.5) ** 2 + (face.box.top + face.box.height / 2 - 0.5) ** 2
