"""What nvidia-smi says of the card: its name, its memory, and how busy it is."""

import contextlib
import statistics
import subprocess
import threading
import time

from outcome import Skip

MILLISECONDS = 100
# More than a CUDA context takes.
GROWTH_MIB = 1024


def query(bench, fields):
    """Returns the fields of the first card; Skip if there is none."""
    try:
        ran = subprocess.run(
            ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            env=bench.environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Skip(f"nvidia-smi does not run: {fault}") from fault
    lines = ran.stdout.splitlines()
    if ran.returncode or not lines:
        raise Skip(f"nvidia-smi reports: {(ran.stdout + ran.stderr).strip()}")
    # A name may contain a comma; it is the first field.
    found = [field.strip() for field in lines[0].rsplit(",", fields.count(","))]
    if len(found) <= fields.count(","):
        raise Skip(f"nvidia-smi reports: {lines[0]}")
    return found


def memory_used(bench):
    """Returns the memory in use, in MiB."""
    return float(query(bench, "memory.used")[0])


def settles(bench, before, slack):
    """Waits until the memory in use is back; returns what is in use then."""
    end = time.monotonic() + min(bench.sizes.settle, bench.seconds_left())
    while (now := memory_used(bench)) > before + slack and time.monotonic() < end:
        time.sleep(0.2)
    return now


def grows(bench, before, seconds=30):
    """Waits until more memory is in use: a program has begun to work on the card."""
    end = time.monotonic() + min(seconds, bench.seconds_left())
    while memory_used(bench) < before + GROWTH_MIB and time.monotonic() < end:
        time.sleep(0.1)


class Sampler:
    """Samples the card while a block runs: `with Sampler(bench) as samples`."""

    def __init__(self, bench):
        self.bench, self.busy, self.memory, self.first = bench, [], [], threading.Event()

    def __enter__(self):
        fields = "utilization.gpu,memory.used"
        command = [
            "nvidia-smi",
            f"--query-gpu={fields}",
            "--format=csv,noheader,nounits",
            f"--loop-ms={MILLISECONDS}",
        ]
        self.process = None
        # Without nvidia-smi, there are no samples.
        with contextlib.suppress(OSError):
            self.process = self.bench.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()
            # A short run must not end before nvidia-smi has started.
            self.first.wait(5)
        return self

    def __exit__(self, *_):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()

    def _read(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                busy, memory = map(float, line.split(","))
                self.busy.append(busy)
                self.memory.append(memory)
                self.first.set()
        self.first.set()

    def kernel_share(self):
        """Returns the share of time in which kernels ran; None if it is unknown.

        It is that of the second half of the time between the first and the last kernel: the network is loaded, and
        the fastest convolutions are found.
        """
        at = [i for i, busy in enumerate(self.busy) if busy > 0]
        return statistics.mean(self.busy[(at[0] + at[-1]) // 2 : at[-1] + 1]) / 100 if at else None
