"""What is asked and answered about redaction: how to cover, the covered file, and its report."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue

from countenance.wire.faces import Encoded, GalleryId, Recorded, Similarity
from countenance.wire.values import Closed

Style: TypeAlias = Literal["blur", "fill"]
Codec: TypeAlias = Literal["mpeg4", "vp9"]

Ratio = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False, strict=True)]
Length = Annotated[float, Field(gt=0, le=20, allow_inf_nan=False, strict=True)]


class BoxBody(Closed):
    """A box, in ratios of the upright picture's width and height; those that a detection shows may be sent back."""

    left: Ratio = Field(description="Its left edge.")
    top: Ratio = Field(description="Its top edge.")
    width: Length = Field(description="Its width.")
    height: Length = Field(description="Its height.")


class RedactionBody(Closed):
    """A picture or recorded video to cover the faces of: all of them, or all but those of `except_…`."""

    file: Encoded = Field(description="The bytes of the picture or video, in base64.")
    except_boxes: list[BoxBody] = Field(
        [], max_length=100, description="Faces stay of which half or more lies in one of these boxes."
    )
    except_gallery: GalleryId | None = Field(
        None,
        description="People stay who are like somebody enrolled there; the mandate must state that they consented. Not "
        "together with `except_boxes`.",
    )
    similarity: Similarity = Field(
        99.0, description="How similar somebody must be to a face of `except_gallery`, 0 to 100."
    )
    least: float = Field(
        0.2,
        ge=0.05,
        le=0.6,
        allow_inf_nan=False,
        strict=True,
        description="The detector's score from which a find is covered.",
    )
    style: Style = Field(
        "blur", description="Few large blocks, jittered and blurred; or one grey, of which nothing can be guessed."
    )
    codec: Codec = Field(
        "mpeg4", description="What a video is written as, in MP4. vp9 plays in browsers and takes thirty times as long."
    )
    step: float = Field(
        0.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        strict=True,
        description="Seconds between two frames of a video that faces are searched in; 0, every frame, misses least.",
    )
    sound: bool = Field(
        True,
        strict=True,
        description="Whether a video's sound is kept, where this server has an ffmpeg: voices tell, too.",
    )


class RedactionShown(Recorded):
    """A covered file, and what was covered in it."""

    file: Encoded = Field(description="The covered picture or video, in base64; nothing of the original's metadata.")
    media_type: Literal["image/jpeg", "image/png", "image/webp", "video/mp4"] = Field(description="What the file is.")
    covered: int = Field(description="Faces covered; of a video, over all frames.")
    left_uncovered: int = Field(description="Faces left as they are, as asked; of a video, over all frames.")
    to_look_at: int = Field(description="Covers that a person should look at: `to_look_at` of the report names them.")
    report: dict[str, JsonValue] = Field(
        description="As `countenance redact` writes it: boxes with scores and reasons (by frame), detector, "
        "thresholds, choices, what became of sound and times, hashes of both files, the receipt."
    )
