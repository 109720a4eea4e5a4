"""The pictures of the image sets that are here, in every form that is tested, and their store."""

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import frostline as fl

PROGRAM = Path(sysconfig.get_path("scripts")) / "frostline"
SETS = {
    "emoji": Path("data/emoji"),
    "clothing10": Path("../shared/data/clothing10"),
    "alien_predator": Path("../shared/data/alien_predator"),
}
# Files that are skipped, each with the same reason everywhere.
ODD = {"odd/empty.jpg": b"", "odd/page.jpg": b"<html></html>", "odd/cut.png": b"\x89PNG\r\n\x1a\n"}
FILES = 8


def find(limit: int) -> dict[str, bytes]:
    """Return pictures of all sets with names such as `emoji-flags/train-a.png`, about `limit` of them."""
    files = {}
    for name, folder in SETS.items():
        found = sorted(file for file in folder.rglob("*") if file.suffix in {".jpg", ".jpeg", ".png"})
        if not found:
            print(f"{name} is missing: it is not tested", file=sys.stderr)
        for file in found:
            files[f"{name}-{file.parent.name}/{file.parent.parent.name}-{file.name}"] = file
    chosen = list(files.items())[:: max(1, round(len(files) / limit))]
    return {name: file.read_bytes() for name, file in chosen}


def write(folder: Path, limit: int) -> None:
    """Write the pictures to `bucket` as a folder, Parquet files and a tar archive, their URLs, and their store."""
    pictures = find(limit)
    copied = next(iter(pictures))
    pictures |= ODD | {f"odd/copy{Path(copied).suffix}": pictures[copied]}
    bucket = folder / "bucket"
    for name, content in pictures.items():
        file = bucket / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with tarfile.open(bucket / "photos.tar", "w") as archive:
        for name, content in pictures.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (bucket / "rows").mkdir()
    rows = [{"image": {"bytes": c, "path": n}, "id": n, "label": n.partition("/")[0]} for n, c in pictures.items()]
    size = -(-len(rows) // FILES)
    for start in range(0, len(rows), size):
        pq.write_table(pa.Table.from_pylist(rows[start : start + size]), bucket / "rows" / f"{start:05}.parquet")
    rows = [{"path": f"s3://pictures/photos/{row['id']}", "label": row["label"]} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows), folder / "urls.parquet")
    program("extract", bucket / "photos", "-o", folder / "reference")


def program(*arguments, status: int = 3) -> str:
    """Run frostline, and return what it has said. Status 3 means that some images were skipped."""
    ran = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    assert ran.returncode == status, (arguments, ran.returncode, ran.stderr)
    return ran.stderr


def merged(sources: list[Path], output: Path) -> Path:
    program("features", "merge", *sources, "-o", output)
    return output


def rows_of(store: Path) -> dict[str, tuple]:
    """Return class, digest and reason of each image; names are those below `photos` or in a table or archive."""
    rows = pa.ipc.open_file(store / "index.arrow").read_all().to_pylist()
    named = {re.sub(r"^.*(\.parquet/|\.tar/|/photos/)", "", row["path"]): row for row in rows}
    assert len(named) == len(rows), f"{len(rows)} rows, {len(named)} names"
    return {name: (row["class"], row["digest"], row["reason"]) for name, row in named.items()}


def features_of(store: Path) -> dict[str, np.ndarray]:
    table = fl.FeatureStore(store).table()
    values = table["features"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    return dict(zip(table["digest"].to_pylist(), values, strict=True))


def compare(folder: Path, store: Path) -> str:
    """Compare a store with that of the folder: each image once, with its class, digest and features to 1e-5."""
    rows, right = rows_of(store), rows_of(folder / "reference")
    different = [name for name in rows.keys() | right.keys() if rows.get(name) != right.get(name)]
    assert not different, [(name, rows.get(name), right.get(name)) for name in different[:3]]
    features, expected = features_of(store), features_of(folder / "reference")
    assert features.keys() == expected.keys()
    difference = max(np.abs(features[digest] - expected[digest]).max() for digest in expected)
    assert difference <= 1e-5, difference
    return f"{len(rows)} rows, {len(features)} digests, greatest difference {difference:.1e}"


def count(table: Path) -> int:
    """Return the number of rows in a folder of Parquet files."""
    return sum(pq.read_metadata(file).num_rows for file in table.glob("*.parquet"))
