"""A real server is watched from outside: its figures, its log and its end tell nothing about anybody."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.integration.serving import REGION, grant, need_weights, serving

from countenance.demo.faces import orl_faces
from countenance.mandates import AccessKey
from countenance.settings import DATABASE, KERNELS

HOME = Path(os.environ.get("COUNTENANCE_HOME", Path(__file__).parents[2] / "data"))
GALLERY, NAME = "ward-7-visitors", "mary.smith"


def failing(client: Any, picture: bytes) -> None:
    """Calls that fail, each in its way, all with something in them that is nobody's business."""
    asks: list[tuple[str, dict[str, Any]]] = [
        ("search_faces_by_image", {"CollectionId": "no-such-ward", "Image": {"Bytes": picture}}),
        ("search_faces_by_image", {"CollectionId": GALLERY, "Image": {"Bytes": picture[:-2000]}}),
        ("index_faces", {"CollectionId": GALLERY, "Image": {"Bytes": b"x" * 200}, "ExternalImageId": NAME}),
        ("delete_faces", {"CollectionId": "no-such-ward", "FaceIds": ["0" * 36]}),
        ("describe_collection", {"CollectionId": "no-such-ward"}),
    ]
    for name, ask in asks:
        with pytest.raises(ClientError):
            getattr(client, name)(**ask)


def with_a_wrong_secret(endpoint: str, key: AccessKey) -> None:
    client = boto3.client(
        "rekognition", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key.access_key,
        aws_secret_access_key="wrong" * 8, config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )  # fmt: skip
    with pytest.raises(ClientError):
        client.list_collections()


def test_figures_log_and_end_of_a_server_that_was_used(tmp_path: Path) -> None:
    need_weights()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    picture = orl_faces(HOME / "demo-faces")[0].png
    own, log = tmp_path / "home", tmp_path / "log"
    settings = {"COUNTENANCE_LOG": "json", "COUNTENANCE_METRICS": f"127.0.0.1:{port}", "COUNTENANCE_STOP_SECONDS": "20"}
    with serving(own, log, **settings) as server:
        key = grant(server.environment)
        narrow = grant(server.environment, galleries=("another",))
        client = server.client(key)
        client.create_collection(CollectionId=GALLERY)
        indexed = client.index_faces(
            CollectionId=GALLERY, Image={"Bytes": picture}, ExternalImageId=NAME, QualityFilter="NONE"
        )
        client.search_faces_by_image(CollectionId=GALLERY, Image={"Bytes": picture})
        failing(client, picture)
        with pytest.raises(ClientError):
            server.client(narrow).search_faces_by_image(CollectionId=GALLERY, Image={"Bytes": picture})
        with_a_wrong_secret(server.endpoint, key)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            figures = answer.read().decode()
        server.process.terminate()
        assert server.process.wait(120) == 0

    face = indexed["FaceRecords"][0]["Face"]
    private = [
        GALLERY, NAME, "no-such-ward", face["FaceId"], face["ImageId"], key.access_key, key.secret, narrow.secret,
        "Tests", base64.b64encode(picture)[:40].decode(),
    ]  # fmt: skip
    said = log.read_text()
    for word in private:
        assert word not in figures
        assert word not in said
    for stage in ("detect", "embed", "search", "ledger"):
        (count,) = re.findall(rf'countenance_stage_seconds_count{{stage="{stage}"}} (\S+)', figures)
        assert float(count) >= 1
    assert 'countenance_calls_total{operation="search",outcome="done"} 1.0' in figures
    assert 'countenance_http_requests_total{door="rekognition",status="400"}' in figures
    assert "countenance_faces 1.0" in figures and "countenance_unread 0.0" in figures

    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert all({"at", "level", "source", "says"} <= line.keys() for line in lines)
    refused = [line for line in lines if line["says"].startswith("refused")]
    assert refused and refused[0]["mandate"].startswith("mandate-") and refused[0]["causes"]

    with closing(sqlite3.connect(own / DATABASE)) as database:
        ((last, signed),) = database.execute(
            "SELECT (SELECT max(sequence) FROM ledger_entries), (SELECT max(size) FROM ledger_checkpoints)"
        )
    assert signed == last + 1  # closed in order: the last checkpoint speaks for all of it
    assert not (own / KERNELS).exists() or (own / KERNELS).stat().st_mode & 0o077 == 0
