"""The head that torch comes to on the tutorial's job, from zero weights, in frostline's order, without dropout.

usage: tutorial_head.py MODEL IMAGES INDEX.csv THREADS SEED OUT

INDEX.csv is that of `frostline features export`: it gives the rows' order. The features are torch's own. OUT becomes the
weight (2, 4096), plain float32.
"""

import csv
import itertools
import sys


def main():
    model, images, index, threads, seed, out = sys.argv[1:]
    import torch
    from network import Network
    from order import epochs
    from pictures import Pictures
    from torch.utils.data import DataLoader

    torch.set_num_threads(int(threads))
    with open(index, newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    pictures = Pictures(images, "tutorial", paths)
    network = Network(model).eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        loader = DataLoader(pictures, 8)
        features = torch.cat([network(batch.contiguous(memory_format=torch.channels_last)) for batch, _ in loader])
    features, targets = features.clone(), torch.tensor(pictures.targets)
    layer = torch.nn.Linear(features.shape[1], 2)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.001, momentum=0.9)
    for order in itertools.islice(epochs(int(seed), len(targets)), 25):
        for first in range(0, len(order), 32):
            rows = order[first : first + 32]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(features[rows]), targets[rows]).backward()
            optimizer.step()
    layer.weight.detach().numpy().tofile(out)


main()
