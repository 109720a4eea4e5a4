"""The picture of the formula in scripts/reference.py, in NumPy alone."""

import numpy as np

PICTURES = 8


def fold(t):
    m = t % 512
    return np.where(m < 256, m, 511 - m)


def picture(width, height, seed):
    """Returns the bytes (row, column, channel)."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    u, v = 1024 * x // width, 1024 * y // height
    smooth = fold((c + 1) * u + 2 * v + 97 * seed) + fold(u + 3 * v + 61 * c + 31 * seed)
    du, dv = u - (256 + (101 * seed) % 512), v - (256 + (67 * seed) % 512)
    disc = np.where(du * du + dv * dv < 90000, 64, 0)
    grain = (3 * x * x + 5 * y * y + 7 * x * y + 11 * c + 17 * seed) % 61
    total = 3 * smooth // 8 + disc + grain
    return np.minimum(np.maximum(total, 32) - 32, 255).astype(np.uint8)


def described(width, height, seed):
    """Returns what identifies a picture, as the other files of reference values have it."""
    values = picture(width, height, seed).reshape(-1).astype(np.int64)
    checksum = int(((np.arange(values.size) % 251 + 1) * values).sum())
    return {"width": width, "height": height, "seed": seed, "checksum": checksum}


def pictures(edge):
    """Returns the pictures with seeds 0 to 7, (8, edge, edge, 3), as bytes."""
    return np.stack([picture(edge, edge, seed) for seed in range(PICTURES)])


def all_described(edge):
    return [described(edge, edge, seed) for seed in range(PICTURES)]


def flat(features):
    """Returns tensors by `NETWORK.FEATURE`, from those by network and feature."""
    return {
        f"{network}.{name}": values for network, found in features.items() for name, values in found.items()
    }
