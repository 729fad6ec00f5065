"""Where S3 objects come from: a folder for each bucket, or a real S3 endpoint for the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from countenance.api.rekognition.buckets import MAX_OBJECT_BYTES, Buckets, ListedObject
from countenance.errors import CountenanceError, ImageTooLarge, NoSuchObject, VideoTooLarge

_CHUNK = 1024 * 1024


class OpenedObject(Protocol):
    """An object that is open. size: its bytes, known before anything is read."""

    size: int
    stream: BinaryIO

    def close(self) -> None:
        """Close it."""


class ObjectEndpoint(Protocol):
    """A server of S3 objects."""

    def open(self, bucket: str, name: str, version: str | None) -> OpenedObject:
        """The object; `NoSuchObject` if it cannot be read."""

    def listed(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose names begin so; `NoSuchObject` if the bucket cannot be listed."""


class Objects:
    """Objects of buckets. endpoint: has the buckets without a folder."""

    def __init__(self, folders: Mapping[str, Path], endpoint: ObjectEndpoint | None = None) -> None:
        self._folders = Buckets(folders)
        self._endpoint = endpoint

    def read(self, bucket: str, name: str, version: str | None = None) -> bytes:
        """The bytes of an image; `NoSuchObject`, `ImageTooLarge` above 15 MiB, before anything is read."""
        opened = self._open(bucket, name, version, MAX_OBJECT_BYTES, ImageTooLarge)
        try:
            content = opened.stream.read(MAX_OBJECT_BYTES + 1)
        except Exception as error:  # botocore has errors of its own for a stream that breaks
            raise NoSuchObject("the object could not be read to its end") from error
        finally:
            opened.close()
        _no_larger(len(content), MAX_OBJECT_BYTES, ImageTooLarge)  # it grew meanwhile
        return content

    def listed(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose names begin with `prefix`; `NoSuchObject` if there is no such bucket."""
        if bucket in self._folders or self._endpoint is None:
            return self._folders.listed(bucket, prefix)
        return self._endpoint.listed(bucket, prefix)

    def check(self, bucket: str, name: str, version: str | None, max_bytes: int) -> None:
        """`NoSuchObject` unless the video is there, `VideoTooLarge` if it has more than `max_bytes`."""
        self._open(bucket, name, version, max_bytes, VideoTooLarge).close()

    def copy(self, bucket: str, name: str, version: str | None, path: Path, max_bytes: int) -> None:
        """Copy a video to the new file `path`, for its owner alone; errors as for `check`."""
        opened = self._open(bucket, name, version, max_bytes, VideoTooLarge)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as out:
                written = 0
                while chunk := _chunk(opened.stream):
                    written += len(chunk)
                    _no_larger(written, max_bytes, VideoTooLarge)
                    out.write(chunk)
        finally:
            opened.close()
        if written < opened.size:
            raise NoSuchObject("the object could not be read to its end")

    def _open(
        self, bucket: str, name: str, version: str | None, max_bytes: int, too_large: type[CountenanceError]
    ) -> OpenedObject:
        opened: OpenedObject
        if bucket in self._folders:
            if version is not None:
                raise NoSuchObject("the bucket is a folder and keeps no versions")
            opened = self._folders.open(bucket, name)
        elif self._endpoint is not None:
            opened = self._endpoint.open(bucket, name, version)
        else:
            raise NoSuchObject("no folder is configured for this bucket")
        try:
            _no_larger(opened.size, max_bytes, too_large)
        except CountenanceError:
            opened.close()
            raise
        return opened


def _no_larger(size: int, max_bytes: int, too_large: type[CountenanceError]) -> None:
    if size > max_bytes:
        raise too_large(f"the object holds more than {max_bytes} bytes")


def _chunk(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_CHUNK)
    except Exception as error:  # botocore has errors of its own for a stream that breaks
        raise NoSuchObject("the object could not be read to its end") from error
