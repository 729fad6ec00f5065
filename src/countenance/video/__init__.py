"""Which faces are in a recorded video, when, and which of them belong to one person."""

from countenance.video.decoding import Frame, OpenVideo, VideoFacts, container_of, open_video
from countenance.video.limits import VideoLimits
from countenance.video.tracking import Observation, Track, Tracker, worth_of
from countenance.video.watching import FaceAt, Watched, watch

__all__ = [
    "FaceAt",
    "Frame",
    "Observation",
    "OpenVideo",
    "Track",
    "Tracker",
    "VideoFacts",
    "VideoLimits",
    "Watched",
    "container_of",
    "open_video",
    "watch",
    "worth_of",
]
