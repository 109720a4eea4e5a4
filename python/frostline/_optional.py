"""Packages that frostline uses if they are installed."""

from __future__ import annotations

import importlib
from typing import Any


def package(name: str, user: str) -> Any:
    """Import a package, or say how it is installed; `user` is what needs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise missing(user, name.partition(".")[0], "all", error) from error


def missing(user: str, name: str, extra: str, error: ImportError) -> ImportError:
    """Return the error that a package is missing or too old, with the extra that has it."""
    return ImportError(f"{user} needs {name} ({error}); run `pip install 'frostline[{extra}]'`", name=name)


def stand_in(name: str, error: ImportError) -> type:
    """Return a class in the place of one that needs a missing package: an error when it is called.

    So `help` and `hasattr` work, and `from frostline import …` ends with the hint and not with that the name is
    unknown.
    """

    def init(self: Any, *args: Any, **keywords: Any) -> None:
        raise ImportError(str(error), name=error.name)

    return type(name, (), {"__init__": init, "__doc__": str(error), "__module__": "frostline"})
