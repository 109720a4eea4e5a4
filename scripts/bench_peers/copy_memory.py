"""A worker: all threads copy memory, far more than the caches hold.

usage: copy_memory.py THREADS

`go` reads 256 MiB and writes 256 MiB.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from protocol import serve, take_standard_output

BYTES = 256 << 20


def main():
    threads = int(sys.argv[1])
    take_standard_output()
    import numpy as np

    source = np.ones(BYTES // 4, np.float32)
    target = np.zeros_like(source)
    # numpy releases the interpreter lock while it copies.
    pairs = list(zip(np.array_split(target, threads), np.array_split(source, threads)))
    pool = ThreadPoolExecutor(threads)

    def copy():
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    copy()
    serve(f"numpy {np.__version__}", copy)


main()
