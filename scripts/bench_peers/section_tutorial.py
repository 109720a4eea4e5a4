"""Section `tutorial`: 25 epochs of a frozen VGG19 with a new last layer, in batches of 32."""

import array
import json
import shutil

from protocol import Commands, Worker
from rounds import Starter, Table, interleave
from section_forward import cosine_between, floats
from setting import tell

EPOCHS, BATCH, SEED = 25, 32, 0
# The tutorial's learning rate, and one at which SGD is stable on features from seeded weights.
RATES = ["0.001", "0.0001"]
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
        rows = interleave(starter.started, 1 if setting.quick else setting.rounds, 1, where)
        starter.end()
    for row in rows:
        if row.name != "frostline":
            row.values = [seconds / BATCH * count * EPOCHS for seconds in row.values]
            row.notes["how"] = f"extrapolated from {len(row.values)} steps of {BATCH} images"
        else:
            row.notes["how"] = "whole job measured"
    result.tables.append(Table(where, "s for the whole job", "frostline", rows, remarks(setting, images, folder, result)))


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
    return [extract, fit(setting, folder, RATES[0])]


def fit(setting, folder, rate):
    return [setting.frostline, "-q", "fit-head", folder / "store", "-o", folder / f"{rate}.safetensors", "--epochs", EPOCHS,
            "--batch-size", BATCH, "--lr", rate, "--momentum", 0.9, "--dropout", 0, "--seed", SEED]


def remarks(setting, images, folder, result):
    said = [
        "Without validation on either side. A step of torch reads its images, runs the whole network in "
        "training mode and updates the last layer; the job processes every image 25 times.",
    ]
    try:
        return said + heads(setting, images, folder)
    except (OSError, RuntimeError) as fault:
        result.missing.append(f"The tutorial's job: the cosine of the heads: {fault}")
        return said


def heads(setting, images, folder):
    """Describes how close frostline's heads are to torch's, with the same start and order and no dropout."""
    tell("the tutorial's job: computing torch's features and heads")
    table = folder / "table"
    shutil.rmtree(table, ignore_errors=True)
    setting.run([setting.frostline, "features", "export", folder / "store", "-o", table], "tutorial")
    for rate in RATES[1:]:
        setting.run(fit(setting, folder, rate), "tutorial")
    words = [setting.vgg19, images, table, setting.threads, SEED, folder, *RATES]
    setting.run(setting.peer("torch", "tutorial_head.py", *words), "tutorial")
    said = [
        "The cosine between frostline's and torch's head weights, both trained from zero in the same order "
        "without dropout. Features from seeded weights are so large that SGD is unstable at the tutorial's "
        "learning rate and amplifies small differences; at a tenth of it, SGD is stable. Torch in float32 "
        "compared with float64 shows the effect of rounding alone. Each program's own features differ "
        "because of the JPEG decoders.",
    ]
    for rate in RATES:
        ours = head_weight(folder / f"{rate}.safetensors")
        own, given, double = (floats(folder / f"{rate}-{name}") for name in ("own", "given", "double"))
        said.append(
            f"- learning rate {rate}: {cosine_between(ours, given):.7f} on the same features, "
            f"{cosine_between(ours, own):.7f} on each program's own features; "
            f"torch in float32 and float64 on the same features: "
            f"{cosine_between(given, double):.7f}"
        )
    return said


def head_weight(path):
    """Reads the weight of a head file."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    first, last = json.loads(raw[8:start])["weight"]["data_offsets"]
    numbers = array.array("f")
    numbers.frombytes(raw[start + first : start + last])
    return numbers
