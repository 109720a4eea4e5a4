"""One store from every source and every tool.

The sources are Parquet files with the bytes of images, and stores for S3 and Azure. One machine, shards with GNU
parallel, Ray and Spark read them, while processes are killed. Each result is compared with the store of a folder.
"""

import argparse
import itertools
import os
import subprocess
from pathlib import Path

import bucket
import kills
import pictures
from pictures import PROGRAM, compare, merged, program

SHARDS = 8


class Sources:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()

    def place(self) -> Path:
        """Return a path that nothing has."""
        return self.folder / f"result{next(self.numbers)}"

    def one_machine(self, *sources: str) -> None:
        for source in sources:
            place = self.place()

            def job(source=source, place=place) -> str:
                program("extract", source, "-o", place)
                return compare(self.folder, place)

            kills.run(f"one machine, {source.replace(f'{self.folder}/', '')}", job)

    def refused(self, source: str, *variables: str) -> None:
        """Wrong credentials are an error that says so."""
        for name in variables:
            right = os.environ[name]
            os.environ[name] = f"A{right[1:]}" if right[0] != "A" else f"B{right[1:]}"
            said = program("extract", source, "-o", self.place(), status=1)
            assert "hint: set or renew the credentials" in said, said
            os.environ[name] = right

    def shards(self, source: str) -> str:
        place = self.place()
        line = f"{PROGRAM} extract '{source}' --shard {{}}/{SHARDS} -o {place}/{{}} --threads 1 --quiet || [ $? -eq 3 ]"
        command = ["parallel", "--jobs", "2", "--retries", "12", line, ":::", *map(str, range(SHARDS))]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        stores = [place / str(number) for number in range(SHARDS)]
        program("features", "status", *stores)
        return compare(self.folder, merged(stores, self.place()))

    def table(self, write) -> str:
        """Merge what an engine writes."""
        place = self.place()
        write(str(place))
        said = compare(self.folder, merged([place], self.place()))
        rows = len(pictures.rows_of(self.folder / "reference"))
        assert pictures.count(place) == rows, f"{pictures.count(place)} rows were written, not {rows}"
        return said

    def ray(self, address: str) -> None:
        import ray
        import test_ray
        from pyarrow.fs import S3FileSystem

        import frostline.ray

        test_ray.start()
        remote = S3FileSystem(endpoint_override=address, scheme="http", region=bucket.REGION)

        def job(path: str, filesystem=None):
            dataset = ray.data.read_parquet(path, filesystem=filesystem)
            return self.table(frostline.ray.extract(dataset, rows=100).write_parquet)

        kills.run("Ray, Parquet", lambda: job(f"{self.folder}/bucket/rows"), kills.is_worker, kills.is_actor)
        kills.run("Ray, S3", lambda: job("pictures/rows", remote), kills.is_worker, kills.is_actor)
        ray.shutdown()

    def spark(self) -> None:
        import test_spark

        import frostline.spark

        spark = test_spark.start()

        def job(path: str):
            frame = spark.read.parquet(f"{self.folder}/{path}").repartition(8)
            return self.table(frostline.spark.extract(frame).write.parquet)

        kinds = (kills.is_worker, kills.is_python_of_spark)
        kills.run("Spark, Parquet", lambda: job("bucket/rows"), *kinds)
        kills.run("Spark, URLs in a column", lambda: job("urls.parquet"), *kinds)
        spark.stop()


def is_shard(line: str) -> bool:
    return line.startswith(f"{PROGRAM} extract") and "--shard" in line


def main(folder: Path, tools: list[str], limit: int, azurite: Path | None) -> None:
    pictures.write(folder, limit)
    sources, local = Sources(folder), f"{folder}/bucket"
    sources.one_machine(f"{local}/rows/*.parquet")
    if azurite:
        with bucket.azure(azurite, folder / "bucket"):
            sources.one_machine("az://pictures/photos/", "az://pictures/rows/*.parquet", "az://pictures/photos.tar")
            sources.refused("az://pictures/photos/", "AZURE_STORAGE_ACCOUNT_KEY")
    address = bucket.s3(folder / "bucket")
    sources.one_machine("s3://pictures/photos/", "s3://pictures/rows/*.parquet", "s3://pictures/photos.tar")
    sources.refused("s3://pictures/photos/", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
    if "parallel" in tools:
        for source in (f"{local}/rows/*.parquet", "s3://pictures/photos/"):
            name = source.replace(f"{local}/", "")
            kills.run(f"shards, {name}", lambda source=source: sources.shards(source), is_shard, every=0.4)
    if "ray" in tools:
        sources.ray(address)
    if "spark" in tools:
        sources.spark()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("tools", nargs="*", help="parallel, ray, spark")
    parser.add_argument("--pictures", dest="limit", type=int, required=True)
    parser.add_argument("--azurite", type=Path)
    main(**vars(parser.parse_args()))
