"""Exports networks with PyTorch's two exporters and with optimum, and cleans the files."""

import tempfile
import warnings
from pathlib import Path
from unittest import mock

import onnx
import torch

from . import tiny as small
from .tiny import TORCHSCRIPT


def arguments(tiny, batch):
    """Returns example inputs and their names for a batch of this many pictures."""
    images = small.pictures(tiny.edge)[:batch]
    if not tiny.text:
        return (images,), ["pixel_values"]
    words = small.words()
    return (words, images, torch.ones_like(words)), ["input_ids", "pixel_values", "attention_mask"]


def axes(tiny, names):
    """Returns the free dimensions of each input."""
    text = {0: "text_batch"}
    return {name: {0: "batch"} if name == "pixel_values" else text for name in names}


def export(tiny, exporter, batch, path, opset=None, external=False):
    """Writes the network; `batch` None leaves the number of pictures free, otherwise it is fixed."""
    args, names = arguments(tiny, 2 if batch is None else batch)
    model = small.Pair(tiny.model).eval() if tiny.text else tiny.model
    options = {"input_names": names, "output_names": tiny.outputs, "opset_version": opset}
    free = axes(tiny, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == TORCHSCRIPT:
            if batch is None:
                images = {name: {0: "batch"} for name in tiny.outputs}
                options["dynamic_axes"] = {**free, **images}
            with without_antialias():
                torch.onnx.export(model, args, str(path), dynamo=False, **options)
        else:
            if batch is None:
                options["dynamic_shapes"] = tuple(free.values())
            torch.onnx.export(
                model, args, str(path), dynamo=True, external_data=external, verbose=False, **options
            )
    clean(path)


def without_antialias():
    """Lets TorchScript export DINOv2 with registers, which enlarges its positions with antialiasing.

    The exporter refuses that operation. Positions of the same size, as here, stay as they are either way.
    """
    interpolate = torch.nn.functional.interpolate

    def plain(*args, **options):
        return interpolate(*args, **{**options, "antialias": False})

    return mock.patch.object(torch.nn.functional, "interpolate", plain)


def by_optimum(tiny, task, path):
    """Writes the network with optimum's command-line exporter, as the published files are made."""
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        tiny.model.save_pretrained(source)
        main_export(str(source), made, task=task, do_validation=False, no_post_process=True)
        path.write_bytes((made / "model.onnx").read_bytes())
    clean(path)


def clean(path):
    """Removes the stack traces that the exporters store, which hold paths of this machine."""
    model = onnx.load(path, load_external_data=False)
    save(model, path)


def save(model, path):
    for graph in [model.graph, *model.functions]:
        clean_graph(graph)
    onnx.save(model, path)


def clean_graph(graph):
    graph.doc_string = ""
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                clean_graph(attribute.g)
    for value in [*graph.value_info, *getattr(graph, "initializer", [])]:
        del value.metadata_props[:]
