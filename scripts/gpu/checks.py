"""What a check is, and which checks a budget of time allows."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """`limit` stops it, and `cost` is the expected time, both in seconds. A higher `rank` is less important.

    `run(bench)` returns an Outcome. A check with `card` needs an NVIDIA card.
    """

    section: str
    name: str
    wanted: str
    run: Callable
    limit: int = 60
    cost: int = 5
    rank: int = 2
    card: bool = False

    @property
    def full_name(self):
        return f"{self.section}.{self.name}"


def too_many(checks, seconds):
    """Returns the least important checks, later ones first, without which the others fit into the time."""
    dropped = []
    total = sum(check.cost for check in checks)
    by_importance = sorted(enumerate(checks), key=lambda item: (item[1].rank, item[0]))
    while total > seconds and by_importance:
        _, check = by_importance.pop()
        dropped.append(check)
        total -= check.cost
    return dropped
