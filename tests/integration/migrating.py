"""A second server that stands for the cloud, on HTTP and on its own stores; only the models are fakes, in both."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.native.native_world import listening
from tests.fakes.engine import FakeEngine
from tests.integration.serving import grant, opened

from countenance.app import Countenance
from countenance.engine import Limits, Picture, load_manifests
from countenance.engine.limits import DEFAULT
from countenance.faces import Template
from countenance.mandates import AccessKey

SFACE = load_manifests()["sface"].model


class ModelsAway(FakeEngine):
    """The fake engine under the name of the model in use. wait_s: how long it looks at a picture."""

    model = SFACE
    dimension = 128
    wait_s = 0.0

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        time.sleep(self.wait_s)
        return super().look(image, limits)

    def embed(self, picture: Picture, faces: Any) -> list[Template]:
        people = [int(name) for name in picture.source.removeprefix(b"people:").split(b",") if name]
        return [Template(vector_of(people[picture.faces.index(face)]), SFACE) for face in faces]


def vector_of(person: int) -> np.ndarray:
    vector = np.random.default_rng(person).normal(size=128).astype(np.float32)
    return vector / np.linalg.norm(vector)


def shot(*people: int, number: int = 1) -> bytes:
    """A picture of these people, largest first; another `number` is another picture of them."""
    return b"people:" + b",".join(str(person).zfill(number + 3).encode() for person in people)


@dataclass(frozen=True)
class Cloud:
    """Where the cloud is, and a key of it."""

    url: str
    access: AccessKey


@contextmanager
def cloud_at(home: Path) -> Iterator[Cloud]:
    environment = {"COUNTENANCE_HOME": str(home)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Countenance, "engine", property(lambda app: ModelsAway()))
        access = grant(environment)
        with opened(environment) as app, listening(app.asgi()) as url:
            yield Cloud(url, access)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened_file:
        return list(csv.DictReader(opened_file))


def entries(home: Path) -> list[dict[str, Any]]:
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        return [dict(entry.fields) for entry in app.ledger.entries()]


def main() -> None:
    """The command line with slow fake models, for a process that is killed."""
    from countenance.cli import main as command_line

    ModelsAway.wait_s = 0.1
    Countenance.engine = property(lambda app: ModelsAway())  # type: ignore[assignment,method-assign]
    command_line()


if __name__ == "__main__":
    main()
