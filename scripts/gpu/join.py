"""Joins the pieces that pack.sh wrote: checks them, then unpacks them. Needs Python alone, 3.10.12 or later.

usage: join.py [--to DIR]

The pieces `NAME.tar.xz.NN` and `SHA256SUMS` are in the folder of this file; they may arrive in any order and in
several steps. Missing and damaged pieces are listed, and then nothing is unpacked. An archive that is already
unpacked in DIR is not unpacked again; to unpack it again, remove its folder. DIR is `joined` next to this file unless
given.
"""

import argparse
import hashlib
import io
import lzma
import re
import shutil
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
# The first line of SHA256SUMS, which tools such as sha256sum pass over: a list that was cut off is noticed.
COUNT = re.compile(r"# (\d+) files")
LINE = re.compile(r"([0-9a-f]{64}) [ *](join\.py|[\w-]+\.tar\.xz\.\d+)", re.ASCII | re.IGNORECASE)


class Refused(Exception):
    """The pieces cannot be joined; the text says why."""


def main():
    parser = argparse.ArgumentParser(description="Checks and unpacks the pieces of pack.sh.")
    parser.add_argument("--to", type=Path, default=HERE / "joined", help="the folder to unpack to")
    given = parser.parse_args()
    try:
        sys.exit(join(HERE, given.to))
    except Refused as why:
        sys.exit(f"join: {why}")
    except OSError as fault:
        sys.exit(f"join: cannot unpack to `{given.to}`: {fault}")


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
    jobs = archives(sums)
    for archive in jobs:
        require_ours(to, archive)
    to.mkdir(parents=True, exist_ok=True)
    # Decompression releases Python's lock, so the archives are unpacked in parallel.
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda item: unpack(folder, *item, to), jobs.items()))
    print(to)
    return 0


def read_sums(path):
    """Returns the digests of the files by their names."""
    again = f"copy `{SUMS}` again"
    try:
        first, *lines = path.read_text().splitlines() or [""]
    except (OSError, UnicodeDecodeError) as fault:
        raise Refused(f"cannot read `{SUMS}`: {fault}; {again}") from fault
    sums = {}
    for number, line in enumerate(lines, 2):
        found = LINE.fullmatch(line)
        if not found:
            raise Refused(f"line {number} of `{SUMS}` is not the digest and the name of a piece; {again}")
        digest, name = found.groups()
        sums[name] = digest.lower()
    count = COUNT.fullmatch(first)
    if not sums or not count or len(sums) != int(count[1]):
        raise Refused(f"`{SUMS}` is not complete; {again}")
    return sums


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
    pieces = [(*name.rsplit(".tar.xz.", 1), name) for name in sums if ".tar.xz." in name]
    found = {}
    for archive, number, name in sorted(pieces, key=lambda piece: (piece[0], int(piece[1]))):
        before = found.setdefault(archive, [])
        if int(number) != len(before):
            raise Refused(f"`{SUMS}` lacks piece {len(before)} of `{archive}`; copy it again")
        before.append((name, sums[name]))
    return found


def require_ours(to, name):
    """Refuses to replace a folder that was not unpacked here."""
    if (to / name).exists() and not marker_of(to, name).is_file():
        raise Refused(
            f"`{to / name}` was not unpacked by join.py; move it away, or choose another folder with --to"
        )


def marker_of(to, name):
    """Returns the file that says which pieces the unpacked folder came from; it is empty until that is complete."""
    return to / f".{name}"


def unpack(folder, name, pieces, to):
    marker, content = marker_of(to, name), "".join(digest + "\n" for _, digest in pieces)
    if (to / name).is_dir() and marker.is_file() and marker.read_text() == content:
        return
    marker.write_text("")
    if (to / name).exists():
        shutil.rmtree(to / name)
    try:
        with tarfile.open(fileobj=Pieces([folder / piece for piece, _ in pieces]), mode="r|xz") as tar:
            tar.extractall(to, filter="data")
    except (tarfile.TarError, lzma.LZMAError, EOFError) as fault:
        raise Refused(f"cannot unpack `{name}`: {fault}; pack it again") from fault
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
