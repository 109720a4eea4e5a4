"""The tutorial notebook runs as it stands, on the emoji sample."""

import os
import pathlib
import re

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[2]
EMOJI = os.environ.get("FROSTLINE_EMOJI", ROOT / "data" / "emoji")


def text(cell):
    """What a cell prints and returns."""
    outputs = cell.get("outputs", [])
    return "".join(out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in outputs)


@pytest.mark.skipif(not os.path.isdir(EMOJI), reason="the emoji sample is missing: cargo run -p emoji -- data/emoji")
def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("FROSTLINE_EMOJI", str(EMOJI))
    notebook = nbformat.read(ROOT / "python" / "tutorial.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not kept in the repository"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = [text(cell) for cell in code]
    for words in ["images are right", "in cross-validation"]:
        [printed] = [printed for printed in said if words in printed]
        assert float(re.match(r"[\d.]+", printed)[0]) > 85, printed
    assert any("unknown" in printed for printed in said), "stripes are like no emoji"
