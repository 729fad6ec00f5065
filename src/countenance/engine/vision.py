"""The engine: decode, detect, align, embed, on this machine's cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.engine.alignment import TARGET_SIDE, aligned
from countenance.engine.batching import Batcher
from countenance.engine.bulk import Choice, Sighting, sightings
from countenance.engine.covered import unseen
from countenance.engine.detector import SMALLEST_FACE, Detector, five, named
from countenance.engine.limits import DEFAULT, Limits
from countenance.engine.manifest import Manifest, load_manifests
from countenance.engine.picture import Picture
from countenance.engine.runtime import Network, Precision, fastest_precision
from countenance.engine.weights import read_weights
from countenance.errors import ModelError
from countenance.faces import DetectedFace, Template
from countenance.observing import timed

TOGETHER = 4
"""Faces that go through the embedder together if enough are waiting; more gained nothing (docs/adr/0001-runtime.md)."""


class Engine(Detector):
    """A detector, and an embedder beside it. Every method may be called from several threads at once.

    model: the embedder's sha256. version: its label, such as "sface-2021dec-5958cd1f". dimension: of a template.
    precision: what the embedder computes in; the detector always computes in f32.
    """

    def __init__(
        self,
        detector: Manifest,
        embedder: Manifest,
        cache: Path,
        threads: int = 0,
        precision: Precision = "f32",
        smallest_face: int = SMALLEST_FACE,
    ) -> None:
        if embedder.output is None:
            raise ModelError(f"{embedder.name} is no embedder by its manifest")
        super().__init__(detector, cache, threads, smallest_face)
        made = embedder.output
        self.precision = precision
        self.model = embedder.model
        self.version = embedder.label
        self.dimension = made.dimension
        self._mirrored = made.mirrored
        self._cut = (embedder.input.width, embedder.input.height)
        self._sharpest = max(TARGET_SIDE, *self._cut)
        weights = read_weights(embedder, cache)
        shapes = [(number, embedder.input.height, embedder.input.width) for number in (1, TOGETHER)]
        network = Network(weights, embedder, [made.name], lanes=self.threads, precision=precision, shapes=shapes)
        _check_dimension(network, embedder, self.dimension)
        self._embedder = Batcher(network, TOGETHER)

    @classmethod
    def open(
        cls,
        cache: Path,
        detector: str,
        embedder: str,
        *,
        threads: int = 0,
        extra: Path | None = None,
        precision: Precision | None = None,
        smallest_face: int = SMALLEST_FACE,
    ) -> Engine:
        """The engine with the models of these names, whose weights are in `cache` (or next to a manifest in `extra`).
        threads: 0 for all cores. smallest_face: width in pixels of the smallest face for which large pictures are
        searched (docs/settings.md has the cost). precision: what the embedder computes in, by default the fastest that
        this processor has and the manifest allows. Raises `ModelError` if a model is unknown, missing, altered or not
        as its manifest says.
        """
        manifests = load_manifests(extra)
        models = named(manifests, detector, "detector"), named(manifests, embedder, "embedder")
        return cls(*models, cache, threads, precision or fastest_precision(models[1]), smallest_face)

    def close(self) -> None:
        """Release the networks; no call may be running or follow."""
        self._embedder.close()
        del self._embedder
        super().close()

    @timed("embed")
    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        """One template for each of `faces`, in their order, together with other callers' faces."""
        cuts = [aligned(picture.pixels, picture.position(five(face.landmarks)), *self._cut) for face in faces]
        if self._mirrored:
            both = [_unit(row) for row in self._embedder.run([side for cut in cuts for side in (cut, cut[:, ::-1])])]
            rows = [one + other for one, other in zip(both[::2], both[1::2], strict=True)]
        else:
            rows = self._embedder.run(cuts)
        return [
            Template(_unit(row), self.model, max(face.cut_off, unseen(cut)))
            for row, face, cut in zip(rows, faces, cuts, strict=True)
        ]

    def templates(
        self, images: Iterable[bytes], choose: Choice = "largest", limits: Limits = DEFAULT
    ) -> Iterator[Sighting]:
        """What is seen in each of `images`, in their order, using every core; see `Sighting`."""
        return sightings(self, images, choose, limits, 2 * self.threads)


def _check_dimension(network: Network, embedder: Manifest, dimension: int) -> None:
    blank = network.run(np.zeros((1, embedder.input.height, embedder.input.width, 3), dtype=np.uint8))[0]
    if blank.size != dimension:
        raise ModelError(f"{embedder.name} gives {blank.size} numbers, its manifest says {dimension}")


def _unit(output: NDArray[np.float32]) -> NDArray[np.float32]:
    """`output` as one row of L2 norm 1; an output of zeros becomes the first axis."""
    row = output.reshape(-1)
    norm = float(np.linalg.norm(row))
    if not norm > 0:
        row, norm = np.eye(1, row.size, dtype=np.float32)[0], 1.0
    return np.asarray(row / norm, dtype=np.float32)
