"""A network that a black image crashes, and pictures for it.

It divides the lowest integer by -1 for a black image, which raises an exception of the processor: a native crash, as
a fault in a driver or a decoder would be.
"""

import io
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

MANIFEST = """name = "black"
[features]
layer = "features"
[preprocessing]
resize = [64, 64]
crop = "none"
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"""


def network(folder: Path) -> Path:
    """Write the network, whose features are the mean colours of 8 x 8 fields."""
    one, three, zero = (helper.make_tensor(n, TensorProto.FLOAT, [1], [v]) for n, v in (("one", 1.0), ("three", 3.0), ("zero", 0.0)))
    lowest = helper.make_tensor("lowest", TensorProto.INT64, [1], [-(2**63)])
    nodes = [
        helper.make_node("AveragePool", ["input"], ["fields"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["fields"], ["means"]),
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["colour"]),
        helper.make_node("ReduceMean", ["colour"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Add", ["mean", "one"], ["above"]),
        helper.make_node("Ceil", ["above"], ["steps"]),
        helper.make_node("Mul", ["steps", "three"], ["times"]),
        helper.make_node("Sub", ["times", "one"], ["divisor"]),
        helper.make_node("Cast", ["divisor"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Div", ["lowest", "whole"], ["quotient"]),
        helper.make_node("Cast", ["quotient"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "zero"], ["nothing"]),
        helper.make_node("Add", ["means", "nothing"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "black",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 64, 64])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 192])],
        [one, three, zero, lowest],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    (folder / "black.onnx").write_bytes(model.SerializeToString())
    (folder / "black.toml").write_text(MANIFEST)
    return folder / "black.onnx"


def pictures(count: int, side: int) -> list[bytes]:
    """Return different JPEG pictures: noise on a gradient, which takes a while to decode."""
    random = np.random.default_rng(7)
    noise = random.integers(20, 200, (side, side, 3), dtype=np.uint8)
    found = []
    for number in range(count):
        shifted = np.roll(noise, number * 13, axis=0)
        shifted[: side // 4, : side // 4] = (number % 200 + 30, number // 200 + 40, 90)
        buffer = io.BytesIO()
        Image.fromarray(shifted).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def black() -> bytes:
    """Return the picture that crashes the network."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    return buffer.getvalue()
