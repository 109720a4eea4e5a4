"""Estimators for scikit-learn, which is imported with this module only."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.utils import compute_class_weight
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    from ._optional import missing

    raise missing("this estimator", "scikit-learn 1.6 or later", "sklearn", error) from error

from . import _frostline, _images, _keywords, _notes
from ._errors import ImagesError, InputError
from ._extractor import Extractor
from ._head import _refuse_other_solver


class SoftmaxClassifier(ClassifierMixin, BaseEstimator):
    """A linear softmax classifier on features, fitted as `frostline fit-head` fits a head.

    Every parameter has the name and the default of the option of `fit-head`; `None` is the solver's default. A
    parameter of the other solver is refused. `class_weight` is scikit-learn's: `None`, "balanced", or a dictionary.

    `solver="lbfgs"` finds the minimum that `LogisticRegression(C=1 / l2)` finds; a fit that does not converge raises
    a `HeadError`. `solver="sgd"` is `torch.optim.SGD` on shuffled batches, with `sample_weight` as
    `(w * cross_entropy(…, reduction="none")).sum() / w.sum()` in each batch. Features are used as float32: a C-ordered
    float32 array is not copied.
    """

    def __init__(
        self,
        *,
        solver: str = "sgd",
        standardize: bool = False,
        label_smoothing: float = 0.0,
        class_weight: dict[Any, float] | str | None = None,
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
    ) -> None:
        self.solver = solver
        self.standardize = standardize
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.seed = seed
        self.l2 = l2
        self.tol = tol
        self.max_iter = max_iter
        self.lr = lr
        self.schedule = schedule
        self.step_size = step_size
        self.gamma = gamma
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.epochs = epochs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SoftmaxClassifier:
        """Fit the classifier on features (N, D) and labels (N)."""
        keywords = self.get_params(deep=False)
        _refuse_other_solver(keywords)
        wide = getattr(X, "dtype", None) != np.float32
        X, y = validate_data(self, X, y, dtype=np.float32, order="C")
        check_classification_targets(y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a fit needs at least 2 classes, but y has only one class: {self.classes_[0]!r}")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        names = [str(name) for name in self.classes_]
        weights = self._class_weight(y, targets, sample_weight)
        keywords["class_weight"] = None if weights is None else dict(zip(names, weights))
        weight, bias, self.n_iter_, notes = _frostline.fit_arrays(X, targets, names, sample_weight, keywords)
        if len(self.classes_) == 2:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        dtype = np.float64 if wide else np.float32
        self.coef_, self.intercept_ = weight.astype(dtype), bias.astype(dtype)
        _notes.warn(notes)
        return self

    def _class_weight(self, y: Any, targets: np.ndarray, sample_weight: np.ndarray | None) -> list[float] | None:
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            # As in scikit-learn 1.9, whose earlier versions ignored the weights here.
            sizes = np.bincount(targets, weights=sample_weight)
            return (sizes.sum() / (len(sizes) * np.maximum(sizes, 1e-300))).tolist()
        return compute_class_weight(self.class_weight, classes=self.classes_, y=y).tolist()

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits, (N, C); for two classes the second logit minus the first, (N)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each sample."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[best]

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities, (N, C), in the order of `classes_`."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        scores = scores - scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities, (N, C), in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))


class FeatureExtractor(TransformerMixin, BaseEstimator):
    """A pretrained network as a transformer: images to features, (N, D) float32. It needs no `fit`.

    Images are those that a `Classifier` takes: paths, bytes, PIL images, arrays (N, height, width, 3) of uint8; also
    a column of paths. An image that cannot be used is an `ImagesError`. The network is opened at the first
    `transform` of a process, and is shared by all transformers with the same parameters.
    """

    def __init__(
        self,
        backbone: str | os.PathLike[str] = "efficientnet-lite0",
        *,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "fp32",
        conv: str = "auto",
        gpu_memory: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.device = device
        self.threads = threads
        self.precision = precision
        self.conv = conv
        self.gpu_memory = gpu_memory

    def fit(self, X: Any, y: Any = None) -> FeatureExtractor:
        """Do nothing: the network is trained."""
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of images, (N, D) float32."""
        images, single = _images.listed(_column(X))
        if single:
            raise InputError("X is one image; put it into a list")
        if not images:
            raise InputError("X has no images; at least one is required")
        features, without = self._extractor()._inner.features(images)
        if without:
            raise ImagesError(_notes.skipped([(_name(images, n), reason) for n, reason in without])[0])
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names f0, f1 … of the features."""
        return np.array([f"f{i}" for i in range(self._extractor().num_features)], dtype=object)

    def _extractor(self) -> Extractor:
        return _opened(**{**self.get_params(deep=False), "backbone": _keywords.path("backbone", self.backbone)})

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags


@lru_cache(maxsize=4)
def _opened(**parameters: Any) -> Extractor:
    """Return a network; clones of a transformer share it."""
    return Extractor(**parameters)


def _column(X: Any) -> Any:
    """Return the only column of a table of paths, or anything else as it is."""
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind in "OUST" and values.shape[1] == 1:
        return values[:, 0]
    return X if hasattr(X, "columns") else values


def _name(images: list[Any], number: int) -> str:
    image = images[number]
    return f"image {number}" if not isinstance(image, (str, os.PathLike)) else f"image {number} ({os.fspath(image)})"
