"""The pictures that faces are enrolled from again: files of a folder, or objects of a bucket."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from countenance.cli.enrol.log import file_stamp
from countenance.engine import STORED
from countenance.errors import BadRequest, Denied, ImageTooLarge, Misconfigured, NoSuchObject


class StoredPicture(Protocol):
    """A picture by its name in its place."""

    @property
    def name(self) -> str:
        """Path below the folder, or key in the bucket."""

    def stamp(self) -> str:
        """Changes when the content does."""

    def read(self) -> bytes:
        """The content; `ImageTooLarge` above what is read here, `NoSuchObject` where it is gone."""


class Pictures(Protocol):
    """A place that pictures are in."""

    def find(self, name: str) -> StoredPicture | None:
        """The picture of that name; `BadRequest` for a name that leads out of the place."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file."""

    name: str
    path: Path

    def stamp(self) -> str:
        """Size and time of the last change."""
        return file_stamp(self.path)

    def read(self) -> bytes:
        """The content."""
        try:
            _check_size(self.path.stat().st_size)
            return self.path.read_bytes()
        except OSError as error:
            raise NoSuchObject(f"it cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Folder:
    """The files below `root`."""

    root: Path

    def find(self, name: str) -> StoredFile | None:
        """A regular file below the folder, links followed while they stay in it."""
        path = self.root / name
        try:
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise BadRequest(f"{name} does not lie below the folder")
            return StoredFile(name, path) if path.is_file() else None
        except (OSError, ValueError):  # a name that no file can have
            return None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object. tag: its ETag and size."""

    name: str
    tag: str
    bucket: str
    client: Any = field(repr=False)

    def stamp(self) -> str:
        """The ETag and size when it was found."""
        return self.tag

    def read(self) -> bytes:
        """The content."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.name)
            _check_size(int(answer["ContentLength"]))
            return bytes(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise NoSuchObject("the bucket does not give it any more") from error


@dataclass(frozen=True, slots=True)
class Bucket:
    """The objects of a bucket. client: boto3's for S3."""

    name: str
    client: Any = field(repr=False)

    def find(self, name: str) -> StoredObject | None:
        """The object of that key. `Denied` where the bucket may not be read."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            about = self.client.head_object(Bucket=self.name, Key=name)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("404", "NoSuchKey", "NotFound"):
                return None
            raise Denied(f"the bucket {self.name} cannot be read: {code}") from error
        except BotoCoreError as error:
            raise Misconfigured(f"the bucket {self.name} cannot be asked: {type(error).__name__}") from error
        return StoredObject(name, f"{about.get('ETag', '')}:{about['ContentLength']}", self.name, self.client)


def _check_size(size: int) -> None:
    if size > STORED.max_bytes:
        raise ImageTooLarge(f"it has {size} bytes, at most {STORED.max_bytes} are read")
