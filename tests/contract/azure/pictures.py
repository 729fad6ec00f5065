"""Faces of LFW by name, and what the clients' calls need to be told each time."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from azure.ai.vision.face import FaceClient
from PIL import Image

LFW = Path(os.environ.get("COUNTENANCE_DATA", "/nowhere")) / "lfw" / "images"
MODELS: dict[str, Any] = {"detection_model": "detection_03", "recognition_model": "recognition_04"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def picture(person: str, number: int) -> bytes:
    return (LFW / person / f"{person}_{number:04d}.jpg").read_bytes()


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
