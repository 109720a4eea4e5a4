"""Writes all network files of PyTorch, checks them against PyTorch and describes them in README.md."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

from . import by_torch, formula, readme, table, variants
from . import tiny as small
from .tiny import DYNAMO, TORCHSCRIPT

CLOSE = 1e-4
ONE_PICTURE = 1


def feeds(tiny):
    args, names = by_torch.arguments(tiny, formula.PICTURES)
    return {name: value.numpy() for name, value in zip(names, args)}


def by_pytorch(tiny):
    """Returns all outputs of a file as PyTorch computes them."""
    args, _ = by_torch.arguments(tiny, formula.PICTURES)
    model = small.Pair(tiny.model) if tiny.text else tiny.model
    with torch.no_grad():
        found = model(*args)
    if isinstance(found, torch.Tensor):
        return {tiny.outputs[0]: found.numpy()}
    if isinstance(found, dict):
        return {name: value.numpy() for name, value in found.items() if isinstance(value, torch.Tensor)}
    return {name: value.numpy() for name, value in zip(tiny.outputs, found)}


def outputs(model, tiny, batch):
    """Returns the outputs for the 8 pictures, for one picture at a time where the batch is 1."""
    given = feeds(tiny)
    if batch != ONE_PICTURE:
        return table.run(model, given)
    images = given["pixel_values"]
    rows = [table.run(model, {**given, "pixel_values": images[i : i + 1]}) for i in range(len(images))]
    by_text = {"logits_per_text": 1, "text_embeds": None}
    joined = {}
    for name in rows[0]:
        axis = by_text.get(name, 0)
        joined[name] = rows[0][name] if axis is None else np.concatenate([row[name] for row in rows], axis)
    return joined


def largest_difference(model, tiny, batch):
    wanted, found = by_pytorch(tiny), outputs(model, tiny, batch)
    return max(float(np.abs(found[name] - wanted[name]).max()) for name in found)


def entry(path, network, exporter, batch, difference):
    model = onnx.load(path)
    return {
        "file": path.name,
        "network": network,
        "exporter": exporter,
        "batch": batch,
        "opset": next(o.version for o in model.opset_import if not o.domain),
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "inputs": [[value.name, table.shape_of(value)] for value in model.graph.input],
        "outputs": [[value.name, table.shape_of(value)] for value in model.graph.output],
        "largest_difference": float(f"{difference:.1e}"),
    }


class Writer:
    """Collects the entries, tensors and table rows while the files are written."""

    def __init__(self, out):
        self.out, self.entries, self.failed, self.rows, self.tensors = out, [], [], [], {}

    def add(self, name, network, tiny, exporter, batch, make, quantised=False):
        path = self.out / f"{name}.onnx"
        try:
            make(path)
        except Exception as error:
            gc.collect()
            path.unlink(missing_ok=True)
            row = {"network": network, "exporter": exporter, "batch": batch, "error": reason(error)}
            self.failed.append(row)
            return
        model = onnx.load(path)
        difference = largest_difference(model, tiny, batch)
        assert quantised or difference < CLOSE, (name, difference)
        row = entry(path, network, exporter, batch, difference)
        if quantised:
            row["tensors"] = name
            self.tensors.update({f"{name}.{key}": value for key, value in quantised_outputs(model, tiny)})
        self.entries.append(row)
        self.rows.append(readme.row(path, model, row, twin(tiny, exporter, batch), feeds(tiny)))
        print(name, path.stat().st_size, f"{difference:.1e}", flush=True)

    def exported(self, name, network, tiny, exporter, batch, **options):
        def make(path):
            by_torch.export(tiny, exporter, batch, path, **options)

        self.add(name, network, tiny, exporter, batch, make)


def reason(error):
    """Returns the innermost cause of an exporter's error, on one line."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return f"{type(cause).__name__}: " + " ".join(str(cause).split())[:160]


def twin(tiny, exporter, batch):
    """Returns the export for a batch of 2 of a network with a batch of 1, to see what differs."""
    if batch != ONE_PICTURE:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "two.onnx"
        by_torch.export(tiny, exporter, 2, path)
        return onnx.load(path)


def quantised_outputs(model, tiny):
    """Returns all outputs and the class token, one picture at a time: the scales depend on the batch."""
    (node,), _ = table.pooling(model)
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.output.append(onnx.helper.make_empty_tensor_value_info(node.output[0]))
    found = outputs(whole, tiny, ONE_PICTURE)
    found["cls"] = found.pop(node.output[0])
    return found.items()


def write(out):
    """Writes the files and README.md; returns the content of networks.json and the tensors."""
    torch.set_num_threads(1)
    tinies = small.networks()
    writer = Writer(out)
    for name, tiny in tinies.items():
        for exporter, batch in tiny.ways:
            label = f"{name}_{exporter}_{'free' if batch is None else batch}"
            writer.exported(label, name, tiny, exporter, batch)
    further(writer, tinies)
    features = {name: small.expected(tiny) for name, tiny in tinies.items()}
    writer.tensors.update(formula.flat(features))
    readme.write(out, writer.rows, writer.failed)
    described = {
        name: {
            "edge": tiny.edge,
            "pictures": formula.all_described(tiny.edge),
            "features": sorted(features[name]),
        }
        for name, tiny in tinies.items()
    }
    content = {
        "networks": described,
        "input_ids": small.words().tolist(),
        "files": writer.entries,
        "failed": writer.failed,
    }
    return content, writer.tensors


def further(writer, tinies):
    """Writes the files of other tools, made from one network each."""
    vit, clip, vision = tinies["vit"], tinies["clip"], tinies["clip_vision"]
    source = writer.out / "vit_torchscript_free.onnx"
    images = small.pictures(vit.edge)
    writer.exported("vit_opset14", "vit", vit, TORCHSCRIPT, None, opset=14)
    writer.exported("vit_external", "vit", vit, DYNAMO, None, external=True)
    optimizer, quantizer = "onnxruntime.transformers", "onnxruntime.quantization"
    image, pair = "image-classification", "zero-shot-image-classification"
    files = [
        ("vit_optimum", "vit", "optimum", lambda path: by_torch.by_optimum(vit, image, path)),
        ("clip_optimum", "clip", "optimum", lambda path: by_torch.by_optimum(clip, pair, path)),
        ("vit_optimised", "vit", optimizer, lambda path: variants.optimised(vit, "vit", path)),
        ("vit_multihead", "vit", optimizer, lambda path: variants.optimised(vit, "mmdit", path)),
        (
            "clip_vision_optimised",
            "clip_vision",
            optimizer,
            lambda path: variants.optimised(vision, "clip", path),
        ),
        ("vit_condition", "vit", TORCHSCRIPT, lambda path: variants.with_condition(vit, path)),
        ("vit_functions", "vit", "onnx.helper", lambda path: variants.with_functions(source, path)),
    ]
    for name, network, exporter, make in files:
        writer.add(name, network, tinies[network], exporter, None, make)
    quantised = [
        ("vit_quantised_dynamic", lambda path: variants.quantised_dynamic(source, path)),
        ("vit_quantised_static", lambda path: variants.quantised_static(source, path, images)),
    ]
    for name, make in quantised:
        writer.add(name, "vit", vit, quantizer, None, make, quantised=True)
