"""Section `doctor`: what frostline finds on this machine, and what it says if something is missing."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import card
from checks import Check
from outcome import Skip, judged
from section_prepare import LITE0, nvidia_packages

# The modules of the integration tests that run networks; their devices are `auto`.
TESTS = ["golden_features", "golden_networks", "exported_networks", "devices", "pipeline"]


def checks(sizes):
    section = {"section": "doctor", "rank": 1}
    on_card = section | {"card": True}
    return [
        Check(name="works", wanted="exit status 0, and the runtime is named", run=works, cost=15, **section),
        Check(
            name="provider",
            wanted="the provider CUDA, a batch on the GPU, and its difference from the CPU",
            run=provider,
            cost=1,
            **on_card,
        ),
        Check(
            name="names_card",
            wanted="the names of the card and of the driver",
            run=names_card,
            cost=1,
            **on_card,
        ),
        Check(
            name="device",
            wanted="the device that was asked for computes all pictures",
            run=device,
            cost=10,
            **section,
        ),
        Check(
            name="auto",
            wanted="takes the card if it works, says so, and the manifest records it",
            run=auto,
            cost=10,
            **section,
        ),
        Check(
            name="no_cudnn",
            wanted="without cuDNN, `--device cuda` fails and names cuDNN",
            run=no_cudnn,
            cost=10,
            **on_card,
        ),
        Check(
            name="auto_no_cudnn",
            wanted="without cuDNN, `auto` takes the CPU and says why",
            run=auto_no_cudnn,
            cost=10,
            **on_card,
        ),
        Check(
            name="no_cublas",
            wanted="without cuBLAS, `--device cuda` fails and names libcublasLt",
            run=no_cublas,
            cost=5,
            **on_card,
        ),
        Check(
            name="tests",
            wanted="the compiled tests pass on this machine",
            run=tests,
            limit=180,
            cost=60,
            section="doctor",
            rank=3,
        ),
    ]


def doctor(bench):
    """Returns the report of `frostline doctor` and its exit status."""
    if "doctor" not in bench.known:
        ran = bench.frostline("doctor", "--format", "json", codes=(0, 1))
        bench.known["doctor"] = json.loads(ran.out), ran.code
    return bench.known["doctor"]


def details(bench):
    return {check["subject"]: check for check in doctor(bench)[0]["checks"]}


def works(bench):
    report, code = doctor(bench)
    runtime = details(bench).get("ONNX Runtime", {}).get("details", "no runtime")
    bad = [
        f"{check['subject']}: {check['details']}" for check in report["checks"] if check["status"] == "failed"
    ]
    if not bench.card:
        # The packed runtime is the one for GPUs, which has no driver in a rehearsal.
        bad = [each for each in bad if not each.startswith("GPU batch")]
        code = 0 if not bad else code
    return judged(code == 0 and re.match(r"\d+\.\d+", runtime), "; ".join(bad) or f"ONNX Runtime {runtime}")


def provider(bench):
    found = details(bench)
    batch, against = found.get("GPU batch", {}), found.get("GPU vs. CPU", {})
    right = "CUDA" in found["providers"]["details"].split(", ") and batch.get("status") == "ok" and against
    return judged(
        right,
        "; ".join(
            each.get("details", "no GPU batch") for each in [found["providers"], batch, against] if each
        ),
    )


def names_card(bench):
    wanted = card.query(bench, "name,driver_version")
    text = json.dumps(doctor(bench)[0])
    missing = [word for word in wanted if word not in text]
    return judged(not missing, f"{'missing' if missing else 'found'}: {', '.join(missing or wanted)}")


def device(bench):
    found = bench.extract([bench.pictures], "device", backbone=LITE0)
    used = found["engine"]["device"]
    right = used == name_of(bench.device) and found["n_computed"] > 0 and found["n_skipped"] == 0
    return judged(right, f"{found['n_computed']} pictures on {used} with {found['engine']['runtime']}")


def auto(bench):
    found = bench.extract([bench.pictures], "auto", backbone=LITE0, device="auto")
    wanted = name_of(bench.device)
    manifest = json.loads((bench.work / "stores/auto/manifest.json").read_text())
    recorded = manifest["engine"]["device"]
    said = re.search(r"device\s+(\S+)", found["said"])
    said = said[1] if said else "nothing"
    reason = f"; why: {found['why_not_gpu']}" if found["why_not_gpu"] else ""
    right = recorded == said == found["engine"]["device"] == wanted
    return judged(right, f"said {said}, recorded {recorded}{reason}")


def name_of(device):
    return "cuda:0" if device == "cuda" else device


def no_cudnn(bench):
    return without(bench, "libcudnn", "cudnn")


def no_cublas(bench):
    return without(bench, "libcublasLt", "libcublasLt")


def without(bench, library, word):
    """Checks the error if a library cannot be found."""
    found = bench.extract(
        [bench.pictures], "hidden", backbone=LITE0, codes=(0, 1, 3), env=hiding(bench, library)
    )
    if found["code"] == 0:
        return judged(False, f"it ran on {found['engine']['device']}, although {library} was hidden")
    error = next((line for line in found["said"].splitlines() if line.startswith("error:")), found["said"])
    return judged(word.lower() in found["said"].lower(), error.strip())


def auto_no_cudnn(bench):
    env = hiding(bench, "libcudnn")
    found = bench.extract([bench.pictures], "hidden", backbone=LITE0, device="auto", env=env)
    used, why = found["engine"]["device"], found["why_not_gpu"]
    return judged(used == "cpu" and "cudnn" in (why or "").lower(), f"it took {used}; why not the GPU: {why}")


def hiding(bench, library):
    """Returns the environment in which a library cannot be found."""
    if library in loader_cache():
        raise Skip(f"{library} is on the system's loader path, so it cannot be hidden")
    return {"ORT_DYLIB_PATH": str(hidden(bench, library)), "LD_LIBRARY_PATH": search_path(library)}


def loader_cache():
    try:
        return subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    except OSError:
        return ""


def search_path(library):
    """Returns LD_LIBRARY_PATH without the folders that have the library; None if nothing is left."""
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return os.pathsep.join(f for f in folders if f and not list(Path(f).glob(f"{library}*"))) or None


def hidden(bench, library):
    """Lays out the runtime next to NVIDIA's libraries without one of them; returns the path of the runtime."""
    nvidia = nvidia_packages()
    if bench.fake is None and nvidia is None:
        raise Skip("NVIDIA's libraries are not in this Python, so none can be hidden")
    root = bench.work / f"without-{library}"
    shutil.rmtree(root, ignore_errors=True)
    capi, libraries = root / "onnxruntime/capi", root / "nvidia/all/lib"
    for folder in [capi, libraries]:
        folder.mkdir(parents=True)
    for path in (bench.packages / "onnxruntime/capi").glob("lib*.so*"):
        # A hard link, because the loader looks for the provider next to the file that a symbolic link names.
        os.link(path, capi / path.name)
    for path in nvidia.glob("*/lib/*.so*") if nvidia else []:
        if not path.name.startswith(library):
            (libraries / path.name).symlink_to(path)
    return next(iter(sorted(capi.glob("libonnxruntime.so*"))), capi / "libonnxruntime.so")


def tests(bench):
    """Runs the compiled tests, which read their data at the path where they were compiled."""
    program, compiled = bench.root / "program/bin/it", bench.root / "program/bin/it.path"
    if not program.is_file():
        raise Skip("the tests were not packed")
    place = compiled.read_text().strip()
    try:
        if not os.path.exists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(bench.root / "data/checkout", place)
    except OSError as fault:
        raise Skip(f"their data cannot be linked: {fault}") from fault
    env = {"FROSTLINE_INSTALLED": str(bench.program)}
    ran = bench.run([program, *(f"{each}::" for each in TESTS)], codes=(0, 101), env=env)
    result = re.search(r"test result: .*?(\d+) passed; (\d+) failed", ran.out)
    if not result:
        return judged(False, "no result was printed")
    if ran.code:
        bench.note(ran.out)
    failed = re.findall(r"^test (\S+) \.\.\. FAILED", ran.out, re.MULTILINE)
    passed, failures = map(int, result.groups())
    words = f"{passed} passed, {failures} failed" + (f": {', '.join(failed)}" if failed else "")
    return judged(failures == 0 and passed > 0, words, passed=passed, failed=failures)
