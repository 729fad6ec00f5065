"""The runtime: networks compiled by OpenVINO for this machine's cores (docs/adr/0001-runtime.md says why).

The weights come in as bytes whose hash was checked, never as a path, so that what runs is what was checked.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from countenance.engine.manifest import Input, Manifest
from countenance.errors import ModelError
from countenance.faces import Pixels


def cores(threads: int) -> int:
    """How many threads to use: `threads`, or for 0 every core that this process may run on."""
    return threads or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


class Network:
    """One compiled network with `streams` independent lanes of one thread each; any number of threads may call it.

    Its input is pixels as they are, uint8 (1, height, width, 3) in B, G, R: order, mean and scale are part of the
    compiled graph. sizes: None where height and width are free (a detector).
    """

    def __init__(self, weights: bytes, manifest: Manifest, outputs: Sequence[str], streams: int, free: bool) -> None:
        core = ov.Core()
        try:
            model = _with_pixels_in(core.read_model(weights), manifest.input, free)
            compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_NUM_THREADS": streams,
                    "NUM_STREAMS": streams,
                    "INFERENCE_PRECISION_HINT": "f32",
                    "ENABLE_CPU_PINNING": False,
                },
            )
            self._outputs = [_port(compiled.outputs, name) for name in outputs]
        except (RuntimeError, ValueError, IndexError) as error:
            first = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{manifest.name} ({manifest.file}) cannot be run as its manifest says: {first}"
            ) from error
        self.streams = streams
        self._lanes: queue.LifoQueue[ov.InferRequest] = queue.LifoQueue()
        for _ in range(streams):
            self._lanes.put(compiled.create_infer_request())

    def run(self, pixels: Pixels) -> list[NDArray[np.float32]]:
        """The outputs for one picture, each with its batch axis of 1; waits while every lane is taken."""
        with self._lane() as lane:
            lane.infer({0: pixels[np.newaxis]}, share_inputs=True)
            return [np.array(lane.get_tensor(port).data, dtype=np.float32) for port in self._outputs]

    def run_all(self, pictures: Iterable[Pixels]) -> Iterator[list[NDArray[np.float32]]]:
        """The outputs for each of `pictures`, in order, on as many lanes as are free, at least one."""
        waiting: list[tuple[ov.InferRequest, Pixels]] = []
        try:
            for pixels in pictures:
                while (lane := self._free_lane(wait=not waiting)) is None:
                    yield self._finish(waiting)
                lane.start_async({0: pixels[np.newaxis]}, share_inputs=True)
                waiting.append((lane, pixels))
            while waiting:
                yield self._finish(waiting)
        finally:
            for lane, _ in waiting:
                lane.wait()
                self._lanes.put(lane)

    def _finish(self, waiting: list[tuple[ov.InferRequest, Pixels]]) -> list[NDArray[np.float32]]:
        lane, _ = waiting.pop(0)
        try:
            lane.wait()
            return [np.array(lane.get_tensor(port).data, dtype=np.float32) for port in self._outputs]
        finally:
            self._lanes.put(lane)

    def _free_lane(self, wait: bool) -> ov.InferRequest | None:
        try:
            return self._lanes.get(block=wait)
        except queue.Empty:
            return None

    @contextmanager
    def _lane(self) -> Iterator[ov.InferRequest]:
        lane = self._lanes.get()
        try:
            yield lane
        finally:
            self._lanes.put(lane)


def _port(ports: Sequence[ov.ConstOutput], name: str) -> ov.ConstOutput:
    """The output called `name`, or the only one where `name` is empty."""
    if not name and len(ports) == 1:
        return ports[0]
    for port in ports:
        if name in port.get_names():
            return port
    raise ValueError(f"no output {name!r}; there are {sorted(n for port in ports for n in port.get_names())}")


def _with_pixels_in(model: ov.Model, how: Input, free: bool) -> ov.Model:
    """`model` with an input of uint8 (1, height, width, 3) in B, G, R, and the manifest's conversion put before it."""
    index = next((i for i, port in enumerate(model.inputs) if how.name in port.get_names()), 0 if not how.name else -1)
    if index < 0 or len(model.inputs) != 1:
        raise ValueError(f"expected one input {how.name!r}, got {[port.get_names() for port in model.inputs]}")
    height, width = (-1, -1) if free else (how.height, how.width)
    model.reshape([1, 3, height, width] if how.layout == "nchw" else [1, height, width, 3])
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
