"""Ray Data: each row once, also if workers and actors are killed."""

import sys
import time
from pathlib import Path

import ray
import rows

import frostline.ray


def extracted(folder: Path, paths: Path, network: Path) -> None:
    dataset = ray.data.read_parquet(str(paths))
    found = frostline.ray.extract(dataset, network, rows=100).take_all()
    columns = ("id", "digest", "features", "status", "label")
    rows.check(folder, *([row[name] for row in found] for name in columns))


def main(folder: Path) -> None:
    paths, network = folder / "rows", folder / "black.onnx"
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    start = time.time()
    extracted(folder, paths, network)
    rows.say("ray", start)
    for name, target in (
        ("ray, killed workers", lambda line: "frostline worker" in line),
        ("ray, killed actors", lambda line: line.startswith("ray::") and "MapBatches" in line),
    ):
        start = time.time()
        killer = rows.Killer(target, 1.0)
        killer.start()
        # A run may be over before all kills; another one goes on.
        for _ in range(10):
            extracted(folder, paths, network)
            if len(killer.killed) >= rows.KILLS:
                break
        killer.stop()
        rows.say(name, start, killer)
        assert len(killer.killed) == rows.KILLS
    ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
