"""A worker: the features of photos with torchvision, a DataLoader and torch. `go` is the whole folder.

usage: photos_torch.py torchvision|pillow full|reduced MODEL IMAGES BATCH THREADS WORKERS FEATURES

`torchvision` reads with `decode_image`, which has no reduced scale. FEATURES gets a row per photo, sorted
by name.
"""

import sys
from pathlib import Path

from protocol import serve, take_standard_output

RESIZE = 256


def main():
    reader, scale, model, images, batch, threads, workers, target = sys.argv[1:]
    take_standard_output()
    import PIL
    import torch
    import torchvision
    from classify import opened
    from network import Network
    from pictures import NORMALISE, TRANSFORMS
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms import InterpolationMode

    on_tensors = transforms.Compose(
        [
            transforms.Resize(RESIZE, InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ConvertImageDtype(torch.float32),
            NORMALISE,
        ]
    )

    class Photos(Dataset):
        paths = sorted(map(str, Path(images).glob("*.jpg")))

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, i):
            if reader == "torchvision":
                return on_tensors(decode_image(self.paths[i], ImageReadMode.RGB))
            return TRANSFORMS["lite0"](opened(self.paths[i], 2 * RESIZE if scale == "reduced" else None))

    torch.set_num_threads(int(threads))
    network = Network(model).eval().to(memory_format=torch.channels_last)
    photos = Photos()
    loader = DataLoader(photos, int(batch), num_workers=int(workers))

    def folder():
        with torch.inference_mode():
            rows = [network(batch.contiguous(memory_format=torch.channels_last)) for batch in loader]
        torch.cat(rows).numpy().tofile(target)

    versions = [module.__version__.split("+")[0] for module in (torch, torchvision)]
    by = "decode_image" if reader == "torchvision" else f"Pillow {PIL.__version__}"
    serve(f"{by}; torch {versions[0]}, torchvision {versions[1]}, DataLoader of {workers} workers", folder)


main()
