"""The demo's faces (ORL), and what the clients' calls need to be told each time."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any

from azure.ai.vision.face import FaceClient
from PIL import Image
from tests.integration.serving import HOME

from countenance.demo.faces import orl_faces

ANN, BEN, CLEO, DORA = 1, 3, 4, 8
"""People of ORL whom the model tells apart."""
MODELS: dict[str, Any] = {"detection_model": "detection_03", "recognition_model": "recognition_04"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@cache
def picture(person: int, number: int) -> bytes:
    """250 x 250 pixels, PNG: the size that the boxes of the tests are about."""
    (photo,) = (each for each in orl_faces(HOME / "demo-faces") if (each.person, each.number) == (person, number))
    whole = Image.new("RGB", (250, 250), (90, 90, 90))
    whole.paste(Image.open(BytesIO(photo.png)).convert("RGB").resize((205, 250), Image.Resampling.LANCZOS), (22, 0))
    out = BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()


def side_by_side(*pictures: bytes) -> bytes:
    opened = [Image.open(BytesIO(each)) for each in pictures]
    both = Image.new("RGB", (sum(each.width for each in opened), opened[0].height))
    left = 0
    for each in opened:
        both.paste(each, (left, 0))
        left += each.width
    out = BytesIO()
    both.save(out, "PNG")
    return out.getvalue()


def face_id(client: FaceClient, image: bytes, seconds: int = 120) -> str:
    (found,) = client.detect(image, **MODELS, return_face_id=True, face_id_time_to_live=seconds)
    return str(found.face_id)
