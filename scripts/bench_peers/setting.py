"""What a run of the bench has at hand: files, programs, peers' Pythons, how many rounds."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# The images of the job that is measured, where they lie beside the checkout.
SHARED = Path(os.environ.get("FROSTLINE_BENCH_IMAGES", ROOT.parent / "shared" / "data" / "alien_predator"))
EMOJI = ROOT / "data" / "emoji"


@dataclass
class Setting:
    """`benches` holds the programs of `cargo bench` by name; a peer's Python is that of its own virtual environment."""

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
        """The command of a peer's worker: a script of this folder, run by the Python of that peer."""
        return [self.python.format(peer=name), HERE / script, *words]

    def scratch(self, name):
        """A folder for files of a section."""
        folder = self.out / "scratch" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, section):
        """Where the messages of a section's processes go."""
        self.scratch("logs")
        return open(self.out / "scratch" / "logs" / f"{section}.txt", "a")

    def run(self, command, section, **options):
        """A preparation, whose messages go to the log."""
        with self.log(section) as log:
            command = [str(word) for word in command]
            environment = {**os.environ, **self.environment}
            done = subprocess.run(command, stdout=log, stderr=log, env=environment, **options)
        # 3: done, but some images were skipped.
        if done.returncode not in (0, 3):
            raise RuntimeError(f"`{' '.join(command)}` has failed with {done.returncode}; its messages are in the log")

    def photos(self):
        """A folder with train/ and validation/, and what it is called."""
        if SHARED.is_dir():
            return SHARED, "Alien vs Predator"
        if not EMOJI.is_dir():
            raise RuntimeError(f"there are no images in `{SHARED}` nor `{EMOJI}`: run scripts/quickstart.sh")
        return EMOJI, "emoji"


def tell(text):
    print(f"==> {text}", file=sys.stderr, flush=True)
