"""Section `tutorial`: 25 epochs of a frozen VGG19 and a last layer of its own, in batches of 32."""

import array
import json
import shutil

from protocol import Commands, Worker
from rounds import Starter, Table, interleave
from section_forward import cosine_between, floats
from setting import tell

EPOCHS, BATCH, SEED = 25, 32, 0
# The tutorial's learning rate, and one at which SGD is stable on features of seeded weights.
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
    return [extract, fit(setting, folder, RATES[0])]


def fit(setting, folder, rate):
    return [setting.frostline, "-q", "fit-head", folder / "store", "-o", folder / f"{rate}.safetensors", "--epochs", EPOCHS,
            "--batch-size", BATCH, "--lr", rate, "--momentum", 0.9, "--dropout", 0, "--seed", SEED]


def remarks(setting, images, folder, result):
    said = [
        "Without validation on either side. A step of torch's reads its images, runs the whole network in training mode and "
        "moves the last layer; the job is 25 times as many images.",
    ]
    try:
        return said + heads(setting, images, folder)
    except (OSError, RuntimeError) as fault:
        result.missing.append(f"The tutorial's job: the cosine of the heads: {fault}")
        return said


def heads(setting, images, folder):
    """How near frostline's heads are to torch's, given the same start and order and no dropout."""
    tell("the tutorial's job: torch's features and heads")
    table = folder / "table"
    shutil.rmtree(table, ignore_errors=True)
    setting.run([setting.frostline, "features", "export", folder / "store", "-o", table], "tutorial")
    for rate in RATES[1:]:
        setting.run(fit(setting, folder, rate), "tutorial")
    words = [setting.vgg19, images, table, setting.threads, SEED, folder, *RATES]
    setting.run(setting.peer("torch", "tutorial_head.py", *words), "tutorial")
    said = [
        "The head's weights against torch's, from zero weights in the same order without dropout, as a cosine. Features of "
        "seeded weights are so long that the tutorial's learning rate is beyond what SGD is stable with, so that small "
        "differences grow; a tenth of it is within. How far rounding alone carries is torch's float32 against its float64. "
        "Features of their own differ by the JPEG decoders.",
    ]
    for rate in RATES:
        ours = head_weight(folder / f"{rate}.safetensors")
        own, given, double = (floats(folder / f"{rate}-{name}") for name in ("own", "given", "double"))
        said.append(
            f"- learning rate {rate}: {cosine_between(ours, given):.7f} on the same features, {cosine_between(ours, own):.7f} "
            f"each on features of its own; torch in float32 against torch in float64, on the same features: "
            f"{cosine_between(given, double):.7f}"
        )
    return said


def head_weight(path):
    """The numbers of a head file's weight."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    first, last = json.loads(raw[8:start])["weight"]["data_offsets"]
    numbers = array.array("f")
    numbers.frombytes(raw[start + first : start + last])
    return numbers
