"""Computes the features of images in memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import _frostline, _images, _keywords, _notes
from ._pickling import WithoutInner


class Extractor(WithoutInner):
    """A pretrained network: called with images, it returns their features.

    It may be used by several threads, pickled (by name), and used in a forked process, which opens the
    network again. The keywords are options of `frostline extract`.
    """

    def __init__(
        self,
        backbone: str | os.PathLike[str] = "efficientnet-lite0",
        *,
        device: str = "auto",
        batch_size: int = 8,
        threads: int | None = None,
        precision: str = "fp32",
        conv: str = "auto",
        gpu_memory: int | None = None,
        max_pixels: int = 178956970,
        max_bytes: int = 536870912,
    ) -> None:
        self._keywords = _keywords.of(locals(), "self", "backbone")
        self.backbone = _keywords.path("backbone", backbone)
        self._create()
        self.num_features: int = self._inner.open()

    def _create(self) -> None:
        self._inner = _frostline.Extractor(self.backbone, self._keywords)

    def __call__(self, images: Any) -> np.ndarray:
        """Return the features of images, (N, D) float32; images are those that a `Classifier` takes.

        The row of an image that cannot be used is NaN, with a warning.
        """
        items, _ = _images.listed(images)
        features, without = self._inner.features(items)
        _notes.warn(_notes.skipped([(f"image {n}", reason) for n, reason in without]))
        return features

    def __repr__(self) -> str:
        return f"Extractor({self.backbone!r}, {self.num_features} features)"
