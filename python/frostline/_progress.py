"""Progress bars by tqdm, where it is installed."""

from __future__ import annotations

import sys
from typing import Protocol

from . import _optional
from ._errors import ParameterTypeError


class Progress(Protocol):
    """Receives the progress of a long function."""

    def begin(self, what: str, total: int) -> None:
        """Start a stage of `total` steps, or 0 if their number is not known. `what` is a plural noun."""

    def advance(self, steps: int) -> None:
        """Record that `steps` more steps are done."""

    def end(self) -> None:
        """End the stage."""


class _Bar:
    def __init__(self, tqdm: type, disable: bool) -> None:
        self._tqdm = tqdm
        self._disable = disable
        self._bar = None

    def begin(self, what: str, total: int) -> None:
        self.end()
        self._bar = self._tqdm(total=total or None, unit=f" {what}", disable=self._disable, leave=False)

    def advance(self, steps: int) -> None:
        if self._bar is not None:
            self._bar.update(steps)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def of(progress: bool | Progress | None) -> Progress | None:
    """Return what receives the progress: by default a bar in terminals and notebooks."""
    if progress is False:
        return None
    if progress is not None and progress is not True:
        if not all(callable(getattr(progress, name, None)) for name in ("begin", "advance", "end")):
            raise ParameterTypeError(
                f"`progress` is {progress!r:.60}, but must be True, False, None or an object with the methods begin, "
                "advance and end"
            )
        return progress
    try:
        tqdm = _optional.package("tqdm.auto", "a progress bar").tqdm
    except ImportError:
        if progress is None:
            return None
        raise
    in_notebook = "ipykernel" in sys.modules
    shows = progress is True or in_notebook or (sys.stderr is not None and sys.stderr.isatty())
    return _Bar(tqdm, disable=not shows) if shows else None
