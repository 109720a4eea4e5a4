"""The settings of a run: files, programs, peers' Pythons, number of rounds."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# The images of the measured job, if they are available next to the checkout.
SHARED = Path(os.environ.get("FROSTLINE_BENCH_IMAGES", ROOT.parent / "shared" / "data" / "alien_predator"))
EMOJI = ROOT / "data" / "emoji"


@dataclass
class Setting:
    """`benches` maps names to the programs of `cargo bench`; each peer has its own Python."""

    out: Path
    home: Path
    frostline: Path
    benches: dict
    python: str
    quick: bool
    threads: int

    @property
    def rounds(self):
        return 3 if self.quick else 5

    @property
    def lite0(self):
        return self.home / "models" / "efficientnet-lite0.onnx"

    @property
    def vgg19(self):
        return self.home / "models" / "vgg19-synthetic.onnx"

    @property
    def environment(self):
        return {"FROSTLINE_HOME": str(self.home), "OMP_NUM_THREADS": str(self.threads)}

    def peer(self, name, script, *words):
        """Returns the command of a peer's worker: a script in this folder, run with the peer's Python."""
        return [self.python.format(peer=name), HERE / script, *words]

    def scratch(self, name):
        """Returns a folder for a section's files."""
        folder = self.out / "scratch" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, section):
        """Opens the log for the messages of a section's processes."""
        self.scratch("logs")
        return open(self.out / "scratch" / "logs" / f"{section}.txt", "a")

    def run(self, command, section, **options):
        """Runs a preparation step; its messages go to the log."""
        with self.log(section) as log:
            command = [str(word) for word in command]
            environment = {**os.environ, **self.environment}
            done = subprocess.run(command, stdout=log, stderr=log, env=environment, **options)
        # Exit code 3: finished, but some images were skipped.
        if done.returncode not in (0, 3):
            raise RuntimeError(f"`{' '.join(command)}` exited with {done.returncode}; see the log")

    def photos(self):
        """Returns a folder with train/ and validation/, and its name."""
        if SHARED.is_dir():
            return SHARED, "Alien vs Predator"
        if not EMOJI.is_dir():
            raise RuntimeError(f"no images in `{SHARED}` or `{EMOJI}`; run scripts/quickstart.sh")
        return EMOJI, "emoji"


def tell(text):
    print(f"==> {text}", file=sys.stderr, flush=True)
