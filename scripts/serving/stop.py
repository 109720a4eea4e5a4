"""Stops servers under load: see scripts/check_serve.py."""

import random
import statistics
import subprocess
import threading
import time

from .http import MODEL, Closed, Connection, Cut, good, judge
from .setting import Server


class Client(threading.Thread):
    """Sends requests one after another until one is not answered, and keeps what happened."""

    def __init__(self, setting, address, seed):
        super().__init__(daemon=True)
        self.setting, self.address, self.chance = setting, address, random.Random(seed)
        # Of each request: when the system had its last byte, when its reply was complete, and what it was.
        self.asked = []

    def run(self):
        # Some connect anew for each request, and some pause between two, so that the signal finds
        # connections in every state.
        anew, pause = self.chance.random() < 0.3, self.chance.choice([0, 0.05])
        came = "answered"
        while came == "answered":
            try:
                with Connection(self.address) as connection:
                    came = self.talk(connection, anew, pause)
            except ConnectionError:
                return

    def talk(self, connection, anew, pause):
        while True:
            data, images = good(self.chance, self.setting.images)
            sent, came = self.ask(connection, data, images)
            self.asked.append((sent, time.monotonic(), came))
            if came != "answered" or anew:
                return came
            time.sleep(self.chance.uniform(0, pause))

    def ask(self, connection, data, images):
        sent = float("inf")
        try:
            connection.send(data)
            sent = time.monotonic()
            heads, _ = judge(self.setting, images, connection.reply())
            return sent, "answered" if heads == {"a"} else "not the answer of the head"
        except (ConnectionError, Closed):
            return sent, "closed"
        except Cut as error:
            return sent, f"a part of a reply, then {error}"
        except ValueError as error:
            return sent, str(error)


def check(setting, times, seed):
    chance, wrong, figures = random.Random(seed), [], []
    for number in range(times):
        found, row = stop_once(setting, chance)
        wrong += [f"stop {number}: {text}" for text in found]
        figures.append(row)
        print("stop {}: {} connections, SIGTERM after {:.2f} s, {} requests, {} accepted and running, "
              "{} later ones, ended in {:.2f} s".format(number, *row), flush=True)
    running, took = sum(row[3] for row in figures), [row[5] for row in figures]
    print(f"{times} stops, {sum(row[2] for row in figures)} requests, {running} accepted and unanswered at "
          f"the signal, ended in {statistics.median(took):.2f} s (median) to {max(took):.2f} s")
    return wrong


def stop_once(setting, chance):
    server = Server(setting, "--head", f"{MODEL}={setting.head('a')}")
    count, pause = chance.randint(16, 32), chance.uniform(0.3, 2.5)
    clients = [Client(setting, server.address, chance.random()) for _ in range(count)]
    for client in clients:
        client.start()
    time.sleep(pause)
    before = server.stop()
    wrong = []
    try:
        code = server.process.wait(timeout=60)
    except subprocess.TimeoutExpired as error:
        server.process.kill()
        return [f"does not end: {error}"], (count, pause, 0, 0, 0, 60)
    took = time.monotonic() - before
    for client in clients:
        client.join(timeout=60)
    try:
        Connection(server.address)
        wrong.append("the port is open")
    except ConnectionError:
        pass
    cut = server.events("stopped")[0]["cut"]
    if code != 0 or cut != 0:
        wrong.append(f"exit status {code}, {cut} connections cut off")
    asked = [one for client in clients for one in client.asked]
    for sent, _, came in asked:
        if came != "answered" and (came != "closed" or sent < before):
            wrong.append(f"sent {1000 * (before - sent):.1f} ms before the signal: {came}")
    running = sum(sent < before < done for sent, done, _ in asked)
    later = sum(sent >= before for sent, _, _ in asked)
    return wrong, (count, pause, len(asked), running, later, took)
