"""Writes BENCHMARKS.md from the results: medians, and ratios computed round by round.

usage: table.py RESULTS BENCHMARKS.md
"""

import json
import sys
from pathlib import Path
from statistics import median

ORDER = ["forward", "folder", "photos", "tutorial", "fit", "cold", "again", "serve"]
TITLES = {
    "forward": "Networks on ready tensors",
    "folder": "From a folder to features",
    "photos": "From photos to features",
    "tutorial": "The tutorial's job",
    "fit": "Fitting a head",
    "cold": "Cold start",
    "again": "Second run",
    "serve": "A service under load",
}
HEAD = """# Benchmarks

Written by `scripts/bench_peers.sh`, which measures all programs in one run on one machine: they take turns
in every round, in a different order each time, after a warm-up round. Each figure is the median of the
rounds, with the minimum and maximum. A ratio is the median of the ratios in each round: how many times as
long a program took as the one in bold.
"""


def main():
    results, target = map(Path, sys.argv[1:])
    found = [json.loads(path.read_text()) for path in results.glob("*.json")]
    found.sort(key=lambda result: ORDER.index(result["section"]))
    target.write_text(page(found))


def page(results):
    """Returns the page, with the sections in the given order."""
    parts = [HEAD]
    for result in results:
        parts.append(f"## {TITLES[result['section']]}\n")
        parts.append(about(result))
        parts.extend(table(each) for each in result["tables"])
        if result["missing"]:
            parts.append("Not measured:\n\n" + "\n".join(f"- {one}" for one in result["missing"]) + "\n")
    return "\n".join(parts)


def about(result):
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    quick = " A quick run with few rounds and images." if result["quick"] else ""
    return f"{facts[0].upper()}{facts[1:]}.{quick}\n"


def table(given):
    ours = next((row["values"] for row in given["rows"] if row["name"] == given["ours"]), None)
    notes = list(dict.fromkeys(name for row in given["rows"] for name in row["notes"]))
    columns = ["", given["unit"], "min – max", "ratio", "what", *notes]
    lines = [f"### {given['title']}\n", row_of(columns), row_of(["---", "---:", "---:", "---:", "---", *["---"] * len(notes)])]
    for row in given["rows"]:
        name = f"**{row['name']}**" if row["name"] == given["ours"] else row["name"]
        spread = f"{figure(min(row['values']))} – {figure(max(row['values']))}" if row["values"] else ""
        lines.append(row_of([
            name,
            figure(median(row["values"])) if row["values"] else "",
            spread,
            ratio(row["values"], ours),
            f"{row['what']}; {len(row['values'])} rounds",
            *(row["notes"].get(note, "") for note in notes),
        ]))
    return "\n".join([*lines, "", *(f"{remark}\n" for remark in given["remarks"])])


def row_of(cells):
    return "| " + " | ".join(cells) + " |"


def ratio(values, ours):
    """Returns the median of the ratios in each round, such as `2.00`; empty without values to compare."""
    if not ours or not values:
        return ""
    return f"{median(a / b for a, b in zip(values, ours, strict=True)):.2f}"


def figure(value):
    """Formats a number with three significant digits, but never rounds digits before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


if __name__ == "__main__":
    main()
