"""Writes the small HEIC, AVIF and JPEG XL files of tests/golden/newer, each with a PNG of the pixels from its
reference decoder: libheif (pillow-heif), libavif (Pillow) and libjxl (pillow-jxl-plugin, djxl).

Needs pillow, numpy, pillow-heif and pillow-jxl-plugin, and avifenc, cjxl and djxl (Debian: libavif-bin,
libjxl-tools). The files are committed, with the versions used in `versions.json`; other versions may write
other bytes.
"""

import io
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import pillow_heif
import pillow_jxl
from importlib.metadata import version
from PIL import Image, ImageOps, features

pillow_heif.register_heif_opener()
FOLDER = pathlib.Path(__file__).parent.parent / "tests/golden/newer"


def waves(width, height):
    """Returns colours that change from pixel to pixel, so that differences in chroma interpolation show."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    values = 128 + 100 * np.sin(x / (2.1 + c)) * np.cos(y / (3.3 - c)) + (7 * x + 11 * y + 5 * c) % 23
    values[(x // 4 + y // 4) % 5 == 0] = 230
    return values.clip(0, 255).astype(np.uint8)


def picture(width=23, height=17, mode="RGB"):
    values = waves(width, height)
    image = Image.fromarray(values)
    if mode in ("RGBA", "LA"):
        y, x = np.mgrid[0:height, 0:width]
        clear = (x + 2 * y) * 255 // (width + 2 * height)
        image.putalpha(Image.fromarray(clear.astype(np.uint8)))
    return image.convert(mode)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def heic(image=None, **options):
    return saved(image or picture(), "HEIF", **{"quality": 85, "chroma": "420", **options})


def deep_heic(bits, chroma):
    values = waves(23, 17).astype(np.uint16) * 257
    values = np.maximum(values, 255) - np.arange(values.size, dtype=np.uint16).reshape(values.shape) % 256
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    file = io.BytesIO()
    image = pillow_heif.from_bytes(mode="RGB;16", size=(23, 17), data=values.tobytes())
    image.save(file, quality=85, chroma=chroma)
    return file.getvalue()


def avif(image=None, **options):
    return saved(image or picture(), "AVIF", **{"quality": 85, "subsampling": "4:2:0", "speed": 6, **options})


def tool(command, source):
    """Returns the output of libavif's or libjxl's encoder, whose options Pillow's plugins lack."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(pathlib.Path(folder) / name) for name in ("source" + source[0], "coded." + command[0][:1] + "xx")]
        paths[1] = paths[1].replace("axx", "avif").replace("cxx", "jxl")
        pathlib.Path(paths[0]).write_bytes(source[1])
        subprocess.run([command[0], *command[1:], *paths], check=True, capture_output=True)
        return pathlib.Path(paths[1]).read_bytes()


def deep_avif(*options, mode="RGB"):
    """Encodes an 8-bit PNG, whose samples are scaled, because Pillow supports 16 bits only in gray."""
    return tool(["avifenc", "-s", "6", "--min", "10", "--max", "20", *options], (".png", saved(picture(mode=mode), "PNG")))


def jpeg_as_jxl(**options):
    return tool(["cjxl", "--lossless_jpeg=1"], (".jpg", saved(picture(), "JPEG", quality=85, **options)))


def jxl(image=None, **options):
    return saved(image or picture(), "JXL", **{"quality": 85, **options})


# A container for what the encoders above cannot write. The boxes are from ISO/IEC 14496-12 and 23008-12.


def box(name, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), name) + content


def full(name, *parts, version=0, flags=0):
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def boxes(data):
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        size = size or len(data) - at
        yield name, data[at + 8 : at + size]
        at += size


def inside(data, *names):
    """Returns the content of a nested box; `meta` has four bytes before its boxes."""
    for name in names:
        data = next(content for found, content in boxes(data) if found == name)
        if name == b"meta":
            data = data[4:]
    return data


def coded(file):
    """Returns properties and data of a file's only image; libheif codes at least 64 × 64 pixels and crops."""
    properties = list(boxes(inside(file, b"meta", b"iprp", b"ipco")))
    return [box(name, content) for name, content in properties], inside(file, b"mdat")


def ispe(width, height):
    return full(b"ispe", struct.pack(">II", width, height))


def container(brand, items, references=(), primary=1):
    """Builds a file from items, `(type, properties, data, hidden)`, and references, `(type, from, to…)`."""
    ftyp = box(b"ftyp", brand, b"\0\0\0\0", b"mif1", brand)
    properties = []
    associations = b""
    for number, (_, own, _, _) in enumerate(items, 1):
        indices = []
        for one in own:
            if one not in properties:
                properties.append(one)
            indices.append(properties.index(one) + 1)
        associations += struct.pack(">HB", number, len(own)) + bytes(0x80 | index for index in indices)
    infos = [
        full(b"infe", struct.pack(">HH4s", number, 0, kind), b"\0", version=2, flags=int(hidden))
        for number, (kind, _, _, hidden) in enumerate(items, 1)
    ]
    refs = [
        box(name, struct.pack(f">HH{len(to)}H", source, len(to), *to)) for name, source, *to in references
    ]

    def meta(start):
        places = b""
        for number, (_, _, data, _) in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, start, len(data))
            start += len(data)
        return full(
            b"meta",
            full(b"hdlr", b"\0\0\0\0pict", b"\0" * 13),
            full(b"pitm", struct.pack(">H", primary)),
            full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), places),
            full(b"iinf", struct.pack(">H", len(items)), *infos),
            full(b"iref", *refs) if refs else b"",
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", len(items)), associations)),
        )

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", *(data for _, _, data, _ in items))


def irot(quarters):
    return box(b"irot", bytes([quarters]))


def imir(axis):
    return box(b"imir", bytes([axis]))


def clap(width, height, x, y):
    """Returns a crop around the centre, shifted in half pixels."""
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, x, 2, y, 2))


def one(brand, kind, file, *properties):
    keep, data = coded(file)
    return container(brand, [(kind, [*keep, *properties], data, False)])


def with_exif(file, orientation):
    """Returns a file whose EXIF block has a rotation that the container lacks."""
    keep, data = coded(file)
    exif = b"\0\0\0\0" + turned(orientation).tobytes()[6:]
    items = [(b"hvc1", keep, data, False), (b"Exif", [], exif, True)]
    return container(b"heic", items, [(b"cdsc", 2, 1)])


def grid(brand, kind, encode, columns, rows, tile, size, *properties):
    """Returns a file with a grid of tiles, preceded by a small thumbnail."""
    width, height = size
    whole = picture(columns * tile, rows * tile)
    items, references = [], []
    for row in range(rows):
        for column in range(columns):
            corner = (column * tile, row * tile)
            part = whole.crop((*corner, corner[0] + tile, corner[1] + tile))
            keep, data = coded(encode(part))
            items.append((kind, keep, data, True))
    keep, data = coded(encode(picture(16, 16)))
    items.append((kind, keep, data, False))
    count = rows * columns
    description = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    items.append((b"grid", [ispe(width, height), *properties], description, False))
    references.append((b"dimg", count + 2, *range(1, count + 1)))
    references.append((b"thmb", count + 1, count + 2))
    return container(brand, items, references, primary=count + 2)


def second_of_two(brand, kind, encode):
    """Returns a file with two images, the second of which is the primary one."""
    items = []
    for size in ((16, 12), (23, 17)):
        keep, data = coded(encode(picture(*size)))
        items.append((kind, keep, data, False))
    return container(brand, items, primary=2)


H, A = (b"heic", b"hvc1"), (b"avif", b"av01")

FILES = {
    "quarter.heic": lambda: heic(),
    "half.heic": lambda: heic(chroma="422"),
    "full.heic": lambda: heic(chroma="444"),
    "lossless.heic": lambda: heic(quality=-1, chroma="444", matrix_coefficients=0),
    "limited.heic": lambda: heic(full_range_flag=0),
    "bt709.heic": lambda: heic(matrix_coefficients=1),
    "bt2020.heic": lambda: heic(matrix_coefficients=9, chroma="444"),
    "gray.heic": lambda: heic(picture(mode="L")),
    "alpha.heic": lambda: heic(picture(mode="RGBA")),
    "deep10.heic": lambda: deep_heic(10, "420"),
    "deep10_full.heic": lambda: deep_heic(10, "444"),
    "deep12.heic": lambda: deep_heic(12, "422"),
    "pixel.heic": lambda: heic(picture(1, 1)),
    "even.heic": lambda: heic(picture(24, 16)),
    **{f"turned{n}.heic": lambda n=n: heic(exif=turned(n).tobytes()) for n in range(2, 9)},
    "turned_half.heic": lambda: heic(chroma="422", exif=turned(6).tobytes()),
    "turned_even.heic": lambda: heic(picture(24, 16), exif=turned(6).tobytes()),
    "grid.heic": lambda: grid(*H, lambda tile: heic(tile, quality=20), 2, 2, 64, (101, 75)),
    "grid_turned.heic": lambda: grid(*H, lambda tile: heic(tile, quality=20), 2, 1, 64, (100, 64), irot(1)),
    "second.heic": lambda: second_of_two(*H, heic),
    "crop.heic": lambda: one(*H, heic(picture(64, 64)), clap(22, 16, -14, 16)),
    "crop_odd.heic": lambda: one(*H, heic(picture(64, 64)), clap(23, 17, -15, 17), irot(3)),
    "exif_alone.heic": lambda: with_exif(heic(), 6),
    "mirror_then_turn.heic": lambda: one(*H, heic(), imir(1), irot(1)),
    "turn_then_mirror.heic": lambda: one(*H, heic(), irot(1), imir(1)),
    "quarter.avif": lambda: avif(),
    "half.avif": lambda: avif(subsampling="4:2:2"),
    "full.avif": lambda: avif(subsampling="4:4:4"),
    "best.avif": lambda: avif(quality=100, subsampling="4:4:4"),
    "limited.avif": lambda: avif(range="limited"),
    "gray.avif": lambda: avif(picture(mode="L"), subsampling="4:0:0"),
    "gray_limited.avif": lambda: avif(picture(mode="L"), subsampling="4:0:0", range="limited"),
    "alpha.avif": lambda: avif(picture(mode="RGBA")),
    "alpha_premultiplied.avif": lambda: avif(picture(mode="RGBA"), alpha_premultiplied=True),
    "deep10.avif": lambda: deep_avif("-d", "10", "-y", "420"),
    "deep10_full.avif": lambda: deep_avif("-d", "10", "-y", "444"),
    "deep10_alpha.avif": lambda: deep_avif("-d", "10", "-y", "420", mode="RGBA"),
    "deep10_gray.avif": lambda: deep_avif("-d", "10", "-y", "400"),
    "deep12.avif": lambda: deep_avif("-d", "12", "-y", "422"),
    "deep12_limited.avif": lambda: deep_avif("-d", "12", "-y", "420", "-r", "limited"),
    "bt709.avif": lambda: deep_avif("-y", "420", "--cicp", "1/13/1"),
    "bt2020.avif": lambda: deep_avif("-d", "10", "-y", "444", "--cicp", "9/16/9"),
    "lossless.avif": lambda: tool(["avifenc", "-s", "6", "--lossless"], (".png", saved(picture(), "PNG"))),
    "pixel.avif": lambda: avif(picture(1, 1)),
    "even.avif": lambda: avif(picture(24, 16)),
    **{f"turned{n}.avif": lambda n=n: avif(exif=turned(n)) for n in range(2, 9)},
    "grid.avif": lambda: grid(*A, lambda tile: avif(tile, quality=40), 2, 2, 64, (102, 76)),
    "second.avif": lambda: second_of_two(*A, avif),
    "lossy.jxl": lambda: jxl(),
    "rough.jxl": lambda: jxl(quality=40),
    "lossless.jxl": lambda: jxl(lossless=True),
    "gray.jxl": lambda: jxl(picture(mode="L")),
    "gray_lossless.jxl": lambda: jxl(picture(mode="L"), lossless=True),
    "alpha.jxl": lambda: jxl(picture(mode="RGBA")),
    "gray_alpha.jxl": lambda: jxl(picture(mode="LA"), lossless=True),
    "pixel.jxl": lambda: jxl(picture(1, 1)),
    "jpeg.jxl": lambda: jpeg_as_jxl(),
    "jpeg_half.jxl": lambda: jpeg_as_jxl(subsampling="4:2:2"),
    **{f"turned{n}.jxl": lambda n=n: jpeg_as_jxl(exif=turned(n)) for n in range(2, 9)},
    "exif6.jxl": lambda: jxl(exif=turned(6).tobytes()),
}


def reference(path):
    """Decodes with the reference decoder, on white. Pillow reports an AVIF's rotation only as EXIF."""
    if path.stem.startswith(("jpeg", "turned")) and path.suffix == ".jxl":
        # The plugin reconstructs the JPEG and decodes that.
        with tempfile.NamedTemporaryFile(suffix=".png") as decoded:
            subprocess.run(["djxl", path, decoded.name], check=True, capture_output=True)
            return Image.open(decoded.name).convert("RGB")
    image = Image.open(path)
    image.load()
    if path.suffix == ".avif":
        image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA"):
        values = np.asarray(image.convert("RGBA")).astype(int)
        clear = values[..., 3:]
        values = (values[..., :3] * clear + 127) // 255 + 255 - clear
        return Image.fromarray(values.astype(np.uint8))
    return image.convert("RGB")


def first_line(tool):
    said = subprocess.run([tool, "--version"], check=True, capture_output=True, text=True).stdout
    return said.splitlines()[0]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, make in FILES.items():
        path = FOLDER / name
        path.write_bytes(make())
        reference(path).save(FOLDER / f"{name}.png", optimize=True)
    versions = {
        "libheif": pillow_heif.libheif_info()["libheif"],
        "libavif": features.version("avif"),
        **{tool: first_line(tool) for tool in ("avifenc", "cjxl", "djxl")},
        **{name: version(name) for name in ("pillow", "pillow-heif", "pillow-jxl-plugin")},
    }
    (FOLDER / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
