"""From JPEG bytes to templates: runtimes, whole pictures, agreement with OpenCV, and what mixed precision changes.

Contenders take turns in one run, so that whatever else the machine does falls on all of them. Wall-clock rates are what
a user sees; processor time is shown beside them because it depends less on who else is using the cores.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import openvino as ov
from numpy.typing import NDArray

from benchmarks.vision_peers import (
    Contender,
    OpenCV,
    engine_contender,
    opencv_contender,
    opencv_side_by_side,
)
from benchmarks.vision_pictures import Workload, photos, workloads
from countenance.engine import Engine, fetch, load_manifests
from countenance.engine.runtime import Precision, cores
from countenance.progress import track

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
RUNS = int(os.environ.get("BENCH_VISION_RUNS", "15"))
AGREED = int(os.environ.get("BENCH_VISION_AGREED", "400"))
CACHE = Path(os.environ.get("COUNTENANCE_HOME", "data")) / "models"
NETWORKS = (("sface", 112, 112), ("yunet", 256, 256), ("yunet", 640, 480))


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    fetch(load_manifests().values(), CACHE)
    return {
        "what": (__doc__ or "").partition("\n")[0],
        "rounds": ROUNDS,
        "tables": [
            {
                "title": "One network, one input, by runtime and threads",
                "note": "Milliseconds of wall clock and of processor time (all threads), median of all runs; the "
                "spread is the 10th to the 90th percentile of the wall clock. Input as the runtime takes it best.",
                "rows": runtimes(),
            },
            {
                "title": "JPEG bytes to templates, pictures per second",
                "note": "Every face of every picture gets a template. OpenCV: FaceDetectorYN and FaceRecognizerSF with "
                "the same weights. `as it is`: one picture after the other on all cores, searched at full size; "
                "`shrunk`: the same, searched at the engine's working size; `side by side`: shrunk, one "
                "single-threaded instance for each core. Median of the rounds, and their extremes.",
                "rows": whole_pictures(),
            },
            {
                "title": "One picture, stage by stage",
                "note": "Milliseconds on one thread, median: a 250 x 250 photo with one face.",
                "rows": stages(),
            },
            {
                "title": f"Templates beside OpenCV's, over {AGREED} photos",
                "note": "Cosine between the engine's template of a face and FaceRecognizerSF's of the same picture.",
                "rows": agreement(),
            },
        ],
    }


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """(wall clock, processor time of all threads) of one call, seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def in_turns(calls: Mapping[str, Callable[[], object]], rounds: int, what: str) -> dict[str, list[tuple[float, float]]]:
    """Each call `rounds` times, one of each in turn, after one that is not counted."""
    for call in calls.values():
        call()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in track(range(rounds), what, total=rounds, unit="round"):
        for name, call in calls.items():
            taken[name].append(timed(call))
    return taken


def runtimes() -> list[dict[str, object]]:
    """Each network in each runtime."""
    rows: list[dict[str, object]] = []
    for name, width, height in NETWORKS:
        for threads in (1, 2):
            calls = runtime_calls(name, width, height, threads)
            for runtime, taken in in_turns(calls, RUNS, f"{name} {width} x {height}, {threads} threads").items():
                walls = sorted(wall * 1000 for wall, _ in taken)
                rows.append(
                    {
                        "network": f"{name} {width} x {height}",
                        "threads": threads,
                        "runtime": runtime,
                        "wall ms": statistics.median(walls),
                        "spread": f"{walls[len(walls) // 10]:.3g} to {walls[len(walls) * 9 // 10]:.3g}",
                        "processor ms": statistics.median(processor * 1000 for _, processor in taken),
                    }
                )
    return rows


def runtime_calls(name: str, width: int, height: int, threads: int) -> dict[str, Callable[[], object]]:
    """One inference in each runtime, on the same random picture."""
    weights = load_manifests()[name].path(CACHE)
    blob = np.random.default_rng(0).integers(0, 256, (1, 3, height, width)).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {}

    how = onnxruntime.SessionOptions()
    how.intra_op_num_threads, how.inter_op_num_threads, how.log_severity_level = threads, 1, 3
    if name == "sface" or (width, height) == (640, 640):
        session = onnxruntime.InferenceSession(str(weights), how, providers=["CPUExecutionProvider"])
    else:
        session = onnxruntime.InferenceSession(_free_size(weights), how, providers=["CPUExecutionProvider"])
    only = session.get_inputs()[0].name
    calls["onnxruntime"] = lambda: session.run(None, {only: blob})

    network = cv2.dnn.readNetFromONNX(str(weights))
    outputs = network.getUnconnectedOutLayersNames()

    def opencv() -> object:
        cv2.setNumThreads(threads)
        network.setInput(blob)
        return network.forward(outputs)

    calls["OpenCV DNN"] = opencv

    for precision in (
        ("f32", "bf16") if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else ("f32",)
    ):
        model = ov.Core().read_model(str(weights))
        model.reshape([1, 3, height, width])
        options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
        request = ov.Core().compile_model(model, "CPU", options).create_infer_request()
        calls[f"OpenVINO {precision}"] = lambda request=request: request.infer({0: blob}, share_inputs=True)  # type: ignore[misc]
    return calls


def _free_size(weights: Path) -> bytes:
    """The network with its size left open, which onnxruntime needs for any but the one it was exported with."""
    import onnx

    model = onnx.load(str(weights))
    for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.dim_param = f"side_{id(side)}"
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return bytes(model.SerializeToString())


def whole_pictures() -> list[dict[str, object]]:
    """Each workload by each contender."""
    lanes = cores(0)
    contenders: dict[str, Contender] = {
        "Countenance": engine_contender(Engine.open(CACHE, "yunet", "sface")),
        "Countenance, f32": engine_contender(Engine.open(CACHE, "yunet", "sface", precision="f32")),
        "OpenCV as it is": opencv_contender(CACHE, shrink=False),
        "OpenCV shrunk": opencv_contender(CACHE, shrink=True),
        "OpenCV side by side": opencv_side_by_side(CACHE, lanes),
    }
    rows: list[dict[str, object]] = []
    for workload in workloads():
        rows += measured(workload, contenders)
    return rows


def measured(workload: Workload, contenders: Mapping[str, Contender]) -> list[dict[str, object]]:
    """One row for each contender: pictures per second, and how many times OpenCV's best layout."""
    found = {name: contend(workload.files) for name, contend in contenders.items()}
    calls = {name: lambda contend=contend: contend(workload.files) for name, contend in contenders.items()}
    taken = in_turns(calls, ROUNDS, workload.title)
    count = len(workload.files)
    rates = {name: [count / wall for wall, _ in each] for name, each in taken.items()}
    medians = {name: statistics.median(each) for name, each in rates.items()}
    return [
        {
            "pictures": workload.title,
            "contender": name,
            "templates": found[name],
            "pictures/s": medians[name],
            "extremes": f"{min(rates[name]):.3g} to {max(rates[name]):.3g}",
            "processor ms a picture": statistics.median(processor for _, processor in taken[name]) * 1000 / count,
            "times OpenCV as it is": medians[name] / medians["OpenCV as it is"],
            "times OpenCV side by side": medians[name] / medians["OpenCV side by side"],
        }
        for name in contenders
    ]


def stages() -> list[dict[str, object]]:
    """What the milliseconds of one photo are spent on."""
    from countenance.engine.alignment import aligned
    from countenance.engine.decode import decode, read_header
    from countenance.engine.limits import DEFAULT

    engine = Engine.open(CACHE, "yunet", "sface", threads=1)
    image = photos(1)[0]
    pixels = decode(image, read_header(image, DEFAULT))
    picture = engine.look(image)
    face = picture.faces[:1]
    marks = face[0].landmarks
    points = picture.position([marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth])
    calls: dict[str, Callable[[], object]] = {
        "header": lambda: read_header(image, DEFAULT),
        "header and decode": lambda: decode(image, read_header(image, DEFAULT)),
        "look: decode, search, describe": lambda: engine.look(image),
        "align": lambda: aligned(pixels, points, 112, 112),
        "embed: align, network": lambda: engine.embed(picture, face),
    }
    return [
        {
            "stage": name,
            "wall ms": statistics.median(wall for wall, _ in taken) * 1000,
            "processor ms": statistics.median(processor for _, processor in taken) * 1000,
        }
        for name, taken in in_turns(calls, 10 * RUNS, "stages").items()
    ]


def agreement() -> list[dict[str, object]]:
    """How like OpenCV's the engine's templates are, in either precision."""
    opencv = OpenCV(CACHE, shrink=False)
    precisions: tuple[Precision, ...] = ("f32", "mixed")
    engines = {precision: Engine.open(CACHE, "yunet", "sface", precision=precision) for precision in precisions}
    cosines: dict[str, list[float]] = {precision: [] for precision in engines}
    largest: dict[str, list[float]] = {precision: [] for precision in engines}
    worst_box, differing = 0.0, 0
    for image in track(photos(AGREED), "agreement", unit="photo"):
        picture = engines["f32"].look(image)
        rows = opencv.faces(picture.pixels)
        rows = rows[np.argsort(-rows[:, 2] * rows[:, 3], kind="stable")]
        if len(rows) != len(picture.faces):
            differing += 1
            continue
        theirs = [opencv.template(picture.pixels, row) for row in rows]
        for face, row in zip(picture.faces, rows, strict=True):
            corner = np.array([face.box.left * picture.width, face.box.top * picture.height])
            worst_box = max(worst_box, float(np.abs(corner - row[:2]).max()))
        for precision, engine in engines.items():
            ours = engine.embed(picture, picture.faces)
            each = [float(a.vector @ b) for a, b in zip(ours, theirs, strict=True)]
            cosines[precision] += each
            largest[precision] += each[:1]
    return [
        {
            "precision": precision,
            "faces": len(cosines[precision]),
            "smallest cosine": min(cosines[precision]),
            "1st percentile": _percentile(cosines[precision], 1),
            "median": _percentile(cosines[precision], 50),
            "smallest, largest face of each photo": min(largest[precision]),
            "photos with another number of faces": differing,
            "largest shift of a box, px": worst_box,
        }
        for precision in engines
    ]


def _percentile(values: list[float], percent: float) -> float:
    array: NDArray[np.float64] = np.asarray(values)
    return float(np.percentile(array, percent))


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1))
