"""The line protocol between the bench and the programs it measures: commands in, seconds out.

A worker loads everything it needs, prints `ready WHAT` (its engine and version), and then answers each line
`go` with the seconds that its work took. Libraries may print: their standard output goes to standard error,
and the answers go to the real one. A command that is not a worker is run as a whole, and its wall time is
measured.
"""

import os
import subprocess
import sys
import time


def serve(what, work):
    """The worker's side: runs `work(*words)` for every line `go WORDS`; `work` may return its own seconds."""
    answers = take_standard_output()
    say(answers, f"ready {what}")
    for line in sys.stdin:
        words = line.split()
        if words[:1] != ["go"]:
            break
        begin = time.perf_counter()
        own = work(*words[1:])
        seconds = time.perf_counter() - begin if own is None else own
        say(answers, f"{seconds:.9f}")


_answers = None


def take_standard_output():
    """Returns the real standard output; from now on, libraries print to standard error."""
    global _answers
    if _answers is None:
        _answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
    return _answers


def say(answers, line):
    answers.write(line + "\n")
    answers.flush()


class Worker:
    """The bench's side: a process that stays loaded between rounds; `words` are sent with every `go`."""

    def __init__(self, name, command, words=(), environment=None, log=None):
        self.name = name
        self.words = words
        if command[0] is None:
            raise RuntimeError("its program was not built")
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        first = self._answer()
        if not first.startswith("ready "):
            self.end()
            raise RuntimeError(f"`{name}` did not start: it printed `{first}`; see the log")
        self.what = first.removeprefix("ready ")

    def go(self, *words):
        """Returns the seconds of one round."""
        self.process.stdin.write(" ".join(["go", *map(str, words or self.words)]) + "\n")
        self.process.stdin.flush()
        return float(self._answer())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"`{self.name}` exited with {self.process.wait()}; see the log")
        return line.strip()


class Commands:
    """Commands that run one after another, after `prepare`, which is not timed."""

    def __init__(self, name, what, commands, prepare=lambda: None, environment=None, log=None):
        self.name, self.what = name, what
        self.commands = [[str(word) for word in command] for command in commands]
        self.prepare = prepare
        self.process = None
        self.options = {"env": {**os.environ, **(environment or {})}, "stdout": log, "stderr": log}

    def go(self):
        """Returns the wall seconds of all commands."""
        self.prepare()
        begin = time.perf_counter()
        for command in self.commands:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, **self.options) as self.process:
                code = self.process.wait()
            if code:
                raise subprocess.CalledProcessError(code, command)
        return time.perf_counter() - begin

    def end(self):
        """Does nothing: no process is left running."""
