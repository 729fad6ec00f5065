"""The profile detection-only: no embedder by construction, whichever door is knocked at."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from botocore.exceptions import ClientError
from tests.integration.serving import grant, need_weights, opened, serving

from countenance import operations
from countenance.demo.faces import orl_faces
from countenance.engine import Detector, Engine, load_manifests
from countenance.errors import Misconfigured, NotOffered
from countenance.operations import Caller, CreateGallery, Detect, Operation, Redact, SearchByImage, VideoFile

HOME = Path(os.environ.get("COUNTENANCE_HOME", Path(__file__).parents[2] / "data"))


@pytest.fixture(scope="module")
def detector_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights that has the detector's and no embedder's."""
    weights, folder = need_weights(), tmp_path_factory.mktemp("weights")
    shutil.copy(load_manifests()["yunet"].path(weights), folder)
    return folder


@pytest.fixture(scope="module")
def face() -> bytes:
    need_weights()
    small = cv2.imdecode(np.frombuffer(orl_faces(HOME / "demo-faces")[0].png, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    return cv2.imencode(".png", cv2.resize(small, (276, 336)))[1].tobytes()


def environment(home: Path, weights: Path) -> dict[str, str]:
    return {
        "COUNTENANCE_HOME": str(home),
        "COUNTENANCE_WEIGHTS": str(weights),
        "COUNTENANCE_PROFILE": "detection-only",
    }


def test_no_embedder_and_no_gallery_is_among_its_parts(tmp_path: Path, detector_alone: Path, face: bytes) -> None:
    own = environment(tmp_path / "home", detector_alone)
    key = grant(own).access_key
    gc.collect()
    others = [each for each in gc.get_objects() if issubclass(type(each), Engine)]  # of other tests in this process
    with opened(own) as app:
        tools = app.tools
        assert type(tools.engine).__name__ == Detector.__name__
        assert not hasattr(tools.engine, "embed")
        gc.collect()
        engines = [each for each in gc.get_objects() if issubclass(type(each), Engine)]
        assert all(any(each is other for other in others) for each in engines)
        for part in ("gallery", "normaliser", "calibration", "kept", "jobs"):
            with pytest.raises(NotOffered, match="detection-only"):
                getattr(tools, part)
        with pytest.raises(NotOffered):
            _ = app.engine
        with pytest.raises(NotOffered):
            _ = app.gallery
        caller = Caller(key)
        assert len(app.guard.carry_out(caller, Detect(face)).result.faces) == 1
        covered = app.guard.carry_out(caller, Redact(face)).result
        assert covered.report.covered
        before = app.ledger.size
        gone: list[Operation[Any, Any]] = [
            CreateGallery("g"), SearchByImage("g", face), operations.DetectInVideo(VideoFile(tmp_path)),
        ]  # fmt: skip
        for ask in gone:
            with pytest.raises(NotOffered, match=f"no {ask.name} here"):
                app.guard.carry_out(caller, ask)
        assert app.ledger.size == before, "what does not exist is not decided about"


def test_only_what_needs_a_detector_and_no_more_is_left() -> None:
    left = {
        name
        for name in operations.__all__
        if isinstance(kind := getattr(operations, name), type)
        and issubclass(kind, operations.Operation)
        and not kind.recognises
    }
    assert left == {"Detect", "Redact", "RedactVideo"}


def test_a_folder_in_which_people_were_enrolled_is_refused(tmp_path: Path, detector_alone: Path) -> None:
    home, whole = tmp_path / "home", {"COUNTENANCE_WEIGHTS": str(need_weights())}
    key = grant({"COUNTENANCE_HOME": str(home), **whole}).access_key
    with opened({"COUNTENANCE_HOME": str(home), **whole}) as app:
        app.guard.carry_out(Caller(key), CreateGallery("g"))
    with opened(environment(home, detector_alone)) as app, pytest.raises(Misconfigured, match="holds galleries"):
        _ = app.guard


def test_every_dialect_answers_detection_and_says_what_it_has_not(
    tmp_path: Path, detector_alone: Path, face: bytes
) -> None:
    own: Mapping[str, str] = environment(tmp_path / "home", detector_alone)
    key = grant(own)
    with serving(tmp_path / "home", **{k: v for k, v in own.items() if k != "COUNTENANCE_HOME"}) as live:
        client = live.client(key)
        assert len(client.detect_faces(Image={"Bytes": face})["FaceDetails"]) == 1
        for name, more in (
            ("create_collection", {"CollectionId": "g"}),
            ("search_faces_by_image", {"CollectionId": "g", "Image": {"Bytes": face}}),
            ("compare_faces", {"SourceImage": {"Bytes": face}, "TargetImage": {"Bytes": face}}),
            ("list_collections", {}),
        ):
            with pytest.raises(ClientError, match="detection-only") as caught:
                getattr(client, name)(**more)
            assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
        headers = {"ocp-apim-subscription-key": f"{key.access_key}:{key.secret}"}
        with httpx.Client(base_url=live.endpoint, headers=headers, trust_env=False, timeout=60) as azure:
            stream = {"content": face, "headers": {"content-type": "application/octet-stream"}}
            found = azure.post("/face/v1.2/detect", params={"returnFaceId": "false"}, **stream)  # type: ignore[arg-type]
            assert found.status_code == 200 and len(found.json()) == 1
            kept = azure.post("/face/v1.2/detect", **stream)  # type: ignore[arg-type]
            assert kept.status_code == 403 and "detection-only" in kept.text
            for method, path in (("GET", "facelists"), ("PUT", "persongroups/g"), ("POST", "identify")):
                answer = azure.request(method, f"/face/v1.2/{path}", json={"name": "x"} if method != "GET" else None)
                assert answer.status_code == 404 and "detection-only" in answer.text
        with httpx.Client(
            base_url=live.endpoint, auth=(key.access_key, key.secret), trust_env=False, timeout=60
        ) as ours:
            picture: dict[str, Any] = {"content": face, "headers": {"content-type": "image/png"}}
            covered = ours.post("/v1/redactions", **picture).json()
            assert (
                covered["covered"] >= 1 and covered["media_type"] == "image/png"
            )  # what may be a face is covered, too
            gone = ours.post("/v1/redactions", params={"except_gallery": "g"}, **picture)
            assert gone.status_code == 404 and "detection-only" in gone.text
        assert httpx.get(live.endpoint + "/v1/health", trust_env=False).status_code == 200
