"""The row order of frostline's epochs: Fisher–Yates with xoshiro256++, seeded by SplitMix64."""

MASK = 2**64 - 1


def split_mix(seed):
    """Yields the four words of state for a seed."""
    for _ in range(4):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def outputs(seed):
    """Yields the generator's numbers."""

    def rotated(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    s = list(split_mix(seed))
    while True:
        yield (rotated((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 45)


def epochs(seed, rows):
    """Yields the order of each epoch, endlessly."""
    numbers, order = outputs(seed), list(range(rows))
    while True:
        for last in range(rows - 1, 0, -1):
            other = (next(numbers) * (last + 1)) >> 64
            order[last], order[other] = order[other], order[last]
        yield list(order)
