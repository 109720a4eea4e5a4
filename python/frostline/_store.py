"""Computes the features of images once, and keeps them in a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import _frostline, _keywords, _notes, _optional, _progress
from ._errors import ImagesError, ParameterTypeError

if TYPE_CHECKING:
    import pandas
    import pyarrow

Path = Union[str, "os.PathLike[str]"]


class FeatureStore:
    """The features of images on disk, as the last run of `extract` has left them.

    polars, DuckDB, pyarrow and others take it directly, as a table with the columns `path`, `class`,
    `digest`, `width`, `height` and `features`.
    """

    def __init__(self, path: Path, *, report: dict[str, Any] | None = None) -> None:
        self._inner = _frostline.Store(os.path.abspath(_keywords.path("path", path)))
        self.report = report
        """What `extract` did, with the names of its JSON; `None` for a store that was opened."""

    @property
    def path(self) -> str:
        """The path of the store."""
        return str(self._inner.path)

    @property
    def paths(self) -> list[str]:
        """The paths of the images, relative to the folder that was extracted."""
        return self._inner.paths()

    @property
    def classes(self) -> list[str]:
        """The names of the classes, sorted; the labels are indices into it."""
        return self._inner.classes()

    @property
    def num_features(self) -> int:
        """D, the number of features of an image."""
        return self._inner.num_features

    @property
    def info(self) -> dict[str, Any]:
        """What `frostline features show --format json` prints."""
        return self._inner.info()

    def numpy(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of the centre crops, (N, D) float32, and the labels, (N) int64.

        The label of an image without a class is -1. The features of a store with one part are not copied: the
        array is a read-only view of the file.
        """
        return self._features(), self._inner.targets()

    def _features(self) -> np.ndarray:
        span = self._inner.span()
        if span is None:
            return self._inner.features()
        path, offset, shape = span
        mapped = np.memmap(path, dtype="<f4", mode="r", offset=offset, shape=shape)
        return np.asarray(mapped)

    def table(self) -> pyarrow.Table:
        """Return the images and their features as a table of pyarrow."""
        return _optional.package("pyarrow", "a table").table(self)

    def pandas(self) -> pandas.DataFrame:
        """Return a row for each image, with its path, its class, and the features `f0` to `f(D-1)`."""
        pandas = _optional.package("pandas", "a data frame")
        features, targets = self.numpy()
        classes = np.array([*self.classes, None], dtype=object)
        names = [f"f{i}" for i in range(features.shape[1])]
        frame = pandas.DataFrame(features, columns=names, copy=False)
        frame.insert(0, "class", pandas.Categorical(classes[targets], categories=self.classes))
        frame.insert(0, "path", self.paths)
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._inner.stream()

    def __len__(self) -> int:
        return len(self._inner)

    def __repr__(self) -> str:
        return f"FeatureStore({self.path!r}, {len(self)} images, {self.num_features} features)"

    def __fspath__(self) -> str:
        return self.path

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "report": self.report}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"], report=state["report"])  # type: ignore[misc]


def write_numbers(keywords: dict[str, Any]) -> None:
    """Replace the numbers of the preprocessing by the command line's text."""
    keywords.update({name: _numbers(name, keywords[name], "x") for name in ("resize", "crop")})
    keywords.update({name: _numbers(name, keywords[name], ",") for name in ("mean", "std")})


def _numbers(name: str, value: Any, separator: str) -> str | None:
    """Return a number or several as the command line's text: `224`, `(320, 240)` as `320x240`."""
    if value is None or isinstance(value, str):
        return value
    parts = value if isinstance(value, (tuple, list, np.ndarray)) else [value]
    if not all(isinstance(part, (int, float, np.number)) for part in parts):
        raise ParameterTypeError(f"`{name}` is {value!r:.60}, but must be a number, several numbers or a string")
    return separator.join(str(part) for part in parts)


def extract(
    images: Path | Iterable[Path],
    store: Path,
    *,
    backbone: Path = "efficientnet-lite0",
    any_name: bool = False,
    shard: str | None = None,
    retry_failed: bool = False,
    labels: Path | None = None,
    labels_key: str | None = None,
    labels_column: str | None = None,
    labels_over_folders: bool = False,
    strict: bool = False,
    views: str = "center",
    dtype: str = "f32",
    overwrite: bool = False,
    verify: bool = False,
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
    progress: bool | _progress.Progress | None = None,
) -> FeatureStore:
    """Compute the features of images into a store, and return it. Features that are in it are reused.

    `images` is a folder, with a folder for each class or without, or several folders and files. Images that
    cannot be used are skipped with a warning; the store's `report` has their reasons. The keywords are the
    options of `frostline extract`. Ctrl-C keeps what is computed.
    """
    keywords = _keywords.of(locals())
    write_numbers(keywords)
    if isinstance(images, (str, bytes, os.PathLike)):
        paths: list[Any] = [images]
    elif isinstance(images, Iterable):
        paths = list(images)
    else:
        raise ParameterTypeError(f"`images` is {images!r:.60}, but must be a path or several paths")
    store = _keywords.path("store", store)
    result, notes = _frostline.extract(paths, store, keywords, _progress.of(progress))
    skipped = [(image["path"], image["reason"]) for image in result["skipped"]]
    told = _notes.skipped(skipped)
    if skipped and not result["n_images"] and not shard and not retry_failed:
        raise ImagesError(f"none of the images could be used: {told[0]}")
    _notes.warn([*notes, *told])
    _notes.log.info(
        "%d images in %.2f s: %d computed, %d reused, %d skipped",
        result["n_images"],
        result["seconds"],
        result["n_computed"],
        result["n_reused"],
        result["n_skipped"],
    )
    return FeatureStore(store, report=result)
