"""Section `folder`: from a folder of images to features, with EfficientNet-Lite0 in batches of 8."""

import shutil

from protocol import Commands, Worker
from rounds import Starter, Table, interleave
from setting import tell

BATCH = 8
WORKERS = [0, 1, 2]


def measure(setting, result):
    images, name, count = some_photos(setting)
    where = f"{name}, {count} images to features, EfficientNet-Lite0"
    starter = Starter(result, where)
    remarks = [
        "“frostline extract” is the whole command, including start-up and writing a new store; all others "
        "have already loaded their network. “frostline pipeline” is only its pipeline "
        "(`cargo bench --bench extract`).",
        "“bare ONNX Runtime” runs the same number of ready tensors, without files or decoding.",
    ]
    with setting.log("folder") as log:
        common = {"environment": setting.environment, "log": log}
        bench = setting.benches.get("extract")
        starter.add(Commands, "frostline extract", "whole command", [extract(setting, images)],
                    prepare=lambda: forget(setting), **common)
        starter.add(Worker, "frostline pipeline", [bench, "--whole", images, setting.lite0], **common)
        starter.add(Worker, "bare ONNX Runtime", [bench, "--bare", setting.lite0], words=[count], **common)
        command = setting.peer("onnxruntime", "folder_onnxruntime.py", setting.lite0, images, BATCH, setting.threads)
        starter.add(Worker, "PIL + onnxruntime", command, **common)
        torch = setting.peer("torch", "folder_torch.py", setting.lite0, images, BATCH, setting.threads)
        command = lambda workers: [*torch, workers]
        starter.started += best_torch(result, where, "torchvision + torch", command, common, remarks)
        rows = interleave(starter.started, setting.rounds, 1e3 / count, where)
        starter.end()
    result.tables.append(Table(where, "ms/image", "frostline extract", rows, remarks))


def some_photos(setting):
    """Returns all images in one folder with a folder per class; a few of them for a quick run."""
    source, name = setting.photos()
    most = 60 if setting.quick else None
    folder = setting.scratch("folder") / ("few" if setting.quick else "all")
    if not folder.is_dir():
        copy(source, folder, most)
    return folder, name, sum(path.is_file() for path in folder.rglob("*"))


def copy(source, folder, most):
    for kind in sorted(source.glob("*/*/")):
        target = folder / kind.name
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(kind.iterdir())[:most]:
            shutil.copy(path, target / f"{kind.parent.name}-{path.name}")


def extract(setting, images):
    store = setting.scratch("folder") / "store"
    return [setting.frostline, "-q", "extract", images, "-o", store, "--threads", setting.threads, "--device", "cpu",
            "--backbone", setting.lite0]


def forget(setting):
    shutil.rmtree(setting.scratch("folder") / "store", ignore_errors=True)


def best_torch(result, where, name, command, common, remarks):
    """Returns the worker of torchvision and torch with the fastest DataLoader; none if it does not start."""
    trials = Starter(result, where)
    for workers in WORKERS:
        trials.add(Worker, name, command(workers), **common)
    if not trials.started:
        return []
    tell(f"{where}: choosing the fastest DataLoader")
    for one in trials.started:
        one.go()
    seconds = [one.go() for one in trials.started]
    best = min(range(len(seconds)), key=seconds.__getitem__)
    tried = ", ".join(f"{workers}: {s:.2f} s" for workers, s in zip(WORKERS, seconds))
    remarks.append(f"{name}: the fastest number of DataLoader workers was used ({tried}).")
    for i, one in enumerate(trials.started):
        if i != best:
            one.end()
    return [trials.started[best]]
