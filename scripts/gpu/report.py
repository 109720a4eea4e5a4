"""The results of a run: gpu.json, written after each check so that a cut leaves what is known, and gpu.md."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import table


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
        """Takes over the checks of an earlier run of the same program on the same machine."""
        if self.kept.is_file():
            old = json.loads(self.kept.read_text())
            if all(old["about"].get(key) == self.about.get(key) for key in ["program", "card", "device"]):
                self.checks = old["checks"]

    def add(self, check, outcome, seconds):
        """Adds a result, or replaces the earlier one of the same check; writes the files."""
        row = {
            "name": check.full_name,
            "wanted": check.wanted,
            "result": outcome.result,
            "found": outcome.found,
            "figures": outcome.figures,
            "seconds": round(seconds, 2),
        }
        self.checks = [old for old in self.checks if old["name"] != row["name"]] + [row]
        self.write()

    def write(self):
        content = {"about": self.about, "checks": self.checks}
        text = json.dumps(content, indent=1) + "\n"
        for path in [self.kept, self.out / "gpu.json"]:
            # A killed run must not leave half a file.
            part = path.with_suffix(".part")
            part.write_text(text)
            part.replace(path)
        (self.out / "gpu.md").write_text(table.page(content))
