"""Measures `frostline label` as its page uses it, without a browser.

    python scripts/check_label.py BINARY sort TRAIN VALIDATION [--labels 150] [--home HOME]
    python scripts/check_label.py BINARY check TRAIN [--seeds 3] [--home HOME]
    python scripts/check_label.py BINARY speed [--images 1000 20000] [--home HOME]

TRAIN and VALIDATION are folders with one folder per class. HOME is a FROSTLINE_HOME that is set up. Build the
program with `--release`.

`sort` labels images by their folders in the order in which they are shown, one after the other from the top
of the groups in turn, and evaluates the head of the session on VALIDATION; beside it, in a random order (mean
of four seeds). Exits with 1 below 75 %.

`check` flips 12 labels, and looks at 30 likely wrong labels one after the other: a flipped one is corrected,
any other is kept. Exits with 1 if fewer than 9 are corrected with one of the seeds.

`speed` measures the time from an action to the ranked groups, with 20 classes and 1280 features per image
from a small random network (it needs the packages `numpy` and `onnx`), and the memory of the process.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path


class Session:
    """A running `frostline label`."""

    def __init__(self, binary, folder, images, home, *more):
        line = [binary, "label", images, "--labels", folder / "labels.csv", *more]
        environment = dict(os.environ, FROSTLINE_HOME=str(home))
        self.process = subprocess.Popen(
            [str(word) for word in line], stdout=subprocess.PIPE, env=environment, text=True
        )
        self.page = self.process.stdout.readline().strip()
        while self.get("api/state")["phase"] == "extracting":
            time.sleep(0.1)

    def get(self, path):
        return json.load(urllib.request.urlopen(self.page + path))

    def post(self, path, body):
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.page + path, json.dumps(body).encode(), kind)
        return json.load(urllib.request.urlopen(request))

    def label(self, image, name):
        return self.post("api/act", {"kind": "label", "ids": [image], "class": name})

    def items(self):
        items, n = [], 1
        while len(items) < n:
            reply = self.get(f"api/items?limit=1000&offset={len(items)}")
            items, n = items + reply["items"], reply["n"]
        return items

    def computed(self, path):
        while (reply := self.get(path))["computing"]:
            time.sleep(0.05)
        return reply

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def class_of(item):
    return item["name"].split("/")[0]


def accuracy(args, folder, finished):
    """Evaluates the head of a session on the validation images."""
    head = next(file["path"] for file in finished["files"] if file["what"] == "head")
    line = [args.binary, "evaluate", "--head", head, args.validation, "--format", "json"]
    environment = dict(os.environ, FROSTLINE_HOME=str(args.home))
    done = subprocess.run([str(w) for w in line], env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)["top1_accuracy"]


def sort_once(args, store, seed=None):
    """Labels images as they are shown, or in a random order; returns the accuracy on other images."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        session = Session(args.binary, folder, args.train, args.home, "--features", store)
        items = session.items()
        order = random.Random(seed).sample(items, args.labels)
        for number in range(args.labels):
            if seed is None:
                groups = session.get("api/groups")["groups"]
                item = groups[number % len(groups)]["first"][0]
            else:
                item = order[number]
            session.label(item["id"], class_of(item))
        finished = session.post("api/finish", {})
        session.stop()
        return accuracy(args, folder, finished)


def sort(args, store):
    ours = sort_once(args, store)
    others = [sort_once(args, store, seed) for seed in range(4)]
    print(f"{args.labels} labels as shown: {ours:.1%}; at random: {statistics.mean(others):.1%}")
    return ours >= 0.75


def check(args, store):
    worst = 12
    for seed in range(1, args.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            more = ["--features", store, "--from-folders"]
            session = Session(args.binary, Path(folder), args.train, args.home, *more)
            truth = {item["id"]: class_of(item) for item in session.items()}
            generator, names = random.Random(seed), sorted(set(truth.values()))
            flipped = set(generator.sample(sorted(truth), 12))
            for image in sorted(flipped):
                others = [name for name in names if name != truth[image]]
                session.label(image, generator.choice(others))
            plain = session.computed("api/check/suspects?limit=30")["entries"]
            plain = sum(entry["item"]["id"] in flipped for entry in plain)
            corrected = 0
            for _ in range(30):
                item = session.computed("api/check/suspects?limit=1")["entries"][0]["item"]
                if item["id"] in flipped and item["label"] != truth[item["id"]]:
                    session.label(item["id"], truth[item["id"]])
                    corrected += 1
                else:
                    session.post("api/act", {"kind": "keep", "ids": [item["id"]]})
            session.stop()
        print(f"seed {seed}: {plain} of 12 in the first 30, {corrected} corrected one after the other")
        worst = min(worst, corrected)
    return worst >= 9


def network(path):
    """Writes a network from 8 × 8 pixels to 1280 features, with its manifest."""
    import numpy
    import onnx
    from onnx import helper, numpy_helper

    weight = numpy.random.default_rng(0).standard_normal((192, 1280)).astype("f4") / 14
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["product"]),
        helper.make_node("Relu", ["product"], ["features"]),
    ]
    number = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("x", number, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("features", number, ["n", 1280])],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    manifest = """name = "random"
license = "MIT"
[features]
layer = "features"
[preprocessing]
resize = [8, 8]
crop = "none"
interpolation = "bilinear"
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"""
    path.with_suffix(".toml").write_text(manifest)


def pictures(folder, n):
    """Writes n images of 20 kinds; returns the kind of each by its name."""
    import numpy

    generator = numpy.random.default_rng(1)
    kinds = generator.integers(60, 196, (20, 8, 8, 3))
    folder.mkdir()
    for i in range(n):
        noise = generator.integers(-60, 61, (8, 8, 3))
        pixels = (kinds[i % 20] + noise).clip(0, 255).astype("u1")
        (folder / f"{i:06}.ppm").write_bytes(b"P6 8 8 255\n" + pixels.tobytes())


def memory(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    lines = [line.split() for line in status.splitlines()]
    return {line[0]: int(line[1]) >> 10 for line in lines if line[0] in ("VmHWM:", "VmRSS:")}


def speed(args):
    for n in args.images:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            network(folder / "random.onnx")
            pictures(folder / "images", n)
            more = ["--backbone", folder / "random.onnx"]
            session = Session(args.binary, folder, folder / "images", args.home, *more)
            for image in range(400):
                session.label(image, f"class {image % 20}")
            session.get("api/groups")
            time.sleep(2 + n / 2000)
            times, acts = [], []
            for image in range(400, 440):
                start = time.perf_counter()
                session.label(image, f"class {image % 20}")
                acts.append(time.perf_counter() - start)
                session.get("api/groups")
                times.append(time.perf_counter() - start)
                time.sleep(0.3)
            ms = [1000 * statistics.median(some) for some in (acts, times)]
            slowest = 1000 * max(times)
            print(
                f"{n} images × 1280 features × 20 classes: action {ms[0]:.0f} ms, "
                f"to ranked groups {ms[1]:.0f} ms (median of {len(times)}, slowest {slowest:.0f} ms), MiB {memory(session.process)}",
                flush=True,
            )
            session.stop()
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("part", choices=["sort", "check", "speed"])
    parser.add_argument("train", type=Path, nargs="?")
    parser.add_argument("validation", type=Path, nargs="?")
    parser.add_argument("--labels", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 20000])
    parser.add_argument("--home", type=Path, default=os.environ.get("FROSTLINE_HOME", ".frostline"))
    args = parser.parse_args()
    args.binary = args.binary.resolve()
    if args.part == "speed":
        return speed(args)
    with tempfile.TemporaryDirectory() as folder:
        return {"sort": sort, "check": check}[args.part](args, Path(folder) / "features")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
