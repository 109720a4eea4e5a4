"""Section `again`: a second run over images whose features are already in the store."""

import random
import struct
import subprocess
import zlib

from protocol import Commands
from rounds import Starter, Table, interleave
from setting import tell

EDGE = 96


def measure(setting, result):
    count = 1_000 if setting.quick else 10_000
    folder = setting.scratch("again")
    images, store = folder / f"images-{count}", folder / f"store-{count}"
    generate(images, count)
    run = [setting.frostline, "-q", "extract", images, "-o", store, "--threads", setting.threads, "--device", "cpu",
           "--backbone", setting.lite0]
    tell(f"again: the first run over {count} images")
    setting.run(run, "again")
    size = sum(path.stat().st_size for path in images.rglob("*.png"))
    where = f"A second run over {count:,} images ({size / 1e6:.0f} MB), EfficientNet-Lite0"
    starter = Starter(result, where)
    with setting.log("again") as log:
        common = {"environment": setting.environment, "log": log}
        starter.add(Commands, "extract", "whole command", [run], **common)
        if knows_verify(setting):
            starter.add(Commands, "extract --verify", "reads and hashes every file", [[*run, "--verify"]], **common)
        else:
            result.missing.append(f"{where}: this frostline has no `extract --verify`")
        rows = interleave(starter.started, setting.rounds, 1e3, where)
    remarks = [f"Generated PNGs of {EDGE} × {EDGE} pixels. All files are in the system's file cache."]
    result.tables.append(Table(where, "ms", "extract", rows, remarks))


def knows_verify(setting):
    told = subprocess.run([setting.frostline, "extract", "--help"], capture_output=True, text=True, check=True)
    return "--verify" in told.stdout


def generate(folder, count):
    """Writes images that all differ, a thousand per class."""
    generator = random.Random(0)
    for i in range(count):
        path = folder / f"class-{i // 1000:02}" / f"{i:05}.png"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(generator))


def png(generator):
    """Returns an image of random pixels, as large as a small photo: 28 KB."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + generator.randbytes(3 * EDGE) for _ in range(EDGE))
    header = struct.pack(">IIBBBBB", EDGE, EDGE, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
