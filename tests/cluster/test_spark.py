"""Spark: each row once, also if workers and Python processes are killed."""

import os
import sys
from pathlib import Path

import kills
import rows
from pyspark.sql import SparkSession

import frostline.spark


def start() -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Of two threads, each task may fail a few times: on a cluster this is `spark.task.maxFailures`.
    builder = SparkSession.builder.master("local[2,12]").config("spark.driver.host", "127.0.0.1")
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def main(folder: Path) -> None:
    def extracted() -> str:
        frame = spark.read.parquet(str(folder / "rows"))
        found = frostline.spark.extract(frame.repartition(8), folder / "black.onnx").collect()
        return rows.check(folder, found)

    spark = start()
    kills.run("spark", extracted)
    kills.run("spark, killed workers", extracted, kills.is_worker)
    kills.run("spark, killed Python processes", extracted, kills.is_python_of_spark)
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
