"""The line protocol between the bench and whom it measures: commands in, seconds out.

A worker loads what it needs, says `ready WHAT` (its engine and version), and then answers each line `go` with the
seconds that its work took. Its libraries may print: their standard output is turned to standard error, and the
answers keep the real one. What is not a worker but a command is run whole, and its wall time taken.
"""

import os
import subprocess
import sys
import time


def serve(what, work):
    """The worker's side: `work(*words)` is run for every line `go WORDS`; it may answer with seconds of its own."""
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
    """The real standard output; from now on what libraries print goes to standard error."""
    global _answers
    if _answers is None:
        _answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
    return _answers


def say(answers, line):
    answers.write(line + "\n")
    answers.flush()


class Worker:
    """The bench's side: a process that stays loaded between rounds; `words` go with every `go`."""

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
            raise RuntimeError(f"`{name}` has not started: it said `{first}`; its messages are in the log")
        self.what = first.removeprefix("ready ")

    def go(self, *words):
        """Seconds of one round."""
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
            raise RuntimeError(f"`{self.name}` has ended with {self.process.wait()}; its messages are in the log")
        return line.strip()


class Commands:
    """Commands that are run whole, one after the other, after `prepare`, whose time is not taken."""

    def __init__(self, name, what, commands, prepare=lambda: None, environment=None, log=None):
        self.name, self.what = name, what
        self.commands = [[str(word) for word in command] for command in commands]
        self.prepare = prepare
        self.process = None
        self.options = {"env": {**os.environ, **(environment or {})}, "stdout": log, "stderr": log}

    def go(self):
        """Wall seconds of all of them."""
        self.prepare()
        begin = time.perf_counter()
        for command in self.commands:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, **self.options) as self.process:
                code = self.process.wait()
            if code:
                raise subprocess.CalledProcessError(code, command)
        return time.perf_counter() - begin

    def end(self):
        """Nothing is left running."""
