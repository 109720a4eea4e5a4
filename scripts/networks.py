"""Builds the networks of reference.py from torchvision's own classes, in float64.

The weights are generated from the tensors' names only; examples/synthetic_vgg19/generator.rs
describes the generator and computes the same numbers. "Narrow" networks are the published ones
with fewer channels, all layers in the same ratio.
"""

import numpy as np
import torch
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, cfgs, make_layers

FULL_WIDTH = 64

# --- the generator

LARGEST_DRAW = 131070
SIGMA = np.sqrt(np.float64(1431655765))
CHUNK = 1 << 22


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def draws(name, begin, end):
    """Returns the draws from begin to end - 1 of a tensor."""
    x = np.arange(begin + 1, end + 1, dtype=np.uint64)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64(fnv1a(name))
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    pieces = [x >> np.uint64(shift) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    return sum(piece.astype(np.int64) for piece in pieces) - LARGEST_DRAW


def shift_and_scale(name, shape):
    if len(shape) > 1:
        inputs = np.float64(np.prod(shape[1:]))
        return 0.0, np.sqrt(2.0 / inputs) / SIGMA
    if name.endswith("running_var"):
        return 1.0, 0.5 / LARGEST_DRAW
    if name.endswith("weight"):
        return 1.0, 0.1 / SIGMA
    return 0.0, 0.05 / SIGMA


def numbers(name, shape):
    """Returns the tensor as float32."""
    shift, scale = shift_and_scale(name, shape)
    count = int(np.prod(shape))
    out = np.empty(count, dtype=np.float32)
    for begin in range(0, count, CHUNK):
        end = min(begin + CHUNK, count)
        out[begin:end] = shift + draws(name, begin, end) * scale
    return torch.from_numpy(out.reshape(shape))


def tensors(network):
    """Returns names and shapes of the floating-point tensors, in torchvision's order."""
    return [
        (name, list(tensor.shape))
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    ]


def seeded(network):
    """Loads the generator's weights into the network and switches it to evaluation."""
    state = network.state_dict()
    state.update((name, numbers(name, shape)) for name, shape in tensors(network))
    network.load_state_dict(state)
    return network.double().eval()


# --- the networks


def vgg(layers, batch_norm, width, classes):
    """Builds a VGG with this number of layers and `width` channels in its first block."""
    plan = cfgs[{11: "A", 13: "B", 16: "D", 19: "E"}[layers]]
    plan = [size if size == "M" else size * width // FULL_WIDTH for size in plan]
    network = VGG(make_layers(plan, batch_norm=batch_norm), init_weights=False)
    dense = 64 * width
    network.classifier[0] = nn.Linear(8 * width * 7 * 7, dense)
    network.classifier[3] = nn.Linear(dense, dense)
    network.classifier[6] = nn.Linear(dense, classes)
    return network


class NarrowResNet(ResNet):
    """torchvision's class with `width` instead of 64 channels."""

    def __init__(self, block, layers, width, classes):
        self.width = width
        super().__init__(block, layers)
        self.fc = nn.Linear(8 * width * block.expansion, classes)

    @property
    def inplanes(self):
        return self.__dict__["_channels"]

    @inplanes.setter
    def inplanes(self, channels):
        # The first assignment sets the stem's channels.
        first = "_channels" not in self.__dict__
        self.__dict__["_channels"] = self.width if first else channels

    def _make_layer(self, block, planes, *rest, **options):
        planes = planes * self.width // FULL_WIDTH
        return super()._make_layer(block, planes, *rest, **options)


def network(name, width, classes):
    """Builds a network by its name in frostline."""
    if name == "resnet18":
        return NarrowResNet(BasicBlock, [2, 2, 2, 2], width, classes)
    if name == "resnet50":
        return NarrowResNet(Bottleneck, [3, 4, 6, 3], width, classes)
    return vgg(int(name[3:5]), name.endswith("-bn"), width, classes)


def features_and_logits(network, images):
    """Returns the input and the output of the last layer."""
    last = network.fc if isinstance(network, ResNet) else network.classifier[6]
    read = []
    hook = last.register_forward_hook(lambda _, inputs, __: read.append(inputs[0]))
    with torch.no_grad():
        logits = network(images)
    hook.remove()
    return read[0], logits


def check_against_torchvision():
    """Checks that the networks at full width have the same tensors as torchvision's."""
    for name, published in [
        ("vgg11-bn", models.vgg11_bn),
        ("vgg19", models.vgg19),
        ("resnet18", models.resnet18),
        ("resnet50", models.resnet50),
    ]:
        with torch.device("meta"):
            assert tensors(network(name, FULL_WIDTH, 1000)) == tensors(published())
