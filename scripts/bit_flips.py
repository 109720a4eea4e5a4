"""Flips single bits in frostline's files, one at a time, and checks how the commands react.

    python scripts/bit_flips.py BINARY IMAGES [--home HOME] [--flips 1000] [--seed 1]
                                [--jobs 2] [--kinds part,index,stamps,manifest,shard,table,head,bundle,cache]

IMAGES is a folder with one folder per class; the smallest images of two classes are copied. HOME is a
FROSTLINE_HOME that is set up (default: FROSTLINE_HOME, or .frostline); it is copied, never changed. Only
Python is needed.

For each kind of file and each flip, no command may panic, be killed by a signal or take longer than a
minute, and none may succeed with other labels or another head than with undamaged files. After a flip in a
store, `extract --verify` must restore the same bits; after one in the record of a shard, `extract --shard`.
A Parquet table has no checksum, so a flip may change its values: what is merged must be a store that can be
read. The same seed gives the same flips. Exits with 1 and
names the flips where something was wrong.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KINDS = ["part", "index", "stamps", "manifest", "shard", "table", "head", "bundle", "cache"]
STORE_FILES = {
    "part": "part-00000.arrow",
    "index": "index.arrow",
    "stamps": "stamps.arrow",
    "manifest": "manifest.json",
}
LIMIT = 60


class Wrong(Exception):
    """A command behaved wrongly."""


class Place:
    """A worker's home, images, store and head, with the correct contents."""

    def __init__(self, binary, folder, images, home):
        self.binary, self.folder = binary, folder
        self.images, self.store, self.head = (folder / name for name in ("images", "store", "head"))
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        for name in ("models", "runtime"):
            shutil.copytree(home / name, self.home / name)
        shutil.copytree(images, self.images)
        # Files younger than two seconds get no stamps.
        time.sleep(2.1)
        self.must("extract", self.images, "-o", self.store)
        self.must("fit-head", self.store, "-o", self.head, "--epochs", "20")
        self.stored = {path.name: path.read_bytes() for path in self.store.iterdir()}
        self.fitted = self.head.read_bytes()
        self.labels = self.must(*self.classify())
        self.shard, self.merged = folder / "shard", folder / "merged"
        self.must(*self.extract_shard())
        self.record = self.shard / "shard.json"
        self.recorded = self.record.read_bytes()
        self.table = folder / "table.parquet"
        self.must("features", "export", self.store, "-o", self.table)
        self.exported = self.table.read_bytes()
        # A home without networks, so that the one in the bundle is used.
        self.bundle, self.other = folder / "head.frostline", folder / "other"
        self.other.mkdir(mode=0o700)
        shutil.copytree(home / "runtime", self.other / "runtime")
        self.must("bundle", "--head", self.head, "-o", self.bundle)
        self.bundled = self.bundle.read_bytes()
        self.must(*self.classify("--store", self.store))
        cache = (path for path in (self.home / "cache").rglob("*") if path.is_file())
        self.cached = {path: path.read_bytes() for path in cache}
        self.inodes = {path: identity(path) for path in self.cached}

    def classify(self, *more):
        return ("classify", self.images, "--head", self.head, *more)

    def extract_shard(self):
        return ("extract", self.images, "-o", self.shard, "--shard", "0/1")

    def run(self, *args, home=None):
        """Returns the exit code, standard output and standard error of a command."""
        environment = {**os.environ, "FROSTLINE_HOME": str(home or self.home)}
        try:
            ran = subprocess.run(
                [self.binary, *map(str, args)],
                capture_output=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise Wrong(f"`{args[0]}` takes longer than {LIMIT} s") from None
        said = ran.stderr.decode(errors="replace")
        if ran.returncode not in (0, 1, 3) or "panicked" in said:
            raise Wrong(f"`{args[0]}` exited with {ran.returncode}: {said}")
        return ran.returncode, ran.stdout, said

    def must(self, *args):
        code, out, said = self.run(*args)
        if code != 0:
            raise Wrong(f"`{args[0]}` failed: {said}")
        return out

    # --- a command may fail (True) or succeed with the correct result

    def fit_is_refused(self):
        new = self.folder / "new"
        code, _, said = self.run("fit-head", self.store, "-o", new, "--epochs", "20", "--overwrite")
        if code == 0 and new.read_bytes() != self.fitted:
            raise Wrong(f"`fit-head` wrote another head: {said}")
        return code != 0

    def classify_is_refused(self, *more):
        code, out, said = self.run(*self.classify(*more))
        if code != 1 and out != self.labels:
            raise Wrong(f"`classify` printed other labels: {said}")
        return code != 0

    def merge_is_refused(self, source):
        """Merges a source into a new store, which can then be read."""
        try:
            if self.run("features", "merge", source, "-o", self.merged)[0] != 0:
                return True
            self.must("features", "show", self.merged)
            self.run("fit-head", self.merged, "-o", self.folder / "new", "--epochs", "1", "--overwrite")
            return False
        finally:
            shutil.rmtree(self.merged, ignore_errors=True)

    def repair(self):
        """Runs the repair of the store and checks the result."""
        said = self.run("extract", self.images, "-o", self.store, "--verify")[2]
        # A part that was set aside keeps its number, so the recomputed part has the next one.
        now = {path.name: path.read_bytes() for path in self.store.iterdir()}
        parts = [content for name, content in now.items() if name.endswith(".arrow") and name.startswith("part-")]
        right = parts == [self.stored[STORE_FILES["part"]]]
        right &= all(now.get(name) == self.stored[name] for name in ("index.arrow", "manifest.json", "stamps.arrow"))
        for path in self.store.iterdir():
            path.unlink()
        for name, content in self.stored.items():
            (self.store / name).write_bytes(content)
        if not right:
            raise Wrong(f"`extract --verify` did not restore the store: {said}")

    def restore_cache(self, flipped):
        """Restores only flipped or replaced files: comparing all of them is slower than the commands."""
        for path, content in self.cached.items():
            if path == flipped or identity(path) != self.inodes[path]:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
                self.inodes[path] = identity(path)


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def identity(path):
    return path.stat().st_ino if path.exists() else None


def try_store(place, kind, path):
    refused = False
    try:
        if kind != "stamps":
            refused = place.fit_is_refused()
        if kind == "manifest":
            refused |= place.run("features", "show", place.store)[0] != 0
    finally:
        place.repair()
    return refused


def try_shard(place, kind, path):
    try:
        if not place.merge_is_refused(place.shard):
            raise Wrong("`features merge` accepted a damaged record")
        place.must(*place.extract_shard())
        if place.record.read_bytes() != place.recorded:
            raise Wrong("`extract --shard` did not restore the record")
        return True
    finally:
        place.record.write_bytes(place.recorded)


def try_table(place, kind, path):
    try:
        return place.merge_is_refused(place.table)
    finally:
        place.table.write_bytes(place.exported)


def try_head(place, kind, path):
    try:
        return place.classify_is_refused("--store", place.store)
    finally:
        place.head.write_bytes(place.fitted)


def try_bundle(place, kind, path):
    try:
        code, _, said = place.run("classify", place.images, "--head", place.bundle, home=place.other)
        if code != 1:
            raise Wrong(f"`classify` accepted a damaged bundle: {said}")
        return True
    finally:
        place.bundle.write_bytes(place.bundled)


def try_cache(place, kind, path):
    try:
        return place.classify_is_refused()
    finally:
        place.restore_cache(path)


def file_of(place, kind, generator):
    if kind == "cache":
        return generator.choice(sorted(place.cached))
    others = {"bundle": place.bundle, "shard": place.record, "table": place.table}
    if kind in others:
        return others[kind]
    return place.store / STORE_FILES[kind] if kind in STORE_FILES else place.head


def bit_of(path, kind, generator):
    bits = path.stat().st_size * 8
    # Most of a bundle is the network, so every other flip is in the header or the head.
    if kind == "bundle" and generator.random() < 0.5:
        bits = min(bits, 8 << 13)
    return generator.randrange(bits)


def work(place, kind, seeds):
    """Returns how many flips were refused, and what was wrong."""
    refused, wrong = 0, []
    others = {"shard": try_shard, "table": try_table, "head": try_head, "bundle": try_bundle, "cache": try_cache}
    attempt = others.get(kind, try_store)
    for seed in seeds:
        generator = random.Random(f"{kind} {seed}")
        path = file_of(place, kind, generator)
        bit = bit_of(path, kind, generator)
        flip(path, bit)
        try:
            refused += attempt(place, kind, path)
        except Wrong as error:
            wrong.append(f"{kind}, flip {seed}: bit {bit} of {path.name}: {error}")
    return refused, wrong


def copy_smallest(images, to, each=3):
    """Copies the smallest images of two classes."""
    classes = sorted(path for path in images.iterdir() if path.is_dir())[:2]
    for folder in classes:
        (to / folder.name).mkdir(parents=True)
        files = sorted((p for p in folder.iterdir() if p.is_file()), key=lambda p: (p.stat().st_size, p.name))
        for path in files[:each]:
            shutil.copy(path, to / folder.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("FROSTLINE_HOME", ".frostline")))
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kinds", default=",".join(KINDS))
    args = parser.parse_args()
    all_wrong = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        copy_smallest(args.images, folder / "images")
        places = []
        for job in range(args.jobs):
            (folder / str(job)).mkdir()
            places.append(Place(args.binary.resolve(), folder / str(job), folder / "images", args.home))
        for kind in args.kinds.split(","):
            start = time.monotonic()
            seeds = range(args.seed * 1_000_000, args.seed * 1_000_000 + args.flips)
            with ThreadPoolExecutor(args.jobs) as pool:
                jobs = [pool.submit(work, place, kind, seeds[job :: args.jobs]) for job, place in enumerate(places)]
            results = [job.result() for job in jobs]
            refused = sum(refused for refused, _ in results)
            wrong = [text for _, wrong in results for text in wrong]
            all_wrong += wrong
            seconds = time.monotonic() - start
            print(
                f"{kind}: {args.flips} flips, {refused} refused, {len(wrong)} wrong,"
                f" {seconds / max(args.flips, 1):.3f} s each",
                flush=True,
            )
    print("\n".join(all_wrong))
    return 1 if all_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
