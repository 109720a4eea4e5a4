"""Spark: each row once, also if workers and Python processes are killed."""

import os
import sys
import time
from pathlib import Path

import rows
from pyspark.sql import SparkSession

import frostline.spark


def extracted(spark: SparkSession, folder: Path, paths: Path, network: Path) -> None:
    frame = spark.read.parquet(str(paths))
    found = frostline.spark.extract(frame.repartition(8), network).collect()
    columns = ("id", "digest", "features", "status", "label")
    rows.check(folder, *([row[name] for row in found] for name in columns))


def main(folder: Path) -> None:
    paths, network = folder / "rows", folder / "black.onnx"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Of two threads, each task may fail a few times: on a cluster this is `spark.task.maxFailures`.
    builder = SparkSession.builder.master("local[2,12]").config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.ui.enabled", "false").config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    start = time.time()
    extracted(spark, folder, paths, network)
    rows.say("spark", start)
    for name, target in (
        ("spark, killed workers", lambda line: "frostline worker" in line),
        ("spark, killed Python processes", lambda line: "-m pyspark." in line and "java" not in line.split()[0]),
    ):
        start = time.time()
        killer = rows.Killer(target, 1.0)
        killer.start()
        # A run may be over before all kills; another one goes on.
        for _ in range(10):
            extracted(spark, folder, paths, network)
            if len(killer.killed) >= rows.KILLS:
                break
        killer.stop()
        rows.say(name, start, killer)
        assert len(killer.killed) == rows.KILLS
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
