"""Checks that `frostline serve` loses no request when it stops, and answers correctly for a long time.

    python scripts/check_serve.py BINARY IMAGES stop [--times 20] [--seed 1] [--home HOME]
    python scripts/check_serve.py BINARY IMAGES soak [--seconds 1800] [--seed 1] [--home HOME]

IMAGES is a folder with one folder per class; some images of each class are copied. HOME is a FROSTLINE_HOME
that is set up (default: FROSTLINE_HOME, or .frostline). Only Python is needed. Each answer is compared with
the probabilities of `frostline classify`. Exits with 1 and names what was wrong.

`stop` starts a server, loads it over 16 to 32 connections, and sends SIGTERM at a random moment, again and
again. A request is accepted if the system had taken its last byte before the signal was sent. Every accepted
request must get a whole and correct reply. A later request on an open connection may get one too, or none: then
the connection is closed without a single byte of a reply, so that a client knows that it may ask again. The
server must exit with status 0, having cut off nothing, and its port must be closed.

`soak` sends good and hostile requests (scripts/serving/hostile.py lists them) while a head in a watched folder
is replaced every 10 seconds by one with other answers. Each good request must get the answer of one of the two
heads for all of its images, and of the newest one 6 seconds after it was put there. A hostile request must get
a status that fits, or a closed connection. The memory must not grow.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import soak, stop  # noqa: E402
from serving.setting import Setting  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("part", choices=["stop", "soak"])
    parser.add_argument("--times", type=int, default=20, help="number of servers to stop")
    parser.add_argument("--seconds", type=int, default=1800, help="length of the soak")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", default=os.environ.get("FROSTLINE_HOME", ".frostline"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(args.binary.resolve(), args.images, Path(folder), Path(args.home).resolve())
        if args.part == "stop":
            wrong = stop.check(setting, args.times, args.seed)
        else:
            wrong = soak.check(setting, args.seconds, args.seed)
    for text in wrong[:40]:
        print(f"WRONG: {text}")
    print("all right" if not wrong else f"{len(wrong)} things are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
