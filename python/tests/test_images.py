"""Arrays and PIL images in the place of files."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import frostline as fl


@pytest.fixture(scope="module")
def extractor(network):
    return fl.Extractor(network)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (48, 40, 3), dtype=np.uint8)


def same(extractor, a, b):
    first, second = extractor([a]), extractor([b])
    assert np.isfinite(first).all()
    assert first.tobytes() == second.tobytes()


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_files_bytes_and_pixels_have_the_same_features(extractor, files):
    with open(files[0], "rb") as file:
        content = file.read()
    array = np.asarray(Image.open(files[0]))
    forms = [files[0], content, bytearray(content), memoryview(content), array, Image.open(files[0])]
    features = extractor(forms)
    assert features.shape == (6, 16) and (features == features[0]).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1][::-1],
        lambda a: np.ascontiguousarray(a[:, :, ::-1])[:, :, ::-1],
        lambda a: np.broadcast_to(a, a.shape),
    ],
    ids=["fortran", "strided", "flipped", "negative strides", "read-only"],
)
def test_strides_do_not_matter(extractor, pixels, view):
    same(extractor, pixels, view(pixels))


def test_a_read_only_array_is_left_unchanged(extractor, pixels):
    frozen = pixels.copy()
    frozen.flags.writeable = False
    same(extractor, frozen, pixels)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((8, 8, 3), np.float32),
        np.full((8, 8, 3), np.nan),
        np.zeros((8, 8, 3), np.int8),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8, 3), bool),
        np.zeros((8, 8), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 0, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.array(None),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_other_arrays_are_refused(extractor, array):
    with pytest.raises(fl.InputError, match=r"image 0 is an array of .*; an image is an array of uint8"):
        extractor([array])


def test_a_batch_is_several_images(extractor, pixels):
    batch = np.stack([pixels, pixels])
    assert extractor(batch).shape == (2, 16)


def test_no_images(extractor, classifier):
    assert extractor([]).shape == (0, 16)
    assert classifier([]) == [] and classifier.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("other", [None, 3, 2.5, {"a": 1}, object()], ids=repr)
def test_what_is_no_image_is_refused(extractor, other):
    with pytest.raises(fl.InputError, match="image 0"):
        extractor([other])


def palette(pixels):
    return Image.fromarray(pixels).quantize(17)


def with_alpha(pixels):
    alpha = np.linspace(0, 255, pixels.shape[0] * pixels.shape[1]).astype(np.uint8)
    return alpha.reshape(pixels.shape[:2])


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "RGB", "RGBA", "I;16"])
def test_modes_are_as_in_a_saved_file(extractor, pixels, mode):
    if mode == "P":
        image = palette(pixels)
    elif mode in ("LA", "RGBA"):
        image = Image.fromarray(pixels).convert(mode)
        image.putalpha(Image.fromarray(with_alpha(pixels)))
    elif mode == "I;16":
        image = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
        assert image.mode == "I;16"
    else:
        image = Image.fromarray(pixels).convert(mode)
    same(extractor, image, saved(image))


def test_a_palette_with_alpha_is_as_its_colours(extractor, pixels):
    image = Image.new("PA", (2, 1))
    image.putpalette([200, 10, 20, 30, 40, 250])
    image.putpixel((0, 0), (0, 255))
    image.putpixel((1, 0), (1, 128))
    colours = np.array([[[200, 10, 20, 255], [30, 40, 250, 128]]], np.uint8)
    same(extractor, image, saved(Image.fromarray(colours)))


@pytest.mark.parametrize("mode", ["I", "I;16L", "I;16B"])
def test_16_bits_are_as_in_a_saved_file(extractor, pixels, mode):
    values = pixels[:, :, 0].astype(np.uint16) * 257
    wanted = saved(Image.fromarray(values))
    kind = {"I": "<i4", "I;16L": "<u2", "I;16B": ">u2"}[mode]
    image = Image.frombytes(mode, values.shape[::-1], values.astype(kind).tobytes())
    assert image.mode == mode
    same(extractor, image, wanted)


def test_a_transparent_palette_is_as_in_a_saved_file(extractor, pixels):
    image = palette(pixels)
    image.info["transparency"] = 3
    same(extractor, image, saved(image, transparency=3))


def test_inks_are_converted_by_pillow(extractor, pixels):
    image = Image.fromarray(pixels).convert("CMYK")
    same(extractor, image, np.asarray(image.convert("RGB")))


def closed(files):
    image = Image.open(files[0])
    image.close()
    return image


def cut(files):
    with open(files[0], "rb") as file:
        return Image.open(io.BytesIO(file.read()[:-400]))


def closed_file(files):
    file = io.BytesIO(b"")
    file.close()
    return file


UNUSABLE = [
    (cut, "cannot be decoded by Pillow: "),
    (closed, "cannot be decoded by Pillow: "),
    (closed_file, "cannot be read: I/O operation on closed file"),
    (lambda _: io.BytesIO(), "is empty (0 bytes)"),
    (lambda _: Image.new("RGB", (0, 0)), "has no pixels (0 × 0)"),
    (lambda _: Image.new("F", (8, 8)), "is a PIL image of mode F"),
    (lambda _: Image.fromarray(np.full((8, 8), 65536, np.int32)), "is a PIL image of mode I with values outside"),
]


@pytest.mark.parametrize(("image", "reason"), UNUSABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_one_bad_image_is_data(classifier, extractor, files, image, reason):
    good, bad = classifier([files[0], image(files)])
    assert good.status == "ok" and bad.label is None
    assert bad.status.startswith("skipped: " + reason), bad.status
    with pytest.warns(fl.FrostlineWarning, match="1 image skipped: image 1: " + re.escape(reason)):
        features = extractor([files[0], image(files)])
    assert np.isfinite(features[0]).all() and np.isnan(features[1]).all()


def test_open_files_are_read_from_their_start(extractor, classifier, files):
    with open(files[0], "rb") as file:
        content = io.BytesIO(file.read())
        same(extractor, file, files[0])
        same(extractor, content, files[0])
        assert classifier(content).label == "blue"
        assert classifier([file, content])[1].label == "blue"
    with open(files[0], encoding="latin-1") as text, pytest.raises(fl.InputError, match="open as text"):
        extractor([text])


def test_a_table_is_no_list_of_images(extractor, classifier, files):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"path": files, "class": "blue"})
    for call in (extractor, classifier):
        with pytest.raises(TypeError, match=r"a DataFrame; give one of its columns, such as `table\[.path.\]`"):
            call(table)
    assert np.array_equal(extractor(table["path"]), extractor(files))
    with pytest.raises(TypeError, match="a dict"):
        extractor({"path": files})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(extractor, pixels, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(Image.fromarray(pixels), exif=exif)
    opened = Image.open(io.BytesIO(content))
    same(extractor, opened, content)
    upright = {1: pixels, 3: pixels[::-1, ::-1], 6: np.rot90(pixels, 3), 8: np.rot90(pixels)}
    if orientation in upright:
        same(extractor, opened, np.ascontiguousarray(upright[orientation]))


def test_images_that_cannot_be_used_are_nan_with_a_warning(extractor, files):
    with pytest.warns(fl.FrostlineWarning, match=r"2 images skipped: image 0: .*; image 2: "):
        features = extractor([b"no image", files[0], "missing.png"])
    assert np.isnan(features[[0, 2]]).all() and np.isfinite(features[1]).all()
