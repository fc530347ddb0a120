#!/usr/bin/env python3
"""The same work as `bench_drift speed DIR`, over the bytes that it wrote to DIR, by NumPy and SciPy. In-process; imports are not counted."""
import sys
import time

try:
    import numpy as np
    from scipy import stats
except ImportError as e:
    print(f"NumPy and SciPy: skipped ({e}); Debian has them as python3-scipy")
    sys.exit(0)

REPEATS = 15


def timed(what, work, repeats=REPEATS):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    print(f"{what:<44} median {times[len(times) // 2]:9.3f} ms   best {times[0]:9.3f} ms   result {result:.12g}", flush=True)


def psi_rows(a, b):
    p = a / a.sum(axis=-1, keepdims=True)
    q = b / b.sum(axis=-1, keepdims=True)
    return ((p - q) * np.log(p / q)).sum(axis=-1)


def main():
    folder = sys.argv[1]
    a, b = (np.fromfile(f"{folder}/{side}-counts.f64").reshape(1000, 50) for side in "ab")
    x, y = (np.fromfile(f"{folder}/{side}-samples.f64") for side in "ab")
    edges = np.concatenate(([-np.inf], -3 + 6 * np.arange(1, 50) / 50, [np.inf]))
    finite = np.concatenate(([-100], edges[1:-1], [100]))

    timed("NumPy: PSI of 1,000 x 50, vectorised", lambda: psi_rows(a, b).sum())
    timed("NumPy: PSI of 1,000 x 50, one by one", lambda: sum(psi_rows(p, q) for p, q in zip(a, b)))
    timed("SciPy: KS of 2 x 1e6 samples, ks_2samp asymp", lambda: stats.ks_2samp(x, y, method="asymp").statistic, 5)
    timed("NumPy: PSI from 2 x 1e6 samples, 50 cells", lambda: psi_rows(np.histogram(x, finite)[0], np.histogram(y, finite)[0]), 5)


if __name__ == "__main__":
    main()
