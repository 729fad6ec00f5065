"""The process that decodes one video: it reads a file and writes frames to standard output, nothing else.

Run as `python -m countenance.video.decoder PATH STEP_MS MAX_PIXELS MEMORY_BYTES`. FFmpeg parses untrusted files, so it
runs in its own process, with bounded memory, no right to write files, and local files as the only protocol. The parent
process kills it if it stops writing.

Output: one JSON line of facts; then for each frame a header (`HEADER`: index, milliseconds, width, height) and its
pixels, uint8 (height, width, 3), B, G, R; last a header of width zero whose index is the number of frames and whose
milliseconds are those of the last one.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import BinaryIO

HEADER = struct.Struct("<QdII")
FFMPEG_OPTIONS = "protocol_whitelist;file|format_whitelist;mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"


def main() -> None:
    """Decode the file named on the command line."""
    path, step_ms, max_pixels, memory_bytes = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # output printed by libraries must not mix with the frames
    _confine(memory_bytes)
    _decode(path, step_ms, max_pixels, out)


def _confine(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # no such limits on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _decode(path: str, step_ms: float, max_pixels: int, out: BinaryIO) -> None:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    video = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if not video.isOpened():
        _say(out, {"error": "unreadable"})
        return
    code = int(video.get(cv2.CAP_PROP_FOURCC))
    width, height = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > max_pixels:
        _say(out, {"error": "too large", "width": width, "height": height})
        return
    facts = {
        "codec": bytes(code >> 8 * i & 255 for i in range(4)).decode("latin-1"),
        "frames": int(video.get(cv2.CAP_PROP_FRAME_COUNT)),
        "rate": float(video.get(cv2.CAP_PROP_FPS)),
        "width": width,
        "height": height,
    }
    _say(out, facts)
    index, due, moment = 0, 0.0, 0.0
    while video.grab():
        moment = max(0.0, float(video.get(cv2.CAP_PROP_POS_MSEC)))
        if moment + 0.5 >= due:
            good, pixels = video.retrieve()
            if good and pixels.shape[0] * pixels.shape[1] <= max_pixels:
                out.write(HEADER.pack(index, moment, pixels.shape[1], pixels.shape[0]))
                out.write(np.ascontiguousarray(pixels, np.uint8).data)
                out.flush()
            due = max(due + step_ms, moment) if step_ms else 0.0
        index += 1
    out.write(HEADER.pack(index, moment, 0, 0))
    out.flush()


def _say(out: BinaryIO, facts: dict[str, object]) -> None:
    out.write(json.dumps(facts).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
