"""The whole server under load: SearchFacesByImage over HTTP, signed, behind a mandate, on the record.

Peer: OpenCV's FaceDetectorYN + FaceRecognizerSF on the same pictures with the same weights, doing the vision part only
(decode, detect, align, embed; two processes, one thread each), in the same run. Clients are a process of their own that
sends requests signed beforehand, so that their own cost stays small; it runs on the same cores.

The share of everything that is not vision or search is measured in process, request by request: the time inside the
guard less the time inside the engine and the gallery, and the same with the dialect (signature, JSON) round it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.search_store import boxed
from benchmarks.vision_pictures import data, workloads
from countenance import settings
from countenance.api.rekognition.signature import claim
from countenance.app import Countenance
from countenance.engine import load_manifests
from countenance.faces import Template
from countenance.mandates import AccessKey, Holder, Terms
from countenance.operations import guard as guard_module
from countenance.operations import request as vocabulary
from countenance.progress import track

ROOT = Path(__file__).parents[1]
SIZES = tuple(int(n) for n in os.environ.get("BENCH_SIZES", "10000,1000000").split(","))
CLIENTS = (1, 8, 64)
SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))
ROUNDS = 128
START_S = 180.0
"""How long a server may take to listen."""
LARGER = ("1280 x 960, 1 face", "4000 x 3000, 1 face")
GALLERY = "bench"


def pictures(count: int) -> list[bytes]:
    """Photographs of faces from LFW, in an order that does not depend on the machine."""
    paths = sorted((data() / "lfw" / "images").glob("*/*_0001.jpg"))
    if not paths:
        raise SystemExit("the server benchmark needs LFW in the evaluation data: set COUNTENANCE_DATA")
    chosen = np.random.default_rng(1).permutation(len(paths))[:count]
    return [paths[i].read_bytes() for i in chosen]


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    photos = pictures(64)
    opencv = opencv_images_per_second(photos)
    load, first = [], {}
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="countenance-bench-") as folder:
            own = settings.load({**os.environ})
            place = replace(own, home=Path(folder), weights=own.models_cache)
            key = prepare(place, photos, size)
            first[size] = [seconds_to_first_answer(place, key, photos[0]) for _ in range(3)]
            with serving(place) as endpoint:
                for clients in CLIENTS:
                    measured = hammer(endpoint, key, photos, clients)
                    ratio = measured["requests/s"] / opencv["median"]
                    load.append({"faces": size, "clients": clients, **measured, "of OpenCV's images/s": ratio})
            if size == SIZES[0]:
                share = overhead(place, key, photos)
    return {
        "what": "SearchFacesByImage through the whole server.",
        "opencv_images_per_second": opencv,
        "load": load,
        "overhead": share,
        "seconds_from_serve_to_first_answer": first,
        "tables": [
            {
                "title": "SearchFacesByImage, LFW photographs of 250x250, clients on the same two cores",
                "note": f"OpenCV alone, vision only: {opencv['median']:.1f} images/s (median of {opencv['rounds']}).",
                "rows": load,
            },
            {
                "title": "Where a request's time goes, by size of picture",
                "note": "One caller, in process, from a request's body to its answer's; medians. Guard: "
                "mandate, moratoria, facts, policy, until it is decided. Ledger: both entries and their syncs, as far "
                "as they do not overlap vision, and what else the guard does.",
                "rows": share,
            },
            {
                "title": "From `serve` to the first answer",
                "rows": [
                    {"faces": size, "median s": statistics.median(took), "spread s": max(took) - min(took)}
                    for size, took in first.items()
                ],
            },
        ],
    }


def prepare(place: settings.Settings, photos: list[bytes], size: int) -> AccessKey:
    """A gallery of `size` faces: those of `photos`, and others fitted to the mean and covariance of real templates."""
    app = Countenance.open(place)
    try:
        key = key_for(app, GALLERY)
        app.gallery.create(GALLERY, app.engine.model, app.engine.version, {})
        real = []
        for photo in photos:
            seen = app.engine.look(photo)
            real += app.engine.embed(seen, seen.faces[:1])
        rows = np.stack([template.vector for template in real])
        rng = np.random.default_rng(2)
        mean, covariance = population(rows)
        step = 2000
        for start in track(range(0, size, step), f"gallery of {size}", unit="batches"):
            made = rng.multivariate_normal(mean, covariance, step, method="cholesky").astype(np.float32)
            if start == 0:
                made[: len(rows)] = rows
            made /= np.linalg.norm(made, axis=1, keepdims=True)
            faces = [(boxed(i), Template(vector, app.engine.model)) for i, vector in enumerate(made)]
            app.gallery.enrol(GALLERY, f"{start}", None, faces)
        return key
    finally:
        app.close()


def population(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of real templates: FairFace's where they are, else those at hand."""
    path = data() / "fairface" / "templates_sface_train.npz"
    if path.exists():
        with np.load(path) as file:
            two = [file[name] for name in file.files if file[name].ndim == 2]
        rows = two[0].astype(np.float32)
    return rows.mean(0), np.cov(rows.T) + 1e-6 * np.eye(rows.shape[1])


def key_for(app: Countenance, gallery: str) -> AccessKey:
    """An access key for everything in `gallery`, for a day."""
    terms = Terms("research", "research", (gallery,), ("*",), '{"gallery": {"provenance": "published_set"}}')
    ends = datetime.now(UTC) + timedelta(days=1)
    asked = app.mandates.request(Holder("Benchmark"), terms, requested_by="the benchmark", expires_at=ends)
    app.mandates.approve(asked.mandate_id, approved_by="whoever ran it")
    return app.mandates.issue_key(asked.mandate_id, to=asked.requested_by)


def opencv_images_per_second(photos: list[bytes]) -> dict[str, Any]:
    """The peer: two processes, one OpenCV thread each."""
    own = settings.load({**os.environ})
    manifests = load_manifests()
    weights = [str(own.models_cache / manifests[name].file) for name in ("yunet", "sface")]
    rates = []
    # started anew: a fork would inherit locks of threads that it does not have
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(opencv_round, [(weights, photos[:4])] * 2))
        for _ in range(5):
            began = time.perf_counter()
            list(pool.map(opencv_round, [(weights, photos[:32]), (weights, photos[32:])]))
            rates.append(len(photos) / (time.perf_counter() - began))
    return {"median": statistics.median(rates), "spread": max(rates) - min(rates), "rounds": len(rates)}


_opencv: list[Any] = []


def opencv_round(given: tuple[list[str], list[bytes]]) -> None:
    """Decode, detect, align and embed the largest face of each picture."""
    (yunet, sface), photos = given
    if not _opencv:
        cv2.setNumThreads(1)
        _opencv.extend((cv2.FaceDetectorYN.create(yunet, "", (320, 320), 0.6), cv2.FaceRecognizerSF.create(sface, "")))
    detector, recogniser = _opencv
    for photo in photos:
        image = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, faces = detector.detect(image)
        if faces is not None:
            best = max(faces, key=lambda face: face[2] * face[3])
            recogniser.feature(recogniser.alignCrop(image, best))


class serving:  # noqa: N801 - reads as a verb in `with serving(...)`
    """`countenance serve` as a process of its own. number: of those that run at the same time, for its port.

    It can be started ahead, so that several load side by side.
    """

    def __init__(self, place: settings.Settings, number: int = 0) -> None:
        self.port = 18080 + os.getpid() % 1000 + 1000 * number
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("COUNTENANCE_")},
            "COUNTENANCE_HOME": str(place.home),
            "COUNTENANCE_WEIGHTS": str(place.models_cache),
            "COUNTENANCE_PORT": str(self.port),
            "COUNTENANCE_QUEUE": "256",
            **({} if place.database is None else {"COUNTENANCE_DATABASE": place.database}),
        }

    def start(self) -> None:
        ask = [sys.executable, "-c", "from countenance.cli import main; main()", "serve"]
        self.process = subprocess.Popen(ask, env=self.environment, stdout=subprocess.DEVNULL)

    def wait(self) -> str:
        """Where it listens, once it does."""
        began = time.perf_counter()
        while self.process.poll() is None and time.perf_counter() < began + START_S:
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=1).connect()
            except OSError:
                time.sleep(0.02)
            else:
                return f"127.0.0.1:{self.port}"
        self.process.kill()
        raise SystemExit("the server did not start")

    def __enter__(self) -> str:
        self.start()
        return self.wait()

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)


def signed(
    endpoint: str, key: AccessKey, photo: bytes | None, call: str = "SearchFacesByImage"
) -> tuple[dict[str, str], bytes]:
    """One call about the gallery, signed by botocore; with a picture where one is given."""
    picture = {} if photo is None else {"Image": {"Bytes": base64.b64encode(photo).decode()}, "MaxFaces": 10}
    body = json.dumps({"CollectionId": GALLERY, **picture}).encode()
    request = AWSRequest(
        "POST",
        f"http://{endpoint}/",
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"RekognitionService.{call}"},
        body,
    )
    SigV4Auth(Credentials(key.access_key, key.secret), "rekognition", "us-east-1").add_auth(request)
    return dict(request.headers.items()), body


def ask(connection: http.client.HTTPConnection, headers: dict[str, str], body: bytes) -> bytes:
    """Send one request, expect 200, give the body."""
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {content[:300]!r}")
    return content


def hammer(endpoint: str, key: AccessKey, photos: list[bytes], clients: int) -> dict[str, float]:
    """`clients` threads of one process ask for SECONDS; rates and latencies of what was answered."""
    requests = [signed(endpoint, key, photo) for photo in photos]
    took: list[float] = []
    stop = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(endpoint, timeout=120)
        at = number
        while (began := time.perf_counter()) < stop:
            ask(connection, *requests[at % len(requests)])
            took.append(time.perf_counter() - began)
            at += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(took) / (time.perf_counter() - began)
    took.sort()
    return {
        "requests": len(took),
        "requests/s": rate,
        "p50 ms": 1000 * took[len(took) // 2],
        "p99 ms": 1000 * took[int(len(took) * 0.99)],
    }


def seconds_to_first_answer(place: settings.Settings, key: AccessKey, photo: bytes) -> float:
    """From starting the process to the first search answered."""
    server = serving(place)
    began = time.perf_counter()
    with server as endpoint:
        ask(http.client.HTTPConnection(endpoint, timeout=120), *signed(endpoint, key, photo))
        return time.perf_counter() - began


class Timed:
    """Wraps a part of the server, and adds up the time spent inside its methods of these names."""

    def __init__(self, inner: Any, names: tuple[str, ...]) -> None:
        self.inner, self.names, self.spent = inner, names, 0.0

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.inner, name)
        if name not in self.names:
            return attribute

        def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return attribute(*given, **named)
            finally:
                self.spent += time.perf_counter() - began

        return timed


def overhead(place: settings.Settings, key: AccessKey, photos: list[bytes]) -> list[dict[str, Any]]:
    """Where one request's time goes, from its body to the answer's, for pictures of several sizes: medians, ms."""
    app = Countenance.open(place)
    threadpool_limits(1, user_api="blas")  # as `serve` has it
    try:
        tools = app.tools
        engine, gallery = Timed(tools.engine, ("look", "embed")), Timed(tools.gallery, ("search",))
        guard = Timed(app.guard, ("carry_out",))
        app.guard._tools = replace(tools, engine=engine, gallery=gallery)  # type: ignore[arg-type]
        deciding = timed_decisions(app.guard)
        server = app._rekognition()
        server._guard = guard  # type: ignore[attr-defined]
        return [
            {"picture": title, **_parts(server, (engine, gallery, guard, *deciding), key, files)}
            for title, files in (
                ("250 x 250, 1 face", photos),
                *((each.title, list(each.files)) for each in workloads() if each.title in LARGER),
            )
        ]
    finally:
        app.close()


def timed_decisions(guard: Any) -> list[Timed]:
    """What the guard does until it knows whether a request is permitted: it reads, describes and decides."""
    timed = []
    for name, methods in (
        ("_register", ("mandate_of",)),
        ("_rules", ("decide",)),
        ("_moratoria", ("standing",)),
        ("_custody", ("overdue",)),
    ):
        timed.append(Timed(getattr(guard, name), methods))
        setattr(guard, name, timed[-1])
    timed.append(Timed(vocabulary, ("request_for",)))
    guard_module.request_for = timed[-1].request_for  # type: ignore[attr-defined]
    return timed


def _parts(server: Any, timed: tuple[Timed, ...], key: AccessKey, photos: list[bytes]) -> dict[str, float]:
    """Medians over ROUNDS requests, after some that are not counted; the client's own part is left out."""
    engine, gallery, guard, *deciding = timed
    told = [signed("127.0.0.1", key, photos[i % len(photos)]) for i in range(ROUNDS + 16)]
    rows = []
    for headers, body in told:
        claimed = claim(_raw(headers), b"", regions=server._regions, now=datetime.now(UTC))
        for each in timed:
            each.spent = 0.0
        began = time.perf_counter()
        server._carried_out("SearchFacesByImage", claimed, key.secret, body)
        whole = time.perf_counter() - began
        inside = guard.spent - engine.spent - gallery.spent
        decided = sum(each.spent for each in deciding)
        rows.append((whole, engine.spent, gallery.spent, decided, inside - decided, whole - guard.spent))
    names = ("all ms", "vision ms", "search ms", "guard ms", "ledger ms", "signature and JSON ms")
    found = {
        name: statistics.median(column) * 1000 for name, column in zip(names, zip(*rows[16:], strict=True), strict=True)
    }
    every = found["guard ms"] + found["ledger ms"] + found["signature and JSON ms"]
    return {**found, "guard, share": found["guard ms"] / found["all ms"], "all four, share": every / found["all ms"]}


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    lower = {name.lower(): value for name, value in headers.items()}
    lower.setdefault("host", "127.0.0.1")
    return [(name.encode(), value.encode()) for name, value in lower.items()]
