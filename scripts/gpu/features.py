"""Reads exported features and predictions, and compares them."""

import array
import csv
import io
import math
from operator import mul


def read(table):
    """Reads the folder that `features export` wrote; returns the features by the image's path."""
    with open(table / "index.csv", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    raw = (table / "features.npy").read_bytes()
    # NPY version 1: the length of the header is a 16-bit number at byte 8.
    numbers = array.array("f")
    numbers.frombytes(raw[10 + int.from_bytes(raw[8:10], "little") :])
    length = len(numbers) // max(len(paths), 1)
    return {path: numbers[i * length : (i + 1) * length] for i, path in enumerate(paths)}


def cosine(a, b):
    """Returns the cosine of the angle between two vectors; 0 if one is all zeros or not finite."""
    size = math.sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    found = sum(map(mul, a, b)) / size if size else 0.0
    return found if math.isfinite(found) else 0.0


def lowest_cosine(given, wanted):
    """Returns the lowest cosine over all images; 0 if the images are not the same."""
    if given.keys() != wanted.keys() or not wanted:
        return 0.0
    return min(cosine(given[path], wanted[path]) for path in wanted)


def labels(text):
    """Returns the labels by path from the output of `classify --format csv`."""
    return {row["path"]: row["label"] for row in csv.DictReader(io.StringIO(text))}
