"""Notes of the library: warnings for `warnings`, talk for `logging`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable

from ._errors import FrostlineWarning

log = logging.getLogger("frostline")
log.addHandler(logging.NullHandler())


def warn(notes: Iterable[str]) -> None:
    """Issue a warning for each note, at the line that called the public function."""
    for note in notes:
        warnings.warn(note, FrostlineWarning, stacklevel=3)


def skipped(reasons: list[tuple[str, str]]) -> list[str]:
    """Return a note about images that could not be used, with the first of them."""
    if not reasons:
        return []
    shown = "; ".join(f"{name}: {reason}" for name, reason in reasons[:3])
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    images = "image" if len(reasons) == 1 else "images"
    return [f"{len(reasons)} {images} skipped: {shown}{more}"]
