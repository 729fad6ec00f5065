"""The runtime: networks compiled by OpenVINO for this machine's cores (docs/adr/0001-runtime.md says why).

Weights are passed as bytes whose hash was checked, never as a path, so that what runs is what was checked.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as opset
from openvino.preprocess import PrePostProcessor

from countenance.engine.manifest import Input, Manifest
from countenance.errors import ModelError

Precision = Literal["f32", "mixed"]
"""The precision of multiplications: f32 throughout, or bf16 (f32's range with 8 bits of mantissa, summed in f32) after
the first layers, as far as the manifest allows it without relevant differences.
"""

Pixels4 = NDArray[np.uint8]
"""Pictures of one size, uint8 (n, height, width, 3), channels B, G, R."""

Shape = tuple[int, int, int]
"""How many pictures, their height and width in pixels."""

KEPT_KERNELS = 500
"""How many kernels, each for one shape of input, a compiled network keeps.

Measured with one thread and 320 pictures, each of a new size: with OpenVINO's own 5000, memory rises from 350 MB to 720
after 40 sizes, 950 after 160 and 990 after 320; with 500 to 560 and 590, and stays there. That takes 9 to 13 % more
processor time for a picture of a new size.
"""

ONE_THREAD = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,
    "CPU_RUNTIME_CACHE_CAPACITY": KEPT_KERNELS,
}

OFTEN, MOST_SHAPES = 8, 8
"""How often a shape must occur before a network is compiled for it (a fifth of a second), and for how many shapes at
most.
"""

Outputs = list[NDArray[np.float32]]
"""A network's outputs, each with a first axis of length n."""


def cores(threads: int) -> int:
    """How many threads to use: `threads`, or if that is 0 the number of cores that this process may use."""
    return threads or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def fastest_precision(manifest: Manifest) -> Precision:
    """mixed where this processor multiplies in bf16 (AVX512-BF16, AMX) and the manifest allows it, f32 elsewhere."""
    able = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "mixed" if able and manifest.mixed is not None else "f32"


@dataclass(frozen=True, slots=True)
class _Lane:
    """One request for each part of a network, and where the last part puts its output."""

    requests: list[ov.InferRequest]
    outputs: list[ov.ConstOutput]


class _Compiled:
    """A network compiled for one shape or for any: parts that run one after the other, and a lane for each thread.

    Each lane is compiled separately: a model with one stream runs in the calling thread, one with several passes each
    request to a thread of its own and back.
    """

    def __init__(self, parts: list[tuple[str, ov.Model]], outputs: Sequence[str], lanes: int) -> None:
        self._free: queue.LifoQueue[_Lane] = queue.LifoQueue()
        for _ in range(lanes):
            compiled = [
                ov.Core().compile_model(part, "CPU", {**ONE_THREAD, "INFERENCE_PRECISION_HINT": of})
                for of, part in parts
            ]
            ports = [_port(compiled[-1].outputs, name) for name in outputs]
            self._free.put(_Lane([part.create_infer_request() for part in compiled], ports))

    def run(self, pictures: Pixels4) -> Outputs:
        lane = self._free.get()
        requests = lane.requests
        try:
            requests[0].infer({0: pictures}, share_inputs=True)
            for before, request in pairwise(requests):
                request.set_input_tensor(0, before.get_output_tensor(0))
                request.infer()
            return [np.array(requests[-1].get_tensor(port).data, dtype=np.float32) for port in lane.outputs]
        finally:
            self._free.put(lane)


class Network:
    """A network with `lanes` independent lanes of one thread each; any number of threads may call it.

    Its input is plain pixels: channel order, mean and scale are part of the compiled graph.
    """

    def __init__(
        self,
        weights: bytes,
        manifest: Manifest,
        outputs: Sequence[str],
        *,
        lanes: int,
        precision: Precision = "f32",
        shapes: Sequence[Shape] = (),
    ) -> None:
        """outputs: their names, "" for the only one. shapes: the only shapes of input. Without them every shape is
        accepted, and a frequent one gets a network of its own: fixed shapes run about a tenth faster.
        """
        self._weights, self._manifest, self._names, self._precision = weights, manifest, outputs, precision
        self.lanes = lanes
        self._permits = threading.Semaphore(lanes)
        self._lock = threading.Lock()
        self._seen: Counter[Shape] = Counter()
        self._fixed = {shape: self._compile(shape) for shape in shapes}
        self._open = None if shapes else self._compile(None)

    def run(self, pictures: Pixels4) -> Outputs:
        """The outputs for `pictures`; waits while every lane is taken."""
        with self.lane() as run:
            return run(pictures)

    @contextmanager
    def lane(self) -> Iterator[Callable[[Pixels4], Outputs]]:
        """A lane for this thread alone; waits while every lane is taken."""
        with self._permits:
            yield lambda pictures: self._for((len(pictures), *pictures.shape[1:3])).run(pictures)

    def _for(self, shape: Shape) -> _Compiled:
        fixed = self._fixed.get(shape)
        if fixed is not None:
            return fixed
        if self._open is None:
            raise ValueError(f"compiled for {sorted(self._fixed)}, got {shape}")
        with self._lock:
            self._seen[shape] += 1
            often = self._seen[shape] == OFTEN and len(self._fixed) < MOST_SHAPES
        if often:
            self._fixed[shape] = self._compile(shape)
        return self._open

    def _compile(self, shape: Shape | None) -> _Compiled:
        manifest = self._manifest
        try:
            model = _of_shape(ov.Core().read_model(self._weights), manifest.input, shape)
            parts = [("f32", model)]
            if self._precision == "mixed" and manifest.mixed is not None:
                parts = _cut(model, manifest.mixed.exact_until)
            parts[0] = "f32", _with_pixels_in(parts[0][1], manifest.input)
            return _Compiled(parts, self._names, self.lanes)
        except (RuntimeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{manifest.name} ({manifest.file}) cannot be run as its manifest says: {first}"
            ) from error


def _cut(model: ov.Model, tensor: str) -> list[tuple[str, ov.Model]]:
    """`model` as two models that run in turn, each with its precision: up to `tensor`, and from there."""
    ports = [port for node in model.get_ordered_ops() for port in node.outputs() if tensor in port.get_names()]
    if len(ports) != 1:
        raise ValueError(f"no tensor {tensor!r} to change the precision at")
    readers = list(ports[0].get_target_inputs())
    results, middle = model.get_results(), opset.parameter(ports[0].get_partial_shape(), ports[0].get_element_type())
    for reader in readers:
        reader.replace_source_output(middle.output(0))
    first = ov.Model([opset.result(ports[0])], model.get_parameters(), "first")
    return [("f32", first), ("bf16", ov.Model(results, [middle], "rest"))]


def _port(ports: Sequence[ov.ConstOutput], name: str) -> ov.ConstOutput:
    """The output called `name`, or the only one if `name` is empty."""
    if not name and len(ports) == 1:
        return ports[0]
    for port in ports:
        if name in port.get_names():
            return port
    raise ValueError(f"no output {name!r}; there are {sorted(n for port in ports for n in port.get_names())}")


def _of_shape(model: ov.Model, how: Input, shape: Shape | None) -> ov.Model:
    """`model` for pictures of this number and size, or of any."""
    if len(model.inputs) != 1 or (how.name and how.name not in model.inputs[0].get_names()):
        raise ValueError(f"expected one input {how.name!r}, got {[sorted(port.get_names()) for port in model.inputs]}")
    number, height, width = shape or (-1, -1, -1)
    model.reshape([number, 3, height, width] if how.layout == "nchw" else [number, height, width, 3])
    return model


def _with_pixels_in(model: ov.Model, how: Input) -> ov.Model:
    """`model` preceded by the manifest's conversion, so that its input is uint8 (n, height, width, 3) in B, G, R."""
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout(how.layout.upper()))
    convert = steps.input().preprocess().convert_element_type(ov.Type.f32)
    if how.channels == "rgb":
        convert.reverse_channels()
    if any(how.mean):
        convert.mean(list(how.mean))
    if how.scale != (1.0, 1.0, 1.0):
        convert.scale([1.0 / factor for factor in how.scale])
    return steps.build()
