"""Builds a torch module from a backbone's ONNX file, with torch's own layers and the file's weights."""

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    """The graph's nodes in order; only the operators of VGG19 and EfficientNet-Lite0 are supported."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        self.values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
        weights = set(self.values)
        self.given = next(i.name for i in graph.input if i.name not in weights)
        self.taken = graph.output[0].name
        self.layers = nn.ModuleList()
        self.steps = []
        for node in graph.node:
            layer = self._layer(node)
            if isinstance(layer, nn.Module):
                self.layers.append(layer)
            inputs = [name for name in node.input if name not in weights and name]
            self.steps.append((layer, inputs, node.output[0]))
        self.values = None

    def forward(self, images):
        known = {self.given: images}
        for layer, inputs, output in self.steps:
            known[output] = layer(*(known[name] for name in inputs))
        return known[self.taken]

    def _layer(self, node):
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        weights = [self.values[name] for name in node.input[1:] if name in self.values]
        match node.op_type:
            case "Conv":
                return conv(weights, options)
            case "Gemm":
                return linear(weights, options)
            case "MaxPool":
                assert not any(options.get("pads", []))
                return nn.MaxPool2d(options["kernel_shape"], options["strides"])
            case "Relu":
                return nn.ReLU(inplace=True)
            case "Clip":
                low, high = (float(value) for value in weights)
                return nn.Hardtanh(low, high, inplace=True)
            case "GlobalAveragePool":
                return nn.AdaptiveAvgPool2d(1)
            case "Flatten":
                return nn.Flatten()
            case "Dropout":
                return nn.Identity()
            case "Add":
                return torch.add
            case other:
                raise ValueError(f"unsupported operator `{other}`")


def conv(weights, options):
    weight = weights[0]
    groups = options.get("group", 1)
    top, left, bottom, right = options.get("pads", [0, 0, 0, 0])
    even = (top, left) == (bottom, right)
    layer = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        stride=tuple(options.get("strides", [1, 1])),
        padding=(top, left) if even else 0,
        groups=groups,
        bias=len(weights) > 1,
    )
    fill(layer, weights)
    return layer if even else nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), layer)


def linear(weights, options):
    weight = weights[0] if options.get("transB") else weights[0].T
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    fill(layer, [weight, weights[1]])
    return layer


def fill(layer, weights):
    with torch.no_grad():
        layer.weight.copy_(weights[0])
        if layer.bias is not None:
            layer.bias.copy_(weights[1])
