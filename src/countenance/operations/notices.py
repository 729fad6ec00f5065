"""Tells a job's topic that the job has ended: an HTTP POST in the form of Amazon SNS, to an address that the operator
sets. A caller names a topic by its ARN; only the operator's settings say which address that is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from countenance.jobs import JobKind, JobState, VideoJob

_APIS = {JobKind.DETECT: "StartFaceDetection", JobKind.SEARCH: "StartFaceSearch"}


class Topics:
    """Sends notices. addresses: the URL of each topic, by ARN. timeout_s: for connecting and for each wait."""

    def __init__(self, addresses: Mapping[str, str], now: Callable[[], datetime], timeout_s: float = 10.0) -> None:
        self._addresses = dict(addresses)
        self._now = now
        self._timeout_s = timeout_s

    def __contains__(self, topic: object) -> bool:
        return topic in self._addresses

    def tell(self, job: VideoJob) -> None:
        """Tell the topic of `job` that it has ended; `OSError` unless the answer is 2xx. Redirects are not followed."""
        topic = job.asked.topic or ""
        address = urlsplit(self._addresses.get(topic, ""))
        if address.hostname is None:
            raise OSError("no address is configured for this topic any more")
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.hostname, address.port, timeout=self._timeout_s)
        body, headers = self._message(topic, job)
        try:
            path = (address.path or "/") + (f"?{address.query}" if address.query else "")
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
        except HTTPException as error:
            raise OSError("the address did not answer in HTTP") from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise OSError(f"the address answered {status}")

    def _message(self, topic: str, job: VideoJob) -> tuple[bytes, Mapping[str, str]]:
        now, request = self._now(), job.asked
        message: dict[str, object] = {
            "JobId": job.job_id,
            "Status": "SUCCEEDED" if job.state is JobState.SUCCEEDED else "FAILED",
            "API": _APIS[request.kind],
            "Timestamp": round(1000 * now.timestamp()),
            "Video": {"S3ObjectName": request.name, "S3Bucket": request.bucket},
        }
        if request.tag is not None:
            message["JobTag"] = request.tag
        message_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"countenance job {job.job_id}"))  # the same on a retry
        envelope = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": topic,
            "Message": json.dumps(message),
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": message_id,
            "x-amz-sns-topic-arn": topic,
        }
        return json.dumps(envelope).encode(), headers
