"""Section `cold`: one image classified by a fresh process, with all files in the system's cache."""

import shutil

from protocol import Commands
from rounds import Starter, Table, interleave

# The words of `classify.tensor`: resize, filter, mean, std.
LITE0 = ["256", "bicubic", "0.5,0.5,0.5", "0.5,0.5,0.5"]
VGG19 = ["256", "bilinear", "0.485,0.456,0.406", "0.229,0.224,0.225"]
EACH = 8


def measure(setting, result):
    source, _ = setting.photos()
    image = next(path for path in sorted((source / "validation").rglob("*")) if path.is_file())
    one(setting, result, "EfficientNet-Lite0", setting.lite0, image, LITE0)
    one(setting, result, "VGG19 (seeded weights)", setting.vgg19, image, VGG19)


def one(setting, result, title, model, image, preprocessing):
    where = f"One image, the whole process, {title}"
    head = train(setting, model)
    starter = Starter(result, where)
    with setting.log("cold") as log:
        common = {"environment": setting.environment, "log": log}
        ours = [setting.frostline, "classify", image, "--head", head, "--threads", setting.threads, "--device", "cpu"]
        starter.add(Commands, "frostline", "`frostline classify`", [ours], **common)
        peer = setting.peer("onnxruntime", "classify.py", model, head, image, *preprocessing)
        starter.add(Commands, "Python + onnxruntime", "Pillow, numpy and onnxruntime", [peer], **common)
        rows = interleave(starter.started, 3 * setting.rounds, 1e3, where)
    result.tables.append(Table(where, "ms", "frostline", rows, ["All files are in the system's file cache."]))


def train(setting, model):
    """Trains a head on a few images; its accuracy does not matter."""
    folder, (source, _) = setting.scratch("cold"), setting.photos()
    for kind in sorted((source / "train").iterdir()):
        target = folder / "few" / kind.name
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(kind.iterdir())[:EACH]:
            shutil.copy(path, target)
    store, head = folder / f"{model.stem}-store", folder / f"{model.stem}.safetensors"
    common = ["--threads", setting.threads, "--device", "cpu", "--backbone", model]
    setting.run([setting.frostline, "-q", "extract", folder / "few", "-o", store, *common], "cold")
    setting.run([setting.frostline, "-q", "fit-head", store, "-o", head], "cold")
    return head
