"""Section `prepare`: the home, the networks and the pictures that the other sections need.

What an earlier run has prepared is kept, so that a second run starts at once.
"""

import importlib.util
import os
import shutil
from pathlib import Path

from checks import Check
from outcome import Skip, judged

LITE0 = "efficientnet-lite0"
NETWORKS = {
    "vgg19": "VGG19",
    LITE0: "EfficientNet-Lite0",
    "narrow": "VGG19 with a sixteenth of the channels",
    "vit": "ViT-B/16",
}
SPLITS = ["train", "validation"]
# The number of images of each class, if Alien vs Predator was not packed.
GENERATED = {"train": 347, "validation": 100}


def checks(sizes):
    # Without these, all others fail.
    essential = {"section": "prepare", "rank": 0}
    return [
        Check(name="home", wanted="frostline and ONNX Runtime are found", run=home, cost=2, **essential),
        Check(
            name="networks",
            wanted="four networks with seeded weights are installed",
            run=networks,
            limit=180,
            cost=60,
            **essential,
        ),
        Check(
            name="pictures",
            wanted="pictures, small and large JPEGs",
            run=pictures,
            limit=120,
            cost=25,
            **essential,
        ),
    ]


def home(bench):
    models = bench.home / "models"
    models.mkdir(parents=True, exist_ok=True)
    bench.home.chmod(0o700)
    for file in (bench.root / "data/home/models").glob("*"):
        if not (models / file.name).exists():
            shutil.copy(file, models)
    link(bench.home / "runtime", bench.packages / "onnxruntime/capi")
    nvidia = nvidia_packages()
    if nvidia:
        # frostline looks for NVIDIA's libraries next to the package of ONNX Runtime.
        link(bench.packages / "nvidia", nvidia)
    version = bench.frostline("--version").out.strip()
    return judged(bool(version), f"{version}; NVIDIA's libraries: {nvidia or 'those of the system'}")


def nvidia_packages():
    """Returns the folder of NVIDIA's libraries in this Python, which PyTorch's wheels install; None without one."""
    spec = importlib.util.find_spec("nvidia")
    places = map(Path, (spec.submodule_search_locations or []) if spec else [])
    return next((place.resolve() for place in places if any(place.glob("*/lib/libcudart.so*"))), None)


def link(path, target):
    """Replaces a link; a folder of its own is kept."""
    if path.is_symlink():
        path.unlink()
    if not path.exists() and target.exists():
        path.symlink_to(target)


def networks(bench):
    out = bench.work / "networks"
    out.mkdir(exist_ok=True)
    missing = [name for name in NETWORKS if not (bench.home / "models" / f"{name}.onnx").exists()]
    found = {}
    for made in bench.peer("make_networks", out, *missing) if missing else []:
        found[made["network"]] = made.get("problem")
        if "file" in made:
            bench.frostline(
                "models", "import", made["file"], "--name", made["network"], "--replace", *made["options"]
            )
    problems = [f"{name}: {problem}" for name, problem in found.items() if problem]
    return judged(
        not problems, "; ".join(problems) or f"made {len(missing)}, kept {len(NETWORKS) - len(missing)}"
    )


def require(bench, network):
    """Skips a check of a network that could not be made."""
    if not (bench.home / "models" / f"{network}.onnx").exists():
        raise Skip(f"the network {network} is missing; see prepare.networks")


def pictures(bench):
    source = bench.root / "data/pictures"
    if not source.is_dir():
        source = bench.work / "generated"
        for split, count in GENERATED.items():
            count = min(count, bench.sizes.pictures or count)
            made(bench, source / split, count, 300, 225, classes=2)
    for split in SPLITS:
        for kind in sorted((source / split).iterdir()):
            copy(bench, split, kind)
    small = made(bench, bench.work / "small", bench.sizes.small_pictures, 224, 224)
    photos = made(bench, bench.work / "photos", bench.sizes.photos[1], 4000, 3000)
    total = sum(1 for path in bench.pictures.rglob("*") if path.is_file())
    return judged(
        total > 0, f"{total} pictures of {source.name}, {small} of 224 × 224, {photos} of 4000 × 3000 pixels"
    )


def copy(bench, split, kind):
    """Copies the pictures of a class to the folder with both splits, and to the one of the tutorial's job."""
    both, one = bench.pictures / kind.name, bench.work / split / kind.name
    for folder in [both, one]:
        folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(kind.iterdir())[: bench.sizes.pictures]:
        if not (one / path.name).exists():
            shutil.copy(path, one)
            os.link(one / path.name, both / f"{split}-{path.name}")


def made(bench, folder, count, width, height, classes=1):
    """Makes JPEGs, the same ones in every run."""
    folder.mkdir(parents=True, exist_ok=True)
    bench.peer("make_pictures", folder, count, width, height, classes)
    return count


def some(bench, count, folder="small"):
    """Returns the words that select the first `count` of the pictures in a folder."""
    path = bench.work / f"{folder}-{count}.txt"
    names = sorted(str(path) for path in (bench.work / folder).rglob("*.jpg"))[:count]
    path.write_text("".join(name + "\n" for name in names))
    return ["--list", path]
