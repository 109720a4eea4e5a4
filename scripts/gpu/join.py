"""Joins the pieces that pack.sh wrote: checks them, then unpacks them. Needs Python alone, 3.10.12 or later.

usage: join.py [--to DIR]

The pieces `NAME.tar.xz.NN` and `SHA256SUMS` are in the folder of this file; they may arrive in any order and in
several steps. Missing and damaged pieces are listed, and then nothing is unpacked. An archive that is already
unpacked in DIR is not unpacked again. DIR is `joined` next to this file unless given.
"""

import argparse
import hashlib
import io
import shutil
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"


def main():
    parser = argparse.ArgumentParser(description="Checks and unpacks the pieces of pack.sh.")
    parser.add_argument("--to", type=Path, default=HERE / "joined", help="the folder to unpack to")
    given = parser.parse_args()
    sys.exit(join(HERE, given.to))


def join(folder, to):
    """Unpacks all archives; returns the exit status."""
    sums = read_sums(folder / SUMS)
    faults = [fault for fault in map(lambda name: fault_of(folder / name, sums[name]), sums) if fault]
    for fault in faults:
        print(f"join: {fault}", file=sys.stderr)
    if faults:
        print(
            f"join: {len(faults)} of {len(sums)} files must be copied again; nothing was unpacked",
            file=sys.stderr,
        )
        return 1
    to.mkdir(parents=True, exist_ok=True)
    # Decompression releases Python's lock, so the archives are unpacked in parallel.
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda item: unpack(folder, *item, to), archives(sums).items()))
    print(to)
    return 0


def read_sums(path):
    lines = path.read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def fault_of(path, digest):
    """Returns why a file cannot be used."""
    if not path.is_file():
        return f"`{path.name}` is missing"
    found = sha256(path)
    return None if found == digest else f"`{path.name}` is damaged: its SHA-256 is {found}"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def archives(sums):
    """Groups the pieces: the archive's name to its pieces and their digests, in order."""
    found = {}
    for name in sorted(sums):
        archive, _, number = name.rpartition(".")
        if number.isdigit():
            found.setdefault(archive, []).append((name, sums[name]))
    return found


def unpack(folder, archive, pieces, to):
    name = archive.removesuffix(".tar.xz")
    # The marker says which pieces the unpacked folder came from.
    marker, content = to / f".{name}", "".join(digest + "\n" for _, digest in pieces)
    if marker.is_file() and marker.read_text() == content:
        return
    marker.unlink(missing_ok=True)
    shutil.rmtree(to / name, ignore_errors=True)
    with tarfile.open(fileobj=Pieces([folder / piece for piece, _ in pieces]), mode="r|xz") as tar:
        tar.extractall(to, filter="data")
    marker.write_text(content)


class Pieces(io.RawIOBase):
    """Reads several files as one."""

    def __init__(self, paths):
        self.paths, self.file = list(paths), None

    def readable(self):
        return True

    def readinto(self, buffer):
        while True:
            if self.file is None:
                if not self.paths:
                    return 0
                self.file = open(self.paths.pop(0), "rb")
            if count := self.file.readinto(buffer):
                return count
            self.file.close()
            self.file = None


if __name__ == "__main__":
    main()
