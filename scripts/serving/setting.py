"""Images, two heads with different answers, what `classify` says of them, and servers."""

import json
import os
import shutil
import signal
import subprocess
import time

CLASSES, OF_EACH = 4, 12
# The network may form other batches, and v2 has numbers of 32 bits.
TOLERANCE = 1e-5


class Image:
    """An image with its decoded pixels, if they are known."""

    def __init__(self, path, shape=None, pixels=None):
        self.path, self.bytes = path, path.read_bytes()
        self.shape, self.pixels = shape, pixels


class Setting:
    """A folder with heads `a` and `b`; `answers[head][path]` are the probabilities of the classes."""

    def __init__(self, binary, images, folder, home):
        self.binary, self.folder = binary, folder
        self.environment = {**os.environ, "FROSTLINE_HOME": str(home)}
        classes = sorted(path for path in images.iterdir() if path.is_dir())[:CLASSES]
        self.classes = [path.name for path in classes]
        # The second head has learned that each class has the name of the next one.
        for head, shift in [("a", 0), ("b", 1)]:
            for place, source in enumerate(classes):
                target = folder / head / self.classes[(place + shift) % len(classes)]
                target.mkdir(parents=True)
                for path in sorted(path for path in source.iterdir() if path.is_file())[:OF_EACH]:
                    shutil.copy(path, target)
            self.run("extract", folder / head, "-o", folder / f"store-{head}")
            self.run("fit-head", folder / f"store-{head}", "-o", self.head(head))
        files = sorted(path for path in (folder / "a").rglob("*") if path.is_file())
        self.images = [Image(path) for path in files] + drawings(folder / "drawn")
        self.answers = {head: self.classified(head) for head in ("a", "b")}

    def head(self, name):
        return self.folder / f"head-{name}"

    def run(self, *args):
        command = [str(part) for part in (self.binary, *args, "--quiet")]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def classified(self, head):
        paths = [image.path for image in self.images]
        rows = self.run("classify", "--head", self.head(head), *paths, "--format", "jsonl").splitlines()
        rows = [json.loads(row) for row in rows]
        return {row["path"]: {name: row[f"p_{name}"] for name in self.classes} for row in rows}

    def heads_that_say(self, image, probabilities):
        """Returns the heads with these probabilities, and the largest difference from the nearest one."""
        off = {}
        for head, answers in self.answers.items():
            wanted = answers[str(image.path)]
            off[head] = max(abs(wanted[name] - probabilities[name]) for name in self.classes)
        return {head for head in off if off[head] <= TOLERANCE}, min(off.values())


def drawings(folder):
    """Writes images whose pixels are known, as PPM."""
    folder.mkdir()
    images = []
    for number in range(4):
        width, height = 300 + 40 * number, 240
        pixels = bytes(
            (x * (3 + number) + y * c) % 256 for y in range(height) for x in range(width) for c in (1, 2, 3)
        )
        path = folder / f"{number}.ppm"
        path.write_bytes(b"P6 %d %d 255\n" % (width, height) + pixels)
        images.append(Image(path, [height, width, 3], pixels))
    return images


class Server:
    """A running server with its log."""

    def __init__(self, setting, *args):
        self.log = setting.folder / f"log-{time.monotonic_ns()}"
        command = [setting.binary, "serve", "--bind", "127.0.0.1:0", "--log", "json", *args]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], env=setting.environment, stderr=log
            )
        while not (found := self.events("listening")):
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text())
            time.sleep(0.02)
        host, port = found[0]["address"].rsplit(":", 1)
        self.address = (host, int(port))

    def events(self, name):
        """Returns the events of a name; an event that is still being written is not complete."""
        events = []
        for line in self.log.read_text().splitlines(keepends=True):
            if f'"event":"{name}"' in line and line.endswith("\n"):
                events.append(json.loads(line))
        return events

    def memory(self):
        """Returns the resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            rows = [line for line in status if line.startswith("VmRSS:")]
        return int(rows[0].split()[1]) / 1024

    def stop(self):
        """Sends SIGTERM; returns the time just before."""
        before = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return before
