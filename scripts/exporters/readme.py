"""Writes the table of the files' graphs."""

from . import table

HEAD = """# Networks of the exporters in use

Written by `scripts/reference_networks.py`, whose head describes the other files here. Each network has random
weights; stack traces and other notes of the exporters are removed, since they hold paths.

- *pools*: the nodes nearest to the pooled output that take tokens or average them, with their constants.
- *batch of 1*: the constants that differ from an export with a batch of 2, as op, input and value.
- *freed by*: the ops whose constants have to be computed from the input's first dimension so that 8 pictures
  at once give the same output. A tensor among the constants (the class token before a Concat) is expanded.
- *unusual ops*: those that few of the files have, also in subgraphs and functions.

| file | KB | exporter | batch | opset | outputs | pools | batch of 1 | freed by | unusual ops |
| --- | ---: | --- | --- | ---: | --- | --- | --- | --- | --- |
"""


def row(path, model, entry, twin, feeds):
    """Returns one line of the table."""
    _, pooling = table.pooling(model)
    holders = freeing = ""
    if twin is not None:
        found = table.holders(model, twin)
        holders = table.holders_text(model, found)
        freeing = table.simplest_freeing(model, found, feeds, len(feeds["pixel_values"]))
    outputs = ", ".join(f"{name} {shape}".replace("'", "") for name, shape in entry["outputs"])
    cells = [
        path.stem,
        f"{path.stat().st_size / 1000:.0f}",
        entry["exporter"],
        "free" if entry["batch"] is None else str(entry["batch"]),
        str(entry["opset"]),
        outputs,
        pooling,
        holders,
        freeing,
        " ".join(table.unusual(model)),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(out, rows, failed):
    text = HEAD + "\n".join(rows) + "\n"
    if failed:
        text += "\nExports that the exporter refuses:\n\n"
        for row in failed:
            batch = "free" if row["batch"] is None else row["batch"]
            text += f"- {row['network']} by {row['exporter']}, batch {batch}: {row['error']}\n"
    (out / "README.md").write_text(text, encoding="utf-8")
