"""The same numbers as the program, bit for bit."""

import inspect
import json
import re
import warnings

import numpy as np
import pytest
from conftest import program

import frostline as fl


def test_features_are_those_of_the_program(images, network, store, tmp_path):
    program("extract", images, "-o", tmp_path / "features", "--backbone", network)
    ours, labels = store.numpy()
    theirs, their_labels = fl.FeatureStore(tmp_path / "features").numpy()
    assert ours.tobytes() == theirs.tobytes()
    assert labels.tolist() == their_labels.tolist()


def test_heads_are_those_of_the_program(store, tmp_path):
    calibrated = {"solver": "lbfgs", "calibrate": True, "folds": 3}
    for options, keywords in (
        (["--epochs", 30, "--lr", 0.1], {"epochs": 30, "lr": 0.1}),
        (["--search", "--near", 1.0], {"search": True, "near": 1.0}),
        (["--solver", "lbfgs", "--search", "--near", 1.0], {"solver": "lbfgs", "search": True, "near": 1.0}),
        (["--solver", "lbfgs", "--calibrate", "--folds", 3], calibrated),
        (["--solver", "linfa", "--l2", 0.01], {"solver": "linfa", "l2": 0.01}),
    ):
        program("fit-head", store.path, "-o", tmp_path / "head", *options)
        theirs = fl.Head.load(tmp_path / "head")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fl.FrostlineWarning)
            ours = fl.fit_head(store, **keywords)
        assert ours.weight.tobytes() == theirs.weight.tobytes()
        assert ours.bias.tobytes() == theirs.bias.tobytes()
        assert ours.temperature == theirs.temperature


def test_probabilities_are_those_of_the_program(head, classifier, files):
    rows = program("classify", *files, "--head", head, "--format", "jsonl").stdout.splitlines()
    for row, prediction in zip(map(json.loads, rows), classifier(files), strict=True):
        assert row["label"] == prediction.label
        assert row["status"] == prediction.status == "ok"
        assert row["probability"] == prediction.probability
        wanted = [row[f"p_{name}"] for name in classifier.classes]
        assert wanted == prediction.probabilities.tolist()


def test_results_have_the_names_of_the_program(head, store, images, tmp_path):
    def of(*arguments):
        return json.loads(program(*arguments).stdout)

    theirs = of("evaluate", store.path, "--head", head, "--format", "json", "--include-training")
    with pytest.warns(fl.FrostlineWarning, match="train"):
        ours = fl.evaluate(head, store, include_training=True)
    assert ours == theirs
    with pytest.warns(fl.FrostlineWarning, match="too few for 5 folds"):
        ours = fl.inspect(store)
    assert ours == of("inspect", store.path, "--format", "json")
    arguments = ("--head", head, "--format", "json", "--verify", images)
    theirs = of("export", "-o", tmp_path / "theirs.onnx", *arguments)
    ours = fl.export(head, tmp_path / "ours.onnx", verify=images)
    assert ours.keys() == theirs.keys() and ours["agreement"]["equal_labels"] == 36
    assert (tmp_path / "ours.onnx").exists()


def test_what_the_metrics_stand_on_is_no_warning(store, caplog):
    head = fl.fit_head(store, solver="lbfgs", folds=3, near=1.0)
    with caplog.at_level("INFO", logger="frostline"):
        result = fl.evaluate(head, store)
    assert result["training_overlap"]["out_of_fold"] == 36
    assert "All 36 training images are evaluated out of fold" in caplog.text


def test_report_is_a_page(head, store, images, tmp_path):
    result = fl.report(head, store, tmp_path / "report.html", images=images, include_training=True)
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and result["size_bytes"] == len(page.encode())


# Options of the program that are no keywords: those of its output, and what a function has as an argument.
NOT_KEYWORDS = {
    "extract": {"output", "format", "null", "list"},
    "fit-head": {"format"},
    "evaluate": {"format", "output", "overwrite", "head"},
    "inspect": {"format", "output", "overwrite"},
    "report": {"output", "head"},
    "export": {"format", "output", "head"},
}
# Options of commands on whole folders.
OF_FOLDERS = {"output", "overwrite", "format", "null", "any_name", "strict", "store"}
OF_FOLDERS |= {"list", "shard", "retry_failed"}
OF_FOLDERS |= {"labels", "labels_key", "labels_column", "labels_over_folders"}
CLASSES = {
    # One label; the head is an argument; images that were seen before are a matter of whole folders.
    fl.Classifier: ("classify", OF_FOLDERS | {"head", "top_k", "only_new", "state"}),
    # The features of an image as they are without options of the preprocessing.
    fl.Extractor: ("extract", OF_FOLDERS | {"verify", "dtype", "views"}),
    # The worker's own way to survive crashes is that of its process.
    fl.Worker: ("worker", {"no_isolation"}),
}
PREPROCESSING = {"layer", "pool", "map", "prefix_tokens", "preset", "resize", "crop", "interpolation", "mean"}
PREPROCESSING |= {"std", "channels", "layout", "scale", "exif", "alpha", "jpeg_scale"}
COMMON = {"help", "quiet", "verbose", "version", "allow_shared_home"}
# Keywords that are an argument of the command, or have no option.
ONLY_HERE = {"progress", "images", "store", "data", "head", "output", "against"}


def options_of(command):
    text = program(command, "--help").stdout.decode()
    options = {name.replace("-", "_") for name in re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", text, re.M)}
    return options - COMMON


@pytest.mark.parametrize("command", NOT_KEYWORDS)
def test_keywords_are_the_options(command):
    options = options_of(command) - NOT_KEYWORDS[command]
    keywords = set(inspect.signature(getattr(fl, command.replace("-", "_"))).parameters)
    assert options - keywords == set()
    assert keywords - options - ONLY_HERE == set()


@pytest.mark.parametrize("kind", CLASSES)
def test_keywords_of_classes_are_options(kind):
    command, others = CLASSES[kind]
    keywords = set(inspect.signature(kind).parameters) - {"head"}
    of_pixels = set() if kind is fl.Worker else PREPROCESSING
    assert options_of(command) - others - of_pixels == keywords


@pytest.mark.parametrize("function", [*NOT_KEYWORDS, *CLASSES])
def test_defaults_are_those_of_the_options(function):
    """Defaults that the help shows as `[default: …]` by clap, and not in prose, are compared."""
    command = function if isinstance(function, str) else CLASSES[function][0]
    function = getattr(fl, function.replace("-", "_")) if isinstance(function, str) else function
    text = program(command, "--help", env={"COLUMNS": "1000", "PATH": ""}).stdout.decode()
    shown = re.findall(r"--([a-z0-9-]+) <[^\n]*\n(?:(?! +-)[^\n]*\n)*?[^\n]*\[default: ([^\]\s]+)\]", text)
    defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    compared = 0
    for name, default in shown:
        keyword = name.replace("-", "_")
        value = defaults.get(keyword)
        if keyword in defaults and value is not None:
            assert str(value) == default or (default == "512M" and value == 512 << 20) or (
                isinstance(value, float) and value == float(default)
            ), name
            compared += 1
    assert compared > 0


def test_bits_are_compared():
    """`tobytes` tells 0.0 from -0.0, so the tests above compare bits."""
    assert np.float32(0.0).tobytes() != np.float32(-0.0).tobytes()
