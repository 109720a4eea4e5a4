"""The result of one check, and how a check ends early."""

from dataclasses import dataclass, field

PASSED, FAILED, SKIPPED, ERROR = "passed", "failed", "skipped", "error"


@dataclass
class Outcome:
    """`found` is one sentence for people; `figures` are the numbers behind it."""

    result: str
    found: str
    figures: dict = field(default_factory=dict)


def judged(right, found, **figures):
    """Returns `passed` or `failed`."""
    return Outcome(PASSED if right else FAILED, found, figures)


class Skip(Exception):
    """A check cannot be made here; the text says why."""


class Broken(Exception):
    """A program did not end as it should, so that nothing can be said; the text is its last words."""


class OutOfTime(Exception):
    """A program was stopped at the time limit; `out` is what it had printed."""

    def __init__(self, out=""):
        super().__init__("it took longer than its time limit")
        self.out = out
