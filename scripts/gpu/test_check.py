"""Tests of check.py: dry runs of all scenarios, in which programs answer as they would on such a machine."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

from check import run_all
from checks import Check, too_many
from outcome import SKIPPED, Outcome, judged
from report import Report

HERE = Path(__file__).resolve().parent
# Scenario: the sections that are run, and the longest time of one check.
SCENARIOS = {
    "works": ([], 60),
    "wrong": ([], 60),
    "no-driver": (["doctor", "faults"], 60),
    "no-card": (["doctor", "faults"], 60),
    "no-provider": (["doctor", "faults"], 60),
    "no-cudnn": (["doctor", "parity"], 60),
    "no-room": (["faults"], 60),
    "dies": (["doctor", "faults"], 60),
    "hangs": (["doctor", "speed"], 4),
}
# A card that seems to work, with wrong results: these still pass, since they only report.
REPORTED = {
    "prepare.home",
    "prepare.pictures",
    "doctor.works",
    "doctor.provider",
    "doctor.device",
    "doctor.auto",
    "speed.peer.torch",
    "speed.peer.compile",
    "speed.peer.onnxruntime",
    "speed.kernel_share",
    "tutorial.frostline",
    "tutorial.torch",
}
TESTS = """#!/bin/sh
if [ "$GPU_FAKE" = wrong ]; then
    echo "test golden_features::a ... FAILED"
    echo "test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.00s"
    exit 101
fi
echo "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.00s"
"""


def run(scenario, root):
    """Returns the checks of a dry run by name, its exit status, and the folder of its results."""
    sections, limit = SCENARIOS[scenario]
    out = root / scenario
    words = ["--dry-run", scenario, "--root", root, "--output", out, "--limit", limit, *sections]
    done = subprocess.run(
        [sys.executable, HERE / "check.py", *map(str, words)], capture_output=True, text=True
    )
    content = json.loads((out / "gpu.json").read_text())
    return {check["name"]: check for check in content["checks"]}, done.returncode, out


class DryRuns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = Path(folder.name)
        for name in ["program/bin", "program/python"]:
            (root / name).mkdir(parents=True)
        (root / "program/bin/it").write_text(TESTS)
        (root / "program/bin/it").chmod(0o755)
        (root / "program/bin/it.path").write_text(str(root))
        with ThreadPoolExecutor(4) as pool:
            cls.runs = dict(zip(SCENARIOS, pool.map(lambda scenario: run(scenario, root), SCENARIOS)))

    def expect(self, scenario, result, names, words=""):
        checks = self.runs[scenario][0]
        for name in names:
            with self.subTest(scenario=scenario, check=name):
                self.assertEqual(checks[name]["result"], result, checks[name]["found"])
                self.assertIn(words, checks[name]["found"])

    def test_a_card_that_works_passes_every_check(self):
        checks, status, out = self.runs["works"]
        self.assertEqual(status, 0)
        self.assertEqual({check["result"] for check in checks.values()}, {"passed"})
        self.assertEqual(len(checks), 54)
        self.expect("works", "passed", ["faults.batch_halved"], "a batch of 8 images did not fit into memory")
        self.expect("works", "passed", ["faults.killed"], "8 features were kept, 8 computed; 0 MiB more")
        # The stand-in takes 0.5 s, and 1 s for 4000 images; PyTorch's runs 3200 images a second.
        self.expect(
            "works", "passed", ["speed.vgg19.fp16.8"], "4000 images/s in the network, 3600 from files"
        )
        self.expect("works", "passed", ["speed.target"], "1.25 × torch")
        self.assertIn("54 passed.", (out / "gpu.md").read_text())

    def test_wrong_results_are_failures(self):
        checks, status, _ = self.runs["wrong"]
        self.assertEqual(status, 1)
        skipped = {f"parity.vit.{precision}" for precision in ["fp32", "tf32", "fp16"]}
        for name, check in checks.items():
            with self.subTest(name):
                is_rate = name.startswith("speed.vgg19")
                wanted = (
                    "passed" if is_rate or name in REPORTED else "skipped" if name in skipped else "failed"
                )
                self.assertEqual(check["result"], wanted, check["found"])
        self.expect("wrong", "failed", ["prepare.networks"], "onnxscript")
        self.expect("wrong", "failed", ["doctor.tests"], "11 passed, 1 failed: golden_features::a")
        self.expect("wrong", "failed", ["faults.sessions"], "card +900 MiB")
        self.expect("wrong", "failed", ["speed.target"], "0.50 ×")

    def test_without_a_driver_the_reason_is_in_the_results(self):
        driver = "the NVIDIA driver (`libcuda.so.1`) is missing"
        self.expect("no-driver", "failed", ["doctor.works", "doctor.auto", "doctor.no_cudnn"], driver)
        self.expect("no-driver", "error", ["doctor.device", "faults.batch_halved"], driver)
        self.expect("no-driver", "skipped", ["doctor.names_card", "faults.killed"], "couldn't communicate")

    def test_without_a_card(self):
        self.expect(
            "no-card", "failed", ["doctor.works", "doctor.auto"], "no CUDA-capable device"
        )
        self.expect("no-card", "skipped", ["doctor.names_card", "faults.gpu_memory"], "No devices were found")
        # The same message as for a hidden card.
        self.expect("no-card", "passed", ["faults.hidden_card"])

    def test_without_the_provider(self):
        missing = "`libonnxruntime_providers_cuda.so` is missing"
        self.expect("no-provider", "failed", ["doctor.auto", "doctor.no_cudnn", "doctor.no_cublas"], missing)
        self.expect("no-provider", "failed", ["doctor.provider"], "CPU")
        self.expect("no-provider", "failed", ["faults.hidden_card"], missing)
        self.expect("no-provider", "error", ["doctor.device"], missing)

    def test_without_cudnn(self):
        self.expect(
            "no-cudnn", "failed", ["doctor.works", "doctor.provider", "doctor.auto"], "`libcudnn.so` is missing"
        )
        self.expect("no-cudnn", "error", ["doctor.device", "parity.vgg19.fp32"], "`libcudnn.so` is missing")
        self.expect("no-cudnn", "passed", ["doctor.no_cudnn", "doctor.auto_no_cudnn", "doctor.no_cublas"])

    def test_not_even_one_image_fits(self):
        words = "a batch of 1 does not fit into memory"
        self.expect("no-room", "passed", ["faults.memory_held"], words)
        self.expect("no-room", "error", ["faults.batch_halved"], words)

    def test_a_program_that_is_killed(self):
        self.expect("dies", "error", ["doctor.device", "doctor.auto", "faults.killed"], "killed by SIGKILL")
        self.expect("dies", "failed", ["faults.two_at_once"], "[-9, -9]")

    def test_a_program_that_hangs_is_stopped_and_what_it_printed_is_kept(self):
        self.expect("hangs", "error", ["doctor.device"], "longer than its time limit")
        self.expect("hangs", "error", ["speed.peer.torch"], "18 figures, at most 3200 images/s; stopped")
        self.expect("hangs", "passed", ["doctor.auto", "speed.target"])


class Time(unittest.TestCase):
    def test_the_least_important_checks_are_left_out(self):
        checks = [
            Check("s", name, "", None, cost=cost, rank=rank)
            for name, cost, rank in [("a", 10, 1), ("b", 20, 3), ("c", 10, 2), ("d", 5, 3)]
        ]
        names = lambda seconds: [check.name for check in too_many(checks, seconds)]
        self.assertEqual(names(45), [])
        self.assertEqual(names(40), ["d"])
        # 45 - 5 - 20 = 20.
        self.assertEqual(names(39), ["d", "b"])
        self.assertEqual(names(0), ["d", "b", "c", "a"])

    def test_a_check_that_is_left_out_makes_room_for_more_important_ones(self):
        passes = lambda bench: judged(True, "")
        checks = [
            Check("s", name, "", passes, cost=cost, rank=rank)
            for name, cost, rank in [("a", 99, 3), ("b", 9, 1)]
        ]
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            report = Report({}, Path(folder) / "kept.json", Path(folder))
            run_all(SimpleNamespace(card=True), checks, report, 50, 60)
        results = [(check["name"], check["result"], check["found"]) for check in report.checks]
        self.assertEqual(
            results, [("s.a", "skipped", "there was no time left for it"), ("s.b", "passed", "")]
        )

    def test_a_later_run_adds_to_the_results_of_the_same_card(self):
        check = Check("s", "a", "", None)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
            kept = Path(folder) / "kept.json"

            def later(**about):
                report = Report(about, kept, Path(folder))
                report.resume()
                return report, [row["found"] for row in report.checks]

            later(card="A", driver="1")[0].add(check, judged(True, "old"), 1.0)
            same, found = later(card="A", driver="1")
            self.assertEqual(found, ["old"])
            self.assertFalse(same.add(check, Outcome(SKIPPED, "no time"), 0.0))
            self.assertEqual([row["found"] for row in same.checks], ["old"])
            self.assertTrue(same.add(check, judged(False, "new"), 1.0))
            self.assertEqual(later(card="nvidia-smi does not answer")[1], ["new"])
            # What is not taken over is not lost.
            self.assertEqual(later(card="B", driver="1")[1], [])
            self.assertIn("gpu-1.json", said.getvalue())
            self.assertEqual(json.loads((Path(folder) / "gpu-1.json").read_text())["about"]["card"], "A")
            kept.write_text('{"about')
            self.assertEqual(later(card="A", driver="1")[1], [])
            self.assertEqual((Path(folder) / "gpu-2.json").read_text(), '{"about')


def running(words):
    """Returns the command lines of running programs that contain the words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace").replace("\0", " "))
    return [line for line in found if words in line]


class Ends(unittest.TestCase):
    def test_a_run_that_is_ended_leaves_no_program_and_two_do_not_share_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, HERE / "check.py", "--dry-run", "hangs", "--work", folder]
            words += ["--output", f"{folder}/out", "doctor"]
            log = Path(folder) / "out/gpu.log"
            first = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            end = time.monotonic() + 30
            while not (log.is_file() and " extract " in log.read_text()) and time.monotonic() < end:
                time.sleep(0.1)
            self.assertTrue(any(" extract " in line for line in running(folder)))
            second = subprocess.run(words, capture_output=True, text=True)
            self.assertEqual(second.returncode, 1)
            self.assertIn("another check.sh works in", second.stderr)
            first.terminate()
            said = first.communicate(timeout=30)[1]
            self.assertIn("check: interrupted", said)
            self.assertNotIn("Traceback", said)
            self.assertEqual(running(folder), [])


if __name__ == "__main__":
    unittest.main()
