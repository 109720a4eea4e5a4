"""Builds small transformers and convolutional networks from the classes of transformers and timm.

Weights and text tokens come from the generator in scripts/networks.py, the pictures from the formula in
scripts/reference.py, so that another implementation can compute the same inputs.
"""

from dataclasses import dataclass

import numpy as np
import timm
import torch
import transformers as hf

from networks import SIGMA, draws

from . import formula

CLASSES, WORDS, VOCABULARY = 5, 7, 40
WIDTH, INNER, PATCH, EDGE = 16, 32, 8, 32

TORCHSCRIPT, DYNAMO = "torchscript", "dynamo"
ALL = ((TORCHSCRIPT, 1), (TORCHSCRIPT, None), (DYNAMO, 1), (DYNAMO, None))
BY_TORCHSCRIPT, BY_DYNAMO = ((TORCHSCRIPT, None),), ((DYNAMO, None),)


@dataclass
class Tiny:
    """A network, the shape of its picture, the names of its outputs, and a function that returns features."""

    model: torch.nn.Module
    outputs: list
    features: object
    edge: int = EDGE
    text: bool = False
    ways: tuple = ALL  # pairs of an exporter and a batch, None where it is free


# --- weights and inputs


def pictures(edge):
    """Returns the input, (8, 3, edge, edge), of the pictures with seeds 0 to 7: (byte / 255 - 0.5) / 0.5."""
    values = formula.pictures(edge).astype(np.float32) / np.float32(255)
    values = (values - np.float32(0.5)) / np.float32(0.5)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))


def words():
    """Returns token numbers of two texts; the last token, the largest number, ends the text."""
    ids = 1 + draws("input_ids", 0, 2 * WORDS) % (VOCABULARY - 2)
    ids = ids.reshape(2, WORDS)
    ids[:, -1] = VOCABULARY - 1
    return torch.from_numpy(ids)


def spread(name, shape):
    """Returns mean and standard deviation of a tensor's weights, by its name."""
    if any(part in name for part in ("embed", "token", "probe", "position")) and "proj" not in name:
        return 0.0, 0.5
    if len(shape) > 1:
        return 0.0, np.sqrt(1.5 / np.prod(shape[1:]))
    if name.endswith(("lambda1", "layer_scale_parameter", "gamma")):
        return 0.7, 0.1
    return (1.0, 0.1) if name.endswith("weight") else (0.0, 0.1)


def seeded(model):
    """Sets every weight from the tensor's name and switches the network to evaluation."""
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim:
            mean, deviation = spread(name, tensor.shape)
            values = mean + draws(name, 0, tensor.numel()) * (deviation / SIGMA)
            state[name] = torch.from_numpy(values.astype(np.float32).reshape(tensor.shape))
    model.load_state_dict(state)
    return model.eval()


# --- features


def pooled_tokens(hidden, prefix, cls=True):
    """Returns the ways of pooling (N, tokens, D) whose first `prefix` tokens belong to no patch."""
    mean = hidden[:, prefix:].mean(dim=1)
    if not cls:
        return {"mean": mean}
    first = hidden[:, 0]
    return {"cls": first, "mean": mean, "cls_mean": torch.cat([first, mean], dim=1)}


def of_base(base, prefix, cls=True):
    """Features of a network whose last_hidden_state is normalised."""

    def features(model, images):
        output = getattr(model, base)(images) if base else model(images)
        found = pooled_tokens(output.last_hidden_state, prefix, cls)
        if getattr(output, "pooler_output", None) is not None:
            found["pooled"] = output.pooler_output
        if base:
            found["logits"] = model(images).logits
        return found

    return features


def of_map(base):
    """Features of a network whose last_hidden_state is a map, (N, D, rows, columns), or tokens."""

    def features(model, images):
        output = getattr(model, base)(images)
        hidden = output.last_hidden_state
        tokens = hidden.flatten(2).transpose(1, 2) if hidden.ndim == 4 else hidden
        return {
            "mean": tokens.mean(dim=1),
            "pooled": output.pooler_output,
            "logits": model(images).logits,
        }

    return features


def of_clip(embeds):
    """CLIP's last_hidden_state is not normalised; its pooled output is the normalised class token."""

    def features(model, images):
        vision = model.vision_model
        output = vision(pixel_values=images)
        hidden = output.last_hidden_state
        raw = {f"raw_{name}": value for name, value in pooled_tokens(hidden, 1).items()}
        normalised = pooled_tokens(vision.post_layernorm(hidden), 1)
        return {**normalised, **raw, "pooled": output.pooler_output, "image_embeds": embeds(model, images)}

    return features


def of_siglip(model, images):
    vision = model.vision_model
    output = vision(pixel_values=images)
    return {**pooled_tokens(output.last_hidden_state, 0, cls=False), "pooled": output.pooler_output}


def of_siglip_pair(model, images):
    return {**of_siglip(model, images), "image_embeds": both_encoders(model, images).image_embeds}


def both_encoders(model, images):
    return model(input_ids=words(), pixel_values=images)


def of_timm(prefix):
    def features(model, images):
        hidden = model.forward_features(images)
        if hidden.ndim == 4:
            found = {"mean": hidden.mean(dim=(2, 3))}
        else:
            found = pooled_tokens(hidden, prefix)
        pooled = model.forward_head(hidden, pre_logits=True)
        return {**found, "pooled": pooled, "logits": model(images)}

    return features


# --- the networks


class Pair(torch.nn.Module):
    """CLIP and SigLIP with the four outputs that their published files have."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, pixel_values, attention_mask):
        output = self.model(
            input_ids=input_ids, pixel_values=pixel_values, attention_mask=attention_mask
        )
        return (
            output.logits_per_image,
            output.logits_per_text,
            output.text_embeds,
            output.image_embeds,
        )


COMMON = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": INNER,
    "image_size": EDGE,
    "patch_size": PATCH,
}
DINO = {**COMMON, "mlp_ratio": 2, "num_labels": CLASSES}
TEXT = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 16,
    "bos_token_id": 0,
    "eos_token_id": VOCABULARY - 1,
    "pad_token_id": 1,
}
PAIR_OUTPUTS = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]


def classifiers():
    vit = hf.ViTConfig(**COMMON, num_labels=CLASSES)
    dino = hf.Dinov2Config(**DINO)
    registers = hf.Dinov2WithRegistersConfig(**DINO, num_register_tokens=4)
    convnext = hf.ConvNextConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], image_size=64, num_labels=CLASSES
    )
    # One stage: torch.export refuses two, and TorchScript's file would have 400 KB.
    swin = hf.SwinConfig(
        image_size=EDGE,
        patch_size=4,
        embed_dim=8,
        depths=[2],
        num_heads=[2],
        window_size=4,
        mlp_ratio=2.0,
        num_labels=CLASSES,
    )
    logits = ["logits"]
    return {
        "vit": Tiny(hf.ViTForImageClassification(vit), logits, of_base("vit", 1)),
        "dinov2": Tiny(hf.Dinov2ForImageClassification(dino), logits, of_base("dinov2", 1)),
        "dinov2_registers": Tiny(
            hf.Dinov2WithRegistersForImageClassification(registers),
            logits,
            of_base("dinov2_with_registers", 5),
        ),
        "convnext": Tiny(
            hf.ConvNextForImageClassification(convnext), logits, of_map("convnext"), edge=64
        ),
        "swin": Tiny(hf.SwinForImageClassification(swin), logits, of_map("swin")),
    }


def encoders():
    clip_vision = hf.CLIPVisionConfig(**COMMON, projection_dim=12)
    siglip_vision = hf.SiglipVisionConfig(**COMMON)
    clip = hf.CLIPConfig(
        vision_config=clip_vision.to_dict(), text_config={**TEXT, "projection_dim": 12}, projection_dim=12
    )
    siglip = hf.SiglipConfig(vision_config=siglip_vision.to_dict(), text_config=TEXT)
    hidden = ["last_hidden_state", "pooler_output"]
    return {
        "vit_base": Tiny(hf.ViTModel(hf.ViTConfig(**COMMON)), hidden, of_base("", 1), ways=BY_DYNAMO),
        "dinov2_base": Tiny(
            hf.Dinov2Model(hf.Dinov2Config(**DINO)), hidden, of_base("", 1), ways=BY_TORCHSCRIPT
        ),
        "clip_vision": Tiny(
            hf.CLIPVisionModelWithProjection(clip_vision),
            ["image_embeds", "last_hidden_state"],
            of_clip(lambda model, images: model(images).image_embeds),
        ),
        "siglip_vision": Tiny(hf.SiglipVisionModel(siglip_vision), hidden, of_siglip),
        "clip": Tiny(
            hf.CLIPModel(clip),
            PAIR_OUTPUTS,
            of_clip(lambda model, images: both_encoders(model, images).image_embeds),
            text=True,
            ways=BY_TORCHSCRIPT,
        ),
        "siglip": Tiny(hf.SiglipModel(siglip), PAIR_OUTPUTS, of_siglip_pair, text=True, ways=BY_DYNAMO),
    }


def timm_networks():
    vit = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=EDGE,
        patch_size=PATCH,
        embed_dim=WIDTH,
        depth=2,
        num_heads=2,
        mlp_ratio=2,
        num_classes=CLASSES,
    )
    convnext = timm.create_model(
        "convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 16, 16), num_classes=CLASSES
    )
    return {
        "timm_vit": Tiny(vit, ["output"], of_timm(1), ways=((TORCHSCRIPT, 1),)),
        "timm_convnext": Tiny(convnext, ["output"], of_timm(0), edge=64, ways=BY_DYNAMO),
    }


def networks():
    """Returns all networks by name, with their weights set."""
    found = {**classifiers(), **encoders(), **timm_networks()}
    for tiny in found.values():
        seeded(tiny.model)
    return found


def expected(tiny):
    """Returns the features of the 8 pictures as PyTorch computes them, by name."""
    with torch.no_grad():
        features = tiny.features(tiny.model, pictures(tiny.edge))
    return {name: value.float().numpy().copy() for name, value in features.items()}
