"""Measures VGG19's features in ONNX Runtime for Python. Prints a JSON object for each figure.

usage: peer_onnxruntime.py onnxruntime MODEL DEVICE SECONDS PRECISIONS BATCHES

`copies` is `host` for `run` with arrays, and `card` with input and output bound to the card's memory.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

WARM_UP = 3


def main():
    _, model, device, seconds, precisions, batches = sys.argv[1:]
    if device == "cuda":
        # Loads NVIDIA's libraries from PyTorch's wheels.
        import torch  # noqa: F401
    import onnxruntime

    what = f"ONNX Runtime {onnxruntime.__version__}"
    for precision in precisions.split(","):
        if precision == "tf32" and device != "cuda":
            continue
        try:
            session = opened(onnxruntime, model, device, precision)
            for batch in map(int, batches.split(",")):
                for copies, rate in measured(onnxruntime, session, device, batch, float(seconds)):
                    say(program=what, precision=precision, batch=batch, copies=copies, rate=rate)
        except Exception as fault:  # noqa: BLE001
            say(problem=f"{precision}: {type(fault).__name__}: {str(fault)[:200]}")


def opened(onnxruntime, model, device, precision):
    if precision == "fp16":
        model = halved(model)
    providers = ["CPUExecutionProvider"]
    if device == "cuda":
        options = {"cudnn_conv_algo_search": "EXHAUSTIVE", "use_tf32": str(int(precision == "tf32"))}
        providers.insert(0, ("CUDAExecutionProvider", options))
    session = onnxruntime.InferenceSession(model, providers=providers)
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise RuntimeError(f"it runs on {session.get_providers()[0]}")
    return session


def halved(model):
    """Converts a network to float16, with float32 at its input and output."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    path = Path(model).with_name("onnxruntime-fp16.onnx")
    onnx.save(convert_float_to_float16(onnx.load(model), keep_io_types=True), path)
    content = path.read_bytes()
    path.unlink()
    return content


def measured(onnxruntime, session, device, batch, seconds):
    images = np.random.default_rng(0).standard_normal((batch, 3, 224, 224), np.float32)
    given, taken = session.get_inputs()[0].name, session.get_outputs()[0].name
    yield "host", rate(lambda: session.run([taken], {given: images}), batch, seconds)
    bound = session.io_binding()
    bound.bind_ortvalue_input(given, onnxruntime.OrtValue.ortvalue_from_numpy(images, device, 0))
    bound.bind_output(taken, device)

    def run():
        session.run_with_iobinding(bound)
        bound.synchronize_outputs()

    yield "card", rate(run, batch, seconds)


def rate(run, batch, seconds):
    for _ in range(WARM_UP):
        run()
    begin, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - begin < seconds:
        run()
        count += 1
    return batch * count / (time.perf_counter() - begin)


def say(**fields):
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main()
