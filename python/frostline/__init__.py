"""Train image classifiers in seconds on frozen features: the Python package of frostline.

Every keyword has the name and the default of the option of the program's command.
"""

import os as _os

# ONNX Runtime uploads usage data from version 1.29 on, unless this is set before it is loaded.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

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
    OnnxRuntimeError,
    ParameterError,
    StrictError,
    TaskError,
    ThreadError,
)
from ._extractor import Extractor
from ._frostline import __version__
from ._head import Head, fit_head
from ._store import FeatureStore, extract
from ._tasks import evaluate, export, inspect, report

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
    "OnnxRuntimeError",
    "ParameterError",
    "Prediction",
    "StrictError",
    "TaskError",
    "ThreadError",
    "__version__",
    "evaluate",
    "export",
    "extract",
    "fit_head",
    "inspect",
    "report",
]
