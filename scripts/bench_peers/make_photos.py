"""Makes camera-sized photos from small images by enlarging them and adding sensor grain.

usage: make_photos.py SAMPLE COUNT WIDTH HEIGHT OUT

Takes COUNT images, spread evenly over those in SAMPLE, and writes them to OUT as JPEGs of quality 90 with
chroma at half resolution (4:2:0). An enlarged image has no detail and would compress far better than a photo;
fine and coarse grain, independent in each channel and with a fixed seed, makes up for it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

FINE, COARSE = 5.0, 4.0


def main():
    sample, count, width, height, out = sys.argv[1:]
    count, size = int(count), (int(width), int(height))
    paths = sorted(path for path in Path(sample).rglob("*") if path.is_file())
    for i in range(count):
        path = Path(out) / f"{i:02}.jpg"
        if not path.is_file():
            picture = photo(paths[i * len(paths) // count], size, np.random.default_rng(i))
            written = path.with_suffix(".part")
            picture.save(written, "JPEG", quality=90, subsampling="4:2:0")
            written.rename(path)


def photo(path, size, random):
    picture = on_white(Image.open(path))
    # The largest part of the image with the photo's aspect ratio.
    scale = min(edge / wanted for edge, wanted in zip(picture.size, size))
    part = picture.crop([0, 0, *(max(1, int(scale * wanted)) for wanted in size)])
    pixels = np.asarray(part.resize(size, Image.Resampling.BICUBIC), np.float32)
    coarse = noise(random, [edge // 2 for edge in size]).repeat(2, axis=0).repeat(2, axis=1)
    pixels = pixels + FINE * noise(random, size) + COARSE * coarse
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def on_white(picture):
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def noise(random, size):
    width, height = size
    return random.standard_normal((height, width, 3), np.float32)


main()
