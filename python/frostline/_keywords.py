"""Arguments as the extension module takes them: keywords in a dictionary, paths as text."""

from __future__ import annotations

import os
from typing import Any

from ._errors import ParameterError, ParameterTypeError


def of(scope: dict[str, Any], *others: str) -> dict[str, Any]:
    """Return the arguments of a function, whose `locals()` these are, except `others`."""
    return {name: value for name, value in scope.items() if name not in others}


def path(name: str, value: Any) -> str:
    """Return an argument that is a path as text."""
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise ParameterTypeError(
            f"`{name}` is {value!r:.60}, but must be a path (str or os.PathLike)"
        ) from None
    if not text:
        raise ParameterError(f"`{name}` is empty, but must be a path")
    return text
