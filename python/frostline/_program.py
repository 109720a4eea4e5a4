"""Runs `frostline worker` for an engine: batches are sent to it, and come back with their features."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _optional
from ._errors import Error, InputError

if TYPE_CHECKING:
    import pyarrow

# Exit statuses with which the program ends by itself, after a message. Any other end is a crash or a kill.
_OWN = (0, 1, 2)
# How often the program is started again for one batch.
_CHANCES = 5
# How many batches the program has at a time, so that it never waits for one.
_WINDOW = 3
# The most rows that are sent at a time.
_ROWS = 256
# The key of the manifest in the metadata of a schema.
MANIFEST = "frostline.manifest"


def program() -> str:
    """Return the path of the program, which is in the same wheel."""
    name = "frostline.exe" if os.name == "nt" else "frostline"
    path = os.path.join(sysconfig.get_path("scripts"), name)
    found = path if os.path.exists(path) else shutil.which("frostline")
    if found is None:
        raise Error(f"the program `frostline` is not in `{os.path.dirname(path)}`; install the wheel again")
    return found


def arguments(options: dict[str, Any]) -> list[str]:
    """Return keywords as options of the command line."""
    words = ["--quiet"]
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words.append(f"{option}={os.fsdecode(value) if isinstance(value, os.PathLike) else value}")
    return words


class _End:
    """The end of a program's answers."""


class Program:
    """A process that computes features. Batches of one schema are sent, and received in the same order.

    If the process is killed, another one gets the batches that were not answered.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._pyarrow = _optional.package("pyarrow", "an engine")
        self._arguments = arguments(options)
        self._column = options.get("column") or "bytes"
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: Any = None
        self._schema: pyarrow.Schema | None = None
        self._sent: deque[pyarrow.RecordBatch] = deque()
        self._chances = _CHANCES

    def __call__(self, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
        """Return the answer to one batch."""
        self._send(batch)
        return self._receive()

    def map(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Yield the answers to the parts of all batches, in order."""
        try:
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS):
                    self._send(batch.slice(start, _ROWS))
                    while len(self._sent) >= _WINDOW:
                        yield self._receive()
            while self._sent:
                yield self._receive()
        finally:
            if self._sent:
                self.close()

    def manifest(self) -> str:
        """Return the manifest of the features, and end the process."""
        empty = self._pyarrow.array([], self._pyarrow.binary())
        answer = self(self._pyarrow.RecordBatch.from_arrays([empty], [self._column]))
        self.close()
        return str(answer.schema.metadata[MANIFEST.encode()], "utf-8")

    def close(self) -> None:
        """End the process."""
        process, self._process, self._writer, self._schema = self._process, None, None, None
        self._sent.clear()
        if process is not None:
            process.kill()
            process.wait()

    def _start(self) -> None:
        self._process = process = subprocess.Popen(
            [program(), "worker", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._said: deque[str] = deque(maxlen=20)
        self._listener = threading.Thread(target=_listen, args=(process, self._said), daemon=True)
        self._listener.start()
        reader = threading.Thread(target=_read, args=(self._pyarrow, process, self._answers), daemon=True)
        reader.start()
        self._writer = self._pyarrow.ipc.new_stream(process.stdin, self._schema)

    def _send(self, batch: pyarrow.RecordBatch) -> None:
        if self._schema is not None and not batch.schema.equals(self._schema):
            table = self._pyarrow.Table.from_batches([batch]).cast(self._schema).combine_chunks()
            batch = table.to_batches()[0] if len(table) else self._pyarrow.RecordBatch.from_pylist([], self._schema)
        self._schema = batch.schema
        self._sent.append(batch)
        if self._process is None:
            self._start()
        self._write(batch)

    def _write(self, batch: pyarrow.RecordBatch) -> None:
        try:
            self._writer.write_batch(batch)
            assert self._process is not None and self._process.stdin is not None
            self._process.stdin.flush()
        except (OSError, ValueError):
            # The process has ended, which `_receive` notices.
            pass

    def _receive(self) -> pyarrow.RecordBatch:
        while True:
            answer = self._answers.get()
            if answer is not _End:
                self._chances = _CHANCES
                sent = self._sent.popleft()
                if answer.num_rows != sent.num_rows:
                    raise Error(f"`frostline worker` answered {answer.num_rows} rows for {sent.num_rows}")
                return answer
            self._again()

    def _again(self) -> None:
        """Start another process for the batches that were not answered."""
        assert self._process is not None
        status = self._process.wait()
        self._listener.join()
        if status in _OWN or self._chances == 0:
            said = "\n".join(self._said) or f"`frostline worker` ended with the status {status}"
            self.close()
            raise InputError(said) if status in _OWN else Error(said)
        self._chances -= 1
        self._start()
        for batch in list(self._sent):
            self._write(batch)


def _read(pyarrow: Any, process: subprocess.Popen[bytes], answers: queue.SimpleQueue[Any]) -> None:
    try:
        with pyarrow.ipc.open_stream(process.stdout) as reader:
            for batch in reader:
                answers.put(batch)
    except (OSError, ValueError):
        # The stream was cut, and the exit status says why.
        pass
    answers.put(_End)


def _listen(process: subprocess.Popen[bytes], said: deque[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        text = line.decode(errors="replace").rstrip()
        said.append(text)
        print(text, file=sys.stderr, flush=True)


_shared: dict[tuple[str, ...], Program] = {}


def shared(options: dict[str, Any]) -> Program:
    """Return a program that this process keeps for these options, so that it is started only once."""
    key = (str(os.getpid()), *arguments(options))
    if key not in _shared:
        _shared[key] = Program(options)
    return _shared[key]


# The columns that the worker adds.
ADDED = ("digest", "features", "width", "height", "status")


def image(columns: list[str], column: str | None) -> str | None:
    """Return the column with the images."""
    return column or next((name for name in ("image", "bytes", "path") if name in columns), None)


def kept(columns: list[tuple[str, bool]], column: str | None, keep_image: bool) -> list[str]:
    """Return the columns that the worker returns; each is given with whether it is text."""
    text = dict(columns)
    images = image(list(text), column)
    drop = not keep_image and images is not None and not text.get(images, False)
    return [name for name, _ in columns if not (drop and name == images)]
