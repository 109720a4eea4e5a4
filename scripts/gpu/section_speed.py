"""Section `speed`: VGG19 in frostline, PyTorch and ONNX Runtime on the same card, in images per second."""

import contextlib

import bench as programs
from card import Sampler
from checks import Check
from outcome import ERROR, PASSED, Broken, OutOfTime, Outcome, Skip, judged
from section_parity import LEAST
from section_prepare import require, some

PRECISIONS = list(LEAST)
TARGET = 1.0
# Where a batch is when the network starts: in the computer's memory, or on the card. frostline copies a batch to the
# card while another runs, so its network starts on the card; its features are copied back in that time.
HOST, CARD = "host", "card"
PEERS = {
    "torch": "PyTorch, eager, channels last, autocast in fp16",
    "compile": "PyTorch, `torch.compile`, channels last, autocast in fp16",
    "onnxruntime": "ONNX Runtime in Python",
}


def checks(sizes):
    found = []
    for precision in PRECISIONS:
        for batch in sizes.batches:
            found.append(
                Check(
                    "speed",
                    f"vgg19.{precision}.{batch}",
                    "a figure: images per second of the network in `extract`",
                    run=lambda bench, precision=precision, batch=batch: frostline(bench, precision, batch),
                    limit=120,
                    cost=15,
                    rank=1 if batch == sizes.largest else 3,
                    card=precision == "tf32",
                )
            )
    for name, what in PEERS.items():
        found.append(
            Check(
                "speed",
                f"peer.{name}",
                f"figures: {what}",
                run=lambda bench, name=name: peer(bench, name),
                limit=240,
                cost=90 if name == "compile" else 60,
                rank=2 if name == "compile" else 1,
            )
        )
    largest = sizes.largest
    return found + [
        Check(
            "speed",
            "target",
            f"fp16 in batches of {largest}: at least {TARGET} × the faster of PyTorch and ONNX Runtime",
            run=target,
            cost=1,
            rank=1,
        ),
        Check(
            "speed",
            "kernel_share",
            f"a figure: the share of time in which kernels run, fp16 in batches of {largest}",
            run=kernel_share,
            cost=1,
            rank=1,
            card=True,
        ),
    ]


def frostline(bench, precision, batch):
    found = steady(bench, precision, batch)
    share = found["kernel_share"]
    words = f"{found['network']:.0f} images/s in the network, {found['whole']:.0f} from files to the store"
    words += f"; kernels run {share:.0%} of the time" if share else ""
    row = {
        "program": "frostline",
        "precision": precision,
        "batch": batch,
        "copies": copies(bench),
        "rate": found["network"],
    }
    return judged(found["network"] > 0, words, rates=[row], **found)


def copies(bench):
    return CARD if bench.card else HOST


def steady(bench, precision, batch):
    """Returns speeds without one-time costs: from the difference of a long and a short run."""
    key = "steady", precision, batch
    if key not in bench.known:
        require(bench, "vgg19")
        short, _ = run(bench, precision, batch, bench.sizes.runs[batch][0])
        long, samples = run(bench, precision, batch, bench.sizes.runs[batch][1])
        images = long["n_computed"] - short["n_computed"]
        # On a card, the network runs one batch at a time; on a CPU, replicas run in parallel.
        network = (
            (lambda run: run["stage_seconds"]["forward"]) if bench.card else (lambda run: run["seconds"])
        )
        bench.known[key] = {
            "network": rate(images, network(long) - network(short)),
            "whole": rate(images, long["seconds"] - short["seconds"]),
            "limited_by": long["limited_by"],
            "kernel_share": samples.kernel_share() if samples else None,
        }
    return bench.known[key]


def rate(images, seconds):
    return images / seconds if seconds > 0 else 0.0


def run(bench, precision, batch, count):
    words = some(bench, count)
    with Sampler(bench) if bench.card else contextlib.nullcontext() as samples:
        found = bench.extract(words, "speed", backbone="vgg19", precision=precision, batch=batch)
    if found["engine"]["precision"] != precision:
        raise Skip(f"it ran in {found['engine']['precision']}")
    return found, samples


def peer(bench, name):
    """Runs a peer, which prints each figure as soon as it has it."""
    require(bench, "vgg19")
    script = "peer_onnxruntime" if name == "onnxruntime" else "peer_torch"
    network = bench.home / "models/vgg19.onnx" if name == "onnxruntime" else bench.work / "networks/vgg19.pth"
    # The figures of the target come first, in case the time ends.
    precisions, batches = (",".join(map(str, reversed(each))) for each in [PRECISIONS, bench.sizes.batches])
    words = [name, network, bench.device, bench.sizes.seconds, precisions, batches]
    late = False
    try:
        lines = bench.peer(script, *words)
    except OutOfTime as stopped:
        lines, late = programs.json_lines(stopped.out), True
    figures = [line for line in lines if "rate" in line]
    problems = [line["problem"] for line in lines if "problem" in line]
    words = f"{len(figures)} figures, at most {max((row['rate'] for row in figures), default=0):.0f} images/s"
    words = "; ".join([words, *problems, *(["stopped at its time limit"] if late else [])])
    if not figures:
        raise Broken(words)
    return Outcome(ERROR if late else PASSED, words, {"rates": figures})


def target(bench):
    largest = bench.sizes.largest
    ours = measured(bench, "fp16", largest)
    peers = [
        row
        for row in rates(bench)
        if (row["precision"], row["batch"], row["copies"]) == ("fp16", largest, copies(bench))
    ]
    peers = [row for row in peers if row["program"] != "frostline"]
    if not ours or not peers:
        raise Skip("frostline or its peers have no figure")
    best = max(peers, key=lambda row: row["rate"])
    ratio = ours / best["rate"]
    words = f"{ratio:.2f} × {best['program']}: {ours:.0f} against {best['rate']:.0f} images/s"
    # In a rehearsal there is no target: half precision is slow on a CPU.
    return judged(ratio >= TARGET or not bench.card, words, ratio=ratio)


def rates(bench):
    """Returns all rows of this run and of the sections that ran before."""
    return [row for check in bench.known["report"].checks for row in check["figures"].get("rates", [])]


def measured(bench, precision, batch):
    """Returns frostline's figure; None without one."""
    wanted = "frostline", precision, batch
    rows = [row for row in rates(bench) if (row["program"], row["precision"], row["batch"]) == wanted]
    return rows[-1]["rate"] if rows else None


def kernel_share(bench):
    share = steady(bench, "fp16", bench.sizes.largest)["kernel_share"]
    if share is None:
        raise Skip("nvidia-smi reported no utilization")
    return judged(True, f"{share:.0%}", share=share)
