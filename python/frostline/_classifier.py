"""Classifies images with a head and the backbone of its features."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from . import _frostline, _images, _keywords, _notes
from ._head import Head
from ._pickling import WithoutInner

if TYPE_CHECKING:
    from ._images import ImageLike


@dataclass(frozen=True, eq=False)
class Prediction:
    """The result for one image.

    `label` is a class, `unknown`, or `None` for an image that could not be used; `probability` is the
    highest of `probabilities`, which are in the order of the classifier's `classes`; `status` is `ok`,
    `unknown: ` and the reason, or `skipped: ` and the reason.
    """

    label: str | None
    probability: float | None
    probabilities: np.ndarray | None
    status: str


class Classifier(WithoutInner):
    """A head with its backbone: called with images, it returns their predictions.

    It may be used by several threads, pickled (by its path, or by the content of a `Head`), and used in a
    forked process, which opens the network again. The keywords are options of `frostline classify`.
    """

    def __init__(
        self,
        head: str | os.PathLike[str] | Head,
        *,
        tta: str = "trained",
        no_reject: bool = False,
        threshold: float | None = None,
        device: str = "auto",
        batch_size: int = 8,
        threads: int | None = None,
        precision: str = "fp32",
        conv: str = "auto",
        gpu_memory: int | None = None,
        backbone: str | os.PathLike[str] | None = None,
        max_pixels: int = 178956970,
        max_bytes: int = 536870912,
    ) -> None:
        self._keywords = _keywords.of(locals(), "self", "head")
        self._head = head if isinstance(head, Head) else os.path.abspath(_keywords.path("head", head))
        self._create()
        self._inner.open()

    def _create(self) -> None:
        head = self._head._inner if isinstance(self._head, Head) else self._head
        self._inner = _frostline.Classifier(head, self._keywords)

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of the probabilities."""
        return self._inner.classes()

    @overload
    def __call__(self, images: ImageLike) -> Prediction: ...

    @overload
    def __call__(self, images: Iterable[ImageLike]) -> list[Prediction]: ...

    def __call__(self, images: Any) -> Prediction | list[Prediction]:
        """Return the prediction of an image, or a list of predictions for several images, in their order.

        An image is a path, the bytes of a file, an open file, a PIL image, or an array of uint8 with the shape
        (height, width, 3). One that cannot be used has the reason in the `status` of its prediction.
        """
        items, single = _images.listed(images)
        rows = [Prediction(*row) for row in self._inner.classify(items)]
        return rows[0] if single else rows

    def predict_proba(self, images: Any) -> np.ndarray:
        """Return the probabilities of images, (N, C). The row of an image that cannot be used is NaN, with a
        warning."""
        items, _ = _images.listed(images)
        probabilities, without = self._inner.probabilities(items)
        _notes.warn(_notes.skipped([(f"image {n}", reason) for n, reason in without]))
        return probabilities

    def __repr__(self) -> str:
        return f"Classifier({self._head!r}, {len(self.classes)} classes)"
