"""Images of a folder as tensors, with torchvision's transforms; shared by the workers that read images."""

from pathlib import Path

from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms
from torchvision.transforms import InterpolationMode

NORMALISE = transforms.Normalize([0.5] * 3, [0.5] * 3)

# The preprocessing of EfficientNet-Lite0 and of the tutorial.
TRANSFORMS = {
    "lite0": transforms.Compose(
        [
            transforms.Resize(256, InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            NORMALISE,
        ]
    ),
    "tutorial": transforms.Compose([transforms.CenterCrop(224), transforms.ToTensor(), NORMALISE]),
}


class Pictures(Dataset):
    """The sorted images of a folder with one folder per class, or the images at given relative paths."""

    def __init__(self, folder, transform, paths=None):
        folder = Path(folder)
        self.paths = sorted(folder.rglob("*.*")) if paths is None else [folder / path for path in paths]
        classes = sorted({path.parent.name for path in self.paths})
        self.targets = [classes.index(path.parent.name) for path in self.paths]
        self.transform = TRANSFORMS[transform]

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return self.transform(image.convert("RGB")), self.targets[i]
