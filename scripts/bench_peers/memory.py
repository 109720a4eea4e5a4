"""Measures the peak memory of running processes."""

import contextlib
import threading
import time
from pathlib import Path

PAUSE = 0.01


def peak(one):
    """Runs `one.go()`, an untimed round, and returns the peak memory of its processes in bytes.

    This is the proportional set size, in which shared pages count once; None if it is not available.
    """
    samples, done = [0], threading.Event()

    def sample():
        while not done.is_set():
            if one.process:
                samples.append(sum(map(proportional, tree(one.process.pid))))
            time.sleep(PAUSE)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        one.go()
    finally:
        done.set()
        sampler.join()
    return max(samples) or None


def tree(pid):
    """Returns the process and all its descendants, except those that exit meanwhile."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{found[-1]}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
    return found


def proportional(pid):
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
