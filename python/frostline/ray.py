"""Features of a Ray dataset of images.

```python
import frostline.ray
import ray

dataset = ray.data.read_parquet("s3://bucket/pictures")
frostline.ray.extract(dataset).write_parquet("s3://bucket/features")
```
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _optional
from ._program import Program

if TYPE_CHECKING:
    import pyarrow
    import ray.data

__all__ = ["extract"]


class _Actor:
    """An actor, with a process that computes."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._program = Program(options)

    def __call__(self, table: pyarrow.Table) -> pyarrow.Table:
        import pyarrow

        batches = table.combine_chunks().to_batches()
        if not batches:
            batches = [pyarrow.RecordBatch.from_pylist([], schema=table.schema)]
        return pyarrow.Table.from_batches([self._program(batch) for batch in batches])


def extract(
    dataset: ray.data.Dataset,
    backbone: str | os.PathLike[str] = "efficientnet-lite0",
    *,
    concurrency: int | tuple[int, int] | None = None,
    num_cpus: float = 1,
    num_gpus: float | None = None,
    rows: int = 256,
    **options: Any,
) -> ray.data.Dataset:
    """Return the rows of a dataset with the features of their images.

    `options` are those of `frostline worker`: `column`, `device`, `threads` and so on. The columns are those of
    `frostline.Worker`. `rows` are sent to an actor at a time.

    There is an actor for each node, or for each GPU if `num_gpus` is set, unless `concurrency` says how many. An
    actor uses all CPUs of its node, of which Ray reserves `num_cpus` for it, unless `threads` is set. An image
    that crashes the process of an actor is a row with the status `failed`.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise _optional.missing("frostline.ray", "ray", "ray", error) from error
    if concurrency is None:
        if not ray.is_initialized():
            ray.init()
        gpus = int(ray.cluster_resources().get("GPU", 0) / num_gpus) if num_gpus else 0
        concurrency = gpus or sum(node["Alive"] for node in ray.nodes())
    if isinstance(concurrency, int):
        actors = ray.data.ActorPoolStrategy(size=concurrency)
    else:
        least, most = concurrency
        actors = ray.data.ActorPoolStrategy(min_size=least, max_size=most)
    return dataset.map_batches(
        _Actor,
        fn_constructor_args=({"backbone": backbone, **options},),
        batch_size=rows,
        batch_format="pyarrow",
        zero_copy_batch=True,
        compute=actors,
        num_cpus=None if num_gpus else num_cpus,
        num_gpus=num_gpus,
    )
