"""Images as the extension module takes them: paths, the bytes of files, and arrays of 8-bit RGB."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import InputError

if TYPE_CHECKING:
    from typing import Union

    from PIL.Image import Image as _PilImage

    ImageLike = Union[str, os.PathLike[str], bytes, bytearray, memoryview, np.ndarray, _PilImage]


def listed(images: Any) -> tuple[list[Any], bool]:
    """Return a list of images, and whether a single image was given."""
    if isinstance(images, np.ndarray):
        if images.ndim == 4:
            return list(images), False
        if images.dtype.kind in "OUS" and images.ndim == 1:
            return images.tolist(), False
        return [images], True
    if isinstance(images, (str, os.PathLike, bytes, bytearray, memoryview)) or _is_pil(images):
        return [images], True
    if isinstance(images, Iterable):
        return list(images), False
    return [images], True


def plain(image: Any, number: int) -> str | bytes | np.ndarray:
    """Return a path, bytes or an array with the pixels of an image of another type."""
    if isinstance(image, os.PathLike):
        path = os.fspath(image)
        return os.fsdecode(path)
    if isinstance(image, (bytearray, memoryview)):
        return bytes(image)
    if _is_pil(image):
        return _pixels(image)
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return np.asarray(image)
    raise InputError(
        f"image {number} is of the type {type(image).__name__}; an image is a path, the bytes of a file, a "
        "PIL image, or an array of uint8 with the shape (height, width, 3)"
    )


def _is_pil(image: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _pixels(image: _PilImage) -> bytes | np.ndarray:
    """Return the upright pixels as an array, or as a PNG file.

    Transparency, palettes and 16 bits are left to frostline's decoder.
    """
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode == "RGB" and "transparency" not in upright.info:
        return np.asarray(upright)
    if upright.mode in ("CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        return np.asarray(upright.convert("RGB"))
    if upright.mode in ("La", "RGBa"):
        upright = upright.convert(upright.mode.upper())
    if upright.mode == "F":
        raise InputError("a PIL image of mode F has no scale; convert it to L or RGB")
    file = io.BytesIO()
    upright.save(file, "PNG", compress_level=1)
    return file.getvalue()
