"""A worker: a folder's features with Pillow, numpy and onnxruntime. `go` is the whole folder.

usage: folder_onnxruntime.py MODEL IMAGES BATCH THREADS
"""

import sys
from pathlib import Path

from protocol import serve, take_standard_output


def main():
    model, images, batch, threads = sys.argv[1:]
    take_standard_output()
    import numpy as np
    import PIL
    from classify import pixels
    from engines import onnxruntime

    batch = int(batch)
    what, run = onnxruntime(model, batch, int(threads))
    paths = sorted(Path(images).rglob("*.*"))

    def folder():
        rows = []
        for first in range(0, len(paths), batch):
            pictures = [pixels(path, 256, "bicubic", [0.5] * 3, [0.5] * 3) for path in paths[first : first + batch]]
            rows.append(run(np.stack(pictures)))
        assert len(np.concatenate(rows)) == len(paths)

    serve(f"Pillow {PIL.__version__} and {what}", folder)


main()
