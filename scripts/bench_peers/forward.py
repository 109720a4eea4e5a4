"""A worker: the features of ready batches with one engine. `go N` is N batches.

usage: forward.py ENGINE MODEL BATCH THREADS IMAGES FEATURES

IMAGES has BATCH images; FEATURES is written so that the bench can compare it with another engine's. Both
are plain float32.
"""

import sys

from protocol import serve, take_standard_output


def main():
    engine, model, batch, threads, images, features = sys.argv[1:]
    take_standard_output()
    import numpy as np
    from engines import ENGINES

    batch = int(batch)
    images = np.fromfile(images, np.float32).reshape(batch, 3, 224, 224)
    what, run = ENGINES[engine](model, batch, int(threads))
    np.ascontiguousarray(run(images), np.float32).tofile(features)

    def batches(count):
        for _ in range(int(count)):
            run(images)

    serve(what, batches)


main()
