"""Tests of gpu.md, from a gpu.json that was written by hand, and of the comparisons."""

import array
import json
import struct
import tempfile
import unittest
from pathlib import Path

import features
import table

HERE = Path(__file__).resolve().parent


class Table(unittest.TestCase):
    def setUp(self):
        self.page = table.page(json.loads((HERE / "canned.json").read_text()))

    def test_the_page_has_the_machine_the_counts_and_every_check(self):
        for line in [
            "- card: NVIDIA Example 100",
            "- driver: 580.1.2",
            "3 passed, 1 skipped, 1 error, 1 failed.",
            "Not as wanted: doctor.no_cudnn, faults.gpu_memory.",
            "## faults",
            "| doctor.provider | the provider CUDA | passed | CPU, CUDA | 1.2 |",
            # A cell keeps its line and its column.
            "| doctor.no_cudnn | names cuDNN | **error** | `frostline` exited with 1: error: a \\| b hint: c | 0.5 |",
            "| faults.sessions | no growth | **skipped** | the Python package was not packed | 0.0 |",
        ]:
            self.assertIn(line, self.page.splitlines())

    def test_speeds_have_a_row_for_each_program_and_a_column_for_each_setting(self):
        for line in [
            "| program | data | fp32, 1 | fp16, 128 |",
            "| frostline | host | 87.3 | 5,210 |",
            "| PyTorch 2.11.0, eager | card |  | 5,000 |",
        ]:
            self.assertIn(line, self.page.splitlines())


class Features(unittest.TestCase):
    def test_cosines_by_hand(self):
        a, b = array.array("f", [3, 4]), array.array("f", [4, 3])
        self.assertAlmostEqual(features.cosine(a, b), 24 / 25)
        self.assertEqual(features.cosine(a, [0.0, 0.0]), 0.0)
        self.assertEqual(features.cosine(a, [float("nan"), 1.0]), 0.0)
        self.assertAlmostEqual(features.lowest_cosine({"x": a, "y": a}, {"x": a, "y": b}), 24 / 25)
        # Other images are no match, however close their features are.
        self.assertEqual(features.lowest_cosine({"x": a}, {"y": a}), 0.0)
        self.assertEqual(features.lowest_cosine({}, {}), 0.0)

    def test_an_exported_table_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".ljust(117) + b"\n"
            values = struct.pack("<6f", *range(6))
            (Path(folder) / "features.npy").write_bytes(
                b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + values
            )
            (Path(folder) / "index.csv").write_text("path,class\na/1.jpg,a\nb/2.jpg,b\n")
            found = features.read(Path(folder))
        self.assertEqual(
            {path: list(row) for path, row in found.items()}, {"a/1.jpg": [0, 1, 2], "b/2.jpg": [3, 4, 5]}
        )


if __name__ == "__main__":
    unittest.main()
