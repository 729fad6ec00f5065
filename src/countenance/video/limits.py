"""Which videos are accepted, and how long a decoder may be silent."""

from __future__ import annotations

from dataclasses import dataclass

GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Limits on one video. A file's declared length is not trusted: seconds and frames are counted."""

    max_bytes: int = 10 * GIBIBYTE
    """Longest file; Rekognition's limit."""
    max_seconds: float = 6 * 3600
    """Longest playing time, by the time stamps of the frames; Rekognition's limit."""
    max_frames: int = 6 * 3600 * 120
    """Most frames, skipped ones included."""
    max_pixels: int = 4096 * 2304
    """Most pixels of one frame."""
    memory_bytes: int = 3 * GIBIBYTE
    """Address space of the process that decodes."""
    silent_s: float = 20.0
    """Seconds without a frame after which the process that decodes is killed."""
