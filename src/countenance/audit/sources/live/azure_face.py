"""Azure Face through Microsoft's own client."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from countenance.audit.formats.plan import LiveApi
from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.errors import Denied, Misconfigured, Overloaded, Unauthenticated

TOKEN_LIFE_S = 86_400
"""How long the service is asked to keep a detected face."""
_REFUSED = frozenset({"InvalidImage", "InvalidImageSize", "ImageDecodingError", "BadArgument", "InvalidImageUrl"})


def connect(source: LiveApi, key: str, **options: object) -> Any:
    """A FaceClient for `source`. Retries on 429 and 5xx, and waiting as told: the client's own. options: passed on."""
    try:
        from azure.ai.vision.face import FaceClient
        from azure.core.credentials import AzureKeyCredential
    except ImportError as error:
        raise Misconfigured("azure-ai-vision-face is not installed; install countenance[clients]") from error
    if not key:
        raise Unauthenticated("Azure Face needs a key")
    return FaceClient(str(source.endpoint), AzureKeyCredential(key), **options)


class AzureFace:
    """Detect and Verify. clock: seconds since 1970, for the records and the life of face tokens."""

    client = "azure-face"

    def __init__(self, source: LiveApi, client: Any, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._model, self._detector = source.model, source.detector
        self.models: tuple[ModelUsed, ...] = (
            ModelUsed("model", "Azure Face recognition", source.model),
            ModelUsed("detector", "Azure Face detection", source.detector),
            ModelUsed("service", "Azure Face API", str(client._config.api_version)),
            ModelUsed("client", "azure-ai-vision-face", version("azure-ai-vision-face")),
        )
        self.settings = {
            "endpoint": str(source.endpoint),
            "recognition_model": source.model,
            "detection_model": source.detector,
        }

    def detect(self, image: bytes) -> RecordedReply:
        """Detect with the recognition model asked for; the face's handle is the token."""
        answer = self.call(
            lambda: self._client.detect(
                image,
                detection_model=self._detector,
                recognition_model=self._model,
                return_face_id=True,
                return_face_attributes=["qualityForRecognition"],
                return_recognition_model=True,
                face_id_time_to_live=TOKEN_LIFE_S,
            )
        )
        if isinstance(answer, RecordedReply):
            return answer
        if not answer:
            return RecordedReply("no face", self._clock())
        largest = max(answer, key=lambda face: face.face_rectangle.width * face.face_rectangle.height)
        model = _value(largest.recognition_model or self._model)
        if model != self._model:
            raise Misconfigured(f"Azure Face answered with model {model}, asked for was {self._model}")
        quality = {"size_px": float(min(largest.face_rectangle.width, largest.face_rectangle.height))}
        graded = getattr(largest.face_attributes, "quality_for_recognition", None)
        if graded is not None:
            quality["quality_for_recognition"] = {"low": 0.0, "medium": 0.5, "high": 1.0}.get(_value(graded), 0.0)
        token = str(largest.face_id)
        return RecordedReply("answered", self._clock(), faces=len(answer), quality=quality, token=token)

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        """Verify the two detected faces; the score is 100 times Azure's confidence."""
        answer = self.call(lambda: self._client.verify_face_to_face(face_id1=first_token, face_id2=second_token))
        if isinstance(answer, RecordedReply):
            return answer
        return RecordedReply("answered", self._clock(), score=100.0 * float(answer.confidence), faces=1)

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        """Whether the service still knows the face, with an hour to spare."""
        return now - reply.at < TOKEN_LIFE_S - 3_600

    def call(self, call: Callable[[], Any]) -> Any:
        """What `call` gives; a reply where the service cannot use the picture."""
        from azure.core import exceptions

        try:
            return call()
        except exceptions.ClientAuthenticationError as error:
            raise Unauthenticated("Azure Face does not accept the key") from error
        except exceptions.HttpResponseError as error:
            code = str(error.error.code) if error.error is not None else str(error.status_code)
            if error.status_code == 429:
                raise Overloaded("Azure Face still answers 429; wait, and run the same command again") from error
            if error.status_code in (400, 413) and code in _REFUSED:
                return RecordedReply("refused", self._clock(), error=code)
            raise Denied(f"Azure Face refuses: {error.status_code} {code}") from error
        except exceptions.AzureError as error:
            raise Misconfigured(f"Azure Face cannot be asked: {type(error).__name__}") from error


def _value(value: object) -> str:
    """The service's own word; its client turns words that it knows into members of an enumeration."""
    return str(getattr(value, "value", value))
