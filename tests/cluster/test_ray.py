"""Ray Data: each row once, also if workers and actors are killed."""

import logging
import sys
from pathlib import Path

import kills
import ray
import rows

import frostline.ray


def start() -> None:
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False


def main(folder: Path) -> None:
    def extracted() -> str:
        dataset = ray.data.read_parquet(str(folder / "rows"))
        return rows.check(folder, frostline.ray.extract(dataset, folder / "black.onnx", rows=100).take_all())

    start()
    kills.run("ray", extracted)
    kills.run("ray, killed workers", extracted, kills.is_worker)
    kills.run("ray, killed actors", extracted, kills.is_actor)
    ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
