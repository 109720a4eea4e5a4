"""Section `faults`: memory that does not suffice, devices that are not there, and processes that are killed."""

import contextlib
import json
import subprocess
import time

import bench as programs
import card
from checks import Check
from features import lowest_cosine
from outcome import Broken, OutOfTime, Skip, judged
from section_parity import LEAST
from section_prepare import LITE0, require, some

# VGG19's weights take 550 MiB; its first layers take 25 MiB for each image of a batch.
HALVING_MIB, LIMIT_MIB, LEFT_MIB = 2048, 8192, 3072
# The CUDA context, and the libraries' own memory, which a limit does not cover.
CONTEXT_MIB = 1536
SLACK_MIB = 64
HALVED = "did not fit into memory"
TOO_LARGE = "does not fit into memory"
ABSENT = 7


def checks(sizes):
    section = {"section": "faults", "limit": 90}
    on_card = section | {"card": True}
    return [
        Check(
            name="batch_halved",
            wanted=f"--gpu-memory {HALVING_MIB}: halved batches, a note, the same features",
            run=batch_halved,
            cost=15,
            rank=1,
            **on_card,
        ),
        Check(
            name="gpu_memory",
            wanted=f"--gpu-memory {LIMIT_MIB}: at most {CONTEXT_MIB} MiB more are in use",
            run=gpu_memory,
            cost=15,
            rank=2,
            **on_card,
        ),
        Check(
            name="memory_held",
            wanted="another process holds the memory: halved batches with the same features, or an "
            "error that says so",
            run=memory_held,
            cost=20,
            rank=2,
            **on_card,
        ),
        Check(
            name="hidden_card",
            wanted='CUDA_VISIBLE_DEVICES="": `cuda` fails and names the reason, `auto` takes the CPU',
            run=hidden_card,
            cost=8,
            rank=1,
            **on_card,
        ),
        Check(
            name="absent_number",
            wanted=f"cuda:{ABSENT} fails at once and names the device",
            run=absent_number,
            cost=3,
            rank=1,
            **on_card,
        ),
        Check(
            name="killed",
            wanted="killed while it works: the memory is free again, and the next run completes the store",
            run=killed,
            cost=20,
            rank=2,
            **section,
        ),
        Check(
            name="two_at_once",
            wanted="two processes at once: both end well, with the same features",
            run=two_at_once,
            cost=15,
            rank=2,
            **section,
        ),
        Check(
            name="sessions",
            wanted=f"{sizes.sessions} sessions opened and closed: the memory does not grow",
            run=sessions,
            cost=100,
            rank=3,
            section="faults",
            limit=240,
        ),
    ]


def batch_halved(bench):
    require(bench, "vgg19")
    more = ("--gpu-memory", HALVING_MIB)
    found = bench.extract([bench.pictures], "halved", backbone="vgg19", batch=bench.sizes.largest, more=more)
    return same_features(bench, found, HALVED in found["said"])


def same_features(bench, found, right):
    """Checks the features of VGG19 against the CPU's."""
    cosine = lowest_cosine(bench.features(found["name"]), bench.cpu_features("vgg19"))
    note = next((note for note in found["notes"] if HALVED in note), "no note of a halved batch")
    words = f"{note}; cosine at least {cosine:.7f}"
    return judged(right and cosine >= LEAST["fp32"], words, lowest_cosine=cosine)


def gpu_memory(bench):
    require(bench, "vgg19")
    before = card.memory_used(bench)
    more = ("--gpu-memory", LIMIT_MIB)
    with card.Sampler(bench) as samples:
        bench.extract(
            some(bench, bench.sizes.runs[bench.sizes.largest][1]),
            "limited",
            backbone="vgg19",
            batch=bench.sizes.largest,
            more=more,
        )
    used = max(samples.memory, default=0) - before
    return judged(0 < used <= LIMIT_MIB + CONTEXT_MIB, f"{used:.0f} MiB in use at most", mib=used)


def memory_held(bench):
    require(bench, "vgg19")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with bench.start(bench.python("hold_memory", LEFT_MIB), **pipes) as holder:
        try:
            held = programs.json_lines(holder.stdout.readline())
            if not held:
                raise Broken("the memory could not be held")
            found = bench.extract(
                [bench.pictures], "held", backbone="vgg19", batch=bench.sizes.largest, codes=(0, 1)
            )
        finally:
            programs.kill(holder)
    held = f"{held[0]['mib']:.0f} MiB were held"
    if found["code"]:
        error = next(
            (line for line in found["said"].splitlines() if line.startswith("error:")), found["said"]
        )
        return judged(TOO_LARGE in found["said"] or "out of memory" in found["said"], f"{held}; {error}")
    outcome = same_features(bench, found, True)
    outcome.found = f"{held}; {outcome.found}"
    return outcome


def hidden_card(bench):
    env = {"CUDA_VISIBLE_DEVICES": ""}
    cuda = bench.extract([bench.pictures], "hidden-cuda", backbone=LITE0, codes=(0, 1), env=env)
    auto = bench.extract([bench.pictures], "hidden-auto", backbone=LITE0, device="auto", env=env)
    reason = "no CUDA-capable device"
    right = (
        cuda["code"] == 1
        and reason in cuda["said"]
        and auto["engine"]["device"] == "cpu"
        and auto["why_not_gpu"]
    )
    return judged(
        right, f"cuda: {first_error(cuda)}; auto: {auto['engine']['device']}, {auto['why_not_gpu']}"
    )


def first_error(found):
    lines = found.get("said", "").splitlines()
    return next((line.strip() for line in lines if line.startswith("error:")), f"exit status {found['code']}")


def absent_number(bench):
    begin = time.monotonic()
    found = bench.extract([bench.pictures], "absent", backbone=LITE0, device=f"cuda:{ABSENT}", codes=(0, 1))
    seconds = time.monotonic() - begin
    right = found["code"] == 1 and f"cuda:{ABSENT}" in found["said"] and seconds < 5
    return judged(right, f"{first_error(found)} (after {seconds:.1f} s)")


def killed(bench):
    require(bench, "vgg19")
    before = card.memory_used(bench) if bench.card else 0
    images = some(bench, bench.sizes.small_pictures)
    # One image at a time takes longest.
    words = bench.extract_words(images, "killed", backbone="vgg19", batch=1)
    with bench.start(
        [bench.program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        if bench.card:
            card.grows(bench, before)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(bench.sizes.kill_after)
            ended = programs.how_it_ended(process.returncode)
            raise Broken(f"it {ended} before it could be killed")
        programs.kill(process)
    after = card.settles(bench, before, SLACK_MIB) if bench.card else 0
    words[words.index("--batch-size") + 1] = bench.sizes.largest
    found = json.loads(bench.frostline(*words).out)
    right = (
        after <= before + SLACK_MIB and found["n_computed"] + found["n_reused"] == bench.sizes.small_pictures
    )
    kept = f"{found['n_reused']} features were kept, {found['n_computed']} computed"
    return judged(right, f"{kept}; {after - before:.0f} MiB more in use" if bench.card else kept)


def two_at_once(bench):
    wanted = bench.cpu_features(LITE0)
    names = ["at-once-1", "at-once-2"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = [bench.extract_words([bench.pictures], name, backbone=LITE0) for name in names]
    running = [bench.start([bench.program, *each], **streams) for each in words]
    try:
        codes = [process.wait(bench.seconds_left()) for process in running]
    except subprocess.TimeoutExpired as late:
        raise OutOfTime from late
    finally:
        for process in running:
            programs.kill(process)
            process.wait()
    if any(codes):
        return judged(False, f"exit statuses {codes}")
    cosine = min(lowest_cosine(bench.features(name), wanted) for name in names)
    return judged(cosine >= LEAST["fp32"], f"cosine at least {cosine:.7f}", lowest_cosine=cosine)


def sessions(bench):
    """Opens sessions in one process, through the Python package."""
    packages = bench.root / "program/python"
    if not packages.is_dir():
        raise Skip("the Python package was not packed")
    try:
        lines = bench.peer("peer_sessions", packages, LITE0, bench.device, bench.sizes.sessions)
    except OutOfTime as stopped:
        lines = programs.json_lines(stopped.out)
    if not lines:
        raise Broken("no session was opened")
    last = lines[-1]
    grown = {
        kind: last[kind] - lines[0][kind] for kind in ["card_mib", "host_mib"] if last.get(kind) is not None
    }
    flat = grown.get("card_mib", 0) <= SLACK_MIB and grown.get("host_mib", 0) <= 4 * SLACK_MIB
    words = ", ".join(f"{kind.replace('_mib', '')} {mib:+.0f} MiB" for kind, mib in grown.items())
    words = f"{last['sessions']} sessions: {words} since the first {lines[0]['sessions']}"
    return judged(flat and last["sessions"] >= bench.sizes.sessions, words, **grown)
