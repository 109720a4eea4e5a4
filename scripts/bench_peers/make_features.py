"""Generates features similar to a network's, with classes that a head can learn, but not perfectly.

usage: make_features.py N D C FEATURES TARGETS

They are the ReLU of a random layer over codes with a mean per class, plus noise. Files are plain float32
and int64.
"""

import sys

import numpy as np

CODES = 64


def main():
    rows, columns, classes = map(int, sys.argv[1:4])
    random = np.random.default_rng(0)
    normal = lambda *shape: random.standard_normal(shape, np.float32)
    means, layer = 0.35 * normal(classes, CODES), normal(CODES, columns) / np.float32(CODES**0.5)
    bias = 0.5 * normal(columns) - np.float32(0.3)
    targets = random.integers(0, classes, rows)
    with open(sys.argv[4], "wb") as file:
        for first in range(0, rows, 2000):
            part = targets[first : first + 2000]
            codes = means[part] + normal(len(part), CODES)
            values = codes @ layer + bias + np.float32(0.5) * normal(len(part), columns)
            np.maximum(values, 0).tofile(file)
    targets.astype(np.int64).tofile(sys.argv[5])


main()
