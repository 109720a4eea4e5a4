"""How much work the checks do: on a card, in the rehearsal on a CPU, and in a dry run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    # Photos of the two classes; None for all.
    pictures: int | None
    # Batch sizes, the largest last.
    batches: tuple[int, ...]
    # For each batch size, the photos of a short and a long run; their difference is free of one-time costs.
    runs: dict[int, tuple[int, int]]
    # Photos of 12 megapixels, of a short and a long run.
    photos: tuple[int, int]
    # Seconds that a peer is measured for each figure.
    seconds: float
    epochs: int
    sessions: int
    # Seconds for which a process has worked when it is killed.
    kill_after: float
    # Seconds in which its memory must be free again.
    settle: float

    @property
    def largest(self):
        return self.batches[-1]

    @property
    def small_pictures(self):
        return max(long for _, long in self.runs.values())


CARD = Sizes(
    None, (1, 32, 128), {1: (128, 640), 32: (512, 4096), 128: (1024, 8192)}, (32, 128), 2.0, 25, 1000, 2, 10
)
REHEARSAL = Sizes(7, (1, 6), {1: (2, 6), 6: (6, 18)}, (2, 6), 0.5, 1, 5, 2, 10)
DRY = Sizes(3, (1, 5, 8), {1: (2, 4), 5: (5, 10), 8: (8, 16)}, (1, 3), 0.0, 1, 5, 0.3, 0.5)
