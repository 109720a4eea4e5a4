"""Section `tutorial`: extract with VGG19, fit and evaluate, against PyTorch's epochs over the whole network."""

import json
import os

from checks import Check
from outcome import Skip, judged
from section_prepare import require


def checks(sizes):
    section = {"section": "tutorial", "limit": 180}
    return [
        Check(
            name="frostline",
            wanted="a figure: seconds of extract, fit-head and evaluate",
            run=frostline,
            cost=25,
            rank=1,
            **section,
        ),
        Check(
            name="torch",
            wanted=f"a figure: seconds of {sizes.epochs} epochs and an evaluation",
            run=torch,
            cost=60,
            rank=2,
            **section,
        ),
        Check(
            name="ratio", wanted="frostline needs less time", run=ratio, cost=1, rank=2, section="tutorial"
        ),
    ]


def frostline(bench):
    require(bench, "vgg19")
    preset, seconds = ("--preset", "tutorial"), 0.0
    for split in ["train", "validation"]:
        found = bench.extract(
            [bench.work / split], split, backbone="vgg19", batch=bench.sizes.largest, more=preset
        )
        seconds += found["wall"]
    stores, head = bench.work / "stores", bench.work / "tutorial.safetensors"
    seconds += bench.frostline(
        "fit-head",
        stores / "train",
        "-o",
        head,
        "--overwrite",
        "--epochs",
        bench.sizes.epochs,
        "--batch-size",
        32,
        "-q",
    ).seconds
    ran = bench.frostline(
        "evaluate", "--head", head, stores / "validation", "--format", "json", "--device", bench.device
    )
    accuracy = json.loads(ran.out)["top1_accuracy"]
    seconds += ran.seconds
    return judged(True, f"{seconds:.1f} s, accuracy {accuracy:.3f}", seconds=seconds, accuracy=accuracy)


def torch(bench):
    require(bench, "vgg19")
    workers = min(8, os.cpu_count() or 1)
    words = [bench.work / "networks/vgg19.pth", bench.work, bench.device, bench.sizes.epochs, workers]
    found = bench.peer("peer_tutorial", *words)[-1]
    seconds, accuracy = found["seconds"], found["accuracy"]
    return judged(True, f"{seconds:.1f} s, accuracy {accuracy:.3f}", seconds=seconds, accuracy=accuracy)


def ratio(bench):
    seconds = {check["name"]: check["figures"].get("seconds") for check in bench.known["report"].checks}
    ours, torchs = seconds.get("tutorial.frostline"), seconds.get("tutorial.torch")
    if not ours or not torchs:
        raise Skip("one of the two has no figure")
    return judged(ours < torchs, f"PyTorch takes {torchs / ours:.1f} × as long", ratio=torchs / ours)
