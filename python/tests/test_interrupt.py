"""Ctrl-C in long calls: within a second, and what is computed is kept."""

import io
import os
import signal
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from conftest import picture
from PIL import Image

import frostline as fl

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Large images, which take several seconds: the same pixels, with a comment that differs."""
    folder = tmp_path_factory.mktemp("many") / "photos"
    folder.mkdir()
    file = io.BytesIO()
    small = picture(np.random.default_rng(5), 0, (150, 150))
    small.resize((1500, 1500)).save(file, "PNG", compress_level=1)
    content = file.getvalue()
    after_header = 33
    for number in range(200):
        text = b"tEXtComment\0%d" % number
        comment = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        path = folder / f"{number:03}.png"
        path.write_bytes(content[:after_header] + comment + content[after_header:])
    return folder


def interrupted(code):
    """Run code that prints `ready`, and send Ctrl-C after a second. Return its output and its time to end."""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell ignores the signal in what it runs in the background, and this is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stdout.readline() == "ready\n", child.stderr.read()
    time.sleep(1)
    assert child.poll() is None, child.communicate()
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=30)
    return out, error, time.monotonic() - start


def stops(before, call):
    """Check that Ctrl-C stops a call within a second, and another one for a busy machine."""
    code = f"""
import frostline as fl
{before}
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("stopped")
"""
    out, error, seconds = interrupted(code)
    assert out == "stopped\n", error
    assert seconds < 2


def test_extract_keeps_what_is_computed(many, network, tmp_path):
    store = tmp_path / "s"
    code = f"""
import frostline as fl
class Told:
    ready = False
    def begin(self, what, total): pass
    def end(self): pass
    def advance(self, steps):
        if not self.ready:
            print("ready", flush=True)
        self.ready = True
keywords = dict(backbone={str(network)!r}, threads=1, batch_size=1, progress=Told())
try:
    fl.extract({str(many)!r}, {str(store)!r}, **keywords)
except KeyboardInterrupt as stop:
    print(stop)
"""
    out, error, seconds = interrupted(code)
    assert "saved; run again to continue" in out, error
    assert seconds < 2
    again = fl.extract(many, store, backbone=network)
    assert 0 < again.report["n_reused"] < 200 and len(again) == 200


@pytest.mark.parametrize("call", ["fl.Extractor(network)(files)", "fl.Classifier(head).predict_proba(files)"])
def test_images_in_memory(many, network, head, call):
    stops(
        f"""
import pathlib
network, head = {str(network)!r}, {str(head)!r}
files = list(pathlib.Path({str(many)!r}).iterdir()) * 20
""",
        call,
    )


@pytest.mark.parametrize(
    "call",
    [
        "fl.evaluate(head, images, threads=1, batch_size=1, store=store)",
        "fl.evaluate(head, images, threads=1)",
        "fl.report(head, images, output + '.html', images=images, threads=1)",
        "fl.export(head, output + '.onnx', verify=images, threads=1)",
    ],
)
def test_images_for_a_head(many, head, tmp_path, call):
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    for name in ("red", "green", "blue"):
        (labelled / name).symlink_to(many)
    stops(
        f"""
head, images = {str(head)!r}, {str(labelled)!r}
store, output = {str(tmp_path / "s")!r}, {str(tmp_path / "out")!r}
""",
        call,
    )
    left = set(os.listdir(tmp_path)) - {"labelled"}
    if "store=" in call:
        assert left == {"s"} and any(name.startswith("part-") for name in os.listdir(tmp_path / "s"))
    else:
        assert left == set()


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A store of 2,500 images of 50 classes with 4,096 features, which are random numbers."""
    from onnx import TensorProto, helper, numpy_helper, save

    generator = np.random.default_rng(9)
    folder = tmp_path_factory.mktemp("wide")
    weights = generator.normal(0, 1, (3 * 8 * 8, 4096)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["features"])],
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 4096])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 13)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "wide.onnx")
    text = 'name = "wide"\n[features]\nlayer = "features"\n[preprocessing]\nresize = 8\ncrop = 8\n'
    (folder / "wide.toml").write_text(text)
    for number in range(2500):
        path = folder / "images" / f"{number % 50:02}" / f"{number:04}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    return fl.extract(folder / "images", folder / "features", backbone=folder / "wide.onnx").path


@pytest.mark.parametrize(
    "call",
    [
        "fl.inspect(store)",
        "fl.fit_head(store, solver='lbfgs', search=True)",
        # A call takes 50 ms or so.
        "forever(store.numpy)",
        "forever(store.table)",
    ],
)
def test_features_in_a_store(wide, call):
    # A function of its own: in a loop of the module, Python raises the interrupt of a jump outside of `try`.
    forever = "def forever(call):\n    while True:\n        call()\n"
    stops(f"{forever}store = fl.FeatureStore({wide!r})", call)


def test_a_fit_leaves_no_file(store, tmp_path):
    code = f"""
import frostline as fl
print("ready", flush=True)
try:
    fl.fit_head({store.path!r}, output={str(tmp_path / "h")!r}, epochs=100000, lr=0.01, batch_size=1)
except KeyboardInterrupt:
    print("stopped")
"""
    out, error, seconds = interrupted(code)
    assert out == "stopped\n", error
    assert seconds < 2 and not (tmp_path / "h").exists()


def test_an_exception_in_the_progress_stops_the_task(many, network, tmp_path):
    class Broken:
        def begin(self, what, total):
            raise ZeroDivisionError(what)

        advance = end = begin

    with pytest.raises(ZeroDivisionError):
        fl.extract(many, tmp_path / "s", backbone=network, progress=Broken())


def test_progress_is_told(images, network, tmp_path):
    told = []

    class Listener:
        def begin(self, what, total):
            told.append((what, total))

        def advance(self, steps):
            told.append(steps)

        def end(self):
            told.append("end")

    fl.extract(images, tmp_path / "s", backbone=network, progress=Listener())
    at = told.index(("images", 36))
    assert sum(step for step in told[at + 1 :] if isinstance(step, int)) == 36 and told[-1] == "end"
