"""Pictures and recorded video with faces covered beyond recovery: where to cover, how, and what is written. Nothing
here detects or compares faces: detected faces come in, pixels and a report go out.
"""

from countenance.redaction.covering import STYLES, Style, cover, head
from countenance.redaction.paths import Follower, Move, Places
from countenance.redaction.pictures import SUFFIXES, WrittenPicture, written, written_as
from countenance.redaction.regions import LEAST_SCORE, SURE_SCORE, Region, RegionOrigin, chosen
from countenance.redaction.report import Applied, PictureReport, VideoReport
from countenance.redaction.videos import CODECS, Codec, VideoTarget, put, write_video

__all__ = [
    "CODECS",
    "LEAST_SCORE",
    "STYLES",
    "SUFFIXES",
    "SURE_SCORE",
    "Applied",
    "Codec",
    "Follower",
    "Move",
    "PictureReport",
    "Places",
    "Region",
    "RegionOrigin",
    "Style",
    "VideoReport",
    "VideoTarget",
    "WrittenPicture",
    "chosen",
    "cover",
    "head",
    "put",
    "write_video",
    "written",
    "written_as",
]
