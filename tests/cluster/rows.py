"""The rows of the tests, what is right for them, and processes that are killed at random."""

import os
import random
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import black
import frostline as fl

ROWS = 2000
BAD = {101: b"no picture", 402: b"", 903: None, 1204: b"\xff\xd8\xff\xe0cut", 1705: b"\x89PNG\r\n\x1a\n"}
CRASHING = 1500
KILLS = 10


def write(folder: Path) -> tuple[Path, Path]:
    """Write the rows as Parquet files with the columns `id`, `bytes` and `label`, and the network."""
    network = black.network(folder)
    images = black.pictures(ROWS, 320)
    for number, bad in BAD.items():
        images[number] = bad
    images[CRASHING] = black.black()
    table = pa.table(
        {"id": pa.array(range(ROWS)), "bytes": pa.array(images, pa.binary()), "label": pa.array([f"c{i % 7}" for i in range(ROWS)])}
    )
    rows = folder / "rows"
    rows.mkdir()
    for start in range(0, ROWS, 250):
        pq.write_table(table.slice(start, 250), rows / f"{start:05}.parquet")
    plain = folder / "plain"
    plain.mkdir()
    for number, image in enumerate(images):
        if number not in BAD and number != CRASHING:
            (plain / f"{number:05}.jpg").write_bytes(image)
    program = Path(sysconfig.get_path("scripts")) / "frostline"
    command = [program, "extract", plain, "-o", folder / "store", "--backbone", network, "--quiet"]
    subprocess.run(command, check=True)
    return rows, network


def check(folder: Path, ids, digests, features, statuses, labels) -> None:
    """Compare rows with the store that `extract` has written: each id once, digests and features to 1e-5."""
    assert sorted(ids) == list(range(ROWS)), f"{len(ids)} rows, {len(set(ids))} ids"
    stored = fl.FeatureStore(folder / "store").table()
    names = stored["path"].to_pylist()
    values = dict(zip(names, zip(stored["digest"].to_pylist(), stored["features"].to_pylist(), strict=True), strict=True))
    for number, digest, row, status, label in zip(ids, digests, features, statuses, labels, strict=True):
        assert label == f"c{number % 7}"
        if number in BAD:
            assert status.startswith("skipped: ") and digest is None and row is None, (number, status)
        elif number == CRASHING:
            assert status.startswith("failed: the worker process ended with signal") and row is None, status
        else:
            right, expected = values[f"{number:05}.jpg"]
            assert status == "ok" and bytes(digest).hex() == right, (number, status)
            assert np.abs(np.array(row) - np.array(expected)).max() <= 1e-5, number


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the command line of each process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                found[int(entry.name)] = (parent, (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except (OSError, ValueError):
                continue
    return found


def descendants() -> dict[int, str]:
    """Return the command lines of the processes that this one has started, directly or not.

    Spark's Python processes outlive the daemon that has started them, so those of this environment count too.
    """
    all_ = processes()
    own, grown = {os.getpid()}, True
    while grown:
        more = {number for number, (parent, _) in all_.items() if parent in own} - own
        own |= more
        grown = bool(more)
    own |= {number for number, (_, line) in all_.items() if line.startswith(f"{sys.executable} -m pyspark.")}
    return {number: all_[number][1] for number in own - {os.getpid()}}


class Killer(threading.Thread):
    """Kills a random process that `is_target` accepts every few seconds, `KILLS` times."""

    def __init__(self, is_target, every: float) -> None:
        super().__init__(daemon=True)
        self._is_target, self._every = is_target, every
        self._random = random.Random(3)
        self._over = threading.Event()
        self.killed: list[str] = []

    def run(self) -> None:
        while len(self.killed) < KILLS and not self._over.wait(self._every * self._random.uniform(0.5, 1.5)):
            targets = [(number, line) for number, line in descendants().items() if self._is_target(line)]
            if targets:
                number, line = self._random.choice(sorted(targets))
                try:
                    os.kill(number, signal.SIGKILL)
                    self.killed.append(line[:60])
                except ProcessLookupError:
                    pass

    def stop(self) -> None:
        self._over.set()
        self.join()


def say(name: str, started: float, killer: Killer | None = None) -> None:
    """Print what was tested and how long it took."""
    killed = f", {len(killer.killed)} kills: {sorted(set(killer.killed))}" if killer else ""
    print(f"{name}: {ROWS} rows once in {time.time() - started:.0f} s{killed}", file=sys.stderr)
