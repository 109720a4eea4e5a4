"""Opens and closes sessions of frostline in one process. Prints the memory in use now and then, as JSON.

usage: peer_sessions.py PACKAGES BACKBONE DEVICE COUNT

PACKAGES is the folder with the Python package `frostline`.
"""

import json
import subprocess
import sys
from pathlib import Path


def main():
    packages, backbone, device, count = sys.argv[1:]
    count = int(count)
    sys.path.insert(0, packages)
    import frostline

    # The first sessions fill caches.
    first = max(1, count // 20)
    every = max(1, count // 10)
    for done in range(1, count + 1):
        extractor = frostline.Extractor(backbone, device=device)
        del extractor
        if done == first or done > first and done % every == 0 or done == count:
            say(sessions=done, card_mib=card_mib() if device == "cuda" else None, host_mib=host_mib())


def card_mib():
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0])


def host_mib():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def say(**fields):
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    main()
