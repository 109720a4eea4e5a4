"""Writes the reference values that frostline's tests compare with.

    python scripts/reference.py [--only NAME] [--weights FILE.pth] [--full]
                                [--out tests/golden]
    python scripts/reference.py --images FOLDER --frostline BINARY --weights FILE.pth

The second form writes no file. It prints the cosines between the features that `frostline extract`
computes for a folder and those of Pillow, torchvision's transforms and EfficientNet-Lite0 in torch.

Needs torch, torchvision, pillow, scikit-learn, scipy and numpy. Each of these functions writes a file
NAME.json: `preprocess`, `efficientnet_lite0` to `efficientnet_lite2` (only with --only and --weights),
`weights` (and two files next to it), `checkpoints` (and files in a folder next to it), `architectures`,
`vgg19` (with --full also the full network, which needs 2 GB and a minute; without it, the existing values
of the full network are kept), `sgd`, `logistic`, `metrics`, `comparison`, `drift`, `softmax`, `temperature`,
`label_errors`. Every file has `about` (its source) and
`versions` (of the packages used). Arrays are row-major; a matrix is a list of its rows. `null` stands
for "not set".

The image
---------
The input images are not files but a formula in non-negative integers; `//` and `%` are integer
division and its remainder, and no intermediate value needs more than 32 unsigned bits
for sides up to 10,000. In an image of w x h pixels with seed s, the pixel at column
x, row y, channel c (0 red, 1 green, 2 blue) is

    u, v     = 1024 * x // w,  1024 * y // h
    fold(t)  = m if m < 256 else 511 - m,  where m = t % 512
    smooth   = fold((c + 1) * u + 2 * v + 97 * s) + fold(u + 3 * v + 61 * c + 31 * s)
    du       = |u - (256 + (101 * s) % 512)|
    dv       = |v - (256 + (67 * s) % 512)|
    disc     = 64 if du * du + dv * dv < 90000 else 0
    grain    = (3 * x * x + 5 * y * y + 7 * x * y + 11 * c + 17 * s) % 61
    total    = 3 * smooth // 8 + disc + grain
    value    = min(max(total, 32) - 32, 255)

The bytes are in order of row, column, channel. `checksum` = sum over all bytes of (i %
251 + 1) * byte[i], i from 0; it verifies a recreated image before anything else is
compared.

preprocess.json
---------------
- `pictures`: list of {`width`, `height`, `seed`, `checksum`, `head`}; `head` is the
  first 8 pixels (or fewer) in hex.
- `cases`: list of
  - `picture`: index into `pictures`; `resize`: null | shorter edge | [width, height];
    `crop`: null | edge of the square; `interpolation`: "bilinear" | "bicubic";
  - `width`, `height`: size of the result;
  - `step`, `pixels`: hex of the result's bytes (row, column, channel) in the rows and
    columns 0, step, 2 * step, ...; step 1 is the whole result;
  - `channel_sums`: exact, over *all* pixels of the result, red, green, blue;
    `channel_means`: the sums divided by width * height.
- `normalised`: {`case`: index into `cases`, `mean`, `std`, `first_64`: the first 64
  float32 of the (1, 3, H, W) tensor, `channel_heads`: the first 8 of each channel}.

efficientnet_lite0.json, efficientnet_lite1.json, efficientnet_lite2.json
-------------------------------------------------------------------------
- `weights`: {`file`, `sha256`}; `mean`, `std`: 3 numbers each.
- `inputs`: list of {`width`, `height`, `seed`, `checksum`, `features`: 1280 numbers}.

The network's input is (byte / 255 - mean) / std. All arithmetic is in float64 on the
float32 weights, so the values do not depend on the machine.

weights.json
------------
The content of legacy.pth and zip.pth next to it, written by `torch.save`.
- `tensors`: list of {`name`, `shape`, `data`}, the floating-point ones, in order.

checkpoints.json
----------------
- `readings`: list of {`file`: in checkpoints/, `weights`: null or the value of --weights, `place`:
  where the weights are, `others`: places of other weights, `first_8`: of conv1.weight, `sum`: of
  all floating-point values except the classifier's}.

architectures.json
------------------
- `mean`, `std`: 3 numbers each; the input is (byte / 255 - mean) / std.
- `generator`: list of {`name`, `shape`, `first_8`, `sum`}: values that verify another
  implementation of the generator (see networks.py); `sum` in float64.
- `networks`: list of {`arch`, `width`: the first block's channels, `classes`,
  `tensors`: list of [name, shape], the torchvision state dict without its counters,
  `input`: {`width`, `height`, `seed`, `checksum`}, `features`, `logits`}.

vgg19.json
----------
The network that examples/synthetic_vgg19 writes; 1000 classes.
- `mean`, `std`: as above.
- `narrow`: {`width`: 4, `tensors`, `inputs`: list of {`width`, `height`, `seed`,
  `checksum`, `features`: 256 numbers, `first_16_probabilities`}}.
- `full`: {`width`: 64, `inputs`: list of {`width`, `height`, `seed`, `checksum`,
  `first_16`, `norm`: of the 4096 features, `first_16_probabilities`}}.

sgd.json
--------
- `features_times_32768`: 96 rows of 20 integers; divided by 32768 they are exact in
  float32. `labels`: 96 of 0, 1, 2. `batch_size`: 16. `steps`: 50.
- `start`: {`weight` (3, 20), `bias` (3)}.
- `runs`: list of {`name`, `learning_rate`, `momentum`, `nesterov`, `weight_decay`,
  `class_weights`: null | 3 numbers, `losses`: one per step, of its batch before the
  update, without the weight decay term, `weight`, `bias`: after the last step}.

Step t (from 0) uses the rows (16 * t + i) % 96, i = 0..15. Dampening is 0; the weight decay
includes the bias. The loss is the mean over the batch; with class weights, the sum of
class_weight[label] * loss divided by the sum of class_weight[label].

Each run also has `label_smoothing`, and `schedule`: null, or a scheduler that advances after
every `epoch_steps` (10) steps: "cosine" is CosineAnnealingLR(T_max=5), "step" is
StepLR(step_size=2, gamma=0.1).

logistic.json
-------------
- `cases`: list of
  - `name`; `classes`; `labels`; `l2`: 1 / C; `standardize`: whether StandardScaler comes first;
    `balanced`: whether class_weight is "balanced";
  - `features_times_32768`: integers, exact in float32 when divided; row i is then multiplied
    by 2 ** `row_exponents`[i], which is exact too;
  - `weight`, (C, D), or (1, D) for two classes, and `bias`: for the unscaled features.

sklearn.linear_model.LogisticRegression in float64, with Newton's method (newton-cholesky), which is
accurate to the last digits; lbfgs, checked against it here, stops when the loss no longer falls.

metrics.json
------------
- `bootstrap`: {`resamples`, `seed`}: each resample is drawn by xoshiro256++ seeded with
  SplitMix64, one jump further than the one before.
- `cases`: list of
  - `name`; `classes`: their number; `targets`, `predictions`: class indices, in a tie the
    first one;
  - `probabilities`: multiples of 1/1024, exact;
  - `accuracy`; `balanced_accuracy`: mean recall over the classes that have samples;
  - `confusion`: rows are true classes, columns predictions;
  - `precision`, `recall`, `f1`, `support`: per class, 0 for 0/0;
  - `macro_f1`: over the classes that are true or predicted; `weighted_f1`: by support;
  - `log_loss`: natural logarithm, mean over the samples; `brier_score`: not halved;
  - `top_k`: accuracies for k = 1, 2, ...; of equal probabilities the first counts as larger;
  - `roc_aucs`: one class against the rest, null if either is empty; `roc_auc`: their mean;
  - `ece`, `reliability`: Guo's 15 bins, a list of [samples, mean confidence, accuracy];
  - `intervals`: the 2.5 and 97.5 percentiles of the same metrics (except `ece`) over the
    resamples that have them; if the two are equal, SciPy's Wilson interval for shares of
    samples and null for everything else; `shares`: of the confusion matrix's rows, (C, C).

comparison.json
---------------
- `mcnemar`: list of {`only_first`, `only_second`: samples that only one head got right,
  `test`: "exact" | "chi-squared", `statistic`, `p_value`}.
- `comparisons`: list of {`name`, `targets`, `first`, `second`: probabilities of the two
  heads, `bootstrap`, `accuracy`, `log_loss`: {`first`, `second`, `interval` of the first
  minus the second}}.

drift.json
----------
- `samples`: list of {`n`, `m`: sizes of the samples, `modulus`, `shift`: of their values
  (37 i + 11) % modulus + shift and (53 i + 5) % modulus + 0.5, i from 1; `excess`,
  `excess_p`: of the first sample's values above the second's; `auc`, `auc_p`}.
- `chi_squared`: list of {`x`, `degrees`, `tail`}.

softmax.json
------------
- `rows`: list of {`logits`, `log_softmax`, `log_sum_exp`}, float64.

temperature.json
----------------
- `cases`: list of {`name`, `views`: per image, `targets`, `logits`: a row for each view of
  each image, `temperature`}.

label_errors.json
-----------------
- `probabilities` (N, C), `targets` (N); `thresholds` (C), `confident_joint` (C, C),
  `estimated_errors`; `suspects`: the rows whose label is not the most probable class,
  sorted by the probability of their label.
"""

import argparse
import csv
import datetime
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import networks
import numpy as np
import PIL
import scipy
import sklearn
import torch
import torchvision
from PIL import Image
from scipy.stats import binomtest, chi2, ks_2samp, mannwhitneyu
from sklearn import metrics as skm
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, StepLR
from torchvision.transforms import (
    CenterCrop,
    Compose,
    InterpolationMode,
    Normalize,
    Resize,
    ToTensor,
)

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]

SIZES = [
    (640, 480),
    (333, 500),
    (7, 13),
    (1, 1),
    (3, 1),
    (1, 3),
    (225, 223),
    (224, 224),
    (1000, 31),
    (97, 61),
]

# (resize, crop, interpolation, sizes), chosen to keep the file small.
SETTINGS = [
    (256, 224, "bilinear", SIZES),
    (256, 224, "bicubic", [(640, 480), (333, 500), (7, 13), (1000, 31)]),
    ((40, 56), None, "bilinear", [(640, 480), (7, 13), (1000, 31)]),
    ((40, 56), None, "bicubic", [(333, 500)]),
    (
        None,
        224,
        "bilinear",
        [(640, 480), (333, 500), (225, 223), (224, 224), (1000, 31), (7, 13)],
    ),
    (None, 48, "bilinear", [(97, 61), (1000, 31)]),
    (None, 10, "bilinear", [(7, 13), (1, 1), (3, 1), (1, 3)]),
    (None, 4, "bilinear", [(7, 13)]),
    (48, 40, "bilinear", [(640, 480), (333, 500), (97, 61), (1, 3)]),
    (48, 40, "bicubic", [(640, 480), (97, 61), (7, 13)]),
    (32, 48, "bilinear", [(640, 480), (7, 13)]),
]
NORMALISED_SETTING = (48, 40, "bilinear", (97, 61))
LARGEST_WHOLE_RESULT = 56
SAMPLE_STEP = 7

LITE = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
# Height and width of their images.
LITE_SIZES = [224, 240, 260]
# The stride of the depthwise convolution in the first block of each stage.
LITE_STRIDES = [1, 2, 2, 2, 1, 2, 1]
BATCH_NORM_EPS = 1e-3

SGD_VARIANTS = [
    ("plain", {}, None),
    ("momentum", {"momentum": 0.9}, None),
    ("nesterov", {"momentum": 0.9, "nesterov": True}, None),
    ("momentum_decay", {"momentum": 0.9, "weight_decay": 1e-2}, None),
    ("nesterov_decay", {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-2}, None),
    ("class_weights", {"momentum": 0.9}, [1.0, 2.0, 0.5]),
    ("smoothed", {"momentum": 0.9}, None, 0.2, None),
    ("smoothed_class_weights", {"momentum": 0.9}, [1.0, 2.0, 0.5], 0.1, None),
    ("cosine", {"momentum": 0.9}, None, 0.0, "cosine"),
    ("step", {"momentum": 0.9}, None, 0.0, "step"),
]
SGD_ROWS, SGD_COLUMNS, SGD_CLASSES, SGD_BATCH, SGD_STEPS = 96, 20, 3, 16, 50
EPOCH_STEPS, EPOCHS = 10, 5
LEARNING_RATE = 0.1
SCHEDULES = {
    None: lambda optimizer: ConstantLR(optimizer, factor=1.0),
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, T_max=EPOCHS),
    "step": lambda optimizer: StepLR(optimizer, step_size=2, gamma=0.1),
}

# name, classes, rows, columns, l2, standardize, balanced, even row norms
LOGISTIC_CASES = [
    ("two", 2, 40, 6, 1.0, False, False, True),
    ("two_standardized", 2, 40, 6, 0.5, True, False, True),
    ("five_balanced", 5, 60, 8, 0.1, False, True, True),
    ("five_standardized", 5, 60, 8, 10.0, True, True, True),
    ("uneven", 4, 60, 6, 1.0, False, False, False),
    ("two_uneven", 2, 60, 6, 1.0, False, True, False),
]

LOGITS = [
    [0.0, 0.0, 0.0, 0.0],
    [1.0, 2.0, 3.0],
    [5.0],
    [1e4, -1e4, 0.0],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4, 9999.0],
    [-1e4, -9999.5, -10000.25, 1e4],
    [1e4, 9999.5, 9970.0, 0.0, -1e4],
    [-1e4, -1e4, -10040.0],
    [709.0, 710.0, 711.0],
    [-745.0, -746.0, -747.0],
    [0.0, -34.0, -35.0, -36.5, -37.0],
    [1e-12, 0.0, -1e-12],
]


def rounded(values, digits):
    """Returns nested lists of floats, rounded to this number of significant digits."""
    if isinstance(values, (torch.Tensor, np.ndarray, np.generic)):
        values = values.tolist()
    if isinstance(values, list):
        return [rounded(value, digits) for value in values]
    return float(f"{values:.{digits}g}")


# --- the image


def fold(t):
    """A triangle wave of period 512 and height 255."""
    m = t % 512
    return np.where(m < 256, m, 511 - m)


def picture(width, height, seed):
    """Returns the image of the formula above: uint8 of shape (height, width, 3)."""
    y, x, c = np.meshgrid(
        np.arange(height), np.arange(width), np.arange(3), indexing="ij"
    )
    u, v = 1024 * x // width, 1024 * y // height
    smooth = fold((c + 1) * u + 2 * v + 97 * seed) + fold(
        u + 3 * v + 61 * c + 31 * seed
    )
    du, dv = u - (256 + 101 * seed % 512), v - (256 + 67 * seed % 512)
    disc = np.where(du * du + dv * dv < 90000, 64, 0)
    grain = (3 * x * x + 5 * y * y + 7 * x * y + 11 * c + 17 * seed) % 61
    total = 3 * smooth // 8 + disc + grain
    return np.minimum(np.maximum(total, 32) - 32, 255).astype(np.uint8)


def checksum(pixels):
    """Returns a sum that depends on the order of the bytes."""
    flat = pixels.reshape(-1).astype(np.int64)
    return int(((np.arange(flat.size) % 251 + 1) * flat).sum())


# --- preprocess.json


def preprocess():
    """Resized and cropped images before normalisation, and one after it."""
    cases = [one_case(size, setting[:3]) for setting in SETTINGS for size in setting[3]]
    return {
        "about": "torchvision Resize and CenterCrop on PIL images; ToTensor, Normalize",
        "pictures": [describe_picture(size) for size in SIZES],
        "cases": cases,
        "normalised": normalised(),
    }


def seed_of(size):
    return SIZES.index(size)


def describe_picture(size):
    pixels = picture(*size, seed_of(size))
    return {
        "width": size[0],
        "height": size[1],
        "seed": seed_of(size),
        "checksum": checksum(pixels),
        "head": pixels.tobytes()[:24].hex(),
    }


def transforms_of(resize, crop, interpolation):
    steps = []
    if resize is not None:
        # torchvision's order is (height, width), frostline's [width, height].
        size = resize if isinstance(resize, int) else resize[::-1]
        steps.append(Resize(size, interpolation=InterpolationMode(interpolation)))
    if crop is not None:
        steps.append(CenterCrop(crop))
    return steps


def transformed(size, setting):
    source = Image.fromarray(picture(*size, seed_of(size)))
    return Compose(transforms_of(*setting))(source)


def one_case(size, setting):
    resize, crop, interpolation = setting
    pixels = np.asarray(transformed(size, setting))
    height, width, _ = pixels.shape
    step = 1 if max(width, height) <= LARGEST_WHOLE_RESULT else SAMPLE_STEP
    sums = pixels.sum(axis=(0, 1), dtype=np.int64)
    return {
        "picture": SIZES.index(size),
        "resize": resize,
        "crop": crop,
        "interpolation": interpolation,
        "width": width,
        "height": height,
        "step": step,
        "pixels": pixels[::step, ::step].tobytes().hex(),
        "channel_sums": sums.tolist(),
        "channel_means": rounded(sums / (width * height), 15),
    }


def normalised():
    *setting, size = NORMALISED_SETTING
    order = [
        (picture_size, *chosen[:3]) for chosen in SETTINGS for picture_size in chosen[3]
    ]
    tensor = Compose([ToTensor(), Normalize(IMAGENET_MEAN, IMAGENET_STD)])(
        transformed(size, setting)
    )
    return {
        "case": order.index((size, *setting)),
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "first_64": rounded(tensor.reshape(-1)[:64], 9),
        "channel_heads": rounded(tensor.reshape(3, -1)[:, :8], 9),
    }


# --- efficientnet_lite0.json, efficientnet_lite1.json, efficientnet_lite2.json


def efficientnet_lite(number, weights):
    """Features of three images, from the published weights."""
    # Only tensors are unpickled.
    state = torch.load(weights, map_location="cpu", weights_only=True)
    state = {name: tensor.double() for name, tensor in state.items()}
    return {
        "about": f"EfficientNet-Lite{number} by torch.nn.functional, float64, norms not folded",
        "weights": {
            "file": weights.name,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        },
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "inputs": [lite_input(state, LITE_SIZES[number], seed) for seed in (1, 4, 7)],
    }


def lite_input(state, size, seed):
    pixels = picture(size, size, seed)
    images = torch.from_numpy(pixels).double().permute(2, 0, 1)[None] / 255
    features = lite_features(state, (images - 0.5) / 0.5)
    return {
        "width": size,
        "height": size,
        "seed": seed,
        "checksum": checksum(pixels),
        "features": rounded(features[0], 7),
    }


def lite_features(state, images):
    """(N, 3, H, W) to (N, 1280)."""
    x = F.relu6(conv_norm(state, images, "_conv_stem", "_bn0", stride=2))
    n_blocks = len(
        {name.split(".")[1] for name in state if name.startswith("_blocks.")}
    )
    stage = -1
    for block in range(n_blocks):
        # Only the first block of a stage changes the number of channels.
        is_first = state[f"_blocks.{block}._project_conv.weight"].shape[0] != x.shape[1]
        stage += is_first
        x = lite_block(state, x, block, LITE_STRIDES[stage] if is_first else 1)
    x = F.relu6(conv_norm(state, x, "_conv_head", "_bn1"))
    return x.mean(dim=(2, 3))


def lite_block(state, inputs, block, stride):
    """Expands (not in the first block), filters each channel, projects, adds the input."""
    prefix = f"_blocks.{block}."
    x = inputs
    if f"{prefix}_expand_conv.weight" in state:
        x = F.relu6(conv_norm(state, x, f"{prefix}_expand_conv", f"{prefix}_bn0"))
    x = F.relu6(
        conv_norm(state, x, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride)
    )
    x = conv_norm(state, x, f"{prefix}_project_conv", f"{prefix}_bn2")
    return x + inputs if x.shape == inputs.shape else x


def conv_norm(state, x, conv, norm, stride=1):
    """Applies a convolution without bias and its batch norm with the recorded statistics."""
    weight = state[f"{conv}.weight"]
    groups = x.shape[1] // weight.shape[1]
    x = F.conv2d(
        pad_same(x, weight.shape[2], stride), weight, stride=stride, groups=groups
    )
    mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    return F.batch_norm(
        x,
        mean,
        variance,
        state[f"{norm}.weight"],
        state[f"{norm}.bias"],
        eps=BATCH_NORM_EPS,
    )


def pad_same(x, kernel, stride):
    """Applies TensorFlow's "same" padding: an odd pixel goes to the right and the bottom."""
    height, width = (
        max(kernel - stride if size % stride == 0 else kernel - size % stride, 0)
        for size in x.shape[2:]
    )
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


# --- features from image files


def compare_folder(frostline, images, weights):
    """Prints the lowest and the median cosine between frostline's and torch's features of the same files."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    steps = [Resize(256, InterpolationMode.BICUBIC), CenterCrop(224), ToTensor()]
    transform = Compose([*steps, Normalize([0.5] * 3, [0.5] * 3)])
    cosines = {}
    with torch.no_grad():
        for name, given in extracted(frostline, images):
            with Image.open(images / name) as image:
                pixels = transform(image.convert("RGB"))
            wanted = lite_features(state, pixels[None])[0].double()
            given = torch.from_numpy(given).double()
            cosines[name] = float(F.cosine_similarity(wanted, given, dim=0))
    least = min(cosines, key=cosines.get)
    print(
        f"{len(cosines)} images: cosine at least {cosines[least]:.8f} ({least}), "
        f"median {np.median(list(cosines.values())):.8f}"
    )


def extracted(frostline, images):
    """Returns relative paths in `images` and the features that frostline computes for them."""
    with tempfile.TemporaryDirectory() as folder:
        store, table = Path(folder) / "store", Path(folder) / "table"
        for words in [["extract", images, "-o", store], ["features", "export", store, "-o", table]]:
            subprocess.run([frostline, "-q", *words], check=True)
        with open(table / "index.csv", newline="") as file:
            names = [row["path"] for row in csv.DictReader(file)]
        return list(zip(names, np.load(table / "features.npy"), strict=True))


# --- weights.json


def weights(out):
    """A small checkpoint in both formats: every float type, shared and transposed tensors."""
    base = torch.arange(12.0).reshape(3, 4) / 8
    state = {
        "module.conv.weight": base,
        "module.conv.turned": base.t(),
        "module.conv.part": base[1:, ::2],
        "module.half": torch.tensor([1.5, -0.25], dtype=torch.float16),
        "module.brain": torch.tensor([3.0, -0.5], dtype=torch.bfloat16),
        "module.double": torch.tensor([[0.1]], dtype=torch.float64),
        "module.scalar": torch.nn.Parameter(torch.tensor(2.5)),
        "module.empty": torch.zeros(0, 3),
        "module.bn.num_batches_tracked": torch.tensor(7),
        "module.mask": torch.tensor([True, False]),
    }
    checkpoint = {"epoch": 3, "lr": 0.1, "best": None, "state_dict": state}
    for name, newer in [("legacy.pth", False), ("zip.pth", True)]:
        torch.save(checkpoint, out / name, _use_new_zipfile_serialization=newer)
    return {
        "about": "torch.save of a checkpoint, legacy and zip",
        "tensors": [
            {
                "name": name.removeprefix("module."),
                "shape": list(tensor.shape),
                "data": rounded(tensor.detach().float().reshape(-1), 9),
            }
            for name, tensor in state.items()
            if tensor.is_floating_point()
        ],
    }


# --- checkpoints.json


class AttributeDict(dict):
    """A dictionary of its own class, as Lightning writes hyperparameters."""


def checkpoints(out):
    """Checkpoints as trainers write them, of a ResNet-18 with one channel in its stem."""
    model, ema = narrow_state("model"), narrow_state("ema")
    arguments = argparse.Namespace(
        data=Path("data"),
        started=datetime.datetime(2026, 1, 1),
        device=torch.device("cpu"),
        size=torch.Size([3, 224]),
        dtype=torch.float16,
    )
    noise = np.random.default_rng(1).bit_generator.state
    (out / "checkpoints").mkdir(exist_ok=True)
    timm = {"arch": "resnet18", "state_dict": model, "args": arguments, "metric": np.float64(77.5)}
    timm |= {"state_dict_ema": ema, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}}
    torch.save(timm, out / "checkpoints/timm.pth.tar")
    lightning = {"state_dict": prefixed(model, "model."), "hyper_parameters": AttributeDict(lr=0.1)}
    lightning["state_dict"]["criterion.weight"] = torch.ones(10)
    lightning |= {"numpy": noise, "seen": np.arange(3), "tags": {"a"}, "raw": b"\xff"}
    torch.save(lightning, out / "checkpoints/lightning.ckpt", pickle_protocol=4)
    moco = prefixed(model, "module.encoder_q.") | prefixed(ema, "module.encoder_k.")
    moco["module.queue"] = torch.ones(2, 3)
    older = {"_use_new_zipfile_serialization": False}
    torch.save({"state_dict": moco}, out / "checkpoints/moco.pth.tar", **older)
    rows = [
        ("timm.pth.tar", None, "state_dict", ["state_dict_ema"], model),
        ("timm.pth.tar", "ema", "state_dict_ema", ["state_dict"], ema),
        ("lightning.ckpt", None, "state_dict.model", [], model),
        (
            "moco.pth.tar",
            None,
            "state_dict.module.encoder_q",
            ["state_dict.module.encoder_k"],
            model,
        ),
    ]
    return {
        "about": "torch.save of checkpoints as timm, Lightning and MoCo write them",
        "readings": [
            {
                "file": file,
                "weights": weights,
                "place": place,
                "others": others,
                "first_8": rounded(state["conv1.weight"].float().reshape(-1)[:8], 9),
                "sum": rounded(sum(float(t.double().sum()) for t in floats_of(state)), 12),
            }
            for file, weights, place, others, state in rows
        ],
    }


def narrow_state(seed):
    """Returns the state dict, whose floats share one storage to keep the file small."""
    state = networks.network("resnet18", 1, 10).state_dict()
    names = [name for name, tensor in state.items() if tensor.is_floating_point()]
    flat = torch.cat([networks.numbers(seed + name, state[name].shape).flatten() for name in names])
    parts = flat.half().split([state[name].numel() for name in names])
    views = {name: part.view(state[name].shape) for name, part in zip(names, parts, strict=True)}
    return {name: views.get(name, tensor) for name, tensor in state.items()}


def floats_of(state):
    """Returns the floating-point tensors of the network, without the classifier."""
    return [
        tensor
        for name, tensor in state.items()
        if tensor.is_floating_point() and not name.startswith("fc.")
    ]


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


# --- architectures.json and vgg19.json


GENERATED = [
    ("features.0.weight", [64, 3, 3, 3]),
    ("features.0.bias", [64]),
    ("classifier.3.weight", [256, 256]),
    ("bn1.weight", [64]),
    ("bn1.bias", [64]),
    ("layer1.0.bn2.running_mean", [64]),
    ("layer1.0.bn2.running_var", [64]),
]
# (name, width): wide enough that no layer's output vanishes, narrow enough for a normal test.
NARROW = [
    *((f"vgg{layers}{norm}", 2) for layers in (11, 13, 16, 19) for norm in ("", "-bn")),
    ("resnet18", 8),
    ("resnet50", 4),
]
NARROW_CLASSES = 12
VGG19_SEEDS = (1, 4, 7)


def architectures():
    """Features and logits of an image, for each architecture."""
    networks.check_against_torchvision()
    return {
        "about": "torchvision's classes with fewer channels, seeded weights, float64",
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "generator": [generated(*tensor) for tensor in GENERATED],
        "networks": [
            narrow_network(name, width, seed)
            for seed, (name, width) in enumerate(NARROW)
        ],
    }


def generated(name, shape):
    tensor = networks.numbers(name, shape)
    return {
        "name": name,
        "shape": shape,
        "first_8": rounded(tensor.reshape(-1)[:8], 9),
        "sum": rounded(tensor.double().sum(), 15),
    }


def narrow_network(name, width, seed):
    network = networks.seeded(networks.network(name, width, NARROW_CLASSES))
    about, images = imagenet_input(seed)
    features, logits = networks.features_and_logits(network, images)
    return {
        "arch": name,
        "width": width,
        "classes": NARROW_CLASSES,
        "tensors": networks.tensors(network),
        "input": about,
        "features": rounded(features[0], 9),
        "logits": rounded(logits[0], 9),
    }


def imagenet_input(seed):
    pixels = picture(224, 224, seed)
    about = {
        "width": 224,
        "height": 224,
        "seed": seed,
        "checksum": checksum(pixels),
    }
    images = torch.from_numpy(pixels).double().permute(2, 0, 1)[None] / 255
    mean, std = (
        torch.tensor(values, dtype=torch.float64).reshape(3, 1, 1)
        for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    return about, (images - mean) / std


def vgg19(earlier, full):
    """Three images through the narrow network, and with `full` through the full one."""
    narrow = networks.seeded(networks.network("vgg19", 4, 1000))
    content = {
        "about": "torchvision's VGG19 with seeded weights, float64; never trained",
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "narrow": {
            "width": 4,
            "tensors": networks.tensors(narrow),
            "inputs": [narrow_vgg19(narrow, seed) for seed in VGG19_SEEDS],
        },
    }
    if full:
        network = networks.seeded(networks.network("vgg19", 64, 1000))
        inputs = [full_vgg19(network, seed) for seed in VGG19_SEEDS]
        content["full"] = {"width": 64, "inputs": inputs}
    elif earlier.is_file():
        content["full"] = json.loads(earlier.read_text(encoding="utf-8"))["full"]
    return content


def narrow_vgg19(network, seed):
    about, features, probabilities = vgg19_answer(network, seed)
    return {
        **about,
        "features": rounded(features, 9),
        "first_16_probabilities": rounded(probabilities[:16], 9),
    }


def full_vgg19(network, seed):
    about, features, probabilities = vgg19_answer(network, seed)
    return {
        **about,
        "first_16": rounded(features[:16], 9),
        "norm": rounded(features.norm(), 9),
        "first_16_probabilities": rounded(probabilities[:16], 9),
    }


def vgg19_answer(network, seed):
    about, images = imagenet_input(seed)
    features, logits = networks.features_and_logits(network, images)
    return about, features[0], torch.softmax(logits[0], dim=0)


# --- sgd.json


def sgd():
    """Fifty steps of each variant of torch.optim.SGD, with the same start and order."""
    numbers = integers(2024)
    labels = [(row * row + row // 7) % SGD_CLASSES for row in range(SGD_ROWS)]
    numerators = [
        [feature(numbers, column, label) for column in range(SGD_COLUMNS)]
        for label in labels
    ]
    weight = torch.tensor(
        [
            [next(numbers) / 2**18 for _ in range(SGD_COLUMNS)]
            for _ in range(SGD_CLASSES)
        ]
    )
    bias = torch.tensor([next(numbers) / 2**18 for _ in range(SGD_CLASSES)])
    features = torch.tensor(numerators, dtype=torch.float32) / 32768
    return {
        "about": "torch.optim.SGD, torch.nn.Linear, cross_entropy, float32",
        "features_times_32768": numerators,
        "labels": labels,
        "batch_size": SGD_BATCH,
        "steps": SGD_STEPS,
        "epoch_steps": EPOCH_STEPS,
        "start": {"weight": rounded(weight, 9), "bias": rounded(bias, 9)},
        "runs": [
            sgd_run(variant, features, torch.tensor(labels), weight, bias)
            for variant in SGD_VARIANTS
        ],
    }


def integers(state):
    """Yields endless integers in -32768..32767."""
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield state // 2**15 - 32768


def feature(numbers, column, label):
    """Returns noise plus a shift that makes the label learnable."""
    return next(numbers) + (16384 if column % SGD_CLASSES == label else 0)


def sgd_run(variant, features, labels, weight, bias):
    name, options, class_weights, *rest = variant
    smoothing, schedule = rest or (0.0, None)
    layer = torch.nn.Linear(SGD_COLUMNS, SGD_CLASSES)
    layer.load_state_dict({"weight": weight, "bias": bias})
    optimizer = torch.optim.SGD(
        layer.parameters(), lr=LEARNING_RATE, dampening=0, **options
    )
    criterion = torch.nn.CrossEntropyLoss(
        weight=None if class_weights is None else torch.tensor(class_weights),
        label_smoothing=smoothing,
    )
    scheduler = SCHEDULES[schedule](optimizer)
    losses = train(layer, criterion, optimizer, scheduler, features, labels)
    return {
        "name": name,
        "learning_rate": LEARNING_RATE,
        "momentum": options.get("momentum", 0.0),
        "nesterov": options.get("nesterov", False),
        "weight_decay": options.get("weight_decay", 0.0),
        "class_weights": class_weights,
        "label_smoothing": smoothing,
        "schedule": schedule,
        "losses": rounded(losses, 9),
        "weight": rounded(layer.weight, 9),
        "bias": rounded(layer.bias, 9),
    }


def train(layer, criterion, optimizer, scheduler, features, labels):
    """Trains the layer in place; returns each batch's loss before its update."""
    losses = []
    for step in range(SGD_STEPS):
        rows = (step * SGD_BATCH + torch.arange(SGD_BATCH)) % SGD_ROWS
        loss = criterion(layer(features[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % EPOCH_STEPS == 0:
            scheduler.step()
    return losses


# --- logistic.json


def logistic():
    """scikit-learn's logistic regression: two or more classes, even and uneven rows."""
    return {
        "about": "sklearn LogisticRegression (newton-cholesky), StandardScaler, float64",
        "cases": [logistic_case(*case) for case in LOGISTIC_CASES],
    }


def logistic_case(name, classes, rows, columns, l2, standardize, balanced, even):
    numbers = integers(2025)
    # Later classes have fewer rows.
    labels = [(row * row + row // 3) % (row % classes + 1) for row in range(rows)]
    numerators = [
        [
            next(numbers) + (16384 if column % classes == label else 0)
            for column in range(columns)
        ]
        for label in labels
    ]
    exponents = [0 if even else (row * 7) % 17 - 6 for row in range(rows)]
    features = np.array(numerators) / 32768 * 2.0 ** np.array(exponents)[:, None]
    weight, bias = logistic_fit(features, labels, l2, standardize, balanced)
    return {
        "name": name,
        "classes": classes,
        "l2": l2,
        "standardize": standardize,
        "balanced": balanced,
        "labels": labels,
        "features_times_32768": numerators,
        "row_exponents": exponents,
        "weight": rounded(torch.tensor(weight), 12),
        "bias": rounded(torch.tensor(bias), 12),
    }


def logistic_fit(features, labels, l2, standardize, balanced):
    scaler = StandardScaler(with_mean=standardize, with_std=standardize)
    scaled = scaler.fit_transform(features)
    class_weight = "balanced" if balanced else None
    exact, usual = [
        LogisticRegression(
            C=1 / l2, solver=solver, tol=1e-10, max_iter=100000, class_weight=class_weight
        ).fit(scaled, labels)
        for solver in ["newton-cholesky", "lbfgs"]
    ]
    assert abs(exact.coef_ - usual.coef_).max() < 1e-4, "scikit-learn's solvers disagree"
    weight, bias = exact.coef_, exact.intercept_
    if standardize:
        weight = weight / scaler.scale_
        bias = bias - weight @ scaler.mean_
    return weight, bias


# --- metrics.json


BOOTSTRAP = {"resamples": 100, "seed": 11}
BINS = 15


def metrics():
    """scikit-learn's metrics for a hard case, an easy one and some edge cases."""
    return {
        "about": "sklearn.metrics with labels=range(classes) and zero_division=0",
        "bootstrap": BOOTSTRAP,
        "cases": [
            metric_case("imbalanced", *imbalanced()),
            metric_case("seven_classes", *seven_classes()),
            metric_case("perfect", *perfect()),
            metric_case("binary", *binary()),
            metric_case("ties", *ties()),
            metric_case("one_class_in_truth", [1] * 6, binary()[1][:6]),
            metric_case(
                "class_nowhere",
                [0, 0, 1, 1, 1],
                [
                    [600, 300, 124],
                    [300, 700, 24],
                    [200, 800, 24],
                    [500, 400, 124],
                    [1, 1022, 1],
                ],
            ),
        ],
    }


def imbalanced():
    """Class 2 is never predicted; class 3 is predicted but has no samples."""
    targets = [0] * 38 + [1] * 14 + [2] * 8
    return targets, [imbalanced_row(i, target) for i, target in enumerate(targets)]


def imbalanced_row(i, target):
    """Returns shares of 1024 derived from i; the target's is raised, except for class 2."""
    parts = [
        120 + i * 37 % 211,
        110 + i * 53 % 239,
        5 + i * 29 % 53,
        20 + i * i * 17 % 307,
    ]
    if target != 2:
        parts[target] += 150
    return shares(parts)


def shares(parts):
    """Returns integers with sum 1024 in about these proportions; the largest gets the remainder."""
    scaled = [1024 * part // sum(parts) for part in parts]
    scaled[scaled.index(max(scaled))] += 1024 - sum(scaled)
    return scaled


def perfect():
    targets = [0, 1, 2, 2, 1, 0, 0, 1, 2]
    return targets, [
        shares([600 + 40 * i if k == t else 90 + 11 * k * i for k in range(3)])
        for i, t in enumerate(targets)
    ]


def binary():
    targets = [int(i % 3 == 0) for i in range(20)]
    positive = [
        101 + (i * 149 + 350 * target) % 823 for i, target in enumerate(targets)
    ]
    return targets, [[1024 - share, share] for share in positive]


def seven_classes():
    """Few samples of many classes: a resample misses some classes."""
    targets = [i * i % 7 for i in range(20)] + [3, 3, 5, 6, 6, 6]
    return targets, [
        shares(
            [
                20 + (i * 97 + k * 131 + i * k * 41) % 283 + 120 * (k == t)
                for k in range(7)
            ]
        )
        for i, t in enumerate(targets)
    ]


def ties():
    """Few distinct probabilities: ties between samples and between classes."""
    steps = [[256, 256, 512], [512, 256, 256], [384, 384, 256], [256, 384, 384]]
    targets = [i * 5 % 3 for i in range(24)]
    return targets, [steps[(i * 7 + i // 4) % 4] for i in range(24)]


def metric_case(name, targets, rows):
    probabilities = np.array(rows) / 1024
    assert all(sum(row) == 1024 for row in rows), name
    predictions = probabilities.argmax(axis=1).tolist()
    labels = list(range(probabilities.shape[1]))
    return {
        "name": name,
        "classes": len(labels),
        "targets": targets,
        "predictions": predictions,
        "probabilities": probabilities.tolist(),
        **label_metrics(targets, predictions, labels),
        **probability_metrics(np.array(targets), probabilities),
        "reliability": reliability(np.array(targets), probabilities),
        "intervals": intervals(np.array(targets), probabilities),
    }


def probability_metrics(targets, probabilities):
    labels = list(range(probabilities.shape[1]))
    aucs = roc_aucs(targets, probabilities)
    return {
        "log_loss": rounded(skm.log_loss(targets, probabilities, labels=labels), 15),
        "brier_score": rounded(
            skm.brier_score_loss(
                targets, probabilities, labels=labels, scale_by_half=False
            ),
            15,
        ),
        "top_k": [
            rounded(top_k(targets, probabilities, k), 15)
            for k in range(1, max(1, min(5, len(labels) - 1)) + 1)
        ],
        "ece": rounded(
            sum(
                n * abs(confidence - accuracy)
                for n, confidence, accuracy in reliability(targets, probabilities)
            )
            / len(targets),
            15,
        ),
        "roc_aucs": aucs,
        "roc_auc": roc_auc(targets, probabilities, aucs),
    }


def top_k(targets, probabilities, k):
    """scikit-learn ranks the last of equal classes first, so the class order is reversed."""
    classes = probabilities.shape[1]
    if classes == 2:
        assert k == 1
        return skm.accuracy_score(targets, probabilities.argmax(axis=1))
    return skm.top_k_accuracy_score(
        classes - 1 - targets, probabilities[:, ::-1], k=k, labels=range(classes)
    )


def reliability(targets, probabilities):
    """Returns samples, mean confidence and accuracy in the bins of Guo et al. (2017)."""
    confidences = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    edges = np.linspace(0, 1, BINS + 1)
    bins = []
    for lower, upper in zip(edges[:-1], edges[1:]):
        inside = (confidences > lower) & (confidences <= upper)
        means = [
            rounded(values[inside].mean(), 15) if inside.any() else 0.0
            for values in (confidences, right)
        ]
        bins.append([int(inside.sum()), *means])
    return bins


def roc_aucs(targets, probabilities):
    def of_class(c):
        positive = targets == c
        if positive.all() or not positive.any():
            return None
        return rounded(skm.roc_auc_score(positive, probabilities[:, c]), 15)

    return [of_class(c) for c in range(probabilities.shape[1])]


def roc_auc(targets, probabilities, aucs):
    """Returns scikit-learn's own mean if every class has samples."""
    if None not in aucs:
        scores = probabilities[:, 1] if len(aucs) == 2 else probabilities
        return rounded(skm.roc_auc_score(targets, scores, multi_class="ovr"), 15)
    known = [auc for auc in aucs if auc is not None]
    return rounded(np.mean(known), 15) if known else None


# --- the bootstrap, with the published algorithms


class Xoshiro256PlusPlus:
    """Blackman and Vigna's generator, seeded with SplitMix64."""

    JUMP = (
        0x180EC6D33CFD0ABA,
        0xD5A61266F0C9392C,
        0xA9582618E03FC9AA,
        0x39ABDC4529B1661C,
    )
    MASK = 2**64 - 1

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & self.MASK
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
            self.state.append(z ^ (z >> 31))

    def rotated(self, x, k):
        return ((x << k) | (x >> (64 - k))) & self.MASK

    def __next__(self):
        s = self.state
        result = (self.rotated((s[0] + s[3]) & self.MASK, 23) + s[0]) & self.MASK
        t = (s[1] << 17) & self.MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = self.rotated(s[3], 45)
        return result

    def below(self, n):
        return (next(self) * n) >> 64

    def copy(self):
        other = Xoshiro256PlusPlus(0)
        other.state = list(self.state)
        return other

    def jump(self):
        jumped = [0] * 4
        for word in self.JUMP:
            for bit in range(64):
                if word >> bit & 1:
                    jumped = [a ^ b for a, b in zip(jumped, self.state)]
                next(self)
        self.state = jumped


def resamples(n):
    """Yields the rows of each resample."""
    generator = Xoshiro256PlusPlus(BOOTSTRAP["seed"])
    for _ in range(BOOTSTRAP["resamples"]):
        own = generator.copy()
        generator.jump()
        yield np.array([own.below(n) for _ in range(n)])


def percentiles(values, share=None):
    """Returns the 95 % interval over the resamples that have the metric; `share`: (part, whole)."""
    known = [value for value in values if value is not None and not np.isnan(value)]
    ends = np.percentile(known, [2.5, 97.5]) if known else [0, 0]
    if ends[1] - ends[0] > 1e-12:
        return rounded(ends, 15)
    if share is None or share[1] == 0:
        return None
    wilson = binomtest(int(share[0]), int(share[1])).proportion_ci(method="wilson")
    return rounded([wilson.low, wilson.high], 15)


def intervals(targets, probabilities):
    """Computes every metric with scikit-learn, once per resample."""
    classes = probabilities.shape[1]
    samples = [
        resampled_figures(targets[rows], probabilities[rows])
        for rows in resamples(len(targets))
    ]
    whole = counted(targets, probabilities)

    def of(name):
        columns = [s[name] for s in samples]
        if not isinstance(columns[0], list):
            return percentiles(columns, whole.get(name))
        shares = whole.get(name, [None] * len(columns[0]))
        return [percentiles(*pair) for pair in zip(zip(*columns), shares)]

    return {name: of(name) for name in samples[0] if name not in ("shares", "ece")} | {
        "shares": [
            [
                percentiles(
                    [s["shares"][row][column] for s in samples],
                    whole["shares"][row][column],
                )
                for column in range(classes)
            ]
            for row in range(classes)
        ]
    }


def counted(targets, probabilities):
    """Returns the metrics that are shares of samples, as (part, whole)."""
    labels = list(range(probabilities.shape[1]))
    n = len(targets)
    matrix = skm.confusion_matrix(targets, probabilities.argmax(axis=1), labels=labels)
    right = matrix.diagonal()
    return {
        "accuracy": (right.sum(), n),
        "top_k": [
            (round(share * n), n)
            for share in probability_metrics(targets, probabilities)["top_k"]
        ],
        "precision": list(zip(right, matrix.sum(axis=0))),
        "recall": list(zip(right, matrix.sum(axis=1))),
        "shares": [[(part, row.sum()) for part in row] for row in matrix],
        "reliability": [
            (round(accuracy * inside), inside)
            for inside, _, accuracy in reliability(targets, probabilities)
        ],
    }


def resampled_figures(targets, probabilities):
    labels = list(range(probabilities.shape[1]))
    predictions = probabilities.argmax(axis=1)
    figures = label_metrics(targets, predictions, labels)
    precision, recall, f1, _ = skm.precision_recall_fscore_support(
        targets, predictions, labels=labels, zero_division=np.nan
    )
    counts = np.array(figures["confusion"], dtype=float)
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)
    return {
        **{
            name: figures[name]
            for name in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")
        },
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        **probability_metrics(targets, probabilities),
        "reliability": [
            accuracy if n else None
            for n, _, accuracy in reliability(targets, probabilities)
        ],
        "shares": shares.tolist(),
    }


# --- comparison.json


def comparison():
    """McNemar's test with SciPy, and the differences of two heads over the resamples."""
    targets, first = imbalanced()
    second = [shares([a + b for a, b in zip(row, row[1:] + row[:1])]) for row in first]
    binary_targets, binary_first = binary()
    return {
        "about": "scipy.stats.binomtest and chi2, sklearn.metrics",
        "mcnemar": [
            mcnemar(*counts)
            for counts in (
                (0, 0),
                (1, 0),
                (7, 1),
                (5, 5),
                (2, 22),
                (0, 24),
                (12, 13),
                (13, 13),
                (40, 22),
                (150, 86),
                (3, 300),
            )
        ],
        "comparisons": [
            compared("imbalanced", targets, first, second),
            compared(
                "binary",
                binary_targets,
                binary_first,
                [shares([a + 512, 1536 - a]) for a, _ in binary_first[::-1]],
            ),
        ],
    }


def mcnemar(only_first, only_second):
    """Like statsmodels: exact below 25 disagreements, otherwise with continuity correction."""
    fewer, n = min(only_first, only_second), only_first + only_second
    if n < 25:
        test, statistic = "exact", float(fewer)
        p_value = binomtest(fewer, n).pvalue if n else 1.0
    else:
        test, statistic = "chi-squared", (abs(only_first - only_second) - 1) ** 2 / n
        p_value = chi2.sf(statistic, 1)
    return {
        "only_first": only_first,
        "only_second": only_second,
        "test": test,
        "statistic": statistic,
        "p_value": float(p_value),
    }


def compared(name, targets, first, second):
    heads = [np.array(rows) / 1024 for rows in (first, second)]
    targets = np.array(targets)
    labels = list(range(heads[0].shape[1]))
    measures = {
        "accuracy": lambda t, p: skm.accuracy_score(t, p.argmax(axis=1)),
        "log_loss": lambda t, p: skm.log_loss(t, p, labels=labels),
    }
    return {
        "name": name,
        "targets": targets.tolist(),
        "first": heads[0].tolist(),
        "second": heads[1].tolist(),
        "bootstrap": BOOTSTRAP,
        **{
            measure: {
                "first": rounded(of(targets, heads[0]), 15),
                "second": rounded(of(targets, heads[1]), 15),
                "interval": percentiles(
                    [
                        of(targets[rows], heads[0][rows])
                        - of(targets[rows], heads[1][rows])
                        for rows in resamples(len(targets))
                    ]
                ),
            }
            for measure, of in measures.items()
        },
    }


# --- drift.json


def drift():
    """One-sided Kolmogorov-Smirnov and Mann-Whitney tests, and chi-squared tails, of SciPy."""
    return {
        "about": "scipy.stats.ks_2samp, mannwhitneyu and chi2",
        "samples": [
            two_samples(n, m, shift, method)
            for n, m, shift, method in (
                (5, 8, 3, "exact"),
                (12, 30, 2, "exact"),
                (40, 40, 0, "exact"),
                (60, 25, -4, "exact"),
                (30, 200, 9, "exact"),
                (50, 70, 40, "exact"),
                (7000, 6000, 1, "asymp"),
            )
        ],
        "chi_squared": [
            {"x": x, "degrees": degrees, "tail": float(chi2.sf(x, degrees))}
            for x, degrees in (
                (0.5, 1),
                (30.0, 1),
                (3.25, 2),
                (17.5, 5),
                (9.0, 9),
                (150.0, 99),
                (2500.0, 998),
            )
        ],
    }


def two_samples(n, m, shift, method):
    """The values are 37 * i % 101 and the like, so that few or none of them are equal."""
    modulus = 101 if method == "exact" else 65537
    first = [(37 * i + 11) % modulus + shift for i in range(1, n + 1)]
    second = [(53 * i + 5) % modulus + 0.5 for i in range(1, m + 1)]
    smirnov = ks_2samp(first, second, alternative="less", method=method)
    ranks = mannwhitneyu(
        first, second, alternative="greater", method="asymptotic", use_continuity=False
    )
    return {
        "n": n,
        "m": m,
        "modulus": modulus,
        "shift": shift,
        "excess": float(smirnov.statistic),
        "excess_p": float(smirnov.pvalue),
        "auc": float(ranks.statistic) / (n * m),
        "auc_p": float(ranks.pvalue),
    }


# --- metrics of labels only


def label_metrics(targets, predictions, labels):
    options = {"labels": labels, "zero_division": 0}
    precision, recall, f1, support = skm.precision_recall_fscore_support(
        targets, predictions, **options
    )
    with warnings.catch_warnings():
        # scikit-learn warns about the class without samples, which this case tests.
        warnings.simplefilter("ignore", UserWarning)
        balanced = skm.balanced_accuracy_score(targets, predictions)
    return {
        "accuracy": rounded(skm.accuracy_score(targets, predictions), 15),
        "balanced_accuracy": rounded(balanced, 15),
        "confusion": skm.confusion_matrix(targets, predictions, labels=labels).tolist(),
        "precision": rounded(precision, 15),
        "recall": rounded(recall, 15),
        "f1": rounded(f1, 15),
        "support": support.tolist(),
        "macro_f1": rounded(
            skm.f1_score(targets, predictions, average="macro", zero_division=0), 15
        ),
        "weighted_f1": rounded(
            skm.f1_score(targets, predictions, average="weighted", **options), 15
        ),
    }


# --- softmax.json


def softmax():
    """Rows that overflow or underflow unless each row's maximum is subtracted."""
    return {
        "about": "torch.log_softmax and torch.logsumexp, float64",
        "rows": [softmax_row(row) for row in LOGITS],
    }


def softmax_row(logits):
    row = torch.tensor(logits, dtype=torch.float64)
    return {
        "logits": logits,
        "log_softmax": rounded(torch.log_softmax(row, dim=0), 17),
        "log_sum_exp": rounded(torch.logsumexp(row, dim=0), 17),
    }


# --- temperature.json


def temperature():
    """Temperatures above and below 1, for one view and for several.

    The true class has the target n / (n + 1), the others share the rest. Of the T whose loss, summed
    over the images, is within 1/2 of the lowest, the one nearest to 1 is chosen.
    """
    return {
        "about": "scipy.optimize.minimize_scalar and brentq of the loss over ln T, float64",
        "cases": [
            temperature_case("too sure", 60, 4, 1, 2**-11),
            temperature_case("not sure enough", 60, 4, 1, 2**-15),
            temperature_case("two classes", 40, 2, 1, 2**-12),
            temperature_case("three views", 40, 3, 3, 2**-12),
        ],
    }


def temperature_case(name, images, classes, views, scale):
    numbers = integers(images + classes)
    targets = [image * image % classes for image in range(images)]
    logits = [
        [
            scale * (next(numbers) + 16384 * (column == targets[row // views]))
            for column in range(classes)
        ]
        for row in range(images * views)
    ]
    z = np.array(logits).reshape(images, views, classes)

    doubt = 1 / (images + 1)
    wanted = np.full((images, classes), doubt / (classes - 1))
    wanted[np.arange(images), targets] = 1 - doubt

    def loss(ln_t):
        p = scipy.special.softmax(z / np.exp(ln_t), axis=2).mean(axis=1)
        return -(wanted * np.log(p)).sum()

    best = scipy.optimize.minimize_scalar(
        loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-12}
    )
    above = lambda ln_t: loss(ln_t) - best.fun - 0.5
    ln_t = 0.0 if above(0.0) <= 0 else scipy.optimize.brentq(above, *sorted([0.0, best.x]), xtol=1e-14)
    return {
        "name": name,
        "views": views,
        "targets": targets,
        "logits": logits,
        "temperature": float(np.exp(ln_t)),
    }


# --- confident learning


def label_errors():
    """Confident learning (Northcutt et al. 2021) in NumPy; cleanlab 2.9 computes the same."""
    random = np.random.default_rng(7)
    targets = np.repeat(np.arange(4), [12, 8, 6, 4])
    logits = random.normal(size=(30, 4)) + 1.5 * np.eye(4)[targets]
    logits[[3, 14, 22]] = logits[[3, 14, 22]][:, ::-1]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = np.round(p, 4)
    given = p[np.arange(30), targets]
    thresholds = np.array([given[targets == c].mean() for c in range(4)])
    reached = np.where(p >= thresholds - 1e-9, p, -1.0)
    joint = np.zeros((4, 4), dtype=int)
    for target, row in zip(targets, reached):
        if row.max() >= 0:
            joint[target, row.argmax()] += 1
    off_diagonal = 1 - np.diag(joint) / joint.sum(axis=1)
    suspects = np.flatnonzero(p.max(axis=1) > given)
    return {
        "about": "confident learning in NumPy",
        "probabilities": p.tolist(),
        "targets": targets.tolist(),
        "thresholds": thresholds.tolist(),
        "confident_joint": joint.tolist(),
        "estimated_errors": float(off_diagonal @ np.bincount(targets)),
        "suspects": suspects[np.argsort(given[suspects], kind="stable")].tolist(),
    }


# --- writing


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def rendered(value, indent=""):
    """Returns JSON with one line per key and list item; lists of numbers stay on one line."""
    inner = indent + " "
    if isinstance(value, dict):
        items = [
            f"{json.dumps(key)}: {rendered(item, inner)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(inner + item for item in items) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and any(
        isinstance(item, (list, dict)) for item in value
    ):
        return (
            "[\n"
            + ",\n".join(inner + rendered(item, inner) for item in value)
            + f"\n{indent}]"
        )
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def write(out, name, content):
    content = {"about": content.pop("about"), "versions": versions(), **content}
    path = out / f"{name}.json"
    path.write_text(rendered(content) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)


def arguments(makers):
    parser = argparse.ArgumentParser(
        description="Writes the reference values of the tests."
    )
    parser.add_argument("--only", choices=makers, help="write only this file")
    parser.add_argument(
        "--weights", type=Path, help="the .pth file of EfficientNet-Lite"
    )
    parser.add_argument(
        "--full", action="store_true", help="also evaluate the full VGG19"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("tests/golden"),
        help="the folder to write to",
    )
    parser.add_argument(
        "--images", type=Path, help="compare frostline's features for this folder"
    )
    parser.add_argument("--frostline", help="the frostline binary")
    options = parser.parse_args()
    if options.images and not (options.frostline and options.weights):
        parser.error("--images needs --frostline BINARY and --weights FILE.pth")
    if options.only in LITE and options.weights is None:
        parser.error(f"{options.only} needs --weights FILE.pth")
    return options


def main():
    options = arguments(
        [
            "preprocess",
            *LITE,
            "weights",
            "checkpoints",
            "architectures",
            "vgg19",
            "sgd",
            "logistic",
            "metrics",
            "comparison",
            "drift",
            "softmax",
            "temperature",
            "label_errors",
        ]
    )
    makers = {
        "preprocess": preprocess,
        **{
            name: lambda number=number: efficientnet_lite(number, options.weights)
            for number, name in enumerate(LITE)
        },
        "weights": lambda: weights(options.out),
        "checkpoints": lambda: checkpoints(options.out),
        "architectures": architectures,
        "vgg19": lambda: vgg19(options.out / "vgg19.json", options.full),
        "sgd": sgd,
        "logistic": logistic,
        "metrics": metrics,
        "comparison": comparison,
        "drift": drift,
        "softmax": softmax,
        "temperature": temperature,
        "label_errors": label_errors,
    }
    torch.set_num_threads(1)
    if options.images:
        compare_folder(options.frostline, options.images, options.weights)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else makers:
        if name in LITE and not options.only:
            print(f"{name} skipped: it needs --only and --weights FILE.pth", file=sys.stderr)
        else:
            write(options.out, name, makers[name]())


if __name__ == "__main__":
    main()
