#!/usr/bin/env python3
"""Makes the pictures of the README from real output: `docs/images/terminal.svg`, `docs/images/report.png` and
`docs/images/label.png`.

usage: scripts/screenshots.py [FROSTLINE]      after `frostline setup`; needs chromium and chromedriver

Writes the emoji sample to a temporary folder, runs the README's tour there, draws what the program prints, and
photographs the report and a labelling session with headless Chromium.
"""

import base64
import html
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

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
SESSION = "frostline -q label data/emoji/train --features features/train --labels labels.csv"
# How many images of each class have a label in the picture of a session.
LABELLED = 12
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


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or sys.exit("screenshots: there is no chromium")


def photograph(page, picture):
    subprocess.run(
        [browser(), "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,1250"]
        + [f"--screenshot={picture}", page.as_uri()],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ask(url, body=None):
    """The JSON that a service answers to a request, with a body if there is one."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": "application/json"})) as reply:
        return json.load(reply)


def wait_until(done):
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    sys.exit("screenshots: the page is not ready after a minute")


def label(page):
    """Gives some images of each class their label, in the order of their names."""
    wait_until(lambda: ask(f"{page}api/state")["phase"] == "ready")
    names = {}
    for item in ask(f"{page}api/items?state=all&limit=1000")["items"]:
        names.setdefault(item["name"].split("/")[0], []).append(item["id"])
    for name, ids in names.items():
        chosen = ids[:: max(1, len(ids) // LABELLED)][:LABELLED]
        ask(f"{page}api/act", {"kind": "label", "ids": chosen, "class": name})
    wait_until(lambda: ask(f"{page}api/groups")["kind"] == "predictions")


def photograph_session(page, picture):
    """Photographs the page with two images selected."""
    driver = subprocess.Popen(["chromedriver", "--port=9515"], stdout=subprocess.DEVNULL)
    try:
        url = "http://127.0.0.1:9515/session"
        time.sleep(1)
        options = {"binary": browser(), "args": ["--headless=new", "--no-sandbox", "--hide-scrollbars"]}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        url += "/" + ask(url, wanted)["value"]["sessionId"]
        ask(f"{url}/window/rect", {"width": 1200, "height": 900})
        ask(f"{url}/url", {"url": page})

        def run(script):
            return ask(f"{url}/execute/sync", {"script": script, "args": []})["value"]

        pictures = "[...document.querySelectorAll('.tile img')]"
        ready = f"const all = {pictures}; return all.length > 20 && all.every((img) => img.naturalWidth)"
        wait_until(lambda: run(ready))
        strokes = [{"type": kind, "value": key} for key in " \ue014 " for kind in ("keyDown", "keyUp")]
        ask(f"{url}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})
        run("document.querySelector('#notice button')?.click()")
        wait_until(lambda: run(ready))
        with urllib.request.urlopen(f"{url}/screenshot") as reply:
            picture.write_bytes(base64.b64decode(json.load(reply)["value"]))
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()
    finally:
        driver.kill()


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
        argv = [frostline, *SESSION.split()[1:]]
        with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as session:
            page = session.stdout.readline().strip()
            label(page)
            photograph_session(page, IMAGES / "label.png")
            session.terminate()


if __name__ == "__main__":
    main()
