"""A worker: the features of photos with Pillow or OpenCV and onnxruntime. `go` is the whole folder.

usage: photos_onnxruntime.py pillow|opencv full|reduced MODEL IMAGES PROCESSES FEATURES

Each of PROCESSES processes decodes photos and runs the network with one thread. FEATURES gets a row per
photo, sorted by name. OpenCV resizes with `INTER_AREA`, because its bicubic filter skips pixels and changes
the features.
"""

import sys
from multiprocessing import Pool
from pathlib import Path

from protocol import serve, take_standard_output

RESIZE, CROP = 256, 224
MEAN = STD = [0.5] * 3
# The minimum shorter edge of a reduced photo, by frostline's rule.
LEAST = 2 * RESIZE


def pillow(path, reduced):
    from classify import opened, tensor

    return tensor(opened(path, LEAST if reduced else None), RESIZE, "bicubic", MEAN, STD)


def opencv(path, reduced):
    import cv2
    import numpy as np
    from PIL import Image

    flag = cv2.IMREAD_COLOR
    if reduced:
        # OpenCV reports the size only after decoding; Pillow reads the header.
        with Image.open(path) as image:
            most = min(image.size) // LEAST
        divisor = next((each for each in (8, 4, 2) if each <= most), 1)
        flag = getattr(cv2, f"IMREAD_REDUCED_COLOR_{divisor}") if divisor > 1 else flag
    image = cv2.imread(path, flag)
    height, width, _ = image.shape
    scale = RESIZE / min(width, height)
    size = max(RESIZE, int(width * scale)), max(RESIZE, int(height * scale))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    left, top = (round((edge - CROP) / 2) for edge in size)
    image = cv2.cvtColor(image[top : top + CROP, left : left + CROP], cv2.COLOR_BGR2RGB)
    values = (image.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


READERS = {"pillow": pillow, "opencv": opencv}


def begin(reader, model):
    """Loads the network in a process."""
    global run
    if reader == "opencv":
        import cv2

        cv2.setNumThreads(1)
    from engines import onnxruntime

    _, run = onnxruntime(model, 1, 1)


def features(task):
    reader, scale, path = task
    return run(READERS[reader](path, scale == "reduced")[None])[0]


def version(reader):
    if reader == "pillow":
        import PIL

        return f"Pillow {PIL.__version__}"
    import cv2

    return f"OpenCV {cv2.__version__}"


def main():
    reader, scale, model, images, processes, target = sys.argv[1:]
    take_standard_output()
    import numpy as np
    import onnxruntime

    tasks = [(reader, scale, str(path)) for path in sorted(Path(images).glob("*.jpg"))]
    with Pool(int(processes), begin, (reader, model)) as pool:
        # A first call, so that every process is ready.
        pool.map(features, tasks[: int(processes)], 1)

        def folder():
            np.stack(pool.map(features, tasks, 1)).tofile(target)

        what = f"{version(reader)} and onnxruntime {onnxruntime.__version__}, {processes} processes"
        serve(what, folder)


if __name__ == "__main__":
    main()
