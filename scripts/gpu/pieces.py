"""Writes a folder as numbered pieces with SHA-256 sums, which join.py joins again.

usage: pieces.py TREE OUT [--mib N] [--rehearse]

Each folder in TREE becomes one archive, compressed with xz, which Python reads without further packages, so that
a change of one folder changes only its own pieces. Equal trees give equal pieces. OUT gets the pieces,
`SHA256SUMS` and a copy of join.py; pieces of an earlier run are removed.

  --mib N      the largest size of a piece [default: 50]
  --rehearse   join the pieces in another folder, and compare it with TREE
"""

import argparse
import hashlib
import lzma
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from join import SUMS, sha256

HERE = Path(__file__).resolve().parent
MIB = 1 << 20


def main():
    parser = argparse.ArgumentParser(description="Writes a folder as numbered pieces.")
    parser.add_argument("tree", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mib", type=size_of, default=50 * MIB, help="the largest size of a piece")
    parser.add_argument("--rehearse", action="store_true", help="join the pieces again, and compare")
    given = parser.parse_args()
    for name, size in write(given.tree, given.out, given.mib):
        print(f"{size / MIB:7.1f} MiB  {name}")
    if given.rehearse:
        sys.exit(rehearse(given.tree, given.out))


def size_of(text):
    """Returns the bytes in so many MiB."""
    number = float(text)
    # Not a number is not in the range either.
    if not 0.001 <= number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.001 and 1,000,000 MiB")
    return int(number * MIB)


def write(tree, out, most):
    """Writes the pieces; returns their names and sizes."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.tar.xz.*"):
        old.unlink()
    folders = sorted(path for path in tree.iterdir() if path.is_dir())
    with ThreadPoolExecutor() as pool:
        written = list(pool.map(lambda folder: archive(folder, out, most), folders))
    shutil.copy(HERE / "join.py", out)
    sums = {name: digest for pieces in written for name, digest in pieces}
    sums["join.py"] = sha256(out / "join.py")
    lines = [f"# {len(sums)} files", *(f"{sums[name]}  {name}" for name in sorted(sums))]
    (out / SUMS).write_text("\n".join(lines) + "\n")
    return [(name, (out / name).stat().st_size) for name in sorted(sums)]


def archive(folder, out, most):
    """Writes one folder; returns the names and digests of its pieces."""
    splitter = Splitter(out / f"{folder.name}.tar.xz", most)
    with lzma.open(splitter, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=anonymous)
    return splitter.end()


def anonymous(member):
    """Leaves out what differs between machines; files that others may write would be refused as code."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


class Splitter:
    """A file that continues in the next piece when one is full."""

    def __init__(self, path, most):
        self.path, self.most = path, most
        self.pieces, self.file, self.room = [], None, 0

    def write(self, data):
        data = memoryview(data)
        while data:
            if not self.room:
                self._next()
            part, data = data[: self.room], data[self.room :]
            self.file.write(part)
            self.digest.update(part)
            self.room -= len(part)

    def end(self):
        self._close()
        return self.pieces

    def _next(self):
        self._close()
        self.name = f"{self.path.name}.{len(self.pieces):02}"
        self.file = open(self.path.with_name(self.name), "wb")
        self.digest, self.room = hashlib.sha256(), self.most

    def _close(self):
        if self.file:
            self.file.close()
            self.pieces.append((self.name, self.digest.hexdigest()))
            self.file = None


def rehearse(tree, out):
    """Joins the pieces in another folder; returns 0 if it equals the tree."""
    with tempfile.TemporaryDirectory() as other:
        done = subprocess.run([sys.executable, out / "join.py", "--to", other], stdout=subprocess.DEVNULL)
        if done.returncode:
            return done.returncode
        differences = compare(tree, Path(other))
    for difference in differences:
        print(f"pieces: {difference}", file=sys.stderr)
    print("the joined folder differs" if differences else "the joined folder equals the packed one")
    return bool(differences)


def compare(tree, other):
    """Returns the differences in names, content and permission to run."""
    left, right = contents(tree), contents(other)
    return [
        f"`{name}` differs"
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def contents(root):
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_file() and "/" in name:
            found[name] = sha256(path), bool(path.stat().st_mode & 0o100)
    return found


if __name__ == "__main__":
    main()
