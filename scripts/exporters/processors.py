"""Runs the image processors of transformers and timm from the JSON files that published networks have."""

import numpy as np
import timm.data
import transformers as hf
from PIL import Image

from . import formula

SIZES = [(300, 200, 11), (180, 260, 12)]
BLOCK, SINGLES = 16, 200

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
RESCALE = {"do_rescale": True, "rescale_factor": 0.00392156862745098}
RESIZE = {"do_normalize": True, "do_resize": True}
SQUARE = {"height": 224, "width": 224}

# The fields of preprocessor_config.json; files of before 2023 have `feature_extractor_type` and plain sizes.
TRANSFORMERS = {
    "vit": {
        **RESIZE, **RESCALE, **HALF,
        "image_processor_type": "ViTImageProcessor",
        "resample": 2,
        "size": SQUARE,
    },
    "vit_old": {
        **RESIZE, **HALF,
        "feature_extractor_type": "ViTFeatureExtractor",
        "resample": 2,
        "size": 224,
    },
    "clip": {
        **RESIZE, **RESCALE, **CLIP,
        "crop_size": SQUARE,
        "do_center_crop": True,
        "do_convert_rgb": True,
        "image_processor_type": "CLIPImageProcessor",
        "resample": 3,
        "size": {"shortest_edge": 224},
    },
    "clip_old": {
        **RESIZE, **CLIP,
        "crop_size": 224,
        "do_center_crop": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "resample": 3,
        "size": 224,
    },
    "convnext": {
        **RESIZE, **RESCALE, **IMAGENET,
        "crop_pct": 0.875,
        "image_processor_type": "ConvNextImageProcessor",
        "resample": 3,
        "size": {"shortest_edge": 224},
    },
    "convnext_old_384": {
        **RESIZE, **IMAGENET,
        "crop_pct": None,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "resample": 3,
        "size": 384,
    },
    "dinov2": {
        **RESIZE, **RESCALE, **IMAGENET,
        "crop_size": SQUARE,
        "do_center_crop": True,
        "do_convert_rgb": True,
        "image_processor_type": "BitImageProcessor",
        "resample": 3,
        "size": {"shortest_edge": 256},
    },
    "siglip": {
        **RESIZE, **RESCALE, **HALF,
        "image_processor_type": "SiglipImageProcessor",
        "processor_class": "SiglipProcessor",
        "resample": 3,
        "size": SQUARE,
    },
}  # fmt: skip
CLASSES = {
    "vit": hf.ViTImageProcessor,
    "clip": hf.CLIPImageProcessor,
    "convnext": hf.ConvNextImageProcessor,
    "dinov2": hf.BitImageProcessor,
    "siglip": hf.SiglipImageProcessor,
}


def timm_config(architecture, tag, features, interpolation, crop_pct, mean, std, **more):
    """Returns config.json as timm writes it for the hub."""
    return {
        "architecture": architecture,
        "num_classes": 1000,
        "num_features": features,
        "global_pool": "token" if "vit" in architecture or "deit" in architecture else "avg",
        "pretrained_cfg": {
            "tag": tag,
            "custom_load": False,
            "input_size": [3, 224, 224],
            "fixed_input_size": "resnet" not in architecture,
            "interpolation": interpolation,
            "crop_pct": crop_pct,
            "crop_mode": "center",
            "mean": mean,
            "std": std,
            "num_classes": 1000,
            "pool_size": None,
            "first_conv": "conv1" if "resnet" in architecture else "patch_embed.proj",
            "classifier": "fc" if "resnet" in architecture else "head",
            **more,
        },
    }


NORMAL = (IMAGENET["image_mean"], IMAGENET["image_std"])
TIMM = {
    "timm_vit": timm_config(
        "vit_tiny_patch16_224", "augreg_in21k_ft_in1k", 192, "bicubic", 0.9, *HALF.values()
    ),
    "timm_deit3": timm_config(
        "deit3_small_patch16_224", "fb_in22k_ft_in1k", 384, "bicubic", 1.0, *NORMAL
    ),
    "timm_resnet": timm_config(
        "resnet18", "tv_in1k", 512, "bilinear", 0.875, *NORMAL, pool_size=[7, 7]
    ),
    "timm_squash": timm_config(
        "vit_base_patch16_clip_224", "openai", 768, "bicubic", 1.0, *CLIP.values(), crop_mode="squash"
    ),
}


def image(size):
    return Image.fromarray(formula.picture(*size))


def by_transformers(name, config, size):
    processor = CLASSES[name.split("_")[0]].from_dict(dict(config))
    return processor(image(size), return_tensors="np")["pixel_values"][0]


def by_timm(config, size):
    found = timm.data.resolve_data_config(pretrained_cfg=config["pretrained_cfg"])
    return timm.data.create_transform(**found, is_training=False)(image(size)).numpy()


def positions(count):
    """Returns the places of the single values in the flat tensor."""
    return [(i * 2654435761) % 2**32 % count for i in range(SINGLES)]


def reduced(values):
    """Returns the means of blocks of 16 by 16 values, (3, rows, columns), and single values."""
    channels, rows, columns = values.shape
    blocks = values.reshape(channels, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    singles = values.reshape(-1)[positions(values.size)]
    return blocks.mean(axis=(2, 4), dtype=np.float64).astype(np.float32), singles.astype(np.float32)


def write(folder, rendered):
    """Writes the JSON files, and returns the cases and the tensors of all processors."""
    cases, tensors = [], {}
    for name, config in [*TRANSFORMERS.items(), *TIMM.items()]:
        file = "config.json" if name in TIMM else "preprocessor_config.json"
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(rendered(config), encoding="utf-8")
        for index, size in enumerate(SIZES):
            values = by_timm(config, size) if name in TIMM else by_transformers(name, config, size)
            key = f"{name}.{index}"
            tensors[f"{key}.blocks"], tensors[f"{key}.singles"] = reduced(values)
            shape, path = list(values.shape), f"processors/{name}/{file}"
            cases.append({"file": path, "picture": index, "shape": shape, "tensors": key})
    pictures = [formula.described(*size) for size in SIZES]
    return {"pictures": pictures, "cases": cases}, tensors
