"""Writes the small pictures of tests/golden/pixels with Pillow, and prints the BLAKE3 digests of those that Pillow decodes losslessly.

Needs pillow, numpy and blake3. The files are committed; other versions of Pillow may write other bytes.
"""

import pathlib

import numpy as np
from blake3 import blake3
from PIL import Image

FOLDER = pathlib.Path(__file__).parent.parent / "tests/golden/pixels"
W, H = 37, 29

y, x, c = np.mgrid[0:H, 0:W, 0:3]
waves = 128 + 90 * np.sin(x / (3 + c)) * np.cos(y / (5 - c)) + (7 * x + 11 * y + 5 * c) % 23
rgb = Image.fromarray(waves.clip(0, 255).astype(np.uint8))
gray = rgb.convert("L")
alpha = Image.fromarray(((x + 2 * y)[..., 0] * 255 // (W + 2 * H)).astype(np.uint8))
deep = Image.fromarray((np.asarray(gray).astype(np.uint16) * 251 + 77))
rgba = rgb.copy()
rgba.putalpha(alpha)
turned = Image.Exif()
turned[0x0112] = 6

PICTURES = {
    "baseline.jpg": (rgb, {"quality": 85}),
    "fine.jpg": (rgb, {"quality": 95, "subsampling": 0}),
    "progressive.jpg": (rgb, {"quality": 85, "progressive": True}),
    "gray.jpg": (gray, {"quality": 85}),
    "cmyk.jpg": (rgb.convert("CMYK"), {"quality": 80}),
    "turned.jpg": (rgb, {"quality": 85, "exif": turned}),
    "rgb.png": (rgb.quantize(64).convert("RGB"), {}),
    "gray.png": (gray, {}),
    "deep.png": (deep, {}),
    "palette.png": (rgb.quantize(32), {}),
    "alpha.png": (Image.merge("RGBA", [*rgb.quantize(16).convert("RGB").split(), alpha]), {}),
    "palette.gif": (rgb.quantize(32), {}),
    "lossy.webp": (rgb, {"quality": 80}),
    "lossless.webp": (rgb.quantize(64).convert("RGB"), {"lossless": True}),
    "gray.bmp": (gray, {}),
    "lzw.tiff": (rgb.quantize(16).convert("RGB"), {"compression": "tiff_lzw"}),
    "gray.ppm": (gray, {}),
}
LOSSLESS = "rgb.png gray.png palette.png palette.gif lossless.webp gray.bmp lzw.tiff gray.ppm".split()

FOLDER.mkdir(exist_ok=True)
for name, (picture, options) in PICTURES.items():
    path = FOLDER / name
    picture.save(path, **options)
    assert path.stat().st_size < 3000, (name, path.stat().st_size)
    if name in LOSSLESS:
        print(name, blake3(Image.open(path).convert("RGB").tobytes()).hexdigest())
