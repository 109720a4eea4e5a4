"""Images as the extension module takes them: paths, the bytes of files, and arrays of 8-bit RGB."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._errors import InputError

if TYPE_CHECKING:
    from typing import Union

    from PIL.Image import Image as _PilImage

    ImageLike = Union[str, os.PathLike[str], bytes, bytearray, memoryview, IO[bytes], np.ndarray, _PilImage]


class Unusable(NamedTuple):
    """An image without pixels; the reason is a predicate."""

    reason: str


def listed(images: Any) -> tuple[list[Any], bool]:
    """Return a list of images, and whether a single image was given."""
    if isinstance(images, np.ndarray):
        if images.ndim == 4:
            return list(images), False
        if images.dtype.kind in "OUS" and images.ndim == 1:
            return images.tolist(), False
        return [images], True
    if isinstance(images, (str, os.PathLike, bytes, bytearray, memoryview)) or _is_pil(images) or _is_file(images):
        return [images], True
    if isinstance(images, Mapping) or hasattr(images, "columns"):
        raise InputError(
            f"the images are a {type(images).__name__}; give one of its columns, such as `table[\"path\"]`, or a list"
        )
    if isinstance(images, Iterable):
        return list(images), False
    return [images], True


def plain(image: Any, number: int) -> str | bytes | np.ndarray | Unusable:
    """Return a path, bytes or an array with the pixels of an image of another type."""
    if isinstance(image, os.PathLike):
        path = os.fspath(image)
        return os.fsdecode(path)
    if isinstance(image, (bytearray, memoryview)):
        return bytes(image)
    if _is_pil(image):
        try:
            return _pixels(image)
        except Exception as error:  # Pillow's own errors have no common class.
            return Unusable(f"cannot be decoded by Pillow: {error or type(error).__name__}")
    if _is_file(image):
        return _content(image, number)
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return np.asarray(image)
    raise InputError(
        f"image {number} is of the type {type(image).__name__}; an image is a path, the bytes of a file, a file "
        "open for reading bytes, a PIL image, or an array of uint8 with the shape (height, width, 3)"
    )


def _is_pil(image: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _is_file(image: Any) -> bool:
    return callable(getattr(image, "read", None))


def _content(file: Any, number: int) -> bytes | Unusable:
    """Return the content of an open file, from its start if it has one, as Pillow does."""
    try:
        if file.seekable():
            file.seek(0)
        content = file.read()
    except (OSError, ValueError) as error:  # `ValueError`: the file is closed.
        return Unusable(f"cannot be read: {error}")
    if not isinstance(content, bytes):
        raise InputError(f"image {number} is a file that is open as text; open it for reading bytes (\"rb\")")
    return content


def _pixels(image: _PilImage) -> bytes | np.ndarray | Unusable:
    """Return the upright pixels as an array, or as a PNG file.

    Transparency, palettes and 16 bits are left to frostline's decoder.
    """
    from PIL import Image, ImageOps

    if not all(image.size):
        return Unusable("has no pixels ({} × {})".format(*image.size))
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "RGB" and "transparency" not in upright.info:
        return np.asarray(upright)
    if upright.mode in ("CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        return np.asarray(upright.convert("RGB"))
    if upright.mode in ("La", "RGBa"):
        upright = upright.convert(upright.mode.upper())
    elif upright.mode == "PA":
        upright = upright.convert("RGBA")
    elif upright.mode in ("I", "I;16L", "I;16B", "I;16N"):
        values = np.asarray(upright)
        if values.min() < 0 or values.max() > 65535:
            return Unusable("is a PIL image of mode I with values outside of 0 to 65535; convert it to L or RGB")
        grey = Image.fromarray(values.astype(np.uint16))
        grey.info, upright = upright.info, grey
    elif upright.mode == "F":
        return Unusable("is a PIL image of mode F, which has no scale; convert it to L or RGB")
    file = io.BytesIO()
    upright.save(file, "PNG", compress_level=1)
    return file.getvalue()
