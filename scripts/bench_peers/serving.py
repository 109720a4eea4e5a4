"""What the Python services share: a head on onnxruntime, images as base64 in JSON.

A request is `{"images": [BASE64]}`, as for frostline's `/v1/classify`.
"""

import base64
import io

import numpy as np
from classify import head, opened, tensor
from engines import onnxruntime


class Classifier:
    """Turns images into probabilities; `preprocessing` is that of `classify.tensor`, as words."""

    def __init__(self, model, head_file, threads, resize, interpolation, mean, std):
        mean, std = ([float(value) for value in text.split(",")] for text in (mean, std))
        self.preprocessing = int(resize), interpolation, mean, std
        self.weight, self.bias, self.classes = head(head_file)
        self.what, self.run = onnxruntime(model, None, int(threads))

    def decode(self, request):
        """Returns the tensors of a request's images."""
        files = (io.BytesIO(base64.b64decode(image)) for image in request["images"])
        return [tensor(opened(file), *self.preprocessing) for file in files]

    def classify(self, tensors):
        logits = self.run(np.stack(tensors)) @ self.weight.T + self.bias
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return [{"label": self.classes[int(one.argmax())], "probability": float(one.max())} for one in p]
