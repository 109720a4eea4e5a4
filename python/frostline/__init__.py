"""Train image classifiers in seconds on frozen features: the Python package of frostline.

Every keyword has the name and the default of the option of the program's command.
"""

import os as _os
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# ONNX Runtime uploads usage data from version 1.29 on, unless this is set before it is loaded.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from . import _optional
from ._classifier import Classifier, Prediction
from ._errors import (
    BackboneError,
    Error,
    ExportError,
    FeaturesError,
    FileError,
    FrostlineWarning,
    HeadError,
    ImagesError,
    InputError,
    IoError,
    LockedError,
    MissingFileError,
    MissingImagesError,
    MissingStoreError,
    OnnxRuntimeError,
    ParameterError,
    ParameterTypeError,
    StrictError,
    TaskError,
    ThreadError,
)
from ._extractor import Extractor
from ._frostline import __version__
from ._head import Head, fit_head
from ._store import FeatureStore, extract
from ._tasks import evaluate, export, inspect, report
from ._worker import Worker

if _TYPE_CHECKING:
    from . import ray as ray
    from . import spark as spark
    from ._sklearn import FeatureExtractor as FeatureExtractor
    from ._sklearn import SoftmaxClassifier as SoftmaxClassifier

__all__ = [
    "BackboneError",
    "Classifier",
    "Error",
    "ExportError",
    "Extractor",
    "FeatureStore",
    "FeaturesError",
    "FileError",
    "FrostlineWarning",
    "Head",
    "HeadError",
    "ImagesError",
    "InputError",
    "IoError",
    "LockedError",
    "MissingFileError",
    "MissingImagesError",
    "MissingStoreError",
    "OnnxRuntimeError",
    "ParameterError",
    "ParameterTypeError",
    "Prediction",
    "StrictError",
    "TaskError",
    "ThreadError",
    "Worker",
    "__version__",
    "evaluate",
    "export",
    "extract",
    "fit_head",
    "inspect",
    "report",
]

# Estimators: their module imports scikit-learn, which is optional and slow to import. They are not in `__all__`, which
# would import it for `from frostline import *`.
_ESTIMATORS = ("FeatureExtractor", "SoftmaxClassifier")


def __getattr__(name: str) -> _Any:
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import _sklearn
    except ImportError as error:
        return _optional.stand_in(name, error)
    return getattr(_sklearn, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS])
