"""Section `tutorial`: 25 epochs of a frozen VGG19 and a last layer of its own, in batches of 32."""

import json
import shutil

from protocol import Commands, Worker
from rounds import Starter, Table, interleave
from section_forward import cosine_between, floats
from setting import tell

EPOCHS, BATCH, SEED = 25, 32, 0
LAYOUTS = ["plain", "channels-last"]


def measure(setting, result):
    images, name, count = training_photos(setting)
    where = f"The tutorial's job: {name}, {count} training images, VGG19 (seeded weights), {EPOCHS} epochs"
    folder = setting.scratch("tutorial")
    starter = Starter(result, where)
    with setting.log("tutorial") as log:
        common = {"environment": setting.environment, "log": log}
        for layout in LAYOUTS:
            command = setting.peer("torch", "tutorial.py", setting.vgg19, images, setting.threads, layout)
            starter.add(Worker, f"torch, {layout}", command, words=[1], **common)
        starter.add(Commands, "frostline", "extract, then fit-head", job(setting, images, folder),
                    prepare=lambda: shutil.rmtree(folder / "store", ignore_errors=True), **common)
        rows = interleave(starter.started, setting.rounds, 1, where)
        starter.end()
    for row in rows:
        if row.name != "frostline":
            row.values = [seconds / BATCH * count * EPOCHS for seconds in row.values]
            row.notes["how"] = f"extrapolated from {len(row.values)} steps of {BATCH} images"
        else:
            row.notes["how"] = "in full, from start to end"
    result.tables.append(Table(where, "s, the whole job", "frostline", rows, remarks(setting, images, folder, result)))


def training_photos(setting):
    source, name = setting.photos()
    images = source / "train"
    if setting.quick:
        images, few = setting.scratch("tutorial") / "few", images
        for kind in sorted(few.iterdir()):
            (images / kind.name).mkdir(parents=True, exist_ok=True)
            for path in sorted(kind.iterdir())[:20]:
                shutil.copy(path, images / kind.name)
    return images, name, sum(path.is_file() for path in images.rglob("*"))


def job(setting, images, folder):
    extract = [setting.frostline, "-q", "extract", images, "-o", folder / "store", "--backbone", setting.vgg19,
               "--preset", "tutorial", "--threads", setting.threads, "--device", "cpu"]
    fit = [setting.frostline, "-q", "fit-head", folder / "store", "-o", folder / "head.safetensors", "--epochs", EPOCHS,
           "--batch-size", BATCH, "--lr", 0.001, "--momentum", 0.9, "--dropout", 0, "--seed", SEED]
    return [extract, fit]


def remarks(setting, images, folder, result):
    said = [
        "Without validation on either side. A step of torch's reads its images, runs the whole network in training mode and "
        "moves the last layer; the job is 25 times as many images.",
    ]
    try:
        cosine = cosine_of_heads(setting, images, folder)
        said.append(f"The head's weights against torch's, from zero weights in the same order without dropout, each on features "
                    f"of its own: a cosine of {cosine:.7f}.")
    except (OSError, RuntimeError) as fault:
        result.missing.append(f"The tutorial's job: the cosine of the heads: {fault}")
    return said


def cosine_of_heads(setting, images, folder):
    tell("the tutorial's job: torch's features and head")
    export = [setting.frostline, "features", "export", folder / "store", "-o", folder / "table"]
    setting.run(export, "tutorial")
    words = [setting.vgg19, images, folder / "table" / "index.csv", setting.threads, SEED, folder / "torch-weight"]
    setting.run(setting.peer("torch", "tutorial_head.py", *words), "tutorial")
    return cosine_between(head_weight(folder / "head.safetensors"), floats(folder / "torch-weight"))


def head_weight(path):
    """The numbers of a head file's weight."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    first, last = json.loads(raw[8:start])["weight"]["data_offsets"]
    numbers = floats(path)[:0]
    numbers.frombytes(raw[start + first : start + last])
    return numbers
