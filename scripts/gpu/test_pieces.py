"""Tests of pieces.py and join.py, with small files."""

import contextlib
import io
import shutil
import tempfile
import unittest
from pathlib import Path

import join
import pieces


def quietly(function, *words):
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        return function(*words), said.getvalue()


class Pieces(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.tree, self.out, self.to = (self.root / name for name in ["tree", "out", "to"])
        (self.tree / "program/bin").mkdir(parents=True)
        (self.tree / "data").mkdir()
        program = self.tree / "program/bin/run"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o775)
        # These bytes do not compress: 3000 bytes and the headers need 4 pieces of 1000 bytes.
        state = 1
        numbers = bytearray()
        for _ in range(3000):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            numbers.append(state >> 16 & 255)
        (self.tree / "data/noise").write_bytes(numbers)
        pieces.write(self.tree, self.out, 1000)

    def test_the_joined_folder_equals_the_packed_one(self):
        sizes = {path.name: path.stat().st_size for path in self.out.glob("data.tar.xz.*")}
        self.assertEqual(sorted(sizes), [f"data.tar.xz.{i:02}" for i in range(4)])
        self.assertEqual(sorted(sizes.values())[1:], [1000] * 3)
        self.assertEqual(quietly(join.join, self.out, self.to)[0], 0)
        self.assertEqual(pieces.compare(self.tree, self.to), [])
        # Others may not write a program that is run as this user.
        self.assertEqual((self.to / "program/bin/run").stat().st_mode & 0o777, 0o755)

    def test_equal_trees_give_equal_pieces(self):
        before = (self.out / "SHA256SUMS").read_text()
        pieces.write(self.tree, self.root / "again", 1000)
        self.assertEqual((self.root / "again/SHA256SUMS").read_text(), before)

    def test_missing_and_damaged_pieces_are_listed_and_nothing_is_unpacked(self):
        (self.out / "data.tar.xz.01").unlink()
        damaged = self.out / "data.tar.xz.02"
        damaged.write_bytes(bytes([damaged.read_bytes()[0] ^ 1]) + damaged.read_bytes()[1:])
        status, said = quietly(join.join, self.out, self.to)
        self.assertEqual(status, 1)
        self.assertIn("`data.tar.xz.01` is missing", said)
        self.assertIn("`data.tar.xz.02` is damaged", said)
        self.assertNotIn("data.tar.xz.00", said)
        self.assertFalse(self.to.exists())

    def test_more_than_a_hundred_pieces_are_joined_in_order(self):
        pieces.write(self.tree, self.out, 25)
        self.assertTrue((self.out / "data.tar.xz.100").is_file())
        self.assertEqual(quietly(join.join, self.out, self.to)[0], 0)
        self.assertEqual(pieces.compare(self.tree, self.to), [])

    def test_a_list_that_is_cut_or_odd_is_refused(self):
        sums = self.out / "SHA256SUMS"
        whole = sums.read_text()
        lines = whole.splitlines(keepends=True)
        absent = "".join(line for line in lines if "data.tar.xz.01" not in line).replace("# 6", "# 5")
        for text in [
            "",
            lines[0],
            "".join(lines[:-1]),
            absent,
            whole + "\n",
            whole.replace("data", "../data"),
            whole.replace("# 6", "# 7"),
        ]:
            sums.write_text(text)
            with self.subTest(text), self.assertRaisesRegex(join.Refused, "SHA256SUMS.*copy"):
                join.join(self.out, self.to)
            self.assertFalse(self.to.exists())
        sums.write_text("".join([lines[0], *(line[:64].upper() + line[64:] for line in lines[1:])]))
        self.assertEqual(quietly(join.join, self.out, self.to)[0], 0)

    def test_a_folder_of_others_is_not_replaced(self):
        (self.to / "data").mkdir(parents=True)
        (self.to / "data/mine").write_text("mine")
        with self.assertRaisesRegex(join.Refused, "data` was not unpacked by join.py"):
            join.join(self.out, self.to)
        self.assertEqual((self.to / "data/mine").read_text(), "mine")
        self.assertFalse((self.to / "program").exists())

    def test_a_folder_that_was_removed_or_not_completed_is_unpacked_again(self):
        quietly(join.join, self.out, self.to)
        shutil.rmtree(self.to / "data")
        (self.to / ".program").write_text("")
        (self.to / "program/bin/run").unlink()
        quietly(join.join, self.out, self.to)
        self.assertEqual(pieces.compare(self.tree, self.to), [])

    def test_only_changed_archives_are_unpacked_again(self):
        quietly(join.join, self.out, self.to)
        (self.to / "data/noise").write_text("kept")
        (self.tree / "program/bin/run").write_text("#!/bin/sh\nexit 1\n")
        pieces.write(self.tree, self.out, 1000)
        quietly(join.join, self.out, self.to)
        self.assertEqual((self.to / "data/noise").read_text(), "kept")
        self.assertIn("exit 1", (self.to / "program/bin/run").read_text())

    def test_differences_are_found(self):
        quietly(join.join, self.out, self.to)
        (self.to / "program/bin/run").chmod(0o644)
        (self.to / "data/more").write_text("")
        self.assertEqual(
            pieces.compare(self.tree, self.to), ["`data/more` differs", "`program/bin/run` differs"]
        )


if __name__ == "__main__":
    unittest.main()
