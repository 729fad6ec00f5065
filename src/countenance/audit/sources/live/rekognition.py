"""Amazon Rekognition, or any server that speaks its language, through boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import botocore.exceptions
from botocore.config import Config

from countenance.audit.formats.plan import LiveApi
from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.live.asked import product_at
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.errors import Denied, Misconfigured, Overloaded, Unauthenticated

_NO_FACE = frozenset({"InvalidParameterException"})
_REFUSED = frozenset({"ImageTooLargeException", "InvalidImageFormatException"})
_THROTTLED = frozenset(
    {"ThrottlingException", "ProvisionedThroughputExceededException", "LimitExceededException", "SlowDown"}
)
_CREDENTIALS = frozenset(
    {"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "IncompleteSignature"}
)


def connect(source: LiveApi) -> Any:
    """A boto3 client for `source`; credentials come from boto3's own places. Retries: the client's, eight in all."""
    try:
        import boto3
    except ImportError as error:
        raise Misconfigured("boto3 is not installed; install countenance[clients]") from error
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return boto3.session.Session().client(
        "rekognition", region_name=source.region, endpoint_url=source.endpoint, config=config
    )


class Rekognition:
    """DetectFaces and CompareFaces. clock: seconds since 1970, for the records."""

    client = "rekognition"

    def __init__(self, source: LiveApi, client: Any, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._threshold = source.threshold
        self.models: tuple[ModelUsed, ...] = (
            ModelUsed(
                _role(str(client.meta.endpoint_url)),
                "Amazon Rekognition API",
                str(client.meta.service_model.api_version),
            ),
            ModelUsed("model", "not told by CompareFaces", "not stated by the service"),
            ModelUsed("client", "boto3", version("boto3")),
            ModelUsed("client", "botocore", version("botocore")),
        )
        self.settings = {
            "endpoint": str(client.meta.endpoint_url),
            "region": source.region,
            "similarity_threshold": f"{source.threshold:g}",
            "quality_filter": "NONE",
        }

    def detect(self, image: bytes) -> RecordedReply:
        """DetectFaces with the default attributes."""
        answer = self.call("detect_faces", Image={"Bytes": image}, Attributes=["DEFAULT"])
        if isinstance(answer, RecordedReply):
            return answer
        faces = answer["FaceDetails"]
        if not faces:
            return RecordedReply("no face", self._clock())
        largest = max(faces, key=_area)
        quality = {
            "confidence": float(largest["Confidence"]),
            "sharpness": float(largest["Quality"]["Sharpness"]),
            "brightness": float(largest["Quality"]["Brightness"]),
        }
        return RecordedReply("answered", self._clock(), faces=len(faces), quality=quality)

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        """CompareFaces: the similarity of the largest face of `second` to the largest of `first`."""
        answer = self.call(
            "compare_faces",
            SourceImage={"Bytes": first},
            TargetImage={"Bytes": second},
            SimilarityThreshold=self._threshold,
            QualityFilter="NONE",
        )
        if isinstance(answer, RecordedReply):
            return answer
        matched = [(_area(match["Face"]), float(match["Similarity"])) for match in answer.get("FaceMatches", ())]
        unmatched = [(_area(face), None) for face in answer.get("UnmatchedFaces", ())]
        faces: list[tuple[float, float | None]] = [*matched, *unmatched]
        if not faces:
            return RecordedReply("no face", self._clock())
        _, score = max(faces, key=lambda face: face[0])
        return RecordedReply("answered", self._clock(), score=score, faces=len(faces))

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        """Rekognition keeps nothing between calls."""
        return True

    def call(self, operation: str, **parameters: object) -> dict[str, Any] | RecordedReply:
        """What the service answers; a reply where it finds no face, or cannot use the picture."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code in _NO_FACE:
                return RecordedReply("no face", self._clock(), error=code)
            if code in _REFUSED:
                return RecordedReply("refused", self._clock(), error=code)
            if code in _THROTTLED:
                raise Overloaded(f"Rekognition still answers {code}; wait, and run the same command again") from error
            if code in _CREDENTIALS:
                raise Unauthenticated(f"Rekognition does not accept the credentials: {code}") from error
            raise Denied(f"Rekognition refuses {operation}: {code}") from error
        except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError) as error:
            raise Unauthenticated("boto3 finds no credentials; set them as for any AWS client") from error
        except botocore.exceptions.BotoCoreError as error:
            raise Misconfigured(f"Rekognition cannot be asked: {type(error).__name__}") from error
        return answer


def _role(endpoint: str) -> str:
    """Amazon's API is the service at Amazon's own address; anywhere else it is the interface of another one."""
    return "service" if product_at("rekognition", endpoint, None)[1] else "interface"


def _area(face: Mapping[str, Any]) -> float:
    box = face["BoundingBox"]
    return float(box["Width"]) * float(box["Height"])
