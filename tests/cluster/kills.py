"""Processes that are killed at random."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

KILLS = 10


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


def is_worker(line: str) -> bool:
    return "frostline worker" in line


def is_actor(line: str) -> bool:
    return line.startswith("ray::") and "MapBatches" in line


def is_python_of_spark(line: str) -> bool:
    return "-m pyspark." in line and "java" not in line.split()[0]


class Killer(threading.Thread):
    """Kills a random process of a random kind every few seconds, `KILLS` times."""

    def __init__(self, kinds, every: float) -> None:
        super().__init__(daemon=True)
        self._kinds, self._every = kinds, every
        self._random = random.Random(3)
        self._over = threading.Event()
        self.killed: list[str] = []

    def run(self) -> None:
        while len(self.killed) < KILLS and not self._over.wait(self._every * self._random.uniform(0.5, 1.5)):
            is_target = self._random.choice(self._kinds)
            targets = [number for number, line in descendants().items() if is_target(line)]
            if targets:
                try:
                    os.kill(self._random.choice(sorted(targets)), signal.SIGKILL)
                    self.killed.append(is_target.__name__.removeprefix("is_"))
                except ProcessLookupError:
                    pass

    def stop(self) -> None:
        self._over.set()
        self.join()


def run(name: str, job, *kinds, every: float = 1.0) -> None:
    """Run a job, which returns what to print, while processes that one of `kinds` accepts are killed.

    The job may be over before all kills: then it is run again.
    """
    started, said = time.time(), []
    killer = Killer(kinds, every)
    if kinds:
        killer.start()
    for _ in range(10):
        said.append(job())
        if not kinds or len(killer.killed) >= KILLS:
            break
    words = [f"{len(said)} x {said[0]}" if len(said) > 1 else said[0], f"{time.time() - started:.0f} s"]
    if kinds:
        killer.stop()
        counts = sorted(Counter(killer.killed).items())
        words.append("killed " + ", ".join(f"{count} x {kind}" for kind, count in counts))
        assert len(killer.killed) == KILLS, words
    print(f"{name}: {', '.join(words)}", file=sys.stderr)
