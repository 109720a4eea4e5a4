"""The examples of README and docs/python.md run as they stand, on the emoji sample."""

import os
import pathlib
import re
import shutil

import pytest

import frostline as fl

ROOT = pathlib.Path(__file__).parents[2]
EMOJI = os.environ.get("FROSTLINE_EMOJI", ROOT / "data" / "emoji")


MISSING = "the emoji sample is missing: cargo run -p emoji -- data/emoji"
pytestmark = pytest.mark.skipif(not os.path.isdir(EMOJI), reason=MISSING)


def run(document, folder, monkeypatch):
    """Run the Python blocks of a document one after the other; return them and their variables."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.S)
    shutil.copytree(EMOJI, folder / "data" / "emoji")
    monkeypatch.chdir(folder)
    scope = {}
    for block in blocks:
        exec(compile(block, document, "exec"), scope)
    return blocks, scope


def test_the_lines_of_the_readme(tmp_path, monkeypatch, capsys):
    blocks, scope = run("README.md", tmp_path, monkeypatch)
    assert len(blocks) == 1 and blocks[0].count("\n") <= 12
    accuracy, label = capsys.readouterr().out.split()
    assert float(accuracy) > 0.85 and label == "animals"
    assert scope["X"].shape == (len(scope["y"]), 1280)
    assert isinstance(scope["head"], fl.Head) and scope["head"].metrics["calibration"]


# One image of the sample is in both sets, and a warning says so.
@pytest.mark.filterwarnings("ignore:results are optimistic. 1 of the 227:frostline.FrostlineWarning")
def test_the_examples_of_the_reference(tmp_path, monkeypatch):
    blocks, scope = run("docs/python.md", tmp_path, monkeypatch)
    assert len(blocks) == 6
    assert scope["metrics"]["top1_accuracy"] > 0.85
    assert (tmp_path / "classifier.onnx").exists() and (tmp_path / "report.html").exists()
