"""Where are the faces, and what do they look like? Image bytes in, faces and templates out.

engine = Engine.open(cache, "yunet", "sface")
picture = engine.look(image_bytes)
templates = engine.embed(picture, picture.faces)
"""

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
