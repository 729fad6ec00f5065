"""Where are the faces, and what do they look like? Image bytes in, faces and templates out.

engine = Engine.open(cache, "yunet", "sface")
picture = engine.look(image_bytes)
templates = engine.embed(picture, picture.faces)
"""

from countenance.engine.limits import DEFAULT, STORED, Limits
from countenance.engine.picture import FaceEngine, Picture

__all__ = ["DEFAULT", "STORED", "FaceEngine", "Limits", "Picture"]
