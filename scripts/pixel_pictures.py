"""Writes the test images for decoders, and the digests of what Pillow decodes from them.

usage: pixel_pictures.py [pictures] [jpegs] [real DATA]

- `pictures`: writes small images of every format to tests/golden/pixels and prints the BLAKE3 digests of the
  lossless ones. Needs blake3.
- `jpegs`: writes tests/golden/jpegs.bin, small JPEGs of every kind one after another, and jpegs.json: each
  JPEG's name, its length in bytes, and the digests of Pillow's pixels at full resolution and at 1/2, 1/4 and
  1/8 of the edges (Pillow's `draft`). Needs simplejpeg and libjpeg-turbo's `cjpeg` (Debian:
  libjpeg-turbo-progs).
- `real DATA`: writes tests/golden/real_jpegs.txt, a line `KEY DIGEST` for every JPEG in the folder DATA,
  whatever its file name; KEY is the start of the file's SHA-256. Nothing of the images themselves is stored.

A digest is the start of the SHA-256 of the text `WIDTH HEIGHT`, a line feed, and the RGB bytes by row. All
commands need pillow and numpy. The files are committed; other versions of Pillow and cjpeg may write other
bytes.
"""

import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import PIL
from PIL import Image, features

GOLDEN = pathlib.Path(__file__).parent.parent / "tests/golden"
KEY, DIGEST = 8, 12
VERSIONS = f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"


def waves(width, height):
    """Returns an image of soft waves with grain."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    values = 128 + 90 * np.sin(x / (3 + c)) * np.cos(y / (5 - c)) + (7 * x + 11 * y + 5 * c) % 23
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


# --- images of every format

LOSSLESS = "rgb.png gray.png palette.png palette.gif lossless.webp gray.bmp lzw.tiff gray.ppm".split()


def pictures():
    """Returns the names, images and save options."""
    rgb = waves(37, 29)
    gray = rgb.convert("L")
    y, x = np.mgrid[0:29, 0:37]
    alpha = Image.fromarray(((x + 2 * y) * 255 // (37 + 2 * 29)).astype(np.uint8))
    deep = Image.fromarray((np.asarray(gray).astype(np.uint16) * 251 + 77))
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
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


def write_pictures():
    from blake3 import blake3

    folder = GOLDEN / "pixels"
    folder.mkdir(exist_ok=True)
    for name, (picture, options) in pictures().items():
        path = folder / name
        picture.save(path, **options)
        assert path.stat().st_size < 3000, (name, path.stat().st_size)
        if name in LOSSLESS:
            print(name, blake3(Image.open(path).convert("RGB").tobytes()).hexdigest())


# --- JPEGs of every kind

SIZES = [(1, 1), (1, 17), (17, 1), (8, 8), (15, 9), (16, 16), (33, 31), (50, 35)]
# libjpeg's sampling factors, luma first.
SAMPLINGS = {
    "444": "1x1",
    "422": "2x1",
    "420": "2x2",
    "440": "1x2",
    "411": "4x1",
    "410": "4x2",
    "441": "1x4",
    "3x1": "3x1",
    "3x2": "3x2",
    "uneven chroma": "2x2,2x1,1x2",
    "finer chroma": "1x1,2x1,1x1",
    "crossed chroma": "2x1,1x2,1x1",
}
CODINGS = {
    "baseline": [],
    "optimised": ["-optimize"],
    "progressive": ["-progressive"],
    "arithmetic": ["-arithmetic"],
    "arithmetic progressive": ["-arithmetic", "-progressive"],
}
RESTARTS = {"": [], "restart row": ["-restart", "1"], "restart 3 blocks": ["-restart", "3B"]}
# Scans of one component each, scans with luma separate, and progressive scans without the last bits or the
# higher frequencies, for which libjpeg smooths the blocks.
SCANS = {
    "3 scans": "0; 1; 2;",
    "2 scans": "0; 1 2;",
    "only means": "0 1 2: 0-0, 0, 0;",
    "coarse means": "0 1 2: 0-0, 0, 1;",
    "first frequencies": "0 1 2: 0-0, 0, 0; 0: 1-5, 0, 2; 1: 1-5, 0, 2; 2: 1-5, 0, 2;",
}


def cjpeg(picture, *options):
    ppm = io.BytesIO()
    picture.save(ppm, "PPM")
    command = ["cjpeg", "-quality", "70", *options]
    return subprocess.run(command, input=ppm.getvalue(), capture_output=True, check=True).stdout


def with_scans(picture, script, *options):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(script)
        file.flush()
        return cjpeg(picture, "-scans", file.name, *options)


def without(jpeg, marker):
    """Returns the file without its first segment with this marker."""
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


def adobe(jpeg, transform):
    """Returns the file with another transform in its Adobe segment."""
    at = jpeg.index(b"Adobe") + 11
    return jpeg[:at] + bytes([transform]) + jpeg[at + 1 :]


def numbered(jpeg):
    """Returns the file with the component names 1, 2, 3 instead of R, G, B."""
    frame = jpeg.index(b"\xff\xc0")
    scan = jpeg.index(b"\xff\xda")
    changed = bytearray(jpeg)
    for i in range(3):
        changed[frame + 10 + 3 * i] = changed[scan + 5 + 2 * i] = i + 1
    return bytes(changed)


def colour_pictures():
    """Yields YCC of all samplings and codings; sizes and restarts rotate, so that all are covered."""
    turn = 0
    for sampling, factors in SAMPLINGS.items():
        for coding, options in CODINGS.items():
            size = SIZES[(5 * turn + turn // 8) % len(SIZES)]
            restart = list(RESTARTS)[turn % len(RESTARTS)]
            name = " ".join(filter(None, [sampling, coding, restart, "{}x{}".format(*size)]))
            yield name, cjpeg(waves(*size), "-sample", factors, *options, *RESTARTS[restart])
            turn += 1
    for size in SIZES:
        yield "420 optimised {}x{}".format(*size), cjpeg(waves(*size), "-optimize")
    for sampling in ["420", "422", "440", "411"]:
        for scans, script in SCANS.items():
            name = f"{sampling} {scans} 50x35"
            yield name, with_scans(waves(50, 35), script, "-optimize", "-sample", SAMPLINGS[sampling])
    yield "420 16-bit quantisation 33x31", cjpeg(waves(33, 31), "-quality", "1", "-optimize")
    yield "444 quality 100 33x31", cjpeg(waves(33, 31), "-quality", "100", "-optimize", "-sample", "1x1")


def gray_pictures():
    for (coding, options), size in zip(CODINGS.items(), SIZES[3:]):
        yield "gray {} {}x{}".format(coding, *size), cjpeg(waves(*size), "-grayscale", *options)
    yield "gray restart 3 blocks 50x35", cjpeg(waves(50, 35), "-grayscale", "-optimize", "-restart", "3B")
    yield "gray 2x2 factors 33x31", cjpeg(waves(33, 31), "-grayscale", "-optimize", "-sample", "2x2")


def markers():
    """Yields files that differ in what marks RGB or YCC: JFIF, Adobe's transform, the component names."""
    for size in [(15, 9), (33, 31)]:
        rgb = cjpeg(waves(*size), "-rgb", "-optimize")
        ycc = cjpeg(waves(*size), "-optimize")
        cases = {
            "RGB, Adobe 0, components RGB": rgb,
            "RGB, no marker, components RGB": without(rgb, 0xEE),
            "RGB, Adobe 0, components 123": numbered(rgb),
            "RGB as YCC, no marker, components 123": without(numbered(rgb), 0xEE),
            "RGB as YCC, Adobe 1, components RGB": adobe(rgb, 1),
            "RGB as YCC, Adobe of unknown transform, components 123": adobe(numbered(rgb), 7),
            "YCC, no marker": without(ycc, 0xE0),
            "YCC, JFIF and Adobe 0": ycc[:20] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0" + ycc[20:],
        }
        for name, jpeg in cases.items():
            yield "{} {}x{}".format(name, *size), jpeg
    for coding in ["progressive", "arithmetic"]:
        yield f"RGB {coding} 33x31", cjpeg(waves(33, 31), "-rgb", *CODINGS[coding])


def four_components():
    """Yields CMYK and YCCK: Pillow subsamples black like colours, libjpeg-turbo's own API never does."""
    import simplejpeg

    for size in [(15, 9), (33, 31)]:
        cmyk = waves(*size).convert("CMYK")
        for sampling in ["4:4:4", "4:2:2", "4:2:0"]:
            for progressive in [False, True] if sampling == "4:2:0" else [False]:
                file = io.BytesIO()
                options = {"subsampling": sampling, "progressive": progressive, "optimize": True}
                cmyk.save(file, "JPEG", quality=70, **options)
                name = f"{sampling.replace(':', '')}{' progressive' * progressive} {size[0]}x{size[1]}"
                yield f"CMYK black like colours {name}", file.getvalue()
                yield f"YCCK black like colours {name}", adobe(file.getvalue(), 2)
        for sampling in ["444", "422", "420", "440", "411"]:
            inverted = 255 - np.asarray(cmyk)
            ycck = simplejpeg.encode_jpeg(np.ascontiguousarray(inverted), 70, "CMYK", sampling)
            yield "YCCK black in full {} {}x{}".format(sampling, *size), ycck
            if sampling == "420":
                yield "CMYK black in full {} {}x{}".format(sampling, *size), adobe(ycck, 0)
                yield "CMYK black in full, no marker, {} {}x{}".format(sampling, *size), without(ycck, 0xEE)


def digest(picture):
    rgb = picture.convert("RGB")
    return hashlib.sha256(f"{rgb.width} {rgb.height}\n".encode() + rgb.tobytes()).hexdigest()[:DIGEST]


def scaled(jpeg, divisor):
    """Returns the image at a fraction of its edges; None if it is too small for that."""
    picture = Image.open(io.BytesIO(jpeg))
    if min(picture.size) < divisor:
        return None
    wanted = tuple(-(-edge // divisor) for edge in picture.size)
    picture.draft(None, tuple(edge // divisor for edge in picture.size))
    assert picture.size == wanted, (picture.size, wanted)
    return picture


def described(name, jpeg):
    about = {"name": name, "bytes": len(jpeg), "full": digest(Image.open(io.BytesIO(jpeg)))}
    for divisor in (2, 4, 8):
        if small := scaled(jpeg, divisor):
            about[f"1/{divisor}"] = digest(small)
    return about


def write_jpegs():
    kinds = [*colour_pictures(), *gray_pictures(), *markers(), *four_components()]
    assert len(dict(kinds)) == len(kinds)
    (GOLDEN / "jpegs.bin").write_bytes(b"".join(jpeg for _, jpeg in kinds))
    lines = ",\n  ".join(json.dumps(described(*kind)) for kind in kinds)
    (GOLDEN / "jpegs.json").write_text(f'{{"pillow": "{VERSIONS}", "jpegs": [\n  {lines}\n]}}\n')
    print(f"{len(kinds)} JPEGs, {sum(len(jpeg) for _, jpeg in kinds)} bytes")


# --- real JPEGs


def write_real(data):
    digests = {}
    for path in pathlib.Path(data).rglob("*"):
        file = path.read_bytes() if path.is_file() else b""
        if file.startswith(b"\xff\xd8"):
            key = hashlib.sha256(file).hexdigest()
            digests[key] = digest(Image.open(io.BytesIO(file)))
    lines = sorted(f"{key[:KEY]} {pixels}" for key, pixels in digests.items())
    assert len({line[:KEY] for line in lines}) == len(lines), "two files have the same key; increase KEY"
    (GOLDEN / "real_jpegs.txt").write_text("\n".join([f"# {VERSIONS}", *lines, ""]))
    print(f"{len(lines)} files")


def main():
    match sys.argv[1:]:
        case ["pictures"]:
            write_pictures()
        case ["jpegs"]:
            write_jpegs()
        case ["real", data]:
            write_real(data)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
