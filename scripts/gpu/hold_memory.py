"""Holds the card's memory except for some MiB, until standard input ends. Prints what it holds, as JSON.

usage: hold_memory.py MIB
"""

import json
import sys

import torch

MIB = 1 << 20


def main():
    torch.cuda.init()
    free, _ = torch.cuda.mem_get_info()
    held = torch.empty(max(0, free - int(sys.argv[1]) * MIB), dtype=torch.uint8, device="cuda")
    print(json.dumps({"mib": held.numel() / MIB}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
