"""Computes the features of images in Arrow tables, in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from . import _frostline, _keywords, _optional
from ._pickling import WithoutInner
from ._store import write_numbers


class _Stream:
    """Passes a stream of Arrow's C data interface on to pyarrow."""

    def __init__(self, capsule: object) -> None:
        self._capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._capsule


class Worker(WithoutInner):
    """A pretrained network: called with a table of images, it returns the table with their features.

    The images are in the column `image`, `bytes` or `path`, or in `column`: binary, paths as text, or structs of
    `bytes` and `path` as Hugging Face's datasets have them. The other columns are returned, also the paths of such
    structs as `path` if there is no `id` or `path`, and then `digest`, `features`, `width`, `height` and `status`,
    which is `ok` or says why the image has no features.

    It may be used by several threads, pickled (by name), and used in a forked process, which opens the network
    again. The keywords are options of `frostline worker`, which also survives images that crash the process.
    """

    def __init__(
        self,
        backbone: str | os.PathLike[str] = "efficientnet-lite0",
        *,
        column: str | None = None,
        keep_image: bool = False,
        dtype: str = "f32",
        device: str = "auto",
        batch_size: int = 8,
        threads: int | None = None,
        precision: str = "fp32",
        conv: str = "auto",
        gpu_memory: int | None = None,
        layer: str | None = None,
        pool: str | None = None,
        map: str | None = None,
        prefix_tokens: int | None = None,
        preset: str | None = None,
        resize: int | str | tuple[int, int] | None = None,
        crop: int | str | tuple[int, int] | None = None,
        interpolation: str | None = None,
        mean: float | Iterable[float] | None = None,
        std: float | Iterable[float] | None = None,
        channels: str | None = None,
        layout: str | None = None,
        scale: float | None = None,
        exif: str = "apply",
        alpha: str = "white",
        jpeg_scale: str = "full",
        max_pixels: int = 178956970,
        max_bytes: int = 536870912,
    ) -> None:
        self._keywords = _keywords.of(locals(), "self")
        write_numbers(self._keywords)
        self.backbone = self._keywords["backbone"] = _keywords.path("backbone", backbone)
        self._create()
        self.num_features: int = self._inner.open()

    def _create(self) -> None:
        self._inner = _frostline.Worker(self._keywords)

    def __call__(self, table: Any) -> Any:
        """Return the rows of a table with the features of their images.

        A `pyarrow.RecordBatch` or a dictionary of columns gives a `RecordBatch`; a `pyarrow.Table`, or another
        table with Arrow's PyCapsule interface such as that of polars, gives a `pyarrow.Table`.
        """
        pyarrow = _optional.package("pyarrow", "a worker")
        if isinstance(table, dict):
            table = pyarrow.RecordBatch.from_pydict(table)
        if not hasattr(table, "__arrow_c_stream__"):
            raise TypeError(f"`table` is {table!r:.60}, but must be an Arrow table, or a dictionary of columns")
        answer = pyarrow.table(_Stream(self._inner.answer(table.__arrow_c_stream__())))
        if isinstance(table, pyarrow.RecordBatch):
            batches = answer.combine_chunks().to_batches()
            return batches[0] if batches else pyarrow.RecordBatch.from_pylist([], schema=answer.schema)
        return answer

    def map(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield the answer to each batch, in order."""
        return (self(batch) for batch in batches)

    def __repr__(self) -> str:
        return f"Worker({self.backbone!r}, {self.num_features} features)"
