"""Section `forward`: ready tensors through VGG19 and EfficientNet-Lite0, in batches of 1 and 8."""

import array
import math
import random

from protocol import Worker
from rounds import Starter, Table, interleave
from setting import tell

PEERS = ["onnxruntime", "torch", "openvino", "MNN"]
SIZE = 3 * 224 * 224


def measure(setting, result):
    images = setting.scratch("forward") / "images"
    networks = [
        ("EfficientNet-Lite0", setting.lite0, {1: 64, 8: 8}),
        ("VGG19 (seeded weights)", setting.vgg19, {1: 4, 8: 2}),
    ]
    for title, model, batches in networks:
        for batch, count in batches.items():
            count = count // 2 if setting.quick else count
            pictures(f"{images}-{batch}", batch)
            network(setting, result, title, model, batch, count, f"{images}-{batch}")


def pictures(path, count):
    """Writes random values that look like normalised pixels."""
    generator = random.Random(0)
    array.array("f", (generator.gauss(0, 1) for _ in range(count * SIZE))).tofile(open(path, "wb"))


def network(setting, result, title, model, batch, count, images):
    where = f"{title}, batches of {batch}"
    starter = Starter(result, where)
    folder = setting.scratch("forward")
    with setting.log("forward") as log:
        common = {"words": [count], "environment": setting.environment, "log": log}
        ours = [setting.benches.get("forward"), model, batch, images, folder / "frostline"]
        starter.add(Worker, "frostline", ours, **common)
        for peer in PEERS:
            command = setting.peer(
                peer, "forward.py", peer, model, batch, setting.threads, images, folder / peer
            )
            starter.add(Worker, peer, command, **common)
        rows = interleave(starter.started, setting.rounds, 1e3 / (batch * count), where)
        starter.end()
    agree(rows, folder, batch, result, where)
    result.tables.append(Table(where, "ms/image", "frostline", rows, [
        f"A round runs {count} batches one after another; frostline runs them as `extract` does, in the "
        "number of lanes shown."
    ]))


def agree(rows, folder, batch, result, where):
    """Records how close all features are to onnxruntime's."""
    if not any(row.name == "onnxruntime" for row in rows):
        return result.missing.append(f"{where}: the features could not be compared with onnxruntime's")
    truth = features(folder / "onnxruntime", batch)
    for row in rows:
        given = features(folder / row.name, batch)
        cosine = min(map(cosine_between, truth, given))
        row.notes["lowest cosine to onnxruntime"] = f"{cosine:.7f}"
        if cosine < 0.9999:
            tell(f"{where}: the features of {row.name} differ (cosine {cosine})")


def features(path, batch):
    numbers = floats(path)
    length = len(numbers) // batch
    return [numbers[i * length : (i + 1) * length] for i in range(batch)]


def floats(path):
    """Reads the float32 values of a file."""
    numbers = array.array("f")
    numbers.frombytes(path.read_bytes())
    return numbers


def cosine_between(a, b):
    dot = lambda x, y: math.fsum(p * q for p, q in zip(x, y, strict=True))
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))
