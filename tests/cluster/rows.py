"""The rows of the tests, and what is right for them."""

import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import black
import frostline as fl

ROWS = 2000
BAD = {101: b"no picture", 402: b"", 903: None, 1204: b"\xff\xd8\xff\xe0cut", 1705: b"\x89PNG\r\n\x1a\n"}
CRASHING = 1500


def write(folder: Path) -> tuple[Path, Path]:
    """Write the rows as Parquet files with the columns `id`, `bytes` and `label`, and the network."""
    network = black.network(folder)
    images = black.pictures(ROWS, 320)
    for number, bad in BAD.items():
        images[number] = bad
    images[CRASHING] = black.black()
    table = pa.table(
        {"id": pa.array(range(ROWS)), "bytes": pa.array(images, pa.binary()), "label": pa.array([f"c{i % 7}" for i in range(ROWS)])}
    )
    rows = folder / "rows"
    rows.mkdir()
    for start in range(0, ROWS, 250):
        pq.write_table(table.slice(start, 250), rows / f"{start:05}.parquet")
    plain = folder / "plain"
    plain.mkdir()
    for number, image in enumerate(images):
        if number not in BAD and number != CRASHING:
            (plain / f"{number:05}.jpg").write_bytes(image)
    program = Path(sysconfig.get_path("scripts")) / "frostline"
    command = [program, "extract", plain, "-o", folder / "store", "--backbone", network, "--quiet"]
    subprocess.run(command, check=True)
    return rows, network


def check(folder: Path, found) -> str:
    """Compare rows with the store that `extract` has written: each id once, digests and features to 1e-5."""
    columns = ("id", "digest", "features", "status", "label")
    ids, digests, features, statuses, labels = ([row[name] for row in found] for name in columns)
    assert sorted(ids) == list(range(ROWS)), f"{len(ids)} rows, {len(set(ids))} ids"
    stored = fl.FeatureStore(folder / "store").table()
    names = stored["path"].to_pylist()
    values = dict(zip(names, zip(stored["digest"].to_pylist(), stored["features"].to_pylist(), strict=True), strict=True))
    for number, digest, row, status, label in zip(ids, digests, features, statuses, labels, strict=True):
        assert label == f"c{number % 7}"
        if number in BAD:
            assert status.startswith("skipped: ") and digest is None and row is None, (number, status)
        elif number == CRASHING:
            assert status.startswith("failed: the worker process ended with signal") and row is None, status
        else:
            right, expected = values[f"{number:05}.jpg"]
            assert status == "ok" and bytes(digest).hex() == right, (number, status)
            assert np.abs(np.array(row) - np.array(expected)).max() <= 1e-5, number
    return f"{ROWS} rows once"
