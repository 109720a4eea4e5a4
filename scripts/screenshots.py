#!/usr/bin/env python3
"""Makes the pictures of the README from real output: `docs/images/terminal.svg` and `docs/images/report.png`.

usage: scripts/screenshots.py [FROSTLINE]      after `frostline setup`; needs chromium

Writes the emoji sample to a temporary folder, runs the README's tour there, draws what the program prints, and
photographs the report with headless Chromium.
"""

import html
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
TOUR = [
    "frostline extract data/emoji/train -o features/train",
    "frostline -q extract data/emoji/validation -o features/validation",
    "frostline fit-head features/train --validation features/validation -o head.safetensors",
    "frostline evaluate features/validation --head head.safetensors",
]
REPORT = (
    "frostline report features/validation --head head.safetensors --images data/emoji/validation"
    " --train features/train --train-images data/emoji/train -o report.html"
)
# In pixels: the advance of a character, and the height of a line.
ADVANCE, LINE, MARGIN = 8.4, 19, 16


def run(command, folder, frostline):
    """The lines that a command prints on both streams, without progress; it must succeed."""
    argv = command.split()
    argv[0] = frostline
    done = subprocess.run(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.endswith(" left")]


def shortened(lines):
    """At most 13 lines: the first ones, and the last ones of a table of epochs."""
    if len(lines) <= 13:
        return lines
    return [*lines[:3], "…", *lines[-6:]] if lines[0].startswith("epoch") else [*lines[:12], "…"]


def svg(lines):
    width = round(max(len(line) for line in lines) * ADVANCE + 2 * MARGIN)
    height = LINE * len(lines) + 2 * MARGIN
    rows = []
    for n, line in enumerate(lines):
        colour = "#7ee787" if line.startswith("$ ") else "#e6edf3"
        y = MARGIN + LINE * (n + 0.75)
        rows.append(f'<text x="{MARGIN}" y="{y:g}" fill="{colour}" xml:space="preserve">{html.escape(line)}</text>')
    style = "font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' style="{style}">',
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            *rows,
            "</svg>\n",
        ]
    )


def photograph(page, picture):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("screenshots: there is no chromium")
    subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,1250"]
        + [f"--screenshot={picture}", page.as_uri()],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def main():
    os.environ.setdefault("FROSTLINE_HOME", str(ROOT / ".frostline"))
    frostline = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target/release/frostline")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        emoji = ["cargo", "run", "--quiet", "--release", "--locked", "-p", "emoji", "--", folder / "data/emoji"]
        subprocess.run(emoji, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        lines = []
        for command in TOUR:
            lines += [f"$ {command}", *shortened(run(command, folder, frostline)), ""]
        (IMAGES / "terminal.svg").write_text(svg(lines[:-1]))
        run(REPORT, folder, frostline)
        photograph(folder / "report.html", IMAGES / "report.png")


if __name__ == "__main__":
    main()
