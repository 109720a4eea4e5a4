"""Good and hostile requests for a long time while a head is replaced: see scripts/check_serve.py."""

import os
import random
import shutil
import statistics
import threading
import time
from collections import Counter

from .hostile import HEADER_TIMEOUT, REQUEST_TIMEOUT, attack
from .http import MODEL, Closed, Connection, Cut, good, judge
from .setting import Server

GOOD, HOSTILE = 4, 6
# The folder is looked into every 2 seconds; then the head is read.
EVERY, STALE = 10, 6
SAMPLE = 5
# What the memory may grow by, between the second and the last quarter.
GROWTH = 1.1


class Soak:
    """What the threads share."""

    def __init__(self, setting, server, folder, seconds):
        self.setting, self.server, self.folder = setting, server, folder
        self.end = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.wrong, self.came, self.images = [], Counter(), Counter()
        self.most, self.retries, self.requests = 0.0, 0, 0
        # The heads in the folder with the times when they were put there.
        self.heads = []
        self.memory = []

    def goes_on(self):
        return time.monotonic() < self.end and self.server.process.poll() is None

    def fail(self, text):
        with self.lock:
            self.wrong.append(f"{time.strftime('%H:%M:%S')} {text}")

    def replace(self):
        """Puts the other head into the folder, by a rename."""
        name = "b" if self.heads and self.heads[-1][1] == "a" else "a"
        hidden = self.folder / ".new"
        shutil.copy(self.setting.head(name), hidden)
        # The server may serve the new head from the rename on.
        with self.lock:
            self.heads.append((time.monotonic(), name))
        os.rename(hidden, self.folder / f"{MODEL}.safetensors")

    def may_answer(self, begun, ended):
        """Returns the heads that may answer a request that ran between these times."""
        with self.lock:
            heads = list(self.heads)
        before = [head for put, head in heads if put <= begun - STALE]
        during = {head for put, head in heads if begun - STALE < put <= ended}
        return during | set(before[-1:])


def ask(soak, chance):
    """Sends one to three good requests over a connection, all before the first reply is read."""
    asked = [good(chance, soak.setting.images) for _ in range(chance.choice([1, 1, 1, 3]))]
    begun = time.monotonic()
    with Connection(soak.server.address) as connection:
        connection.send(b"".join(data for data, _ in asked))
        for _, images in asked:
            reply = connection.reply()
            if reply[0] == 503 and reply[1].get("retry-after"):
                return False
            heads, most = judge(soak.setting, images, reply)
            allowed = soak.may_answer(begun, time.monotonic())
            if not heads & allowed:
                raise ValueError(f"the answer of {heads}, not of {allowed}")
            with soak.lock:
                soak.requests += 1
                soak.images.update(heads if len(heads) == 1 else {"both": 1})
                soak.most = max(soak.most, most)
    return True


def good_client(soak, chance):
    while soak.goes_on():
        try:
            if not ask(soak, chance):
                with soak.lock:
                    soak.retries += 1
                time.sleep(1)
        except (Closed, Cut, OSError, ValueError) as error:
            soak.fail(f"a good request: {error!r}")


def hostile_client(soak, chance):
    while soak.goes_on():
        try:
            name, came, fits = attack(soak.server.address, chance, soak.setting.images)
        except OSError as error:
            name, came, fits = "connecting", repr(error), False
        with soak.lock:
            soak.came[name, came] += 1
        if not fits:
            soak.fail(f"{name}: {came}")
        time.sleep(chance.uniform(0, 0.3))


def check(setting, seconds, seed):
    folder = setting.folder / "watched"
    folder.mkdir()
    server = Server(setting, "--watch", folder, "--header-timeout", HEADER_TIMEOUT, "--timeout", REQUEST_TIMEOUT,
                    "--max-pixels", "50000000")
    soak = Soak(setting, server, folder, seconds)
    soak.replace()
    while not server.events("loaded"):
        time.sleep(0.1)
    chance = random.Random(seed)
    work = [good_client] * GOOD + [hostile_client] * HOSTILE
    threads = [threading.Thread(target=run, args=(soak, random.Random(chance.random()))) for run in work]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    for step in range(1, seconds // SAMPLE + 1):
        time.sleep(max(0, begun + SAMPLE * step - time.monotonic()))
        if not soak.goes_on():
            break
        soak.memory.append(server.memory())
        if step * SAMPLE % EVERY == 0:
            soak.replace()
    for thread in threads:
        thread.join()
    return finish(soak)


def finish(soak):
    """Stops the server, prints the figures and returns what was wrong."""
    server, wrong = soak.server, soak.wrong
    server.stop()
    code = server.process.wait(timeout=60)
    if code != 0:
        wrong.append(f"exit status {code}")
    if "panicked" in (log := server.log.read_text()):
        wrong.append("a panic: " + next(line for line in log.splitlines() if "panicked" in line))
    loaded, memory = len(server.events("loaded")), soak.memory
    print(f"{soak.requests} good requests, largest difference {soak.most:.1e}, {soak.retries} asked again "
          f"after 503; answers {dict(soak.images)}")
    print(f"{len(soak.heads)} heads put there, {loaded} loaded, {len(server.events('not_loaded'))} refused")
    print(f"{sum(soak.came.values())} hostile requests:")
    for (name, came), count in sorted(soak.came.items()):
        print(f"  {name}: {came} × {count}")
    quarter = len(memory) // 4
    early, late = (statistics.median(part) for part in (memory[quarter : 2 * quarter], memory[-quarter:]))
    print(f"memory in MiB: first {memory[0]:.0f}, most {max(memory):.0f}, last {memory[-1]:.0f}; "
          f"median of the second quarter {early:.0f}, of the last {late:.0f}")
    if late > GROWTH * early:
        wrong.append(f"the memory grew from {early:.0f} to {late:.0f} MiB")
    return wrong
