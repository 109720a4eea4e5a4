"""Classifies one image with Pillow, numpy and onnxruntime in a fresh Python process.

usage: classify.py MODEL HEAD IMAGE RESIZE FILTER MEAN STD
"""

import json
import sys

import numpy as np
from PIL import Image


def pixels(path, *preprocessing):
    """Returns the tensor of an image file."""
    return tensor(opened(path), *preprocessing)


def opened(path, least=None):
    """Opens an image as RGB; with `least`, at 1/2, 1/4 or 1/8 of its size if `least` pixels remain."""
    with Image.open(path) as image:
        if least:
            image.draft("RGB", [least * edge // min(image.size) for edge in image.size])
        return image.convert("RGB")


def tensor(image, resize, interpolation, mean, std):
    """Returns a tensor (3, 224, 224): shorter edge resized to `resize`, centre cropped, normalised."""
    width, height = image.size
    scale = resize / min(width, height)
    size = max(resize, int(width * scale)), max(resize, int(height * scale))
    image = image.resize(size, getattr(Image, interpolation.upper()))
    left, top = (round((edge - 224) / 2) for edge in image.size)
    image = image.crop((left, top, left + 224, top + 224))
    values = np.asarray(image, np.float32) / np.float32(255)
    values = (values - np.float32(mean)) / np.float32(std)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def head(path):
    """Reads weight (C, D), bias (C) and classes of a head file by hand, without importing another package."""
    raw = open(path, "rb").read()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])

    def tensor(name):
        first, last = header[name]["data_offsets"]
        return np.frombuffer(raw[start + first : start + last], np.float32).reshape(header[name]["shape"])

    return tensor("weight"), tensor("bias"), json.loads(header["__metadata__"]["classes"])


def main():
    import onnxruntime as ort

    model, head_file, path, resize, interpolation, mean, std = sys.argv[1:]
    mean, std = ([float(value) for value in text.split(",")] for text in (mean, std))
    weight, bias, classes = head(head_file)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    image = pixels(path, int(resize), interpolation, mean, std)[None]
    logits = session.run(None, {session.get_inputs()[0].name: image})[0] @ weight.T + bias
    p = np.exp(logits[0] - logits.max())
    print(path, classes[int(p.argmax())], f"{p.max() / p.sum():.4f}", sep=",")


if __name__ == "__main__":
    main()
