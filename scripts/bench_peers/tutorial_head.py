"""Trains heads with torch on the tutorial's job, from zero weights, in frostline's order, without dropout.

usage: tutorial_head.py MODEL IMAGES TABLE THREADS SEED OUT LR…

TABLE is the output of `frostline features export`, with the order of the rows and frostline's features. For
each learning rate, OUT gets three weights (2, 4096) as plain float32: `LR-own`, from torch's own features;
`LR-given`, from frostline's; `LR-double`, also from frostline's, but computed in float64, which shows the
effect of rounding alone.
"""

import csv
import itertools
import sys
from pathlib import Path


def main():
    model, images, table, threads, seed, out, *rates = sys.argv[1:]
    import numpy as np
    import torch

    torch.set_num_threads(int(threads))
    table, out = Path(table), Path(out)
    with open(table / "index.csv", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    own, targets = torchs_features(model, images, paths)
    given = torch.from_numpy(np.load(table / "features.npy"))
    distance = (own - given).norm(dim=1) / own.norm(dim=1)
    print(f"features: relative distance {distance.median():.1e}, at most {distance.max():.1e}")
    for rate in rates:
        for name, features in [("own", own), ("given", given), ("double", given.double())]:
            weight = fit(features, targets, float(rate), int(seed))
            weight.numpy().astype(np.float32).tofile(out / f"{rate}-{name}")


def torchs_features(model, images, paths):
    import torch
    from network import Network
    from pictures import Pictures
    from torch.utils.data import DataLoader

    pictures = Pictures(images, "tutorial", paths)
    network = Network(model).eval().to(memory_format=torch.channels_last)
    with torch.no_grad():
        batches = (batch.contiguous(memory_format=torch.channels_last) for batch, _ in DataLoader(pictures, 8))
        return torch.cat([network(batch) for batch in batches]), torch.tensor(pictures.targets)


def fit(features, targets, rate, seed):
    import torch
    from order import epochs

    layer = torch.nn.Linear(features.shape[1], 2, dtype=features.dtype)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=0.9)
    for order in itertools.islice(epochs(seed, len(targets)), 25):
        for first in range(0, len(order), 32):
            rows = order[first : first + 32]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(features[rows]), targets[rows]).backward()
            optimizer.step()
    return layer.weight.detach()


main()
