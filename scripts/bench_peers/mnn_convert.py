"""Converts an ONNX file to MNN's format with MNN's own converter.

usage: mnn_convert.py MODEL.onnx MODEL.mnn

The program `mnnconvert` is not used, because it installs a package into the first Python on the path and
reports each conversion to its authors. This script calls only its conversion function.
"""

import sys

import _tools
import MNN  # noqa: F401  (loads the converter's libraries)


def main():
    onnx, mnn = sys.argv[1:]
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", onnx, "--MNNModel", mnn, "--bizCode", "frostline"])


main()
