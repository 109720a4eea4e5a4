"""A service under load: started, measured by `oha`, and ended in each round."""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from memory import proportional, tree

PATIENCE = 120


class Service:
    """A server that listens on `port`; `bodies` is a file with one request as JSON on each line.

    It prints `ready WHAT` when it listens, or is asked until it answers if it has a `what` already.
    """

    def __init__(self, name, command, port, bodies, oha, what=None, environment=None, log=None):
        self.name, self.port, self.bodies, self.oha, self.what = name, port, bodies, oha, what
        self.command = [str(word) for word in command]
        self.options = {"env": {**os.environ, **(environment or {})}, "stderr": log, "start_new_session": True}
        self.known = what is not None
        self.memory = 0
        with self.running():
            pass

    @contextlib.contextmanager
    def running(self):
        """Starts the server, answers one request, and ends it afterwards."""
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True, **self.options)
        try:
            if not self.known:
                line = process.stdout.readline().strip()
                if not line.startswith("ready "):
                    raise RuntimeError(f"`{self.name}` did not start: it printed `{line}`; see the log")
                self.what = line.removeprefix("ready ")
            self.wait(process)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()

    def wait(self, process):
        with open(self.bodies, "rb") as file:
            body = file.readline()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(request, timeout=PATIENCE).read()
                return
            except (urllib.error.URLError, ConnectionError) as fault:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"`{self.name}` does not answer: {fault}; see the log") from fault
                time.sleep(0.05)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/classify"

    def load(self, connections, seconds, rate=None):
        """Returns oha's summary of one round: start, warm up for a fifth of the time, measure."""
        with self.running() as process:
            self.measure(min(connections, 8), seconds / 5)
            summary = self.measure(connections, seconds, rate)
            self.memory = max(self.memory, sum(map(proportional, tree(process.pid))))
            return summary

    def measure(self, connections, seconds, rate=None):
        words = [self.oha, "--no-tui", "--output-format", "json", "-c", connections, "-z", f"{seconds:.1f}s",
                 "--wait-ongoing-requests-after-deadline", "-m", "POST", "-T", "application/json",
                 "-Z", self.bodies, self.url]
        if rate:
            words[1:1] = ["-q", rate, "--latency-correction"]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"oha exited with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)
