"""What a classifier and an extractor share: they are pickled without the network of this process."""

from __future__ import annotations

from typing import Any


class WithoutInner:
    """Pickles everything except the object of the extension module, `_inner`, which is created again."""

    _inner: Any

    def _create(self) -> None:
        """Create `_inner` from the other attributes."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_inner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._create()
