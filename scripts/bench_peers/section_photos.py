"""Section `photos`: camera-sized photos to features, decoded at full and at reduced resolution."""

import csv
import shutil
from statistics import median

from memory import peak
from protocol import Commands, Worker
from rounds import Starter, Table, interleave
from section_folder import BATCH, best_torch
from section_forward import cosine_between, features
from setting import tell

# Megapixels, width, height, photos.
SIZES = [(12, 4000, 3000, 24), (48, 8000, 6000, 8)]
OURS, TRUTH = "frostline extract", "PIL + onnxruntime"
# Below these cosines, a peer computes something else: the first applies if pixels differ only by rounding,
# the second if the filter or the scale differs.
LEAST, LEAST_OTHER_PIXELS = 0.999, 0.9


def measure(setting, result):
    for megapixels, width, height, count in SIZES:
        count = count // 2 if setting.quick else count
        images = photos(setting, width, height, count)
        sizes = [path.stat().st_size / 1e6 for path in images.glob("*.jpg")]
        megabytes = f"{min(sizes):.1f} to {max(sizes):.1f} MB"
        about = f"{count} photos of {megapixels} megapixels ({megabytes}) to features"
        for scale in ["full", "reduced"]:
            where = f"{about}, EfficientNet-Lite0, {scale} resolution"
            one_table(setting, result, where, images, count, scale)


def photos(setting, width, height, count):
    source, _ = setting.photos()
    folder = setting.scratch("photos") / f"{width}x{height}-{count}-of-{source.name}"
    folder.mkdir(exist_ok=True)
    tell(f"photos: {count} of {width} × {height} pixels in {folder}")
    setting.run(setting.peer("onnxruntime", "make_photos.py", source, count, width, height, folder), "photos")
    return folder


def one_table(setting, result, where, images, count, scale):
    starter, remarks = Starter(result, where), [
        "“frostline extract” is the whole command; all others have already loaded their network. JPEG "
        "quality 90, 4:2:0; all files are in the system's file cache. Memory is the peak of all processes, "
        "with shared pages counted once, in an untimed round. The cosine is the lowest over all photos, "
        "compared with Pillow and onnxruntime at full resolution.",
    ]
    with setting.log("photos") as log:
        common = {"environment": setting.environment, "log": log}
        start(setting, starter, remarks, images, scale, common)
        tell(f"{where}: measuring memory")
        peaks = {one.name: peak(one) for one in starter.started}
        rows = interleave(starter.started, setting.rounds, 1e3 / count, where)
        starter.end()
    for row in rows:
        row.notes["images/s"] = f"{1e3 / median(row.values):.1f}"
        row.notes["memory"] = f"{peaks[row.name] / 1e6:,.0f} MB" if peaks[row.name] else ""
    agree(setting, rows, count, result, where, scale)
    remarks += fastest_peer(rows)
    result.tables.append(Table(where, "ms/image", OURS, rows, remarks))


def start(setting, starter, remarks, images, scale, common):
    """Starts frostline and the peers that support the scale."""
    folder = setting.scratch("photos")
    ours = extract(setting, images, scale)
    starter.add(Commands, OURS, "whole command", [ours], prepare=lambda: forget(setting), **common)
    for name, peer, reader in [(TRUTH, "onnxruntime", "pillow"), ("OpenCV + onnxruntime", "opencv", "opencv")]:
        words = [reader, scale, setting.lite0, images, setting.threads, folder / name]
        starter.add(Worker, name, setting.peer(peer, "photos_onnxruntime.py", *words), **common)
    readers = [("PIL + torch", "pillow")] + [("torchvision + torch", "torchvision")] * (scale == "full")
    for name, reader in readers:
        words = [reader, scale, setting.lite0, images, BATCH, setting.threads]
        torch = setting.peer("torch", "photos_torch.py", *words)
        command = lambda workers: [*torch, workers, folder / name]
        starter.started += best_torch(starter.result, starter.where, name, command, common, remarks)


def extract(setting, images, scale):
    return [setting.frostline, "-q", "extract", images, "-o", store(setting), "--threads", setting.threads,
            "--device", "cpu", "--backbone", setting.lite0, "--jpeg-scale", scale]


def store(setting):
    return setting.scratch("photos") / "store"


def forget(setting):
    shutil.rmtree(store(setting), ignore_errors=True)


def agree(setting, rows, count, result, where, scale):
    """Records how close all features are to the reference; drops timings of programs that compute others."""
    folder = setting.scratch("photos")
    if scale == "full":
        (folder / "truth").unlink(missing_ok=True)
        if any(row.name == TRUTH for row in rows):
            shutil.copy(folder / TRUTH, folder / "truth")
    if not (folder / "truth").is_file():
        return result.missing.append(f"{where}: the features could not be compared with those of {TRUTH}")
    truth = features(folder / "truth", count)
    for row in rows:
        given = frostlines(setting) if row.name == OURS else features(folder / row.name, count)
        cosine = min(map(cosine_between, truth, given))
        row.notes["lowest cosine"] = f"{cosine:.6f}"
        other = "OpenCV" in row.name or scale == "reduced"
        if cosine < (LEAST_OTHER_PIXELS if other else LEAST):
            result.missing.append(f"{where}: {row.name} computes different features (cosine {cosine:.4f})")
            row.values, row.notes["images/s"] = [], ""


def frostlines(setting):
    """Returns the features in the store, sorted by the photos' names."""
    table = setting.scratch("photos") / "table"
    shutil.rmtree(table, ignore_errors=True)
    setting.run([setting.frostline, "features", "export", store(setting), "-o", table], "photos")
    with open(table / "index.csv", newline="") as file:
        names = [row["path"] for row in csv.DictReader(file)]
    npy = (table / "features.npy").read_bytes()
    numbers = table / "numbers"
    numbers.write_bytes(npy[10 + int.from_bytes(npy[8:10], "little") :])
    rows = features(numbers, len(names))
    return [rows[i] for i in sorted(range(len(names)), key=names.__getitem__)]


def fastest_peer(rows):
    """Returns the ratio of images per second to the fastest peer's, as the median over the rounds."""
    ours = next((row.values for row in rows if row.name == OURS), None)
    peers = [row for row in rows if row.name != OURS and row.values]
    if not ours or not peers:
        return []
    best = min(peers, key=lambda row: median(row.values))
    times = median(b / a for a, b in zip(ours, best.values, strict=True))
    return [f"{OURS} processes {times:.2f} × as many images per second as the fastest peer, {best.name}."]
