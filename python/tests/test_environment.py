"""The wheel in its environment: the program, ONNX Runtime and the default backbone, without a setup."""

import os
import shutil
import subprocess
import sys
import sysconfig

import pytest
from conftest import program

import frostline as fl
from frostline import _environment


def test_the_program_is_of_the_same_version():
    assert program("--version").stdout.decode().split() == ["frostline", fl.__version__]


def test_the_program_finds_onnx_runtime_from_its_own_place(images, tmp_path):
    """Through a link elsewhere, as of pipx, with an empty home and no variables."""
    link = tmp_path / "bin" / "frostline"
    link.parent.mkdir()
    link.symlink_to(os.path.join(sysconfig.get_path("scripts"), "frostline"))
    environment = {"FROSTLINE_HOME": str(tmp_path / "home"), "PATH": "/nonexistent"}
    command = [str(link), "extract", str(images), "-o", str(tmp_path / "s"), "--format", "json"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "installed the backbone from" in ended.stderr
    assert (tmp_path / "home" / "models" / "efficientnet-lite0.onnx").exists()


def test_the_default_backbone_needs_no_setup(images, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "home"))
    with caplog.at_level("INFO", logger="frostline"):
        store = fl.extract(images, tmp_path / "s")
    assert "installed the backbone from" in caplog.text
    assert store.num_features == 1280
    head = fl.fit_head(store, solver="lbfgs")
    classifier = fl.Classifier(head)
    paths = [os.path.join(images, path) for path in store.paths]
    labels = [prediction.label for prediction in classifier(paths)]
    assert labels == [path.split(os.sep)[-2] for path in paths]


def test_a_classifier_brings_its_backbone(images, tmp_path, monkeypatch):
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "home"))
    store = fl.extract(images, tmp_path / "s")
    head = fl.fit_head(store, solver="lbfgs")
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "another"))
    classifier = fl.Classifier(head)
    assert classifier(os.path.join(images, store.paths[0])).label == "blue"


def test_without_its_backbone_the_hint_names_the_extra(images, tmp_path, monkeypatch):
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "home"))
    head = fl.fit_head(fl.extract(images, tmp_path / "s"), solver="lbfgs")
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "another"))
    site = tmp_path / "site-packages"
    site.mkdir()
    for package in _environment.packages():
        if os.path.isdir(os.path.join(package, "onnxruntime")):
            (site / "onnxruntime").symlink_to(os.path.join(package, "onnxruntime"))
    monkeypatch.setattr(_environment, "packages", lambda: [str(site)])
    for call in (
        lambda: fl.extract(images, tmp_path / "t"),
        lambda: fl.Extractor(),
        lambda: fl.Classifier(head),
        lambda: fl.evaluate(head, images),
        lambda: fl.export(head, tmp_path / "network.onnx"),
    ):
        with pytest.raises(fl.BackboneError, match=r"run `pip install 'frostline\[cpu\]'`"):
            call()


def test_a_backbone_in_a_file(images, network, tmp_path, monkeypatch):
    """A head whose backbone is not installed, and is found nowhere but in the file that is given."""
    moved = tmp_path / "moved.onnx"
    shutil.copy(network, moved)
    shutil.copy(network.with_suffix(".toml"), moved.with_suffix(".toml"))
    store = fl.extract(images, tmp_path / "s", backbone=moved)
    head = fl.fit_head(store, solver="lbfgs", l2=0.01)
    for path in (moved, moved.with_suffix(".toml")):
        path.unlink()
    with pytest.raises(fl.BackboneError, match="pass the file of the network as `backbone`"):
        fl.Classifier(head)
    image = os.path.join(images, store.paths[0])
    assert fl.Classifier(head, backbone=network)(image).label == "blue"


def test_a_library_named_by_a_variable_wins_over_the_environment(network, images, tmp_path):
    environment = {**os.environ, "ORT_DYLIB_PATH": str(tmp_path / "libonnxruntime.so")}
    binary = os.path.join(sysconfig.get_path("scripts"), "frostline")
    code = f"import frostline as fl; fl.Extractor({str(network)!r})"
    extract = [binary, "extract", str(images), "-o", str(tmp_path / "s"), "--backbone", str(network)]
    for command in ([sys.executable, "-c", code], extract):
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ended.returncode == 1
        assert f"`{tmp_path}/libonnxruntime.so`" in ended.stderr and "ORT_DYLIB_PATH" in ended.stderr


def test_the_hint_of_the_program_names_the_extra(network, images, tmp_path):
    """Of a program in an environment with frostline, but without ONNX Runtime."""
    module = tmp_path / "lib" / "python3.12" / "site-packages" / "frostline"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    binary = tmp_path / "bin" / "frostline"
    binary.parent.mkdir()
    shutil.copy(os.path.join(sysconfig.get_path("scripts"), "frostline"), binary)
    command = [str(binary), "extract", str(images), "-o", str(tmp_path / "s"), "--backbone", str(network)]
    environment = {"FROSTLINE_HOME": str(tmp_path / "home")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "hint: run `pip install 'frostline[cpu]'`" in ended.stderr, ended.stderr


def test_the_package_is_typed():
    folder = os.path.dirname(fl.__file__)
    assert {"py.typed", "_frostline.pyi"} <= set(os.listdir(folder))
    assert "site-packages" in folder
