"""The results of a run: gpu.json, written after each check so that a cut leaves what is known, and gpu.md."""

import itertools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import table
from outcome import SKIPPED


@dataclass
class Report:
    """`about` describes the machine. Each check is an object: name, wanted, result, found, figures, seconds.

    `kept` is the file that a later run with other sections continues; `out` gets copies for people.
    """

    about: dict
    kept: Path
    out: Path
    checks: list = field(default_factory=list)

    def resume(self):
        """Takes over the checks of an earlier run of the same program on the same machine.

        Other results are kept under another name.
        """
        if not self.kept.is_file():
            return
        try:
            old = json.loads(self.kept.read_text())
            if self._is_same(old["about"]):
                self.checks = [row for row in old["checks"] if row["name"] and row["result"]]
                return
        except (ValueError, LookupError, TypeError, AttributeError):
            # A damaged file.
            pass
        numbers = itertools.count(1)
        aside = next(path for n in numbers if not (path := self.kept.with_name(f"gpu-{n}.json")).exists())
        self.kept.replace(aside)
        print(f"the earlier results are of another program or card, or damaged: they are in {aside}", file=sys.stderr)

    def _is_same(self, old):
        # A card without a driver version did not answer: it may be the same.
        is_known = "driver" in old and "driver" in self.about
        keys = ["program", "device", "card"] if is_known else ["program", "device"]
        return all(old.get(key) == self.about.get(key) for key in keys)

    def add(self, check, outcome, seconds):
        """Adds a result, or replaces the earlier one of the same check; writes the files.

        Returns whether it did: a check that is skipped now does not replace what was measured.
        """
        row = {
            "name": check.full_name,
            "wanted": check.wanted,
            "result": outcome.result,
            "found": outcome.found,
            "figures": outcome.figures,
            "seconds": round(seconds, 2),
        }
        before = [old for old in self.checks if old["name"] == row["name"]]
        if outcome.result == SKIPPED and any(old["result"] != SKIPPED for old in before):
            return False
        self.checks = [old for old in self.checks if old["name"] != row["name"]] + [row]
        try:
            self.write()
        except OSError as fault:
            print(f"cannot write the results: {fault}", file=sys.stderr)
        return True

    def write(self):
        content = {"about": self.about, "checks": self.checks}
        text = json.dumps(content, indent=1) + "\n"
        for path in [self.kept, self.out / "gpu.json"]:
            # A killed run must not leave half a file.
            part = path.with_suffix(".part")
            part.write_text(text)
            part.replace(path)
        (self.out / "gpu.md").write_text(table.page(content))
