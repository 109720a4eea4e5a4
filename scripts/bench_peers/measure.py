"""Measures the chosen sections and writes their results to OUT/results/SECTION.json."""

import argparse
import datetime
import os
import platform
from pathlib import Path

import section_again
import section_cold
import section_fit
import section_folder
import section_forward
import section_photos
import section_serve
import section_tutorial
from rounds import Result
from setting import Setting, tell

SECTIONS = {
    "forward": section_forward,
    "folder": section_folder,
    "photos": section_photos,
    "tutorial": section_tutorial,
    "fit": section_fit,
    "cold": section_cold,
    "again": section_again,
    "serve": section_serve,
}


def main():
    given = arguments()
    setting = Setting(
        out=given.out,
        home=given.home,
        frostline=given.frostline,
        benches=dict(text.split("=", 1) for text in given.bench),
        python=given.python,
        quick=given.quick,
        threads=given.threads,
    )
    for name in given.sections or SECTIONS:
        result = Result(name, given.quick, machine(given.threads))
        try:
            SECTIONS[name].measure(setting, result)
        except (OSError, RuntimeError) as fault:
            result.missing.append(f"the section `{name}` stopped early: {fault}")
            tell(f"{name}: {fault}")
        result.write(given.out / "results")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--frostline", type=Path, required=True)
    parser.add_argument("--bench", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--python", required=True, help="a peer's Python; {peer} is the peer's name")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []])
    return parser.parse_args()


def machine(threads):
    """Describes the machine."""
    return {
        "processor": processor(),
        "CPUs": os.cpu_count(),
        "threads per program": threads,
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(),
    }


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    known = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {key.strip(): value.strip() for key, value in known.items()}
    vectors = "AVX-512" if "avx512f" in known.get("flags", "") else "AVX2" if "avx2" in known.get("flags", "") else ""
    return " ".join(filter(None, [known.get("model name", platform.machine()), vectors and f"({vectors})"]))


main()
