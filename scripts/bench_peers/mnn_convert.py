"""An ONNX file as MNN's, by MNN's own converter.

usage: mnn_convert.py MODEL.onnx MODEL.mnn

The converter's program `mnnconvert` is not used: it installs a package into the Python that is found first, and reports
each conversion to its makers. What it calls to convert is called here alone.
"""

import sys

import _tools
import MNN  # noqa: F401  (the converter's own way to load its libraries)


def main():
    onnx, mnn = sys.argv[1:]
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", onnx, "--MNNModel", mnn, "--bizCode", "frostline"])


main()
