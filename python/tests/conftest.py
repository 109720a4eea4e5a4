"""Small seeded networks and images, and the program of the same environment."""

import os
import pathlib
import signal
import subprocess
import sysconfig
import time

import numpy as np
import pytest
from PIL import Image

import frostline as fl

SIZE = 32
WIDTH = 16


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """An empty `FROSTLINE_HOME`: nothing is installed but this Python environment."""
    folder = tmp_path_factory.mktemp("home")
    os.environ["FROSTLINE_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A network of one convolution with seeded weights, with its manifest."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(7)
    weights = generator.normal(0, 0.3, (WIDTH, 3, 5, 5)).astype(np.float32)
    biases = generator.normal(0, 0.1, WIDTH).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", WIDTH])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(biases, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder = tmp_path_factory.mktemp("network")
    onnx.save(model, folder / "tiny.onnx")
    (folder / "tiny.toml").write_text(
        f'name = "tiny"\n[features]\nlayer = "features"\n[preprocessing]\nresize = {SIZE}\ncrop = {SIZE}\n'
    )
    return folder / "tiny.onnx"


def picture(generator, hue, size=(40, 36)):
    """An image whose colour says its class, with noise."""
    colour = np.array([[230, 60, 60], [60, 230, 60], [60, 60, 230]])[hue]
    noise = generator.integers(-40, 40, (size[1], size[0], 3))
    return Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder of 3 classes with 12 images each."""
    generator = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("images") / "train"
    for hue, name in enumerate(["red", "green", "blue"]):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            picture(generator, hue).save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="session")
def store(images, network, tmp_path_factory):
    """The features of these images."""
    return fl.extract(images, tmp_path_factory.mktemp("store") / "features", backbone=network)


@pytest.fixture(scope="session")
def head(store, tmp_path_factory):
    """A head on these features, in a file."""
    path = tmp_path_factory.mktemp("head") / "head.safetensors"
    fl.fit_head(store, solver="lbfgs", l2=0.01, output=path)
    return path


@pytest.fixture(scope="session")
def classifier(head):
    return fl.Classifier(head)


@pytest.fixture(scope="session")
def files(images):
    """The paths of the images."""
    return sorted(str(path) for path in images.rglob("*.png"))


def forked(work):
    """Fork a process whose exit code is 0 if `work` returns true."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = 0 if work() else 1
    finally:
        os._exit(code)


def ends(children, seconds=60):
    """Wait for processes and return their exit codes; one that hangs is killed."""
    codes = []
    until = time.monotonic() + seconds
    for child in children:
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.01)
        codes.append(ended[1])
    return codes


def program(*arguments, **options):
    """Run the program that came with the wheel."""
    binary = pathlib.Path(sysconfig.get_path("scripts")) / "frostline"
    command = [str(binary), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, **options)
