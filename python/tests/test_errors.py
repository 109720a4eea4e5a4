"""The exceptions, their hierarchy and their words."""

import inspect
import os
import pickle
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
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is fl.MissingFileError and again.filename == caught.value.filename
    assert isinstance(caught.value, FileNotFoundError) and caught.value.errno == 2
    assert caught.value.filename == str(tmp_path / "none.safetensors")
    assert str(caught.value).startswith("cannot read `") and "No such file" in str(caught.value)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda none, head, out: fl.FeatureStore(none), fl.MissingStoreError),
        (lambda none, head, out: fl.fit_head(none), fl.MissingStoreError),
        (lambda none, head, out: fl.inspect(none), fl.MissingStoreError),
        (lambda none, head, out: fl.evaluate(head, none), fl.MissingImagesError),
        (lambda none, head, out: fl.extract(none, out), fl.MissingImagesError),
        (lambda none, head, out: fl.evaluate(none, none), fl.MissingFileError),
        (lambda none, head, out: fl.export(none, out), fl.MissingFileError),
        (lambda none, head, out: fl.Classifier(none), fl.MissingFileError),
    ],
)
def test_a_missing_path(head, tmp_path, call, kind):
    none = str(tmp_path / "none")
    with pytest.raises(FileNotFoundError) as caught:
        call(none, head, tmp_path / "out")
    error = caught.value
    assert type(error) is kind and isinstance(error, fl.MissingFileError)
    assert error.errno == 2 and error.filename == none and none in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == str(error)


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
        ("layer", 3, "`layer` is 3, but must be a string"),
        ("batch_size", "8", "`batch_size` is '8', but must be an integer"),
        ("max_pixels", -1, "`max_pixels` is -1, but must not be negative"),
        ("max_pixels", 10**30, "`max_pixels` is too large: 1000"),
        ("scale", "half", "`scale` is 'half', but must be a number"),
    ],
)
def test_keywords_out_of_range(images, network, tmp_path, keyword, value, text):
    with pytest.raises(fl.ParameterError) as caught:
        fl.extract(images, tmp_path / "s", backbone=network, **{keyword: value})
    assert text in str(caught.value) and isinstance(caught.value, ValueError)
    assert "--" not in str(caught.value)
    assert not (tmp_path / "s").exists()


CALLS = {
    fl.extract: ("images", "out", "backbone"),
    fl.fit_head: ("store",),
    fl.evaluate: ("head", "store"),
    fl.inspect: ("store",),
    fl.report: ("head", "store", "out"),
    fl.export: ("head", "out"),
    fl.Classifier: ("head",),
    fl.Extractor: ("network",),
}
PARAMETERS = [(call, name) for call in CALLS for name in inspect.signature(call).parameters]


@pytest.mark.parametrize(("call", "name"), PARAMETERS, ids=lambda value: getattr(value, "__name__", value))
def test_a_value_of_another_type_is_named(call, name, images, store, head, network, tmp_path):
    known = {"images": images, "store": store, "head": head, "network": network, "out": tmp_path / "out"}
    arguments = dict(zip(inspect.signature(call).parameters, [known.get(place) for place in CALLS[call]]))
    if call is fl.extract:
        arguments["backbone"] = network
    if name in ("l2", "tol", "max_iter"):
        arguments["solver"] = "lbfgs"
    with pytest.raises(fl.ParameterTypeError, match=f"^`{name}` is <object object at .*, but must be ") as caught:
        call(**{**arguments, name: object()})
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, fl.ParameterError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("call", [fl.Classifier, fl.Head.load, fl.FeatureStore, lambda path: fl.extract("a", path)])
def test_an_empty_path_is_none(call):
    with pytest.raises(fl.ParameterError, match=r"^`\w+` is empty, but must be a path$"):
        call("")


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
        {"epochs": -1},
        {"class_weight": {"red": 0.0, "green": 1.0, "blue": 1.0}},
        {"class_weight": {0: 1.0}},
        {"reject": 2.0},
        {"calibrate_on": "validation"},
        {"schedule": "step"},
        {"schedule": "cosine", "gamma": 0.1},
        {"validation": "a", "validation_split": 0.2},
        {"validation": "a", "splits": "b"},
        {"labels_key": "image"},
        {"labels_column": "species"},
        {"labels_over_folders": True},
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


@pytest.mark.parametrize(
    ("module", "call", "extra"),
    [
        ("pyarrow", "fl.FeatureStore({store!r}).table()", "all"),
        ("pandas", "fl.FeatureStore({store!r}).pandas()", "all"),
        ("tqdm", "fl.inspect; fl.fit_head({store!r}, progress=True)", "all"),
        ("sklearn", "fl.SoftmaxClassifier()", "sklearn"),
    ],
)
def test_the_hint_for_a_missing_package(store, module, call, extra):
    code = f"import sys; sys.modules[{module!r}] = None\nimport frostline as fl\n{call.format(store=store.path)}"
    ended = run(code)
    assert ended.returncode == 1 and ended.stderr.splitlines()[-1].startswith("ImportError: "), ended.stderr
    assert f"needs {'scikit-learn' if module == 'sklearn' else module}" in ended.stderr
    assert f"run `pip install 'frostline[{extra}]'`" in ended.stderr
