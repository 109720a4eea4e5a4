"""The exceptions: one class for each kind of the library's errors."""

from __future__ import annotations

import errno as _errno
from typing import Any


class FrostlineWarning(UserWarning):
    """Something to know about a result that is not wrong as such."""


class Error(Exception):
    """Any error of frostline. The message names the operation, the object and the cause."""


class IoError(Error, OSError):
    """A file or folder cannot be read or written; `errno` and `filename` say why and which."""

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> Any:
        return make, (type(self).__name__, str(self), self.errno, self.filename)


class MissingFileError(IoError, FileNotFoundError):
    """A file or folder does not exist."""


class FileError(Error, ValueError):
    """A file is truncated, damaged, too new or of another format."""


class ImagesError(Error, ValueError):
    """Images cannot be found or prepared."""


class InputError(Error, ValueError, TypeError):
    """An object is no image, or an array has a type or a shape that cannot be used."""


class MissingImagesError(ImagesError, MissingFileError):
    """A file or folder of images does not exist."""


class BackboneError(Error):
    """A network cannot be used as a backbone."""


class OnnxRuntimeError(BackboneError):
    """ONNX Runtime or a device is missing or cannot be used."""


class FeaturesError(Error):
    """A feature store cannot be used or written."""


class MissingStoreError(FeaturesError, MissingFileError):
    """A feature store does not exist."""


class HeadError(Error, ValueError):
    """A head cannot be fitted, read, written or used."""


class TaskError(Error, ValueError):
    """The inputs of a function do not match, or its output cannot be written."""


class ExportError(Error):
    """A head cannot be exported."""


class ParameterError(Error, ValueError):
    """A keyword has a value that is not allowed."""


class ParameterTypeError(ParameterError, TypeError):
    """A keyword has a value of a type that is not allowed."""


class LockedError(Error):
    """Another process is writing to a store or file."""


class ThreadError(Error):
    """The system gives no more threads."""


class StrictError(Error):
    """An image could not be used although `strict` is set."""


def make(kind: str, text: str, number: int | None, path: object) -> Error:
    """Return the exception of a kind, with the system's error number and the path if there are any."""
    if kind == "IoError" and number == _errno.ENOENT:
        kind = "MissingFileError"
    made: Error = globals()[kind](text)
    if number is not None:
        made.errno = number  # type: ignore[attr-defined]
    if path is not None:
        made.filename = str(path)  # type: ignore[attr-defined]
    return made
