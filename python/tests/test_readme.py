"""The lines of README run as they stand, on the emoji sample."""

import os
import pathlib
import re
import shutil

import pytest

import frostline as fl

ROOT = pathlib.Path(__file__).parents[2]
EMOJI = os.environ.get("FROSTLINE_EMOJI", ROOT / "data" / "emoji")


@pytest.mark.skipif(not os.path.isdir(EMOJI), reason="the emoji sample is missing: cargo run -p emoji -- data/emoji")
@pytest.mark.filterwarnings("ignore::frostline.FrostlineWarning")
def test_the_lines_of_the_readme(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) == 1 and blocks[0].count("\n") <= 12
    shutil.copytree(EMOJI, tmp_path / "data" / "emoji")
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(compile(blocks[0], "README.md", "exec"), scope)
    accuracy, label = capsys.readouterr().out.split()
    assert float(accuracy) > 0.85 and label == "animals"
    assert scope["X"].shape == (len(scope["y"]), 1280)
    assert isinstance(scope["head"], fl.Head) and scope["head"].metrics["calibration"]
