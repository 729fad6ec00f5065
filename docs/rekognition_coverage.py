"""Writes docs/rekognition-coverage.md from botocore's service model and what stands here; a test compares.

Every face operation, and every member of its request and answer, has an entry: served, refused or not applicable. A
member that the model has and this file does not decide about stops the writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from botocore.model import ListShape, Shape, StructureShape

from countenance.api.rekognition.shapes import load_model

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"

FACE_OPERATIONS = re.compile(
    r"(Create|Describe|List|Delete)Collections?|(Index|List|Delete|Search|Compare|Detect|Associate|Disassociate)Faces"
    r"|SearchFacesByImage|(Create|Delete)User|(List|Search)Users|SearchUsersByImage|\w*FaceLiveness\w*"
    r"|(Start|Get)Face(Detection|Search)|\w+StreamProcessors?|(Tag|Untag)Resource|ListTagsForResource"
)
"""Names of the operations that are about faces, those of a newer model among them."""

OTHER_OPERATIONS = frozenset(
    """
    CopyProjectVersion CreateDataset CreateProject CreateProjectVersion DeleteDataset DeleteProject DeleteProjectPolicy
    DeleteProjectVersion DescribeDataset DescribeProjectVersions DescribeProjects DetectCustomLabels DetectLabels
    DetectModerationLabels DetectProtectiveEquipment DetectText DistributeDatasetEntries GetCelebrityInfo
    GetCelebrityRecognition GetContentModeration GetLabelDetection GetMediaAnalysisJob GetPersonTracking
    GetSegmentDetection GetTextDetection ListDatasetEntries ListDatasetLabels ListMediaAnalysisJobs
    ListProjectPolicies PutProjectPolicy RecognizeCelebrities StartCelebrityRecognition StartContentModeration
    StartLabelDetection StartMediaAnalysisJob StartPersonTracking StartProjectVersion StartSegmentDetection
    StartTextDetection StopProjectVersion UpdateDatasetEntries
    """.split()  # noqa: SIM905  # one name a line would fill a page
)
"""Operations that are not about faces, or name celebrities: not served."""

_T = "contract/rekognition/"
_BOTO, _USERS, _VIDEO = f"{_T}test_rekognition_boto3.py", f"{_T}test_rekognition_users.py", "integration/video/"
_VIDEO += "test_video_jobs.py"
_LIVENESS = "contract/native/test_liveness_over_http.py"
_STREAMS, _S3 = f"{_T}test_streams_tags_liveness.py", f"{_T}test_s3_endpoint.py"
SHOWN_BY: Mapping[str, str] = {
    **dict.fromkeys(("CreateUser", "DeleteUser", "ListUsers", "AssociateFaces", "DisassociateFaces"), _USERS),
    **dict.fromkeys(("SearchUsers", "SearchUsersByImage"), _USERS),
    **dict.fromkeys(("StartFaceDetection", "GetFaceDetection", "StartFaceSearch", "GetFaceSearch"), _VIDEO),
    **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), _STREAMS),
    **dict.fromkeys(("CreateFaceLivenessSession", "GetFaceLivenessSessionResults"), _LIVENESS),
    **{f"{verb}StreamProcessor": _STREAMS for verb in ["Create", "Describe", "Update", "Delete", "Start", "Stop"]},
    "ListStreamProcessors": _STREAMS,
}
"""The tests that show an operation; the others are shown by test_rekognition_boto3.py."""

INFERRED = "not applicable: a guess about the person ([ADR 5](adr/0005-no-inferred-traits.md))"
UNMEASURED = "not applicable: about the picture, with [no measure that holds](rekognition.md#fields-that-programs-read)"
REFUSED = "refused"
_SERVED = "served"

# A member is found by its longest suffix here: Operation.request.Member…, or the shape's name and the member's.
_NO = {
    "FaceDetail": ("AgeRange", "Smile", "Gender", "Beard", "Mustache", "Emotions"),
    "ComparedFace": ("Emotions", "Smile"),
}  # fmt: skip
_ABOUT_THE_PICTURE = ("Eyeglasses", "Sunglasses", "EyesOpen", "MouthOpen", "FaceOccluded", "EyeDirection")
_UPRIGHT = "not applicable: pictures are turned by their EXIF orientation first, as for AWS's current models"
_DEFAULT_ONLY = "served: all values are taken and answered as DEFAULT"
DECIDED: Mapping[str, str] = {
    **{f"{shape}.{member}": INFERRED for shape, members in _NO.items() for member in members},
    **{f"FaceDetail.{member}": UNMEASURED for member in _ABOUT_THE_PICTURE},
    "OrientationCorrection": _UPRIGHT,
    "SourceImageOrientationCorrection": _UPRIGHT,
    "TargetImageOrientationCorrection": _UPRIGHT,
    "IndexFacesRequest.DetectionAttributes": _DEFAULT_ONLY,
    "DetectFacesRequest.Attributes": _DEFAULT_ONLY,
    "StartFaceDetectionRequest.FaceAttributes": _DEFAULT_ONLY,
    "NotificationChannel.RoleArn": "served: taken and ignored, since no role of AWS is assumed",
    "VideoMetadata.ColorRange": "not applicable: not measured",
    "GetFaceDetectionResponse.StatusMessage": "served: progress, or why the job failed",
    "GetFaceSearchResponse.StatusMessage": "served: progress, or why the job failed",
    "StreamProcessorSettings.ConnectedHome": f"{REFUSED}: objects and pets are not recognised here",
    "CreateStreamProcessorRequest.KmsKeyId": f"{REFUSED}: nothing here is encrypted with keys of AWS",
    "DescribeStreamProcessorResponse.KmsKeyId": "not applicable: none is taken",
    "UpdateStreamProcessorRequest.SettingsForUpdate": f"{REFUSED}: only ConnectedHome has any",
    "UpdateStreamProcessorRequest.ParametersToDelete": "served: but ConnectedHomeMinConfidence is refused",
    "CreateFaceLivenessSessionRequest.KmsKeyId": f"{REFUSED}: no picture of a session is kept",
    "CreateFaceLivenessSessionRequestSettings.OutputConfig": f"{REFUSED}: no picture of a session is kept",
    "CreateFaceLivenessSessionRequestSettings.ChallengePreferences": f"{REFUSED}: the outside check has its own way",
    "CreateFaceLivenessSessionRequestSettings.AuditImagesLimit": "served: taken, and no audit image is kept",
    "GetFaceLivenessSessionResultsResponse.ReferenceImage": "not applicable: no picture of a session is kept",
    "GetFaceLivenessSessionResultsResponse.AuditImages": "not applicable: no picture of a session is kept",
    "GetFaceLivenessSessionResultsResponse.Challenge": "not applicable: the outside check has its own way",
    "GetFaceLivenessSessionResultsResponse.Feedback": "not applicable: a signed result holds none",
    "GetFaceLivenessSessionResultsResponse.Metadata": "not applicable: a signed result holds none",
    "StartStreamProcessorResponse.SessionId": "not applicable: no stream is started",
    "S3Object.Version": "served: from an S3 endpoint; refused where a folder stands for the bucket",
}
_LIVE = f"{REFUSED}: live streams are not enabled"
WHOLE: Mapping[str, str] = {
    "StartStreamProcessor": _LIVE,
    "StopStreamProcessor": _LIVE,
}
"""Operations of which every member shares one fate."""


def face_operations() -> list[str]:
    """Every face operation of the model; `ValueError` for one of which nobody has decided whether it is one."""
    names: list[str] = list(load_model().operation_names)
    new = [name for name in names if not FACE_OPERATIONS.fullmatch(name) and name not in OTHER_OPERATIONS]
    if new:
        raise ValueError(f"operations that nobody has decided about: {', '.join(new)}")
    return [name for name in names if FACE_OPERATIONS.fullmatch(name)]


def members(shape: Shape | None, place: str, inside: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Each member below `shape`: its place, and the name of the shape that has it with its own."""
    if isinstance(shape, ListShape):
        yield from members(shape.member, f"{place}[]", inside)
    elif isinstance(shape, StructureShape) and shape.name not in inside:
        for name, member in shape.members.items():
            key = f"{shape.name}.{name}"
            yield f"{place}.{name}".removeprefix("."), key
            if DECIDED.get(key, _SERVED).startswith(_SERVED):
                yield from members(member, f"{place}.{name}", (*inside, shape.name))


def fate(operation: str, key: str) -> str:
    """What becomes of a member."""
    return WHOLE.get(operation) or DECIDED.get(key) or DECIDED.get(key.partition(".")[2]) or _SERVED


def known_members() -> list[str]:
    """Every member that was decided about when the list was last written, `Operation place`."""
    path = HERE / "rekognition-members.txt"
    return path.read_text().splitlines()


def found_members() -> list[str]:
    """Every member that the installed botocore's model has."""
    model, found = load_model(), []
    for name in face_operations():
        shapes = model.operation_model(name)
        for side, shape in (("request", shapes.input_shape), ("answer", shapes.output_shape)):
            found += [f"{name} {side} {place}" for place, _ in members(shape, "")]
    return found


def page() -> str:
    """The page."""
    model, names = load_model(), face_operations()
    parts = [
        "# What is served of Rekognition\n\nWritten by `make docs` from botocore's service model; do not edit.\n",
        f"{len(names)} operations of the model are about faces. Members inside one that is refused or not applicable "
        "are not listed. Every answer is held against the model by `tests/contract/rekognition/model_check.py`.\n",
    ]
    for name in names:
        test = SHOWN_BY.get(name, _BOTO)
        shapes = model.operation_model(name)
        parts.append(f"## {name}\n\n{WHOLE.get(name, _SERVED)}; shown by `tests/{test}`\n")
        rows = [
            f"| {side} | `{place}` | {fate(name, key)} |"
            for side, shape in (("request", shapes.input_shape), ("answer", shapes.output_shape))
            for place, key in members(shape, "")
        ]
        if rows:
            parts.append("\n".join(["| | member | |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (HERE / "rekognition-coverage.md").write_text(page())
    (HERE / "rekognition-members.txt").write_text("\n".join(found_members()) + "\n")
