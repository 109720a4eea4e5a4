"""Runs exported networks in Python and compares them with `frostline classify`, network by network.

    python scripts/check_exports.py BINARY DATA NETWORK... [--images 200] [--heads plain,calibrated,rejecting]
                                    [--inputs tensor,crop,pixels,matmul] [--work FOLDER]

BINARY is the program, FROSTLINE_HOME must be set up. DATA has a folder `train` and a folder `validation`,
each with a folder for each class. NETWORK is the name of an installed backbone, or an ONNX file with the
options of `models import` behind it, as one argument: "vit.onnx --pool cls --resize 32x32 --crop none". It
is imported into a copy of the home. Weights that a file generates by ConstantOfShape, as the `light_*`
networks of the package onnx do, make the features of all images equal; with `seeded:` before the file, they
are random numbers instead. Needs numpy, onnx, onnxruntime and pillow.

The validation images (`--images`: this many, evenly spaced) are decoded by Pillow and stored as PNG, so
that both sides see the same pixels; for `tensor` and `crop`, Pillow also resizes them. `onnx.checker` checks
each file with its shapes. The input `matmul` is `--input pixels --resize matmul`.

Prints a Markdown table. `equal` counts the labels that are those of `classify`, `near` the unequal ones
whose two highest probabilities are within 0.02 of each other, `unknown` the images that only one of the two
rejects, and `features` the different rows of features among the images: with 1, a network does not depend
on the image. Exits with 1 if a label or `unknown` differs, or a probability by more than 1e-5; for pixels,
if a label that is not near differs, or a probability by more than 0.02. Such rows end with `!`.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from PIL import Image, ImageOps

MARGIN = 0.02
# Near-duplicates are grouped in folds, and networks with random weights make all images near-duplicates.
CALIBRATED = ["--calibrate", "--near", "1"]
HEADS = {"plain": [], "calibrated": CALIBRATED, "rejecting": [*CALIBRATED, "--reject", "0.05"]}
INPUTS = {
    "tensor": ["--input", "tensor"],
    "crop": ["--input", "crop"],
    "pixels": ["--input", "pixels"],
    "matmul": ["--input", "pixels", "--resize", "matmul"],
}


def must(*args):
    """Runs a command, and returns what it prints."""
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"{args[0]} exits with {done.returncode}")
    return done.stdout


def with_seeded_weights(path, out):
    """Copies a network with random weights in place of generated ones."""
    model, random = onnx.load(path), np.random.default_rng(22)
    shapes = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}
    made = [n for n in model.graph.node if n.op_type == "ConstantOfShape" and n.input[0] in shapes]
    for node in made:
        shape = shapes[node.input[0]]
        values = random.uniform(0.5, 1.5, shape)  # biases, and the vectors of a batch norm
        if len(shape) > 1:
            values = random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        weight = numpy_helper.from_array(values.astype(np.float32), node.output[0])
        model.graph.initializer.append(weight)
        model.graph.node.remove(node)
    model.ir_version = max(model.ir_version, 4)  # weights that are not inputs
    onnx.save(model, out)
    return str(out)


def stored_pictures(folder, count, out):
    """Stores decoded images as PNG, and returns their paths."""
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    count = min(count, len(paths))
    for i in range(count):
        path = paths[i * len(paths) // count]
        to = out / path.parent.name / f"{path.stem}.png"
        to.parent.mkdir(parents=True, exist_ok=True)
        ImageOps.exif_transpose(Image.open(path)).convert("RGB").save(to)
    return sorted(out.glob("*/*.png"))


def cropped(image, settings):
    """Resizes and crops as torchvision does; smaller images get black around them."""
    resize, crop = settings["resize"], settings["crop"]
    if resize != "none":
        size = resize
        if not isinstance(resize, list):
            size = [resize * edge // min(image.size) for edge in image.size]
        kernel = getattr(Image.Resampling, settings["interpolation"].upper())
        # Since version 13, Pillow may start with the height; frostline always starts with the width.
        image = image.resize((size[0], image.height), kernel).resize(size, kernel)
    if crop == "none":
        return np.asarray(image)
    width, height = crop if isinstance(crop, list) else (crop, crop)
    is_even = settings.get("crop_rounding", "even") == "even"
    spare = image.width - width, image.height - height
    # torchvision halves what is missing downwards, and rounds half of what is cut off.
    left, top = ((round(n / 2) if n > 0 else -(-n // 2)) if is_even else n // 2 for n in spare)
    return np.asarray(image.crop((left, top, left + width, top + height)))


def taken(path, way, settings):
    """Returns an image as the network takes it, a batch of one."""
    image = Image.open(path)
    if way in ("pixels", "matmul"):
        return np.asarray(image)[None]
    pixels = cropped(image, settings)
    if way == "crop":
        return pixels[None]
    if settings["channels"] == "bgr":
        pixels = pixels[..., ::-1]
    mean, std = (np.array(settings[name], np.float32) for name in ("mean", "std"))
    values = (pixels.astype(np.float32) / np.float32(settings["scale"]) - mean) / std
    return (values if settings["layout"] == "nhwc" else values.transpose(2, 0, 1))[None]


def compare(model, way, expected):
    """Runs a network on all images, and returns the cells of a row and whether they are as they should be."""
    onnx.checker.check_model(str(model), full_check=True)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    settings, classes = tomllib.loads(metadata["backbone"])["preprocessing"], json.loads(metadata["classes"])
    start, batch = session.get_inputs()[0], session.get_inputs()[0].shape[0]
    names = [output.name for output in session.get_outputs()]
    equal, near, other, largest, features = 0, 0, 0, 0.0, set()
    for path, said in expected:
        values = taken(path, way, settings)
        values = np.repeat(values, batch, axis=0) if isinstance(batch, int) else values
        outputs = {name: out[0] for name, out in zip(names, session.run(None, {start.name: values}))}
        found, theirs = outputs["probabilities"], np.array([said[f"p_{name}"] for name in classes])
        is_equal = found.argmax() == theirs.argmax()
        equal += is_equal
        near += not is_equal and np.ptp(np.sort(theirs)[-2:]) <= MARGIN
        other += bool(outputs.get("unknown", said["label"] == "unknown")) != (said["label"] == "unknown")
        difference = np.abs(found - theirs).max()
        largest = max(largest, np.inf if np.isnan(difference) else difference)
        features.add(outputs["features"].tobytes())
    unequal = len(expected) - equal
    if way in ("pixels", "matmul"):
        is_good = unequal == near and largest <= MARGIN
    else:
        is_good = unequal == other == 0 and largest <= 1e-5
    return [f"{equal} of {len(expected)}", near, other, f"{largest:.1e}", len(features)], is_good


def row(title, kind, way, cells, is_good):
    """Prints a row, and returns whether it is as it should be."""
    cells = [title, kind, way, *cells, "" if is_good else "!"]
    print("| " + " | ".join(" ".join(str(cell).split()) for cell in cells) + " |", flush=True)
    return is_good


def installed(binary, network, place):
    """Installs a network if it is a file, and returns its title and its name."""
    file, *options = shlex.split(network)
    if not file.endswith(".onnx"):
        return file, file
    path = file.removeprefix("seeded:")
    title = " ".join([Path(path).stem, *options])
    if path != file:
        title += " (seeded)"
        path = with_seeded_weights(path, place.with_suffix(".seeded.onnx"))
    must(binary, "models", "import", path, "--name", place.name, "--replace", *options)
    return title, place.name


def check_network(args, network, place, paths):
    """Checks one network with every head and input, and returns whether all is as it should be."""
    binary, are_good = args.binary.resolve(), True
    store, head, model = (place.with_suffix(end) for end in (".store", ".head", ".onnx"))
    try:
        title, backbone = installed(binary, network, place)
        must(binary, "extract", args.data / "train", "-o", store, "--backbone", backbone)
    except RuntimeError as error:
        return row(network, "", "", [error], False)
    for kind in args.heads.split(","):
        rejects = ["--with-rejection"] if kind == "rejecting" else []
        try:
            must(binary, "fit-head", store, "-o", head, "--overwrite", "--solver", "lbfgs", *HEADS[kind])
            said = must(binary, "classify", "--head", head, "--format", "jsonl", *paths).splitlines()
        except RuntimeError as error:
            are_good = row(title, kind, "", [error], False)
            continue
        expected = list(zip(paths, map(json.loads, said), strict=True))
        for way in args.inputs.split(","):
            options = ["--outputs", "all", *INPUTS[way], *rejects]
            try:
                must(binary, "export", "--head", head, "-o", model, *options)
                cells, is_good = compare(model, way, expected)
            except (RuntimeError, onnx.checker.ValidationError) as error:
                cells, is_good = [error], False
            are_good &= row(title, kind, way, cells, is_good)
    return are_good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--heads", default="plain,calibrated,rejecting")
    parser.add_argument("--inputs", default="tensor,crop,pixels,matmul")
    parser.add_argument("--work", type=Path, help="folder for all files, which stays")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        work = (args.work or Path(temporary)).resolve()
        home = work / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("models", "runtime"):
            shutil.copytree(Path(os.environ["FROSTLINE_HOME"]) / name, home / name, dirs_exist_ok=True)
        os.environ["FROSTLINE_HOME"] = str(home)
        paths = stored_pictures(args.data / "validation", args.images, work / "images")
        print("| network | head | input | equal | near | unknown | Δp | features | |\n" + "|---" * 9 + "|")
        are_good = True
        for i, network in enumerate(args.networks):
            are_good &= check_network(args, network, work / f"checked-{i}", paths)
    sys.exit(0 if are_good else 1)


if __name__ == "__main__":
    main()
