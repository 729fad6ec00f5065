"""The real server as a process of its own, with real weights, and what a test needs round it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.fakes.postgres import database_of_another_process

from countenance import settings
from countenance.app import Countenance
from countenance.audit.evidence import Evidence, EvidenceSubject, GroupEvidence, sign_evidence
from countenance.audit.formats.results import Share
from countenance.engine import load_manifests
from countenance.engine.weights import state
from countenance.mandates import AccessKey, Holder, Terms
from countenance.scoring import Calibration, load_normaliser
from countenance.settings import DATABASE
from countenance.signing import Signer

ROOT = Path(__file__).parents[2]
HOME = Path(os.environ.get("COUNTENANCE_HOME", ROOT / "data"))
REGION = "us-east-1"


@dataclass
class Live:
    """A running server. environment: what it runs with, COUNTENANCE_ variables only."""

    process: subprocess.Popen[bytes]
    endpoint: str
    environment: Mapping[str, str]

    def client(self, key: AccessKey) -> Any:
        return boto3.session.Session().client(
            "rekognition",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def kill(self) -> None:
        """As a power cut would, as far as the process can tell."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def need_weights() -> Path:
    weights = HOME / "models"
    if any(state(manifest, weights) != "ok" for manifest in load_manifests().values()):
        pytest.skip("no model weights: run `countenance models fetch`")
    return weights


@contextmanager
def opened(environment: Mapping[str, str]) -> Iterator[Countenance]:
    app = Countenance.open(settings.load(environment))
    try:
        yield app
    finally:
        app.close()


@contextmanager
def serving(home: Path | None, log: Path | None = None, files: int | None = None, /, **more: str) -> Iterator[Live]:
    """`countenance serve` on a free port until the block ends. home: None for the one of a newcomer.

    log: a file for what it writes to stderr. files: how many it may have open, by the system.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **({} if home is None else {"COUNTENANCE_HOME": str(home)}),
        "COUNTENANCE_WEIGHTS": str(need_weights()),
        "COUNTENANCE_PORT": str(port),
        **({} if home is None else database_of_another_process(home / DATABASE)),
        **more,
    }
    others = {name: v for name, v in os.environ.items() if not name.startswith("COUNTENANCE_")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from countenance.cli import main; main()", "serve"],
        env={**others, **environment},
        stdout=subprocess.DEVNULL,
        stderr=None if log is None else log.open("wb"),
        preexec_fn=None if files is None else lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
    )
    try:
        for _ in range(1800):
            assert process.poll() is None, "the server ended by itself"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail("the server did not answer within three minutes")
        yield Live(process, f"http://127.0.0.1:{port}", environment)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once that is true."""
    for _ in range(150):
        if got := condition():
            return got
        time.sleep(0.2)
    raise AssertionError("it did not come about within half a minute")


def grant(
    environment: Mapping[str, str],
    operations: tuple[str, ...] = ("*",),
    galleries: tuple[str, ...] = ("*",),
    lasting: timedelta = timedelta(hours=1),
) -> AccessKey:
    with opened(environment) as app:
        asked = app.mandates.request(
            Holder("Tests"),
            Terms("research", "research", galleries, operations, '{"gallery": {"provenance": "published_set"}}'),
            requested_by="a test",
            expires_at=datetime.now(UTC) + lasting,
        )
        app.mandates.approve(asked.mandate_id, approved_by="another test")
        return app.mandates.issue_key(asked.mandate_id, to=asked.requested_by)


def write_evidence(folder: Path, *, fmr: float = 1e-3, days: float = 1, **changes: str) -> None:
    """Evidence about the default model and calibration, signed by a key of the test's, whose public half lies there."""
    folder.mkdir(exist_ok=True)
    model = load_manifests()["sface"]
    calibration = Calibration.load(model.model, load_normaliser(model.model).identity)
    known = Share(1, 10**6, 100, 1e-6, 1e-7, 1e-5, 0.95, 1e5, None, "made up for a test")
    subject = {
        "model": model.model,
        "model_version": "test",
        "normaliser": calibration.normaliser,
        "calibration": calibration.identity,
    } | changes
    signer = Signer(b"t" * 32)
    now = datetime.now(UTC)
    statement = Evidence(
        subject=EvidenceSubject(**subject, threshold_fmr=fmr, threshold_score=float(calibration.score_at_fmr(fmr))),
        issued_at=(now - timedelta(hours=1)).isoformat(),
        expires_at=(now + timedelta(days=days)).isoformat(),
        operational=False,
        independent=False,
        audits=(),
        groups=tuple(GroupEvidence("0" * 64, factor, "a", 100, known, known, known) for factor in ("gender", "race")),
        issuer=signer.public.hex(),
    )
    (folder / "test.evidence.json").write_bytes(sign_evidence(statement, signer))
    (folder / "test.pub").write_text(signer.public.hex())
