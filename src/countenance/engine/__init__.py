"""Where are the faces, and what do they look like? Image bytes in, faces and templates out.

engine = Engine.open(cache, "yunet", "sface")
picture = engine.look(image_bytes)
templates = engine.embed(picture, picture.faces)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countenance.engine.bulk import Choice, Sighting
    from countenance.engine.decode import decoding_room
    from countenance.engine.detector import Detector
    from countenance.engine.limits import DEFAULT, LARGEST_FACE, STORED, Limits
    from countenance.engine.manifest import Manifest, load_manifests
    from countenance.engine.picture import FaceDetector, FaceEngine, Picture, Spotted
    from countenance.engine.vision import Engine
    from countenance.engine.weights import fetch

__all__ = [
    "DEFAULT",
    "LARGEST_FACE",
    "STORED",
    "Choice",
    "Detector",
    "Engine",
    "FaceDetector",
    "FaceEngine",
    "Limits",
    "Manifest",
    "Picture",
    "Sighting",
    "Spotted",
    "decoding_room",
    "fetch",
    "load_manifests",
]

_HOMES = {
    "Choice": "countenance.engine.bulk",
    "Sighting": "countenance.engine.bulk",
    "decoding_room": "countenance.engine.decode",
    "Detector": "countenance.engine.detector",
    "DEFAULT": "countenance.engine.limits",
    "LARGEST_FACE": "countenance.engine.limits",
    "STORED": "countenance.engine.limits",
    "Limits": "countenance.engine.limits",
    "Manifest": "countenance.engine.manifest",
    "load_manifests": "countenance.engine.manifest",
    "FaceDetector": "countenance.engine.picture",
    "FaceEngine": "countenance.engine.picture",
    "Picture": "countenance.engine.picture",
    "Spotted": "countenance.engine.picture",
    "Engine": "countenance.engine.vision",
    "fetch": "countenance.engine.weights",
}
"""The module that each name is fetched from: who reads manifests alone loads no runtime."""


def __getattr__(name: str) -> object:
    """A name of this room, imported when it is first asked for."""
    if name in _HOMES:
        from importlib import import_module

        value: object = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
