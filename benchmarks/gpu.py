"""What a GPU does with the same work: the two networks, and exact search among ten million faces of 512 numbers.

It needs onnxruntime with a CUDA or TensorRT provider (the package onnxruntime-gpu), which is not installed by itself.
Peers: the same networks and the same scan on the processor's cores, in the same run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np

COUNT = int(os.environ.get("BENCH_GPU_FACES", "10000000"))
PROBES = 500
CHECKED = 50
PEER_PROBES = 5
LIMIT = 10
RUNS = 200
PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider")


def run() -> dict[str, Any]:
    """Measure, or say why not."""
    gpu, providers = found()
    told = {"what": (__doc__ or "").partition("\n")[0], "gpu": gpu}
    if not providers:
        missing = "this machine has no GPU" if gpu is None else f"{gpu}, and no provider of onnxruntime's for it"
        return {**told, "tables": [{"title": "GPU", "rows": [{"everything": f"skipped: {missing}"}]}]}
    os.environ["ORT_CUDA_GEMM_OPTIONS"] = "1"  # sums in single precision throughout, as the scan's slack says
    return {
        **told,
        "tables": [
            {
                "title": "One network, one picture, by provider",
                "note": f"{gpu}. Milliseconds of wall clock, the copy to the GPU and back included.",
                "rows": networks(providers),
            },
            {
                "title": f"Top {LIMIT} among {COUNT:,} faces of 512 numbers, one probe at a time",
                "note": "Rows lie in the GPU's memory in half precision; what that leaves open is computed in full, on "
                "the processor. Equal: answers that are those of the exact search.",
                "rows": searches(providers),
            },
        ],
    }


def found() -> tuple[str | None, list[str]]:
    """The GPU, if there is one, and the providers that onnxruntime has for it."""
    try:
        asked = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None, []
    import onnxruntime

    has = onnxruntime.get_available_providers()
    return asked.stdout.partition(" (UUID")[0].strip(), [each for each in PROVIDERS if each in has]


def networks(providers: list[str]) -> list[dict[str, object]]:
    """SFace and YuNet by each provider."""
    import onnxruntime

    from benchmarks.vision import CACHE
    from countenance.engine import load_manifests

    rows = []
    for name, (width, height) in {"sface": (112, 112), "yunet": (640, 640)}.items():
        blob = np.random.default_rng(0).integers(0, 256, (1, 3, height, width)).astype(np.float32)
        for provider in (*providers, "CPUExecutionProvider"):
            weights = str(load_manifests()[name].path(CACHE))
            how = onnxruntime.SessionOptions()
            how.log_severity_level = 3
            session = onnxruntime.InferenceSession(weights, how, providers=[provider])
            only = session.get_inputs()[0].name
            took = timed(lambda session=session, only=only, blob=blob: session.run(None, {only: blob}))  # type: ignore[misc]
            rows.append({"network": f"{name} {width} x {height}", "provider": provider, **summary(took)})
    return rows


def searches(providers: list[str]) -> list[dict[str, object]]:
    """The scan on the GPU, and on the processor."""
    from benchmarks.gpu_scan import Scan
    from benchmarks.search_rows import faces, longer, real_templates
    from countenance.gallery.search.index import ranked

    given = faces(longer(real_templates(), 4), COUNT, PROBES, 5)
    exact = []
    for probe in given.probes[:CHECKED]:
        scores = given.gallery @ probe
        near = np.flatnonzero(scores >= np.partition(scores, -LIMIT)[-LIMIT] - 1e-4)
        exact.append(ranked(near + 1, given.gallery[near], probe, LIMIT, -1e9))
    rows = []
    for provider in (*providers[-1:], "CPUExecutionProvider"):  # TensorRT has no use for one product
        scan = Scan(given.gallery, provider, "cpu" if provider.startswith("CPU") else "cuda")
        count = PEER_PROBES if provider.startswith("CPU") else PROBES
        took, right, checked = [], 0, min(count, CHECKED)
        for i, probe in enumerate(given.probes[:count]):
            began = time.perf_counter()
            answer = scan.search(probe, LIMIT)
            took.append(time.perf_counter() - began)
            right += i < checked and answer == exact[i]
        rows.append(
            {
                "provider": provider,
                **summary(took[1:]),
                "equal": f"{right} of {checked}",
                "computed in full": scan.fallbacks,
            }
        )
        del scan
    return rows


def timed(call: Callable[[], object]) -> list[float]:
    """Seconds of each of RUNS calls, after one that is not counted."""
    call()
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took


def summary(took: list[float]) -> dict[str, object]:
    """Milliseconds: the median, and the 10th to the 90th percentile."""
    took = sorted(1000 * each for each in took)
    return {
        "p50 ms": statistics.median(took),
        "spread": f"{took[len(took) // 10]:.3g} to {took[len(took) * 9 // 10]:.3g}",
    }
