"""The wheel in its environment: the program, ONNX Runtime and the default backbone, without a setup."""

import os
import subprocess
import sysconfig

from conftest import program

import frostline as fl


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
    assert [prediction.label for prediction in classifier(paths)] == [path.split(os.sep)[-2] for path in paths]


def test_a_classifier_brings_its_backbone(images, tmp_path, monkeypatch):
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "home"))
    store = fl.extract(images, tmp_path / "s")
    head = fl.fit_head(store, solver="lbfgs")
    monkeypatch.setenv("FROSTLINE_HOME", str(tmp_path / "another"))
    classifier = fl.Classifier(head)
    assert classifier(os.path.join(images, store.paths[0])).label == "blue"


def test_the_package_is_typed():
    folder = os.path.dirname(fl.__file__)
    assert {"py.typed", "_frostline.pyi"} <= set(os.listdir(folder))
    assert "site-packages" in folder
