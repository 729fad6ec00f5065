"""A real S3 endpoint, read through boto3; only buckets that the operator names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from countenance.api.rekognition.buckets import ListedObject
from countenance.errors import Misconfigured, NoSuchObject

_CONFIG: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 30,
    "retries": {"total_max_attempts": 2},
    "proxies": {},
    "max_pool_connections": 32,
    "s3": {"addressing_style": "path"},
}


@dataclass(frozen=True, slots=True)
class S3Place:
    """An S3 endpoint and the credentials for it. buckets: those that may be read."""

    endpoint: str
    region: str
    access_key: str
    secret: str
    buckets: Collection[str]


@dataclass(slots=True)
class _Body:
    size: int
    stream: BinaryIO

    def close(self) -> None:
        self.stream.close()


class S3Endpoint:
    """Reads objects of an S3 endpoint; `Misconfigured` unless boto3 is installed."""

    def __init__(self, place: S3Place) -> None:
        try:
            import boto3
        except ImportError as error:
            raise Misconfigured("COUNTENANCE_S3_ENDPOINT needs boto3: pip install 'countenance[s3]'") from error
        self._buckets = frozenset(place.buckets)
        try:
            session: Any = boto3.session.Session()
            self._client: Any = session.client(
                "s3",
                endpoint_url=place.endpoint,
                region_name=place.region,
                aws_access_key_id=place.access_key,
                aws_secret_access_key=place.secret,
                config=Config(**_CONFIG),
            )
        except ValueError as error:
            raise Misconfigured("COUNTENANCE_S3_ENDPOINT is a URL such as https://s3.example.org") from error

    def open(self, bucket: str, name: str, version: str | None) -> _Body:
        """The object, open; `NoSuchObject` if its bucket is not named here, or the endpoint does not give it."""
        self._check(bucket)
        more = {} if version is None else {"VersionId": version}
        try:
            answer = self._client.get_object(Bucket=bucket, Key=name, **more)
        except (ClientError, BotoCoreError) as error:
            raise NoSuchObject("the S3 endpoint does not give this object") from error
        return _Body(int(answer["ContentLength"]), answer["Body"])

    def listed(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose names begin so, in order; `NoSuchObject` as for `open`."""
        self._check(bucket)
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield ListedObject(each["Key"], int(each["Size"]), f"{each['Size']}:{each['ETag']}")
        except (ClientError, BotoCoreError) as error:
            raise NoSuchObject("the S3 endpoint does not list this bucket") from error

    def _check(self, bucket: str) -> None:
        if bucket not in self._buckets:
            raise NoSuchObject("this bucket is neither a folder nor among those that may be read from S3")
