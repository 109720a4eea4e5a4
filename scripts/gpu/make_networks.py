"""Makes networks with seeded weights. Prints a JSON object for each: network, file and options of the import.

usage: make_networks.py OUT NETWORK…

VGG19 and ViT-B/16 are torchvision's, with its initialisation from seed 0; the narrow VGG19 is that of networks.py.
"""

import json
import sys
from pathlib import Path

import torch
from torchvision import models

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
PREPROCESSING = ["--resize", "256", "--crop", "224"]


def vgg19(out):
    network = models.vgg19(weights=None)
    torch.save(network.state_dict(), out / "vgg19.pth")
    return out / "vgg19.pth", ["--arch", "vgg19"]


def narrow(out):
    import networks

    network = networks.seeded(networks.vgg(19, False, 4, 10)).float()
    torch.save(network.state_dict(), out / "narrow.pth")
    return out / "narrow.pth", ["--arch", "vgg19"]


def vit(out):
    network = models.vit_b_16(weights=None).eval()
    batch = torch.export.Dim("batch", min=1, max=1024)
    path = out / "vit.onnx"
    torch.onnx.export(
        network,
        (torch.zeros(2, 3, 224, 224),),
        path,
        dynamo=True,
        dynamic_shapes=({0: batch},),
        external_data=False,
    )
    return path, ["--pool", "cls", *PREPROCESSING]


def main():
    out, *names = sys.argv[1:]
    makers = {"vgg19": vgg19, "narrow": narrow, "vit": vit}
    answers = sys.stdout
    # PyTorch's exporter prints its progress.
    sys.stdout = sys.stderr
    for name in names:
        made = {"network": name}
        try:
            torch.manual_seed(0)
            made["file"], made["options"] = makers[name](Path(out))
            made["file"] = str(made["file"])
        # A network that cannot be exported here must not keep the others from being made.
        except Exception as fault:  # noqa: BLE001
            made["problem"] = f"{type(fault).__name__}: {fault}"
        print(json.dumps(made), file=answers, flush=True)


if __name__ == "__main__":
    main()
