"""Runs the programs that the checks need: frostline, and Python scripts with PyTorch and ONNX Runtime."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import features
from outcome import Broken, OutOfTime
from sizes import Sizes

HERE = Path(__file__).resolve().parent
LAST_WORDS = 600
# The version of Python for which pack.sh packs ONNX Runtime.
PACKED_FOR = (3, 12)


@dataclass
class Ran:
    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Bench:
    """`device` is what is checked: cuda, or cpu in the rehearsal. `root` is the folder of the joined pieces.

    `fake` is the scenario of a dry run. `known` keeps results that several checks need.
    """

    root: Path
    work: Path
    device: str
    sizes: Sizes
    log: Path
    fake: str | None = None
    deadline: float = 0.0
    known: dict = field(default_factory=dict)
    started: list = field(default_factory=list)

    @property
    def card(self):
        return self.device == "cuda"

    @property
    def program(self):
        return HERE / "fake" / "frostline" if self.fake else self.root / "program/bin/frostline"

    @property
    def home(self):
        return self.work / "home"

    @property
    def packages(self):
        return self.root / "runtime/site-packages"

    @property
    def pictures(self):
        return self.work / "pictures"

    def environment(self, more=None):
        """Returns the environment of programs, with `more`; a variable that is None there is removed."""
        ours = {
            "FROSTLINE_HOME": str(self.home),
            # On a CPU, another Python uses an ONNX Runtime of its own.
            "PYTHONPATH": str(self.packages) if self.card or sys.version_info[:2] == PACKED_FOR else None,
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            # Set by frostline for itself; its tests and the peers are other programs.
            "ORT_DISABLE_TELEMETRY": "1",
        }
        if "LD_LIBRARY_PATH" in os.environ:
            # frostline refuses empty parts, which would be the working directory.
            folders = os.environ["LD_LIBRARY_PATH"].split(os.pathsep)
            ours["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, folders)) or None
        if self.fake:
            ours |= {"GPU_FAKE": self.fake, "PATH": f"{HERE / 'fake'}{os.pathsep}{os.environ['PATH']}"}
        given = os.environ | ours | (more or {})
        return {name: value for name, value in given.items() if value is not None}

    def seconds_left(self):
        return max(0.0, self.deadline - time.monotonic())

    # --- programs

    def start(self, command, env=None, **streams):
        """Starts a program in a process group of its own."""
        command = [str(word) for word in command]
        self.note(f"$ {' '.join(command)}\n")
        environment = self.environment(env)
        process = subprocess.Popen(
            command, env=environment, text=True, errors="replace", start_new_session=True, **streams
        )
        self.started = [other for other in self.started if other.poll() is None] + [process]
        return process

    def stop(self):
        """Kills the programs that still run."""
        for process in self.started:
            if process.poll() is None:
                kill(process)

    def note(self, text):
        """Writes to the log, which nothing depends on: the disk may be full."""
        with contextlib.suppress(OSError), open(self.log, "a") as log:
            log.write(text)

    def run(self, command, codes=(0,), env=None):
        """Runs a program until the deadline of the check. Another exit code is Broken."""
        begin = time.monotonic()
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.start(command, env, **pipes) as process:
            out, err, late = self._finish(process)
        self.note(err)
        if late:
            raise OutOfTime(out)
        if process.returncode not in codes:
            name = Path(str(command[0])).name
            raise Broken(f"`{name}` {how_it_ended(process.returncode)}: {err.strip()[-LAST_WORDS:]}")
        return Ran(process.returncode, out, err, time.monotonic() - begin)

    def _finish(self, process):
        try:
            return *process.communicate(timeout=self.seconds_left()), False
        except subprocess.TimeoutExpired:
            kill(process)
            # Something that it has started elsewhere may still hold its output.
            with contextlib.suppress(subprocess.TimeoutExpired):
                return *process.communicate(timeout=10), True
            return "", "", True

    def frostline(self, *words, codes=(0,), env=None):
        return self.run([self.program, *words], codes, env)

    def python(self, script, *words):
        """Returns the command of a script in this folder."""
        if self.fake:
            return [sys.executable, "-S", HERE / "fake/peer.py", script, *words]
        return [sys.executable, HERE / f"{script}.py", *words]

    def peer(self, script, *words, env=None):
        """Runs a script in this folder; returns the objects that it printed, one JSON object on each line."""
        return json_lines(self.run(self.python(script, *words), env=env).out)

    # --- jobs of frostline

    def extract_words(self, images, name, *, backbone, device=None, precision="fp32", batch=None, more=()):
        store = self.work / "stores" / name
        shutil.rmtree(store, ignore_errors=True)
        store.parent.mkdir(exist_ok=True)
        batch = batch or self.sizes.batches[1]
        return [
            "extract",
            *images,
            "-o",
            store,
            "--format",
            "json",
            "--backbone",
            backbone,
            "--device",
            device or self.device,
            "--precision",
            precision,
            "--batch-size",
            batch,
            *more,
        ]

    def extract(self, images, name, *, codes=(0,), env=None, **options):
        """Extracts into a new store; returns what `--format json` says, with the seconds of the whole run."""
        ran = self.frostline(*self.extract_words(images, name, **options), codes=codes, env=env)
        found = json.loads(ran.out) if ran.code == 0 else {}
        return found | {"code": ran.code, "said": ran.err, "wall": ran.seconds, "name": name}

    def features(self, name):
        """Returns the features of a store, by the image's path."""
        table = self.work / "tables" / name
        shutil.rmtree(table, ignore_errors=True)
        table.parent.mkdir(exist_ok=True)
        self.frostline("features", "export", self.work / "stores" / name, "-o", table)
        found = features.read(table)
        shutil.rmtree(table)
        return found

    def cpu_features(self, network):
        """Returns the features of the photos on the CPU; they are computed once, and kept for a second run."""
        name = f"cpu-{network}"
        if name not in self.known:
            done = self.work / "stores" / name / "complete"
            if not done.exists():
                self.extract([self.pictures], name, backbone=network, device="cpu")
                done.touch()
            self.known[name] = self.features(name)
        return self.known[name]


def json_lines(text):
    """Returns the objects of the complete lines."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return [each for each in found if isinstance(each, dict)]


def kill(process):
    """Kills a program and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(code):
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
