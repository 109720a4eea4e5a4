"""The classic tutorial in PyTorch: all epochs of VGG19, frozen except for a new last layer, then an evaluation.

usage: peer_tutorial.py WEIGHTS PICTURES DEVICE EPOCHS WORKERS

PICTURES has train/ and validation/. Prints a JSON object: seconds and accuracy.
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

BATCH = 32


def main():
    weights, pictures, device, epochs, workers = sys.argv[1:]
    begin = time.perf_counter()
    transform = transforms.Compose(
        [transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    )
    torch.manual_seed(0)
    loaders = {
        split: DataLoader(
            datasets.ImageFolder(Path(pictures) / split, transform),
            BATCH,
            shuffle=split == "train",
            num_workers=int(workers),
            persistent_workers=int(workers) > 0,
            pin_memory=device == "cuda",
        )
        for split in ["train", "validation"]
    }
    network = models.vgg19(weights=None)
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.requires_grad_(False)
    network.classifier[6] = nn.Linear(4096, 2)
    network = network.to(device)
    optimizer = torch.optim.SGD(network.classifier[6].parameters(), lr=0.001, momentum=0.9)
    for _ in range(int(epochs)):
        network.train()
        for images, targets in loaders["train"]:
            optimizer.zero_grad()
            images, targets = images.to(device, non_blocking=True), targets.to(device, non_blocking=True)
            nn.functional.cross_entropy(network(images), targets).backward()
            optimizer.step()
    accuracy = evaluate(network.eval(), loaders["validation"], device)
    print(json.dumps({"seconds": time.perf_counter() - begin, "accuracy": accuracy}))


@torch.inference_mode()
def evaluate(network, loader, device):
    right = sum(
        (network(images.to(device)).argmax(1).cpu() == targets).sum().item() for images, targets in loader
    )
    return right / len(loader.dataset)


if __name__ == "__main__":
    main()
