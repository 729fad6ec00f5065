"""Exact search by an onnxruntime provider: half precision rules rows out, what is left is computed in full.

A part of the rows is multiplied with the probe in half precision. Its best rows lie in its best blocks of BLOCK rows,
one block for each row that is wanted, so only these are sorted. Half precision can be off by less than `slack`; so a
row that belongs into the answer is among those whose half score reaches the last hit's less twice that, and if a part
has more of them than it gave, everything is computed.
"""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from countenance.gallery.search.index import Hits, ranked

Rows = NDArray[np.float32]
BLOCK = 1024
PART = 1024 * BLOCK  # rows in one matrix
KEPT = 64  # rows that a part gives


class Scan:
    """rows: (n, d). provider: of onnxruntime. device: where it holds its memory, "cuda" or "cpu"."""

    def __init__(self, rows: Rows, provider: str, device: str) -> None:
        self._rows = rows
        self._device = device
        self._session = onnxruntime.InferenceSession(_graph(rows.shape[1], KEPT), providers=[provider])
        if provider not in self._session.get_providers():
            raise SystemExit(f"onnxruntime has no {provider} that works here")
        self._whole = len(rows) - len(rows) % BLOCK
        self._parts = [
            (first, onnxruntime.OrtValue.ortvalue_from_numpy(part.astype(np.float16), device, 0))
            for first, part in _parts(rows[: self._whole])
        ]
        self._longest = max(float(np.linalg.norm(part, axis=1).max()) for _, part in _parts(rows))
        self.fallbacks = 0

    def search(self, probe: Rows, limit: int) -> Hits:
        """The `limit` rows (numbers from 1) of highest inner product with `probe` (d,), exactly; at most KEPT."""
        asked = onnxruntime.OrtValue.ortvalue_from_numpy(probe.astype(np.float16)[:, None], self._device, 0)
        given = [self._of_part(first, part, asked) for first, part in self._parts]
        tail = np.arange(self._whole, len(self._rows))
        places = np.concatenate([*(each for each, _ in given), tail])
        scores = np.concatenate([*(each for _, each in given), self._rows[tail] @ probe])
        allowed = 2 * slack(probe, self._longest)
        floor = np.partition(scores, -limit)[-limit] - allowed
        if any(len(each) == KEPT and each.min() >= floor for _, each in given):
            self.fallbacks += 1
            floor, places = -np.inf, np.arange(len(self._rows))
            scores = self._rows @ probe
        near = places[scores >= floor]
        return ranked(near + 1, self._rows[near], probe, limit, -1e9)

    def _of_part(
        self, first: int, part: onnxruntime.OrtValue, probe: onnxruntime.OrtValue
    ) -> tuple[NDArray[np.int64], Rows]:
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("rows", part)
        binding.bind_ortvalue_input("probe", probe)
        for name in ("scores", "at", "blocks"):
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        scores, at, blocks = binding.copy_outputs_to_cpu()
        return first + blocks[at // BLOCK] * BLOCK + at % BLOCK, scores.astype(np.float32)


def slack(probe: Rows, longest: float) -> float:
    """More than a half-precision score can be off, summed in single precision; longest: the longest row's norm.

    Row, probe and score are rounded by 2^-11 of themselves each, and numbers below 2^-14 by 2^-25; d roundings by 2^-24
    in the sum (Higham, Accuracy and Stability of Numerical Algorithms, 2.1 and 3.1).
    """
    length, dimension = float(np.linalg.norm(probe)), len(probe)
    small = 2.0**-25 * np.sqrt(dimension) * (length + longest)
    return float((3.1 * 2.0**-11 + dimension * 2.0**-23) * length * longest + small)


def _parts(rows: Rows) -> list[tuple[int, Rows]]:
    return [(first, rows[first : first + PART]) for first in range(0, len(rows), PART)]


def _graph(dimension: int, kept: int) -> bytes:
    """From rows (n, d) and a probe (d, 1), both half precision, to the best `kept` scores and where they are."""
    half, whole = TensorProto.FLOAT16, TensorProto.INT64
    constants = {"by_block": [-1, BLOCK], "all": [-1], "wanted": [kept], "inside": [1]}
    nodes = [
        helper.make_node("MatMul", ["rows", "probe"], ["every"]),
        helper.make_node("Reshape", ["every", "by_block"], ["table"]),
        helper.make_node("ReduceMax", ["table", "inside"], ["best"], keepdims=0),
        helper.make_node("Shape", ["best"], ["how_many"]),
        helper.make_node("Min", ["wanted", "how_many"], ["chosen"]),
        helper.make_node("TopK", ["best", "chosen"], ["tops", "blocks"], sorted=0),
        helper.make_node("Gather", ["table", "blocks"], ["some"]),
        helper.make_node("Reshape", ["some", "all"], ["line"]),
        helper.make_node("TopK", ["line", "wanted"], ["scores", "at"], sorted=0),
    ]
    graph = helper.make_graph(
        nodes,
        "scan",
        [
            helper.make_tensor_value_info("rows", half, ["n", dimension]),
            helper.make_tensor_value_info("probe", half, [dimension, 1]),
        ],
        [
            helper.make_tensor_value_info("scores", half, [kept]),
            helper.make_tensor_value_info("at", whole, [kept]),
            helper.make_tensor_value_info("blocks", whole, [None]),
        ],
        [helper.make_tensor(name, whole, [len(value)], value) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())
