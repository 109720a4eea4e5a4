"""What can be done with a head and a feature store: the program's commands as functions."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from . import _frostline, _keywords, _notes, _progress
from ._head import Head, as_file
from ._store import FeatureStore, Path


def evaluate(
    head: Path | Head,
    data: Path | FeatureStore,
    *,
    any_name: bool = False,
    tta: str = "trained",
    no_reject: bool = False,
    store: Path | FeatureStore | None = None,
    device: str = "auto",
    batch_size: int = 8,
    threads: int | None = None,
    precision: str = "fp32",
    conv: str = "auto",
    gpu_memory: int | None = None,
    backbone: Path | None = None,
    compare: Path | Head | None = None,
    include_training: bool = False,
    labels: Path | None = None,
    labels_key: str | None = None,
    labels_column: str | None = None,
    labels_over_folders: bool = False,
    splits: Path | None = None,
    only: str = "test",
    intervals: int = 1000,
    seed: int = 0,
    progress: bool | _progress.Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a head on a feature store, or on a folder with a folder of images for each class.

    Returns what `frostline evaluate --format json` prints; the keywords are its options.
    """
    keywords = _keywords.of(locals())
    other = nullcontext() if compare is None else as_file(compare, "compare")
    with as_file(head) as first, other as keywords["compare"]:
        path = _keywords.path("data", data)
        result, notes = _frostline.evaluate(path, first, keywords, _progress.of(progress))
    _notes.warn(notes)
    return result


def inspect(
    store: Path | FeatureStore,
    against: Path | FeatureStore | None = None,
    *,
    head: Path | Head | None = None,
    labels: Path | None = None,
    labels_key: str | None = None,
    labels_column: str | None = None,
    labels_over_folders: bool = False,
    near: float = 0.93,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Look for duplicates, leakage, labels to check and outliers among the images of a feature store.

    Returns what `frostline inspect --format json` prints; the keywords are its options.
    """
    keywords = _keywords.of(locals())
    features = _keywords.path("store", store)
    with nullcontext() if head is None else as_file(head) as keywords["head"]:
        result, notes = _frostline.inspect(features, keywords)
    _notes.warn(notes)
    return result


def report(
    head: Path | Head,
    data: Path | FeatureStore,
    output: Path,
    *,
    overwrite: bool = False,
    any_name: bool = False,
    tta: str = "trained",
    no_reject: bool = False,
    store: Path | FeatureStore | None = None,
    device: str = "auto",
    batch_size: int = 8,
    threads: int | None = None,
    precision: str = "fp32",
    conv: str = "auto",
    gpu_memory: int | None = None,
    backbone: Path | None = None,
    images: Path | None = None,
    train: Path | FeatureStore | None = None,
    train_images: Path | None = None,
    compare: Path | Head | None = None,
    title: str | None = None,
    include_training: bool = False,
    labels: Path | None = None,
    labels_key: str | None = None,
    labels_column: str | None = None,
    labels_over_folders: bool = False,
    splits: Path | None = None,
    only: str = "test",
    progress: bool | _progress.Progress | None = None,
) -> dict[str, Any]:
    """Write the evaluation of a head as a self-contained HTML page; the keywords are the options of
    `frostline report`: `images` and `train_images` are what features were extracted from."""
    keywords = _keywords.of(locals())
    other = nullcontext() if compare is None else as_file(compare, "compare")
    with as_file(head) as path, other as keywords["compare"]:
        data, output = _keywords.path("data", data), _keywords.path("output", output)
        result, notes = _frostline.report(data, path, output, keywords, _progress.of(progress))
    _notes.warn(notes)
    return result


def export(
    head: Path | Head,
    output: Path,
    *,
    overwrite: bool = False,
    layout: str = "file",
    input: str = "tensor",
    resize: str = "onnx",
    outputs: str = "probabilities",
    precision: str = "fp32",
    calibration: Path | None = None,
    with_rejection: bool = False,
    verify: Path | None = None,
    max_drop: float = 1.0,
    threads: int | None = None,
    backbone: Path | None = None,
    progress: bool | _progress.Progress | None = None,
) -> dict[str, Any]:
    """Write backbone and head as one ONNX network for other programs.

    Returns what `frostline export --format json` prints; the keywords are its options.
    """
    keywords = _keywords.of(locals())
    with as_file(head) as path:
        output = _keywords.path("output", output)
        result, notes = _frostline.export(path, output, keywords, _progress.of(progress))
    _notes.warn(notes)
    return result
