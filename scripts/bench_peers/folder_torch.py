"""A worker: a folder's features with torchvision, a DataLoader and torch. `go` is the whole folder.

usage: folder_torch.py MODEL IMAGES BATCH THREADS WORKERS
"""

import sys

from protocol import serve, take_standard_output


def main():
    model, images, batch, threads, workers = sys.argv[1:]
    take_standard_output()
    import torch
    import torchvision
    from network import Network
    from pictures import Pictures
    from torch.utils.data import DataLoader

    torch.set_num_threads(int(threads))
    network = Network(model).eval().to(memory_format=torch.channels_last)
    pictures = Pictures(images, "lite0")
    loader = DataLoader(pictures, int(batch), num_workers=int(workers))

    def folder():
        with torch.inference_mode():
            rows = [network(batch.contiguous(memory_format=torch.channels_last)) for batch, _ in loader]
        assert len(torch.cat(rows)) == len(pictures)

    versions = [module.__version__.split("+")[0] for module in (torch, torchvision)]
    serve(f"torch {versions[0]}, channels last; torchvision {versions[1]}, DataLoader of {workers} workers", folder)


main()
