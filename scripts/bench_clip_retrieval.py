#!/usr/bin/env python3
"""Computes features with the reader of clip-retrieval, Pillow and onnxruntime, and prints the seconds that took.

usage: PYTHON scripts/bench_clip_retrieval.py IMAGES NETWORK.onnx

For the part `clip` of scripts/bench_engines.py, which checks the number of rows. PYTHON is an environment of its own,
since clip-retrieval needs numpy before 2 and pyarrow before 16. Its reader alone needs torch and Pillow, so a CPU build
of torch is enough, such as Debian's:

    apt-get install python3-torch
    /usr/bin/python3 -m venv --system-site-packages target/clip
    target/clip/bin/pip install --no-deps clip-retrieval
    target/clip/bin/pip install pillow onnxruntime
"""

import importlib.util
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime
import torch
from PIL import Image

# The defaults of `clip-retrieval inference`: images of a batch, and processes that read and decode.
BATCH, WORKERS = 256, 4


def reader():
    """Returns the module of the reader. Importing its package would import servers and indices too."""
    package = pathlib.Path(importlib.util.find_spec("clip_retrieval").origin).parent
    spec = importlib.util.spec_from_file_location("reader", package / "clip_inference" / "reader.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["reader"] = module
    spec.loader.exec_module(module)
    return module


def preprocess(image):
    """Resizes and crops as bench_engines.py does for the usual Python class."""
    image = image.convert("RGB")
    width, height = image.size
    scale = 256 / min(width, height)
    image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    image = image.crop((left, top, left + 224, top + 224))
    return torch.from_numpy((np.asarray(image, np.float32) / 127.5 - 1).transpose(2, 0, 1).copy())


def main():
    folder, network = sys.argv[1:]
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    start = time.perf_counter()
    batches = reader().FilesReader(lambda keys: keys, preprocess, None, folder, BATCH, WORKERS, enable_text=False)
    rows = 0
    for batch in batches:
        images = batch["image_tensor"].numpy()
        features = [session.run(None, {name: images[i : i + 8]})[0] for i in range(0, len(images), 8)]
        rows += len(np.concatenate(features))
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
