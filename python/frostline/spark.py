"""Features of a Spark data frame of images, for Spark 4.

```python
import frostline.spark

frame = spark.read.format("binaryFile").load("pictures").withColumnRenamed("content", "bytes")
frostline.spark.extract(frame).write.parquet("features")
```
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _optional, _program
from ._errors import ParameterError

if TYPE_CHECKING:
    import pyarrow
    from pyspark.resource import ResourceProfile
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["extract"]


def extract(
    df: DataFrame,
    backbone: str | os.PathLike[str] = "efficientnet-lite0",
    *,
    profile: ResourceProfile | None = None,
    **options: Any,
) -> DataFrame:
    """Return the rows of a data frame with the features of their images, as `array<float>`.

    `options` are those of `frostline worker`: `column`, `device`, `threads` and so on. The columns are those of
    `frostline.Worker`. Each task has a process that computes with the CPUs of the task (`spark.task.cpus`),
    unless `threads` is set; `profile` requests other resources for this stage, such as GPUs. An image that
    crashes the process is a row with the status `failed`.

    A job without images opens the network on an executor at once, and returns the manifest of the features. It is
    in the metadata of the column `features`, which Spark writes into Parquet files, for `frostline features merge`.
    """
    try:
        from pyspark.sql import types
    except ImportError as error:
        raise _optional.missing("frostline.spark", "pyspark", "spark", error) from error
    if options.get("dtype", "f32") != "f32":
        raise ParameterError("`dtype` is f16, but Spark has no such type; it must be f32")
    options = {"backbone": os.fsdecode(backbone), **options}
    texts = [(field.name, isinstance(field.dataType, types.StringType)) for field in df.schema]
    names = _program.kept(texts, options.get("column"), bool(options.get("keep_image")))
    added = (types.BinaryType(), types.ArrayType(types.FloatType()), types.IntegerType(), types.IntegerType())
    kinds = zip(_program.ADDED, (*added, types.StringType()), strict=True)
    metadata = {"features": {_program.MANIFEST: _manifest(df, profile, options)}}
    fields = [df.schema[name] for name in names]
    if not {"id", "path"} & set(names) and _has_path(df.schema, _program.image(df.columns, options.get("column"))):
        fields.append(types.StructField("path", types.StringType()))
    fields += [types.StructField(name, kind, metadata=metadata.get(name)) for name, kind in kinds]

    def answers(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        from pyspark import TaskContext

        from frostline import _program

        context = TaskContext.get()
        threads = context.cpus() if context else None
        yield from _program.shared({"threads": threads, **options}).map(batches)

    return df.mapInArrow(answers, types.StructType(fields), profile=profile)


def _has_path(schema: StructType, image: str | None) -> bool:
    """Return whether the images are structs with a path, which the worker returns as a column."""
    kind = schema[image].dataType if image is not None and image in schema.names else None
    return any(field.name == "path" and field.dataType.typeName() == "string" for field in getattr(kind, "fields", []))


def _manifest(df: DataFrame, profile: ResourceProfile | None, options: dict[str, Any]) -> str:
    """Return the manifest of the features, from an executor: the driver may have no network and no GPU."""

    def told(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow

        from frostline import _program

        for batch in batches:
            manifests = [_program.Program(options).manifest()] * batch.num_rows
            yield pyarrow.RecordBatch.from_pydict({"manifest": manifests})

    one = df.sparkSession.range(0, 1, 1, 1)
    return str(one.mapInArrow(told, "manifest string", profile=profile).collect()[0]["manifest"])
