"""Writes small ONNX networks made by the exporters in use, and the features that their frameworks compute.

    python scripts/reference_networks.py networks|processors|keras [--out tests/golden/exports]

Run by hand, like reference.py. `networks` and `processors` need torch, torchvision, transformers below 5,
timm, onnx, onnxscript, onnxruntime, optimum-onnx, safetensors and pillow; `keras` needs keras,
tensorflow-cpu, tf2onnx, onnxruntime and safetensors, in a second environment. Nothing is downloaded: all
weights come from the generator in networks.py, for Keras from NumPy's. Each part writes a JSON file with
`about` and `versions`, and next to it a file of float32 tensors, NAME.safetensors.

The input of the networks is 8 pictures, by the formula of reference.py, of seeds 0 to 7 with the edge that
networks.json gives, as (byte / 255 - 0.5) / 0.5. Keras's network with a Rescaling layer takes the bytes as
float32, channels last; the other takes byte / 127.5 - 1.

networks.json, networks.safetensors
-----------------------------------
- `networks`: by name: {`edge`, `pictures`: as in reference.py, `features`: names of its tensors}. The tensor
  `NETWORK.FEATURE` has a row for each picture:
  - `cls`: the class token after the last normalisation; `mean`: the mean of the tokens of the patches
    (without class token and registers), or of the places of the map; `cls_mean`: both, concatenated;
  - `raw_cls`, `raw_mean`, `raw_cls_mean`: the same of `last_hidden_state` where it is not normalised (CLIP);
  - `pooled`: `pooler_output`, or timm's input of the classifier; `image_embeds`: after the projection, of
    length 1 only for a network of both encoders; `logits`.
- `input_ids`: the tokens of the two texts that the networks of both encoders get, all attended to.
- `files`: {`file`, `network`, `exporter`, `batch`: 1 or null (free), `opset`, `producer`, `inputs` and
  `outputs`: lists of [name, shape], `largest_difference`: of any output from PyTorch's}. The quantised files
  also have `tensors`: the prefix of their own tensors, which are every output and, as `cls`, the class token
  before the classifier, computed by ONNX Runtime for one picture at a time.
- `failed`: the exports that the exporter itself refuses: {`network`, `exporter`, `batch`, `error`}.

The weights of vit_external.onnx are in vit_external.onnx.data, which PyTorch's exporter writes by default.
README.md describes each file's graph.

processors.json, processors.safetensors
---------------------------------------
- `pictures`: as in reference.py; `cases`: {`file`: transformers' preprocessor_config.json or timm's
  config.json, `picture`: index, `shape`: of the result, `tensors`: a prefix}.
- The tensor `PREFIX.blocks`, (3, rows, columns), has the means of blocks of 16 x 16 values; `PREFIX.singles`
  has the values at the places i * 2654435761 % 2**32 % size, i = 0..199, of the flat result.

transformers' processors are those that use Pillow.

keras.json, keras.safetensors
-----------------------------
- `networks`: by name, as above; the features are `pooled`, the input of the classifier, and `probabilities`.
"""

import argparse
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

from safetensors.numpy import save

from exporters import formula

TORCH_PACKAGES = """torch torchvision transformers timm onnx onnxscript onnxruntime optimum optimum-onnx numpy
pillow""".split()
KERAS_PACKAGES = "keras tensorflow-cpu tf2onnx onnx onnxruntime numpy".split()


def versions(packages):
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}


def rendered(value):
    """Returns JSON in which the innermost lists stay on one line."""
    text = json.dumps(value, indent=1, allow_nan=False)
    innermost = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")
    return innermost.sub(lambda found: "[" + re.sub(r",\s+", ", ", found[1]) + "]", text) + "\n"


def write(out, name, content, tensors):
    (out / f"{name}.json").write_text(rendered(content), encoding="utf-8")
    (out / f"{name}.safetensors").write_bytes(save(dict(sorted(tensors.items()))))


def networks(out):
    from exporters import files

    content, tensors = files.write(out)
    about = "networks of transformers and timm with generated weights, by scripts/reference_networks.py"
    write(out, "networks", {"about": about, "versions": versions(TORCH_PACKAGES), **content}, tensors)


def processors(out):
    from exporters import processors

    content, tensors = processors.write(out / "processors", rendered)
    about = "results of image processors, by scripts/reference_networks.py"
    write(out, "processors", {"about": about, "versions": versions(TORCH_PACKAGES), **content}, tensors)


def keras(out):
    from exporters import by_keras

    found = by_keras.write(out)
    content = {
        "about": "Keras networks through tf2onnx, by scripts/reference_networks.py",
        "versions": versions(KERAS_PACKAGES),
        "networks": {
            name: {
                "edge": by_keras.EDGE,
                "pictures": formula.all_described(by_keras.EDGE),
                "features": sorted(features),
            }
            for name, features in found.items()
        },
    }
    write(out, "keras", content, formula.flat(found))


def main():
    parts = {"networks": networks, "processors": processors, "keras": keras}
    parser = argparse.ArgumentParser(description="Writes networks of the exporters in use.")
    parser.add_argument("part", choices=parts)
    place = Path("tests/golden/exports")
    parser.add_argument("--out", type=Path, default=place, help="the folder to write to")
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    options.out.mkdir(parents=True, exist_ok=True)
    parts[options.part](options.out)


if __name__ == "__main__":
    main()
