"""Checks frostline on an NVIDIA card: see check.sh."""

import argparse
import contextlib
import fcntl
import os
import platform
import signal
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import card
import section_doctor
import section_faults
import section_parity
import section_pipeline
import section_prepare
import section_speed
import section_tutorial
from bench import HERE, Bench
from checks import too_many
from outcome import ERROR, SKIPPED, Broken, OutOfTime, Outcome, Skip
from report import Report
from sizes import CARD, DRY, REHEARSAL

SECTIONS = {
    "prepare": section_prepare,
    "doctor": section_doctor,
    "parity": section_parity,
    "speed": section_speed,
    "pipeline": section_pipeline,
    "faults": section_faults,
    "tutorial": section_tutorial,
}

# Of dry runs.
SCENARIOS = "works no-driver no-provider no-cudnn no-card no-room wrong dies hangs".split()


def main():
    given = arguments()
    # Then the programs that it has started are ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch:
        if given.dry_run:
            given.work, given.root = given.work or Path(scratch), given.root or Path(scratch)
        bench = bench_of(given)
        try:
            with alone(bench.work):
                report = run(bench, given)
        except KeyboardInterrupt:
            sys.exit(f"check: interrupted; what was measured is in {given.output / 'gpu.json'}")
        finally:
            bench.stop()
    print(f"wrote {given.output / 'gpu.json'} and {given.output / 'gpu.md'}", file=sys.stderr)
    bad = [check["name"] for check in report.checks if check["result"] in ("failed", "error")]
    sys.exit(1 if bad else 0)


@contextlib.contextmanager
def alone(work):
    """Keeps other runs out of the same folder: they would measure each other."""
    with open(work / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"check: another check.sh works in {work}; wait for it, or choose another folder with --work")
        yield


def run(bench, given):
    """Runs the sections; returns the report."""
    report = Report(about(bench), bench.work / "gpu.json", given.output)
    report.resume()
    bench.known["report"] = report
    wanted = ["prepare", *given.sections] if given.sections else list(SECTIONS)
    wanted = dict.fromkeys(wanted)
    chosen = [check for name in wanted for check in SECTIONS[name].checks(bench.sizes)]
    run_all(bench, chosen, report, given.minutes * 60, given.limit)
    return report


def arguments():
    parser = argparse.ArgumentParser(prog="check.sh", description="Checks frostline on an NVIDIA card.")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--dry-run", nargs="?", const="works", choices=SCENARIOS)
    parser.add_argument("--root", type=Path, help="the folder of the joined pieces")
    parser.add_argument(
        "--work", type=Path, help="the folder for networks, pictures and stores [default: next to ROOT]"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("gpu-results"), help="the folder of gpu.json and gpu.md"
    )
    parser.add_argument("--minutes", type=positive, default=19, help="the time for all checks")
    parser.add_argument("--limit", type=positive, default=600, help="the longest time of one check, in seconds")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)} [default: all]")
    given = parser.parse_args()
    for name in given.sections:
        if name not in SECTIONS:
            parser.error(f"there is no section `{name}`; the sections are {', '.join(SECTIONS)}")
    return given


def positive(text):
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def root():
    """Returns the folder of the joined pieces that this file is part of, or what pack.sh has collected."""
    joined = HERE.parent.parent
    return joined if (joined / "program").is_dir() else joined / "target/gpu/tree"


def bench_of(given):
    place = (given.root or root()).resolve()
    work = (given.work or place.parent / "work").resolve()
    given.output = given.output.resolve()
    for folder in [work, given.output]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            sys.exit(f"check: cannot make the folder `{folder}`: {fault}")
    sizes = DRY if given.dry_run else CARD if given.device == "cuda" else REHEARSAL
    log = given.output / "gpu.log"
    return Bench(place, work, given.device, sizes, log, fake=given.dry_run)


def about(bench):
    """Describes the machine and the programs; what is unknown is left out."""
    facts = {"date": date.today().isoformat(), "device": bench.device}
    try:
        facts["card"], facts["driver"], facts["memory"] = card.query(
            bench, "name,driver_version,memory.total"
        )
        facts["memory"] += " MiB"
    except Skip as why:
        facts["card"] = str(why)
    bench.deadline = time.monotonic() + 60
    try:
        facts["program"] = bench.frostline("--version").out.strip()
    except (Broken, OutOfTime, OSError) as fault:
        facts["program"] = f"does not run: {fault}"
    return facts | {"CPUs": os.cpu_count(), "Python": platform.python_version()}


def run_all(bench, checks, report, seconds, limit):
    """Runs the checks in their order, each no longer than `limit`; goes on past each failure."""
    end = time.monotonic() + seconds
    left = list(checks)
    while left:
        begin = time.monotonic()
        # Only the next check is decided on: those before it may take less time than expected.
        no_time = left[0] in too_many(left, end - begin)
        check = left.pop(0)
        bench.deadline = min(begin + check.limit, begin + limit, end)
        outcome = Outcome(SKIPPED, "there was no time left for it") if no_time else outcome_of(bench, check)
        show(check, outcome, report, time.monotonic() - begin)


def outcome_of(bench, check):
    if check.card and not bench.card:
        return Outcome(SKIPPED, "it needs an NVIDIA card")
    try:
        return check.run(bench)
    except Skip as why:
        return Outcome(SKIPPED, str(why))
    except (Broken, OutOfTime) as fault:
        return Outcome(ERROR, str(fault))
    # A fault in one check must not keep the others from running.
    except Exception as fault:  # noqa: BLE001
        return Outcome(ERROR, f"{type(fault).__name__}: {fault}")


def show(check, outcome, report, seconds):
    kept = "" if report.add(check, outcome, seconds) else "; the earlier result is kept"
    print(
        f"{outcome.result:8} {check.full_name}: {outcome.found}{kept} ({seconds:.1f} s)",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    main()
