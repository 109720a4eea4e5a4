"""Makes further files from an exported one: quantised, optimised, with a condition, with local functions."""

import tempfile
from pathlib import Path

import onnx
import torch
from onnx import helper
from onnxruntime import quantization as ort
from onnxruntime.transformers import optimizer

from . import by_torch
from . import tiny as small


class Pictures(ort.CalibrationDataReader):
    """Hands out the pictures one by one."""

    def __init__(self, images):
        self.rows = iter(images.numpy())

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"pixel_values": row[None]}


def prepared(source, folder):
    """Writes the network with shapes inferred, as ONNX Runtime's guide asks for before quantisation."""
    path = Path(folder) / "prepared.onnx"
    ort.quant_pre_process(str(source), str(path), skip_symbolic_shape=True)
    return path


def quantised_dynamic(source, path):
    ort.quantize_dynamic(str(source), str(path), weight_type=ort.QuantType.QInt8)
    by_torch.clean(path)


def quantised_static(source, path, images):
    with tempfile.TemporaryDirectory() as folder:
        ort.quantize_static(
            str(prepared(source, folder)),
            str(path),
            Pictures(images),
            quant_format=ort.QuantFormat.QDQ,
            per_channel=True,
        )
    by_torch.clean(path)


def optimised(tiny, kind, path):
    """Fuses nodes of an export with eager attention into nodes of Microsoft's domain, in float32.

    The attention of ViT is recognised by the rules for "mmdit" alone, that of CLIP by those for "clip"; the
    attention that PyTorch exports by default, "sdpa", by none.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "eager.onnx"
        tiny.model.set_attn_implementation("eager")
        by_torch.export(tiny, by_torch.TORCHSCRIPT, None, source)
        tiny.model.set_attn_implementation("sdpa")
        model = optimizer.optimize_model(
            str(source), model_type=kind, num_heads=2, hidden_size=small.WIDTH, opt_level=0
        )
    by_torch.save(model.model, path)


# --- a condition


@torch.jit.script_if_tracing
def conditional_linear(first, weight, bias):
    if bool(first.abs().sum() > 0.0):
        found = torch.nn.functional.linear(first, weight, bias)
    else:
        found = torch.zeros([first.shape[0], weight.shape[0]])
    return found


class Conditional(torch.nn.Module):
    """A ViT whose classifier stands in a condition that the exporter cannot decide."""

    def __init__(self, model):
        super().__init__()
        self.vit, self.classifier = model.vit, model.classifier

    def forward(self, pixel_values):
        first = self.vit(pixel_values).last_hidden_state[:, 0]
        return conditional_linear(first, self.classifier.weight, self.classifier.bias)


def with_condition(tiny, path):
    wrapped = small.Tiny(Conditional(tiny.model).eval(), tiny.outputs, tiny.features)
    by_torch.export(wrapped, by_torch.TORCHSCRIPT, None, path)


# --- local functions

MODULES = "transformers.models.vit.modeling_vit"


def with_functions(source, path):
    """Moves each layer of a TorchScript export into a local function, and its activation into another.

    PyTorch's option `export_modules_as_functions`, which wrote such files, no longer exists.
    """
    model = onnx.load(source)
    opset = list(model.opset_import)
    nodes = list(model.graph.node)
    outputs = {value.name for value in model.graph.output}
    for layer in ("layer.0", "layer.1"):
        inner = [node for node in nodes if f"/{layer}/" in node.name]
        activation = [node for node in inner if "/intermediate_act_fn/" in node.name]
        made, call = moved(activation, inner, set(), "GELUActivation." + layer, opset)
        model.functions.append(made)
        inner = replaced(inner, activation, call)
        whole = [node for node in nodes if f"/{layer}/" in node.name]
        made, call = moved(inner, replaced(nodes, whole, None) + inner, outputs, "ViTLayer." + layer, opset)
        made.opset_import.append(helper.make_opsetid(MODULES, 1))
        model.functions.append(made)
        nodes = replaced(nodes, whole, call)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    model.opset_import.append(helper.make_opsetid(MODULES, 1))
    onnx.checker.check_model(model)
    by_torch.save(model, path)


def moved(inner, every, outputs, name, opset):
    """Returns a function of the nodes `inner`, and the node that calls it."""
    inside = {output for node in inner for output in node.output}
    needed = [value for node in inner for value in node.input if value and value not in inside]
    own = {id(node) for node in inner}
    used = {value for node in every if id(node) not in own for value in node.input} | outputs
    results = [value for node in inner for value in node.output if value in used]
    inputs = list(dict.fromkeys(needed))
    function = helper.make_function(MODULES, name, inputs, results, inner, opset)
    call = helper.make_node(name, inputs, results, name="/" + name, domain=MODULES)
    return function, call


def replaced(nodes, old, new):
    """Returns the nodes without `old`, and with `new`, if any, in the place of their last."""
    gone = {id(node) for node in old}
    last = max(i for i, node in enumerate(nodes) if id(node) in gone)
    kept = []
    for i, node in enumerate(nodes):
        if id(node) not in gone:
            kept.append(node)
        if i == last and new is not None:
            kept.append(new)
    return kept
