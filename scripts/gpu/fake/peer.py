"""A stand-in for the scripts that use PyTorch or ONNX Runtime, for dry runs: prints what they print.

usage: peer.py SCRIPT WORDS…
"""

import json
import os
import sys
import time
from pathlib import Path

SCENARIO = os.environ["GPU_FAKE"]
HOME = Path(os.environ["FROSTLINE_HOME"])
OUT_OF_MEMORY = (
    "OutOfMemoryError: CUDA out of memory. Tried to allocate 3.06 GiB. GPU 0 has a total capacity of 79.11 GiB "
    "of which 2.12 GiB is free."
)


def main():
    script, *words = sys.argv[1:]
    {
        "make_networks": networks,
        "make_pictures": pictures,
        "hold_memory": hold,
        "peer_torch": rates,
        "peer_onnxruntime": rates,
        "peer_tutorial": tutorial,
        "peer_sessions": sessions,
    }[script](words)


def say(**fields):
    print(json.dumps(fields), flush=True)


def networks(words):
    out, *names = words
    for name in names:
        if name == "vit" and SCENARIO == "wrong":
            say(network=name, problem="ModuleNotFoundError: No module named 'onnxscript'")
        else:
            say(network=name, file=f"{out}/{name}.pth", options=[])


def pictures(words):
    out, count, _, _, classes = words
    for kind in ["dark", "light"] if classes == "2" else [""]:
        folder = Path(out) / kind
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(int(count)):
            (folder / f"{i:05}.jpg").touch()


def hold(words):
    (HOME / "holder").write_text(str(os.getpid()))
    say(mib=81920.0 - float(words[0]))
    sys.stdin.read()


def rates(words):
    mode, _, _, _, precisions, batches = words
    for precision in precisions.split(","):
        for batch in map(int, batches.split(",")):
            rate = {"fp32": 800, "tf32": 1600, "fp16": 8000 if SCENARIO == "wrong" else 3200}[precision]
            for copies in ["host", "card"]:
                say(program=f"{mode} 1.0", precision=precision, batch=batch, copies=copies, rate=rate)
    if SCENARIO == "wrong":
        say(problem=f"fp16, 128: {OUT_OF_MEMORY}")
    if SCENARIO == "hangs" and mode == "torch":
        time.sleep(60)


def tutorial(_):
    say(seconds=0.001 if SCENARIO == "wrong" else 900.0, accuracy=0.91)


def sessions(words):
    count = int(words[3])
    grown = 900.0 if SCENARIO == "wrong" else 1.0
    say(sessions=1, card_mib=700.0, host_mib=300.0)
    say(sessions=count, card_mib=700.0 + grown, host_mib=301.0)


main()
