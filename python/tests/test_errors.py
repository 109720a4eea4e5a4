"""The exceptions, their hierarchy and their words."""

import os
import subprocess
import sys

import numpy as np
import pytest

import frostline as fl


def test_every_kind_is_an_error():
    for name in fl.__all__:
        value = getattr(fl, name)
        if isinstance(value, type) and issubclass(value, Exception) and not issubclass(value, Warning):
            assert issubclass(value, fl.Error), name


def test_a_missing_file(tmp_path):
    with pytest.raises(fl.MissingFileError) as caught:
        fl.Head.load(tmp_path / "none.safetensors")
    assert isinstance(caught.value, FileNotFoundError) and caught.value.errno == 2
    assert caught.value.filename == str(tmp_path / "none.safetensors")
    assert str(caught.value).startswith("cannot read `") and "No such file" in str(caught.value)


def test_a_file_of_another_format(tmp_path, files):
    with pytest.raises(fl.FileError) as caught:
        fl.Head.load(files[0])
    assert "PNG" in str(caught.value)


def test_a_store_of_a_newer_version(images, network, tmp_path):
    store = fl.extract(images, tmp_path / "s", backbone=network)
    manifest = tmp_path / "s" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"format_version": 2', '"format_version": 99'))
    with pytest.raises(fl.FileError):
        fl.FeatureStore(store.path)


def test_no_store(tmp_path):
    with pytest.raises(fl.Error):
        fl.FeatureStore(tmp_path)


def test_deleted_parts(images, network, tmp_path):
    store = fl.extract(images, tmp_path / "s", backbone=network)
    os.remove(tmp_path / "s" / "part-00000.arrow")
    with pytest.raises(fl.FeaturesError):
        store.numpy()


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("device", "gpu", "`device`"),
        ("batch_size", 0, "`batch_size` is 0, but must be between 1 and 4096"),
        ("batch_size", -1, "`batch_size` is -1"),
        ("threads", 2000, "`threads` is 2000"),
        ("dtype", "f64", "`dtype` is `f64`, but must be f32 or f16"),
        ("views", "all", "`views`"),
        ("resize", "big", "`resize`"),
        ("mean", (1, 2), "`mean`"),
        ("exif", "perhaps", "`exif`"),
        ("layer", 3, "`layer` is 3"),
    ],
)
def test_keywords_out_of_range(images, network, tmp_path, keyword, value, text):
    with pytest.raises(fl.ParameterError) as caught:
        fl.extract(images, tmp_path / "s", backbone=network, **{keyword: value})
    assert text in str(caught.value) and isinstance(caught.value, ValueError)
    assert "--" not in str(caught.value)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "keywords",
    [
        {"solver": "adam"},
        {"l2": 1.0},
        {"solver": "lbfgs", "lr": 0.1},
        {"solver": "lbfgs", "nesterov": True},
        {"solver": "linfa", "epochs": 3},
        {"momentum": 1.0},
        {"epochs": 0},
        {"reject": 2.0},
        {"calibrate_on": "validation"},
        {"schedule": "step"},
        {"schedule": "cosine", "gamma": 0.1},
        {"validation": "a", "validation_split": 0.2},
    ],
    ids=str,
)
def test_parameters_of_a_fit(store, keywords):
    with pytest.raises(fl.ParameterError):
        fl.fit_head(store, **keywords)


def test_sizes_and_channels_in_pythons_forms(images, network, tmp_path):
    options = {"backbone": network, "resize": (48, 40), "crop": 32, "mean": [0.5, 0.4, 0.3], "std": 0.5}
    first = fl.extract(images, tmp_path / "a", **options)
    texts = {"resize": "48x40", "crop": "32", "mean": "0.5,0.4,0.3", "std": "0.5"}
    second = fl.extract(images, tmp_path / "b", **{**options, **texts})
    assert first.info["preprocessing"] == second.info["preprocessing"]
    assert np.array_equal(first.numpy()[0], second.numpy()[0])


def test_warnings_of_a_fit(images, network, tmp_path):
    import shutil

    few = tmp_path / "few"
    for name in ("red", "green"):
        (few / name).mkdir(parents=True)
        for number in range(2):
            shutil.copy(images / name / f"{number:02}.png", few / name)
    store = fl.extract(few, tmp_path / "s", backbone=network)
    with pytest.warns(fl.FrostlineWarning, match="use at least 5"):
        head = fl.fit_head(store, solver="lbfgs")
    assert head.report["warnings"]


def test_talk_goes_to_logging(images, network, tmp_path, caplog):
    with caplog.at_level("INFO", logger="frostline"):
        fl.extract(images, tmp_path / "s", backbone=network)
    assert "36 images in" in caplog.text


def run(code, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env={**inherited, **environment})


def test_without_onnx_runtime_the_hint_names_the_extra(network, files):
    code = (
        "import frostline as fl, frostline._environment as e; e._PACKAGES = ()\n"
        f"try: fl.Extractor({str(network)!r})\n"
        "except fl.OnnxRuntimeError as error: print(error)"
    )
    ended = run(code, PATH="")
    assert "ONNX Runtime" in ended.stdout and "pip install 'frostline[cpu]'" in ended.stdout, ended.stderr


def test_telemetry_is_off_before_anything_is_loaded():
    ended = run("import frostline, os; print(os.environ['ORT_DISABLE_TELEMETRY'])")
    assert ended.stdout == "1\n", ended.stderr


def test_onnxruntime_is_found_without_being_imported(network, files):
    code = (
        f"import sys, frostline as fl; fl.Extractor({str(network)!r})([{files[0]!r}])\n"
        "print('onnxruntime' in sys.modules)"
    )
    ended = run(code)
    assert ended.stdout == "False\n", ended.stderr


def test_no_usable_image(network, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no image")
    with pytest.raises(fl.ImagesError, match="none of the images could be used"):
        fl.extract(tmp_path / "photos", tmp_path / "s", backbone=network)


def test_an_empty_path_is_no_store(images, network):
    with pytest.raises(fl.ParameterError, match="`store` is empty"):
        fl.extract(images, "", backbone=network)
