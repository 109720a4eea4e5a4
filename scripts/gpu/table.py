"""Writes gpu.md from gpu.json.

usage: table.py gpu.json > gpu.md
"""

import json
import sys
from collections import Counter

ORDER = ["failed", "error", "skipped", "passed"]
HEAD = "# frostline on a GPU\n"


def page(content):
    checks = content["checks"]
    parts = [HEAD, about(content["about"]), counts(checks)]
    sections = dict.fromkeys(check["name"].split(".")[0] for check in checks)
    for section in sections:
        parts.append(f"## {section}\n\n" + results([c for c in checks if c["name"].split(".")[0] == section]))
        if section == "speed":
            parts.append(speeds([row for check in checks for row in check["figures"].get("rates", [])]))
    return "\n".join(parts)


def about(facts):
    return "".join(f"- {name}: {plain(value)}\n" for name, value in facts.items() if value)


def counts(checks):
    found = Counter(check["result"] for check in checks)
    words = ", ".join(f"{found[result]} {result}" for result in reversed(ORDER) if found[result])
    bad = [check["name"] for check in checks if check["result"] in ("failed", "error")]
    return f"{words or 'nothing was checked'}.\n" + (f"\nNot as wanted: {', '.join(bad)}.\n" if bad else "")


def results(checks):
    lines = [
        row_of(["check", "wanted", "result", "found", "s"]),
        row_of(["---", "---", "---", "---", "---:"]),
    ]
    for check in checks:
        result = check["result"] if check["result"] == "passed" else f"**{check['result']}**"
        cells = [check["name"], check["wanted"], result, check["found"], f"{check['seconds']:.1f}"]
        lines.append(row_of(map(plain, cells)))
    return "\n".join(lines) + "\n"


def speeds(rates):
    """Returns images per second: a row for each program, a column for each precision and batch size."""
    if not rates:
        return ""
    columns = sorted(
        {(row["precision"], row["batch"]) for row in rates}, key=lambda c: (PRECISIONS.index(c[0]), c[1])
    )
    programs = dict.fromkeys((row["program"], row["copies"]) for row in rates)
    names = [f"{precision}, {batch}" for precision, batch in columns]
    lines = [
        "VGG19, images per second, by precision and batch size. `host`: input and features are in the "
        "computer's memory; `card`: both stay on the card (frostline copies its features back).\n",
        row_of(["program", "data", *names]),
        row_of(["---", "---", *["---:"] * len(names)]),
    ]
    for program, copies in programs:
        known = {
            (r["precision"], r["batch"]): r["rate"]
            for r in rates
            if (r["program"], r["copies"]) == (program, copies)
        }
        lines.append(row_of([plain(program), plain(copies), *(figure(known.get(column)) for column in columns)]))
    return "\n".join(lines) + "\n"


PRECISIONS = ["fp32", "tf32", "fp16"]


def figure(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def row_of(cells):
    return "| " + " | ".join(cells) + " |"


def plain(text):
    """Returns a text that stays in its cell, and is no markup."""
    text = " ".join(str(text).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(page(json.load(file)), end="")
