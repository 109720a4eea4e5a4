"""Makes JPEGs from seeds: smooth colours with grain, which compress about as photos do.

usage: make_pictures.py OUT COUNT WIDTH HEIGHT CLASSES

With two classes, they are in the folders `dark` and `light`, COUNT in each. Files that are there are kept.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

GRAIN = 6.0
CLASSES = {1: {"": 128}, 2: {"dark": 96, "light": 160}}


def main():
    out, count, width, height, classes = sys.argv[1:]
    size = int(width), int(height)
    tasks = []
    for kind, (name, mean) in enumerate(CLASSES[int(classes)].items()):
        folder = Path(out) / name
        folder.mkdir(parents=True, exist_ok=True)
        tasks += [(folder / f"{i:05}.jpg", size, mean, 1_000_000 * kind + i) for i in range(int(count))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, [task for task in tasks if not task[0].exists()], chunksize=16))


def write(task):
    path, (width, height), mean, seed = task
    random = np.random.default_rng(seed)
    coarse = random.normal(mean, 50, (7, 9, 3)).clip(0, 255).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.float32)
    pixels = smooth + GRAIN * random.standard_normal(smooth.shape, np.float32)
    part = path.with_suffix(".part")
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(part, "JPEG", quality=90, subsampling="4:2:0")
    part.rename(path)


if __name__ == "__main__":
    main()
