"""Tiny ONNX models, made here: a detector that takes white squares for faces, an embedder that averages colours."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDE, SIDE = 32, 64
"""The detector's cells, and the side of the box that it reports around the middle of a white cell, in pixels."""

POINTS = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.7], [0.65, 0.7]])
"""Where it reports the five points, in shares of the box."""


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Mapping[str, npt.ArrayLike],
) -> bytes:
    initialisers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def white_square_detector() -> bytes:
    """YuNet's twelve maps, of which only those of stride 32 ever say something.

    Score: mean red of a cell. Side of the box: `SIDE` for full blue, twice that for none.
    """
    nodes: list[onnx.NodeProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    constants: dict[str, npt.ArrayLike] = {"flat": np.array([1, -1, 1]), "white": np.float32(1 / 255)}
    nodes.append(helper.make_node("Split", ["input"], ["blue", "green", "red"], axis=1))
    for stride in (8, 16, 32):
        on = np.float32(stride == STRIDE)
        # The middle of the cell is the middle of the box; the points are given from the cell's own corner.
        places = {
            "bbox": [0.5, 0.5, *[float(np.log(2 * SIDE / STRIDE))] * 2],
            "kps": (0.5 + (POINTS - 0.5) * SIDE / STRIDE).ravel(),
        }
        constants[f"on_{stride}"] = on
        size = [stride, stride]
        nodes += [
            helper.make_node("AveragePool", ["red"], [f"cells_{stride}"], kernel_shape=size, strides=size),
            helper.make_node("AveragePool", ["blue"], [f"blue_{stride}"], kernel_shape=size, strides=size),
            helper.make_node("Reshape", [f"blue_{stride}", "flat"], [f"blues_{stride}"]),
            helper.make_node("Mul", [f"blues_{stride}", "shrink"], [f"bbox_by_{stride}"]),
            helper.make_node("Mul", [f"blues_{stride}", "nothing"], [f"kps_by_{stride}"]),
            helper.make_node("Reshape", [f"cells_{stride}", "flat"], [f"rows_{stride}"]),
            helper.make_node("Mul", [f"rows_{stride}", "white"], [f"share_{stride}"]),
            helper.make_node("Mul", [f"share_{stride}", f"on_{stride}"], [f"cls_{stride}"]),
            helper.make_node("Identity", [f"cls_{stride}"], [f"obj_{stride}"]),
        ]
        constants["nothing"] = np.float32(0)
        constants["shrink"] = np.array([0, 0, 1, 1], dtype=np.float32).reshape(1, 1, 4) * -np.float32(np.log(2) / 255)
        for kind, values in places.items():
            constants[f"{kind}_at_{stride}"] = np.array(values, dtype=np.float32).reshape(1, 1, -1)
            nodes.append(helper.make_node("Add", [f"{kind}_by_{stride}", f"{kind}_at_{stride}"], [f"{kind}_{stride}"]))
        for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs.append(helper.make_tensor_value_info(f"{kind}_{stride}", TensorProto.FLOAT, [1, None, width]))
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])
    return _model(nodes, [image], outputs, constants)


def mean_colour_embedder(side: int = 20, dimension: int = 6, layout: str = "nchw") -> bytes:
    """(mean of channel 0, 1, 2, then zeros up to `dimension`) of a square input, as it arrives after conversion."""
    axes = [2, 3] if layout == "nchw" else [1, 2]
    weights = np.zeros((3, dimension), dtype=np.float32)
    weights[:3, :3] = np.eye(3)
    nodes = [
        helper.make_node("ReduceMean", ["face"], ["colour"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["template"]),
    ]
    shape = [1, 3, side, side] if layout == "nchw" else [1, side, side, 3]
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("template", TensorProto.FLOAT, [1, dimension])
    return _model(nodes, [face], [out], {"weights": weights})


def add_model(folder: Path, name: str, kind: str, content: bytes, sections: str) -> None:
    """Put a model file and its manifest into `folder`."""
    (folder / f"{name}.onnx").write_bytes(content)
    head = {
        "name": name,
        "version": f"{name}-1",
        "kind": kind,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "CC0-1.0",
        "source": "made by a test",
    }
    lines = [f'{key} = "{value}"' for key, value in head.items()]
    (folder / f"{name}.toml").write_text("\n".join(lines) + "\n" + sections)


DETECTOR_SECTIONS = """
[input]
width = 640
height = 640
channels = "bgr"
mean = [0.0, 0.0, 0.0]
scale = [1.0, 1.0, 1.0]
[detection]
head = "yunet"
strides = [8, 16, 32]
min_score = 0.6
max_overlap = 0.3
max_candidates = 5000
average_head = [[-0.4, -0.4, 0.0], [0.4, -0.4, 0.0], [0.0, 0.0, 0.4], [-0.3, 0.4, 0.0], [0.3, 0.4, 0.0]]
"""


def embedder_sections(
    side: int = 20,
    dimension: int = 6,
    layout: str = "nchw",
    channels: str = "rgb",
    mean: tuple[float, float, float] = (0, 0, 0),
    scale: tuple[float, float, float] = (1, 1, 1),
) -> str:
    return f"""
[input]
width = {side}
height = {side}
layout = "{layout}"
channels = "{channels}"
mean = {list(map(float, mean))}
scale = {list(map(float, scale))}
[output]
dimension = {dimension}
normalisation = "l2"
"""


def tiny_models(folder: Path) -> Path:
    """A folder of manifests with the detector "squares" and the embedder "colours"."""
    add_model(folder, "squares", "detector", white_square_detector(), DETECTOR_SECTIONS)
    add_model(folder, "colours", "embedder", mean_colour_embedder(), embedder_sections())
    return folder
