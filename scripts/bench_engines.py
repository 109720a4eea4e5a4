#!/usr/bin/env python3
"""Compares `extract`, `worker`, Ray and Spark on the same pictures: images per second, without starting.

usage: scripts/bench_engines.py IMAGES [--rounds 5] [--times 1] [--clip-python PYTHON] [PART ...]

Run it in the environment of scripts/test_cluster.sh (target/cluster/bin/python), on an idle computer. IMAGES is a folder;
`--times` uses each picture so often, with a number after its end, so that all digests differ. Parts: extract, worker,
unisolated, inprocess, ray, spark, class (Ray Data with the usual Python class: Pillow and onnxruntime), clip (the reader
of clip-retrieval with the same code; only if `--clip-python` names the Python of its environment, which
scripts/bench_clip_retrieval.py describes). Each part is timed from the moment its network is open.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

import pyarrow as pa
import pyarrow.parquet as pq

PROGRAM = os.path.join(sysconfig.get_path("scripts"), "frostline")
BACKBONE = "efficientnet-lite0"
BATCH = 128
ROWS = 256


def load(folder, times):
    files = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix in {".jpg", ".jpeg", ".png"})
    contents = [file.read_bytes() for file in files]
    return [content + number.to_bytes(4, "big") * (times > 1) for number in range(times) for content in contents]


class Bench:
    def __init__(self, images, work, clip_python):
        self.images, self.work, self.clip_python = images, work, clip_python
        table = pa.table({"id": pa.array(range(len(images))), "bytes": pa.array(images, pa.binary())})
        self.batches = table.to_batches(max_chunksize=BATCH)
        (work / "rows").mkdir()
        (work / "images").mkdir()
        (work / "quarter").mkdir()
        files = [pa.Table.from_batches([batch]) for batch in table.to_batches(max_chunksize=ROWS)]
        for number, file in enumerate(files):
            pq.write_table(file, work / "rows" / f"{number}.parquet")
            if number < len(files) // 4:
                pq.write_table(file, work / "quarter" / f"{number}.parquet")
        for number, image in enumerate(images):
            (work / "images" / f"{number:06}.jpg").write_bytes(image)
        (work / "few").mkdir()
        for number, image in enumerate(images[:2]):
            (work / "few" / f"{number}.jpg").write_bytes(image)

    def extract(self):
        def seconds(folder):
            out = self.work / "store"
            command = [PROGRAM, "extract", self.work / folder, "-o", out, "--overwrite", "--quiet", "--backbone", BACKBONE]
            start = time.perf_counter()
            subprocess.run(command, check=True)
            return time.perf_counter() - start

        return seconds("images") - seconds("few")

    def worker(self, *options):
        command = [PROGRAM, "worker", "--quiet", "--backbone", BACKBONE, *options]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        writer = pa.ipc.new_stream(process.stdin, self.batches[0].schema)
        writer.write_batch(self.batches[0].slice(0, 2))
        process.stdin.flush()
        reader = pa.ipc.open_stream(process.stdout)
        reader.read_next_batch()

        def write():
            for batch in self.batches:
                writer.write_batch(batch)
            writer.close()
            process.stdin.close()

        start = time.perf_counter()
        threading.Thread(target=write).start()
        rows = sum(batch.num_rows - batch["features"].null_count for batch in reader)
        seconds = time.perf_counter() - start
        assert process.wait() == 0 and rows == len(self.images)
        return seconds

    def unisolated(self):
        return self.worker("--no-isolation")

    def inprocess(self):
        import frostline

        worker = frostline.Worker(BACKBONE)
        start = time.perf_counter()
        rows = sum(answer.num_rows for answer in worker.map(self.batches))
        assert rows == len(self.images)
        return time.perf_counter() - start

    def ray(self):
        import frostline.ray

        return self._ray(lambda dataset: frostline.ray.extract(dataset, BACKBONE, rows=ROWS))

    def _ray(self, extracted):
        import ray

        if not ray.is_initialized():
            ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
            ray.data.DataContext.get_current().enable_progress_bars = False

        def seconds(folder):
            dataset = extracted(ray.data.read_parquet(str(self.work / folder)))
            start = time.perf_counter()
            rows = sum(batch.num_rows for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow"))
            return time.perf_counter() - start, rows

        # A run starts actors, so the difference of two runs is the time of the rows that only one of them has.
        few, fewer = seconds("quarter")
        whole, rows = seconds("rows")
        assert rows == len(self.images)
        return (whole - few) * rows / (rows - fewer)

    def spark(self):
        import frostline.spark
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = SparkSession.builder.master("local[2]").config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.ui.enabled", "false").config("spark.driver.memory", "2g")
        spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", str(ROWS)).getOrCreate()
        spark.sparkContext.setLogLevel("OFF")

        def seconds(frame):
            # This runs a job for the manifest.
            found = frostline.spark.extract(frame, BACKBONE)
            start = time.perf_counter()
            found.write.mode("overwrite").parquet(str(self.work / "out"))
            return time.perf_counter() - start

        frame = spark.read.parquet(str(self.work / "rows")).repartition(4).cache()
        frame.count()
        # Python processes and their workers are kept, so the first run starts them.
        seconds(spark.createDataFrame(frame.limit(4).collect(), frame.schema).repartition(4))
        whole = seconds(frame)
        assert spark.read.parquet(str(self.work / "out")).count() == len(self.images)
        return whole

    def usual(self):
        """Ray Data with a Python class, as its documentation has it."""

        class Usual:
            def __init__(self, path):
                import onnxruntime

                self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

            def __call__(self, batch):
                import io

                import numpy as np
                from PIL import Image

                inputs = []
                for content in batch["bytes"]:
                    image = Image.open(io.BytesIO(content)).convert("RGB")
                    width, height = image.size
                    scale = 256 / min(width, height)
                    image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
                    left, top = (image.width - 224) // 2, (image.height - 224) // 2
                    image = image.crop((left, top, left + 224, top + 224))
                    inputs.append((np.asarray(image, np.float32) / 127.5 - 1).transpose(2, 0, 1))
                name = self.session.get_inputs()[0].name
                rows = [self.session.run(None, {name: np.stack(inputs[i : i + 8])})[0] for i in range(0, len(inputs), 8)]
                return {"id": batch["id"], "features": np.concatenate(rows).reshape(len(inputs), -1)}

        return self._ray(
            lambda dataset: dataset.map_batches(Usual, fn_constructor_args=(network(),), batch_size=ROWS, concurrency=1, num_cpus=1)
        )

    def clip(self):
        script = pathlib.Path(__file__).with_name("bench_clip_retrieval.py")
        command = [self.clip_python, script, self.work / "images", network()]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        assert found["rows"] == len(self.images)
        return found["seconds"]


def network():
    return os.path.join(os.environ["FROSTLINE_HOME"], "models", f"{BACKBONE}.onnx")


PARTS = ("extract", "worker", "unisolated", "inprocess", "ray", "spark", "class")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--clip-python")
    args = parser.parse_args()
    args.parts = args.parts or PARTS + ("clip",) * bool(args.clip_python)
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(load(args.images, args.times), pathlib.Path(work), args.clip_python)
        seconds = {part: [] for part in args.parts}
        for number in range(args.rounds):
            for part in args.parts:
                took = getattr(bench, {"class": "usual"}.get(part, part))()
                seconds[part].append(took)
                print(f"round {number + 1}: {part}: {took:.2f} s", file=sys.stderr, flush=True)
        base = statistics.median(seconds.get("extract") or [0])
        for part, all_ in seconds.items():
            median = statistics.median(all_)
            row = {"part": part, "seconds": round(median, 2), "images_per_s": round(len(bench.images) / median, 1)}
            print(json.dumps({**row, "of_extract": round(base / median, 3) if base else None, "all": [round(s, 2) for s in all_]}))


if __name__ == "__main__":
    main()
