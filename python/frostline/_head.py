"""Fits linear heads on stored features."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import _frostline, _keywords, _notes, _progress
from ._errors import ParameterError
from ._store import FeatureStore, Path


class Head:
    """A linear softmax classifier on features: `weight` (C, D), `bias` (C) and `classes`."""

    def __init__(self, inner: Any, *, path: str | None = None, report: dict[str, Any] | None = None) -> None:
        self._inner = inner
        self._path = path
        self.report = report
        """What `fit_head` did, with the names of its JSON; `None` for a head that was loaded."""

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read a head file, or the head in a bundle."""
        path = os.path.abspath(_keywords.path("path", path))
        return cls(_frostline.Head.read(path), path=path)

    def save(self, path: Path) -> None:
        """Write the head file, a safetensors file."""
        self._inner.write(_keywords.path("path", path))

    @property
    def weight(self) -> np.ndarray:
        """The weights, (C, D) float32: a read-only copy."""
        return _read_only(self._inner.weight())

    @property
    def bias(self) -> np.ndarray:
        """The biases, (C) float32: a read-only copy."""
        return _read_only(self._inner.bias())

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the rows."""
        return self._inner.classes()

    @property
    def temperature(self) -> float:
        """The number that the logits are divided by."""
        return self._inner.temperature()

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the fit, as in the head file."""
        return self._inner.metrics()

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the fit."""
        return self._inner.params()

    def __repr__(self) -> str:
        classes, features = self.weight.shape
        return f"Head({classes} classes, {features} features)"

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self._inner.to_bytes(), "path": self._path, "report": self.report}

    def __setstate__(self, state: dict[str, Any]) -> None:
        inner = _frostline.Head.from_bytes(state["content"])
        self.__init__(inner, path=state["path"], report=state["report"])  # type: ignore[misc]


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


@contextmanager
def as_file(head: Path | Head, name: str = "head") -> Iterator[str]:
    """Yield the path of a head; one that has no file is written to a temporary folder."""
    if not isinstance(head, Head):
        yield _keywords.path(name, head)
    elif head._path is not None and os.path.exists(head._path):
        yield head._path
    else:
        with tempfile.TemporaryDirectory(prefix="frostline-") as folder:
            path = os.path.join(folder, "head.safetensors")
            head.save(path)
            yield path


_OF_SGD = ("lr", "schedule", "step_size", "gamma", "momentum", "weight_decay", "dropout")
_OF_SGD += ("batch_size", "epochs", "patience")
_OF_LBFGS = ("l2", "tol", "max_iter")


def _refuse_other_solver(keywords: dict[str, Any]) -> None:
    solver = keywords["solver"]
    others = _OF_SGD if solver in ("lbfgs", "linfa") else _OF_LBFGS if solver == "sgd" else ()
    given = [name for name in others if keywords.get(name) is not None]
    if others is _OF_SGD and keywords["nesterov"]:
        given.append("nesterov")
    if given:
        raise ParameterError(f"`{given[0]}` is no parameter of the solver {solver}")


def fit_head(
    store: Path | FeatureStore,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    validation: Path | FeatureStore | None = None,
    validation_split: float | None = None,
    splits: Path | None = None,
    augment: bool = False,
    memory: int | None = None,
    labels: Path | None = None,
    labels_key: str | None = None,
    labels_column: str | None = None,
    labels_over_folders: bool = False,
    solver: str = "sgd",
    standardize: bool = False,
    label_smoothing: float = 0.0,
    class_weight: str | os.PathLike[str] | dict[str, float] | None = "none",
    seed: int = 0,
    l2: float | None = None,
    tol: float | None = None,
    max_iter: int | None = None,
    lr: float | None = None,
    schedule: str | None = None,
    step_size: int | None = None,
    gamma: float | None = None,
    momentum: float | None = None,
    nesterov: bool = False,
    weight_decay: float | None = None,
    dropout: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    search: bool = False,
    learning_curve: bool = False,
    folds: int | None = None,
    near: float = 0.93,
    calibrate: bool = False,
    reject: float | None = None,
    calibrate_on: str = "folds",
    progress: bool | _progress.Progress | None = None,
) -> Head:
    """Fit a head on a feature store, and return it; with `output`, it is written to that file too.

    The keywords are the options of `frostline fit-head`, with the same defaults: `None` is the default of the
    solver. `class_weight` may also be a dictionary with the weight of each class. Problems of the fit are warnings.
    """
    keywords = _keywords.of(locals())
    _refuse_other_solver(keywords)
    with tempfile.TemporaryDirectory(prefix="frostline-") as folder:
        path = os.path.join(folder, "head.safetensors") if output is None else _keywords.path("output", output)
        features = _keywords.path("store", store)
        result, warnings = _frostline.fit_head(features, path, keywords, _progress.of(progress))
        head = Head.load(path)
    if output is None:
        head._path = None
        result["head"] = None
    head.report = result
    _notes.warn(warnings)
    _notes.log.info(
        "trained on %d images × %d features, %d classes, in %.3f s",
        result["n_train"],
        result["n_features"],
        len(result["classes"]),
        result["seconds"],
    )
    return head
