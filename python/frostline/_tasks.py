"""What can be done with a head and a feature store: the program's commands as functions."""

from __future__ import annotations

import os
from typing import Any

from . import _frostline, _notes, _progress
from ._head import Head, as_file
from ._store import FeatureStore, Path


def _path(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


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
    intervals: int = 1000,
    seed: int = 0,
    progress: bool | _progress.Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a head on a feature store, or on a folder with a folder of images for each class.

    Returns what `frostline evaluate --format json` prints; the keywords are its options.
    """
    keywords = {
        "any_name": any_name,
        "tta": tta,
        "no_reject": no_reject,
        "store": _path(store),
        "device": device,
        "batch_size": batch_size,
        "threads": threads,
        "precision": precision,
        "conv": conv,
        "gpu_memory": gpu_memory,
        "backbone": _path(backbone),
        "include_training": include_training,
        "intervals": intervals,
        "seed": seed,
    }
    bar = _progress.of(progress)
    with as_file(head) as first:
        if compare is None:
            result, notes = _frostline.evaluate(os.fspath(data), first, keywords, bar)
        else:
            with as_file(compare) as second:
                keywords["compare"] = second
                result, notes = _frostline.evaluate(os.fspath(data), first, keywords, bar)
    _notes.warn(notes)
    return result


def inspect(
    store: Path | FeatureStore,
    against: Path | FeatureStore | None = None,
    *,
    head: Path | Head | None = None,
    near: float = 0.93,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Look for duplicates, leakage, labels to check and outliers among the images of a feature store.

    Returns what `frostline inspect --format json` prints; the keywords are its options.
    """
    keywords: dict[str, Any] = {"against": _path(against), "near": near, "folds": folds, "seed": seed}
    if head is None:
        result, notes = _frostline.inspect(os.fspath(store), keywords)
    else:
        with as_file(head) as path:
            keywords["head"] = path
            result, notes = _frostline.inspect(os.fspath(store), keywords)
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
    include_training: bool = False,
    progress: bool | _progress.Progress | None = None,
) -> dict[str, Any]:
    """Write the evaluation of a head as a self-contained HTML page; the keywords are the options of
    `frostline report`."""
    keywords = {
        "overwrite": overwrite,
        "any_name": any_name,
        "tta": tta,
        "no_reject": no_reject,
        "store": _path(store),
        "device": device,
        "batch_size": batch_size,
        "threads": threads,
        "precision": precision,
        "conv": conv,
        "gpu_memory": gpu_memory,
        "backbone": _path(backbone),
        "images": _path(images),
        "train": _path(train),
        "train_images": _path(train_images),
        "include_training": include_training,
    }
    with as_file(head) as path:
        result, notes = _frostline.report(
            os.fspath(data), path, os.fspath(output), keywords, _progress.of(progress)
        )
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
    keywords = {
        "overwrite": overwrite,
        "layout": layout,
        "input": input,
        "resize": resize,
        "outputs": outputs,
        "precision": precision,
        "calibration": _path(calibration),
        "with_rejection": with_rejection,
        "verify": _path(verify),
        "max_drop": max_drop,
        "threads": threads,
        "backbone": _path(backbone),
    }
    with as_file(head) as path:
        result, notes = _frostline.export(path, os.fspath(output), keywords, _progress.of(progress))
    _notes.warn(notes)
    return result
