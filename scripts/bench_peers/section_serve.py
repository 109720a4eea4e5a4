"""Section `serve`: images classified over HTTP, beside the same images in `frostline extract` and Python services."""

import base64
import json
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from protocol import Commands
from rounds import Row, Starter, Table, interleave
from section_cold import LITE0, VGG19, train
from service import Service
from setting import tell

OURS, EXTRACT = "frostline serve", "frostline extract"
SATURATING = 32
LATENCY_ROUNDS = 7
CONNECTIONS = [1, 4, 16, 64, 256]
# Percentages of the rate at saturation.
SHARES = [30, 50, 70, 400]


@dataclass
class Network:
    """`images` are extracted and sent in turn; a service is under load for `seconds`."""

    title: str
    model: Path
    preprocessing: list
    images: int
    seconds: int


def measure(setting, result):
    lite0, vgg19 = setting.lite0, setting.vgg19
    networks = [
        Network("EfficientNet-Lite0", lite0, LITE0, images=894, seconds=5),
        Network("VGG19 (seeded weights)", vgg19, VGG19, images=150, seconds=8),
    ]
    for network in networks:
        one(setting, result, network)


def one(setting, result, network):
    images = pictures(setting, network)
    starter = Starter(result, network.title)
    with setting.log("serve") as log:
        common = {"environment": setting.environment, "log": log}
        services(setting, starter, network, requests(images), common)
        ours = next((one for one in starter.started if one.name == OURS), None)
        starter.add(Extract, setting, network, images, common)
        at_saturation(setting, result, network, starter.started)
        if ours:
            by_connections(result, network, ours)
            by_rate(result, network, ours)


def pictures(setting, network):
    """Copies the first images, so that `extract` and the services have the same ones."""
    source, _ = setting.photos()
    folder = setting.scratch("serve") / f"{network.images}-images"
    folder.mkdir(exist_ok=True)
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    paths.sort(key=lambda path: path.name)
    for i, path in enumerate(paths[: network.images]):
        shutil.copy(path, folder / f"{i:04}{path.suffix}")
    return folder


def requests(images):
    """Writes a request with one image for each line."""
    file = images.with_suffix(".jsonl")
    encoded = (base64.b64encode(path.read_bytes()).decode() for path in sorted(images.iterdir()))
    file.write_text("".join(json.dumps({"images": [image]}) + "\n" for image in encoded))
    return file


def services(setting, starter, network, bodies, common):
    head = train(setting, network.model)
    common = {"bodies": bodies, "oha": setting.out / "oha" / "bin" / "oha", **common}
    port = free_port()
    ours = [setting.frostline, "serve", "--head", f"m={head}", "--bind", f"127.0.0.1:{port}", "--threads",
            setting.threads, "--device", "cpu", "--max-connections", 2000]
    starter.add(Service, OURS, ours, port, what="defaults", **common)
    words = [network.model, head, setting.threads, *network.preprocessing]
    for name, script in [("FastAPI + onnxruntime", "serve_fastapi.py"), ("Ray Serve + onnxruntime", "serve_ray.py")]:
        port = free_port()
        starter.add(Service, name, setting.peer("services", script, port, *words), port, **common)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Saturated:
    """One round of a service under the load of `SATURATING` connections: seconds per image."""

    def __init__(self, service, seconds):
        self.service, self.seconds = service, seconds
        self.name, self.what = service.name, service.what
        self.summaries = []

    def go(self):
        self.summaries.append(self.service.load(SATURATING, self.seconds))
        return seconds_per_image(self.summaries[-1])


class Extract:
    """`frostline extract` of all images less that of one image, so that starting does not count."""

    def __init__(self, setting, network, images, common):
        self.name, self.what = EXTRACT, "without its start"
        store = setting.scratch("serve") / "store"
        self.count = len(list(images.iterdir())) - 1

        def command(given):
            words = [setting.frostline, "-q", "extract", given, "-o", store, "--backbone", network.model,
                     "--threads", setting.threads, "--device", "cpu"]
            return Commands(EXTRACT, "", [words], prepare=lambda: shutil.rmtree(store, ignore_errors=True), **common)

        single = images.with_name("one")
        single.mkdir(exist_ok=True)
        shutil.copy(next(images.iterdir()), single / "one.jpg")
        self.all, self.one = command(images), command(single)

    def go(self):
        return (self.all.go() - self.one.go()) / self.count


def at_saturation(setting, result, network, programs):
    where = f"Images over HTTP, {network.title}, {SATURATING} connections"
    takers = [one if isinstance(one, Extract) else Saturated(one, network.seconds) for one in programs]
    rows = interleave(takers, setting.rounds, 1e3, where)
    for taker, row in zip(takers, rows, strict=True):
        row.notes["images/s"] = f"{1e3 / median(row.values):.1f}"
        if isinstance(taker, Saturated):
            row.notes |= noted(taker.summaries[1:], taker.service)
    remarks = [
        "Each connection sends one image (JPEG, base64 in JSON) after the other, for "
        f"{network.seconds} seconds a round; the load comes from `oha` on the same CPUs. "
        f"“{EXTRACT}” reads the same images from a folder."
    ]
    result.tables.append(Table(where, "ms/image", OURS, rows, remarks))


def by_connections(result, network, service):
    where = f"Latency by connections, {network.title}"
    rows = []
    for connections in CONNECTIONS:
        tell(f"{where}: {connections}")
        rounds = [service.load(connections, network.seconds) for _ in range(LATENCY_ROUNDS)]
        plural = "s" if connections > 1 else ""
        rows.append(latencies(service, f"{connections} connection{plural}", rounds))
    result.tables.append(Table(where, "median ms", "", rows))


def by_rate(result, network, service):
    """Requests that arrive at a fixed rate, a share of the saturation that is measured just before each."""
    where = f"Latency by rate, {network.title}"
    rounds = {share: [] for share in SHARES}
    for turn in range(LATENCY_ROUNDS):
        tell(f"{where}: round {turn + 1} of {LATENCY_ROUNDS}")
        for share, summaries in rounds.items():
            saturated = 1 / seconds_per_image(service.load(SATURATING, network.seconds))
            connections = 64 if share < 100 else 1000
            summaries.append(service.load(connections, network.seconds, round(saturated * share / 100, 2)))
    rows = [latencies(service, f"{share} % of saturation", each) for share, each in rounds.items()]
    remarks = ["Latency counts from the moment at which a request should have been sent; refusals are included."]
    result.tables.append(Table(where, "median ms", "", rows, remarks))


def latencies(service, name, rounds):
    values = [1e3 * one["latencyPercentiles"]["p50"] for one in rounds]
    answered = [one["statusCodeDistribution"] for one in rounds]
    refused = median(1 - each.get("200", 0) / max(sum(each.values()), 1) for each in answered)
    return Row(f"{service.name}, {name}", service.what, values, {
        **noted(rounds, service),
        "images/s": f"{1 / median(map(seconds_per_image, rounds)):.1f}",
        "refused": f"{100 * refused:.0f} %",
    })


def noted(summaries, service):
    """Returns the latencies and their ratio, each the median of the rounds, and the memory."""
    pairs = [(one["latencyPercentiles"]["p50"], one["latencyPercentiles"]["p99"]) for one in summaries]
    middle, high = (1e3 * median(each) for each in zip(*pairs))
    return {
        "median, p99": f"{middle:,.1f}, {high:,.1f} ms",
        "p99 / median": f"{median(high / middle for middle, high in pairs):.1f}",
        "memory": f"{service.memory / 1e6:,.0f} MB",
    }


def seconds_per_image(summary):
    return summary["summary"]["total"] / summary["statusCodeDistribution"].get("200", 0)
