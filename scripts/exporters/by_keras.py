"""Exports two small Keras networks with channels last through tf2onnx, one with its own preprocessing."""

import subprocess
import sys
import tempfile

import keras
import numpy as np
import onnx

from . import formula

EDGE, CLASSES = 32, 5


def normalization():
    """Returns a layer adapted to the pictures."""
    layer = keras.layers.Normalization()
    layer.adapt(formula.pictures(EDGE) / np.float32(255))
    return layer


def network(name, preprocessing):
    layers = keras.layers
    steps = [keras.Input((EDGE, EDGE, 3), name="image")]
    if preprocessing:
        steps += [layers.Rescaling(1 / 255), normalization()]
    steps += [
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(16, 1, activation="relu6"),
        layers.GlobalAveragePooling2D(name="pooled"),
        layers.Dense(CLASSES, activation="softmax", name="classes"),
    ]
    model = keras.Sequential(steps, name=name)
    random = np.random.default_rng(5)
    for weight in model.trainable_weights:
        inputs = np.prod(weight.shape[:-1])
        gain = 0.1 if "classes" in weight.path else 30
        spread = np.sqrt(gain / inputs) if len(weight.shape) > 1 else 0.5
        centre = 1.0 if "gamma" in weight.name else 0.0
        weight.assign(centre + spread * random.standard_normal(weight.shape))
    return model


def export(model, path):
    """Writes the network as a SavedModel and converts it with tf2onnx's command line.

    Keras's own `export(format="onnx")` makes the numbers of a Normalization layer inputs of the network.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        convert = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", folder]
        subprocess.run([*convert, "--output", str(path), "--opset", "17"], check=True, capture_output=True)
    proto = onnx.load(path)
    proto.doc_string = proto.graph.doc_string = ""
    onnx.save(proto, path)


def expected(model, preprocessing):
    """Returns the pooled features and the probabilities of the 8 pictures, as Keras computes them."""
    images = formula.pictures(EDGE).astype(np.float32)
    if not preprocessing:
        images = images / np.float32(127.5) - np.float32(1)
    pooled = keras.Model(model.inputs, model.get_layer("pooled").output)
    return {"pooled": pooled(images).numpy(), "probabilities": model(images).numpy()}


def write(folder):
    """Writes the files and returns their features by the network's name."""
    found = {}
    for name, preprocessing in [("keras_rescaling", True), ("keras_plain", False)]:
        model = network(name, preprocessing)
        export(model, folder / f"{name}.onnx")
        found[name] = expected(model, preprocessing)
    return found
