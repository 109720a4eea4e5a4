"""Rounds, in which each program is measured once, and the results."""

import json
from dataclasses import asdict, dataclass, field

from setting import tell


@dataclass
class Row:
    """The measurements of one program: `values` has one number per round, in the table's unit."""

    name: str
    what: str
    values: list
    notes: dict = field(default_factory=dict)


@dataclass
class Table:
    """`ours` names the row with which the others are compared, round by round; lower is better."""

    title: str
    unit: str
    ours: str
    rows: list
    remarks: list = field(default_factory=list)


@dataclass
class Result:
    """The results of a section. `missing` says what could not be measured, and why."""

    section: str
    quick: bool
    machine: dict
    tables: list = field(default_factory=list)
    missing: list = field(default_factory=list)

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.section}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


class Starter:
    """Starts the programs; one that does not start is recorded as missing, and the others continue."""

    def __init__(self, result, where):
        self.result, self.where, self.started = result, where, []

    def add(self, start, *words, **options):
        """Adds the worker that `start(*words, **options)` returns, or records why it raised an error."""
        try:
            self.started.append(start(*words, **options))
        except (OSError, RuntimeError) as fault:
            name = words[0]
            self.result.missing.append(f"{self.where}: {name}: {fault}")
            tell(f"missing: {name}: {fault}")

    def end(self):
        for one in self.started:
            one.end()


def interleave(takers, rounds, scale, where):
    """Runs all programs in turn, in another order each round, after a warm-up; scales values by `scale`."""
    values = {one.name: [] for one in takers}
    for turn in range(rounds + 1):
        tell(f"{where}: {f'round {turn} of {rounds}' if turn else 'warming up'}")
        shift = turn % max(len(takers), 1)
        for one in takers[shift:] + takers[:shift]:
            value = one.go()
            if turn:
                values[one.name].append(value * scale)
    return [Row(one.name, one.what, values[one.name]) for one in takers]
