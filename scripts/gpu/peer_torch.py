"""Measures VGG19's features in PyTorch. Prints a JSON object for each figure.

usage: peer_torch.py torch|compile WEIGHTS DEVICE SECONDS PRECISIONS BATCHES

`copies` is `host` if each batch is copied to the card and its features back, one batch after another, and `card` if
both stay there and batches are queued.
"""

import json
import sys
import time

import torch
from torchvision import models

WARM_UP = 3


def main():
    mode, weights, device, seconds, precisions, batches = sys.argv[1:]
    network = models.vgg19(weights=None)
    network.load_state_dict(torch.load(weights, weights_only=True))
    # The features are the input of the last layer.
    network.classifier = network.classifier[:-1]
    network = network.eval().to(device, memory_format=torch.channels_last)
    cuda = device == "cuda"
    torch.backends.cudnn.benchmark = True
    what = f"PyTorch {torch.__version__.split('+')[0]}, {'torch.compile' if mode == 'compile' else 'eager'}"
    for precision in precisions.split(","):
        if precision == "tf32" and not cuda:
            continue
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        for batch in map(int, batches.split(",")):
            try:
                # Each shape and precision is compiled by itself, as for a fixed batch size.
                torch._dynamo.reset()
                run = torch.compile(network, dynamic=False) if mode == "compile" else network
                for copies, rate in measured(run, device, precision, batch, float(seconds)):
                    say(program=what, precision=precision, batch=batch, copies=copies, rate=rate)
            except Exception as fault:  # noqa: BLE001
                say(problem=f"{precision}, {batch}: {type(fault).__name__}: {str(fault)[:200]}")


def measured(network, device, precision, batch, seconds):
    cuda = device == "cuda"
    images = torch.randn(batch, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    images = images.pin_memory() if cuda else images
    there = images.to(device)
    wait = torch.cuda.synchronize if cuda else lambda: None
    half = torch.autocast(device, torch.float16 if cuda else torch.bfloat16, enabled=precision == "fp16")

    def copied():
        return network(images.to(device, non_blocking=True)).float().cpu()

    with torch.inference_mode(), half:
        for name, run in [("host", copied), ("card", lambda: network(there))]:
            yield name, rate(run, wait, batch, seconds)


def rate(run, wait, batch, seconds):
    for _ in range(WARM_UP):
        run()
    wait()
    begin, count = time.perf_counter(), 0
    # Queued batches are waited for in groups, so that the clock is not ahead of the card.
    while count == 0 or time.perf_counter() - begin < seconds:
        for _ in range(max(1, 256 // batch) if seconds >= 1 else 1):
            run()
            count += 1
        wait()
    return batch * count / (time.perf_counter() - begin)


def say(**fields):
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main()
