#!/usr/bin/env python3
"""Writes tests/unit/drift-values.h: what SciPy says of the cases of test_drift_values.c. Run it by hand when a case is added:

    tests/unit/drift-values.py > tests/unit/drift-values.h

The result is committed, so that the tests need neither Python nor SciPy.
"""
import sys

import numpy as np
import scipy
from scipy import special, stats
from scipy.spatial import distance

RARE = 10  # DRIFT_RARE

# No cell of these is rare, so that joining leaves them alone; an emptied one is not rare either, for the other side has it.
PAIRS = {
    "alike": ([100, 200, 300, 400], [110, 190, 310, 390]),
    "moved": ([1000, 3000, 4000, 1500, 500], [400, 1800, 4200, 2600, 1000]),
    "unequal": ([50, 80, 120, 60, 40], [41200, 83900, 118000, 65500, 33100]),
    "fractional": ([33.25, 71.5, 128.75, 40.125], [61.8, 120.2, 301.3, 77.9]),
    "emptied": ([500, 0, 700, 300], [400, 250, 600, 0]),
    "apart": ([400, 600, 0, 0], [0, 0, 300, 700]),
    "two": ([90, 910], [140, 860]),
}
# Edges, and counts of both sides; infinite cells have their mass at their finite edge.
SHAPES = {
    "same edges": ([0, 1, 2, 4], [10, 30, 20], [0, 1, 2, 4], [20, 20, 40]),
    "other edges": ([0, 1, 2, 4], [10, 30, 20], [-1, 0.5, 3], [25, 55]),
    "infinite cells": ([-np.inf, 1, 2, 5, np.inf], [4, 20, 30, 6], [-np.inf, 1, 2, 5, np.inf], [10, 10, 40, 20]),
    "crossing": ([0, 2], [10], [0, 0.5, 1.5, 2], [1, 8, 1]),
}
TAILS = [(0.001, 1), (0.5, 1), (3.84, 1), (50, 1), (300, 1), (1, 4), (9.5, 4), (12, 9), (60, 49), (66.3, 49), (200, 49), (1000, 999), (1200, 999), (10500, 10000)]
QUANTILES = [(p, df) for p in (1e-6, 0.05, 0.5, 0.95, 0.99, 0.999999) for df in (1, 2, 9, 19, 49, 999, 20000)]
T_TAILS = [(0.5, 1), (12.7, 1), (3.2, 2.5), (2.5, 4), (40, 4), (1.96, 1000), (5, 300000)]
T_QUANTILES = [(p, df) for p in (0.5, 0.95, 0.999) for df in (1, 3.7, 8, 1000)]
KOLMOGOROV = [0.01, 0.2, 0.5, 0.7, 0.9, 0.95, 0.99, 0.9999]
# The p-values of the example of Benjamini and Hochberg (1995), shuffled.
P_VALUES = [0.0298, 0.0001, 0.3240, 0.0004, 0.4262, 0.0019, 1.0000, 0.0095, 0.7590, 0.0201, 0.0278, 0.6528, 0.0344, 0.0459, 0.5719]


def number(x):
    if np.isnan(x):
        return "NAN"
    if np.isinf(x):
        return "INFINITY" if x > 0 else "-INFINITY"
    return repr(float(x))


def numbers(values):
    return ", ".join(number(x) for x in values)


def smoothed(a, b):
    extra = 0.5 * ((a == 0) | (b == 0))
    a, b = a + extra, b + extra
    return a / a.sum(), b / b.sum()


def pair_row(name, a, b):
    a, b = np.array(a, float), np.array(b, float)
    assert ((a + b) * min(a.sum(), b.sum()) / (a.sum() + b.sum()) >= RARE).all(), name
    p, q = smoothed(a, b)
    psi = special.rel_entr(p, q).sum() + special.rel_entr(q, p).sum()
    js = distance.jensenshannon(a, b, 2)
    ks = np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max()
    chi2, p_value, df, _ = stats.chi2_contingency([a, b], correction=False)
    return f'\t{{ "{name}", {len(a)}, {{ {numbers(a)} }}, {{ {numbers(b)} }},\n\t    {numbers([psi, js, ks, chi2, df, p_value])} }},'


def points(edges, counts, per_cell=20000):
    """Mass spread evenly, as points with weights; each point is in the middle of its share."""
    where, weight = [], []
    for lo, hi, n in zip(edges, edges[1:], counts):
        if np.isinf(lo) or np.isinf(hi):
            where.append([hi if np.isinf(lo) else lo])
            weight.append([n])
        else:
            where.append(lo + (hi - lo) * (np.arange(per_cell) + 0.5) / per_cell)
            weight.append(np.full(per_cell, n / per_cell))
    return np.concatenate(where), np.concatenate(weight)


def middles(edges, counts):
    at = [hi if np.isinf(lo) else lo if np.isinf(hi) else (lo + hi) / 2 for lo, hi in zip(edges, edges[1:])]
    mean = np.average(at, weights=counts)
    return mean, np.sqrt(np.average((np.array(at) - mean) ** 2, weights=counts))


def shape_row(name, ea, a, eb, b):
    (xa, wa), (xb, wb) = points(ea, a), points(eb, b)
    w = stats.wasserstein_distance(xa, xb, wa, wb)
    mean, stddev = middles(ea, a)
    return (f'\t{{ "{name}", {len(a)}, {{ {numbers(ea)} }}, {{ {numbers(a)} }}, {len(b)}, {{ {numbers(eb)} }}, {{ {numbers(b)} }},\n'
            f'\t    {numbers([w, mean, stddev])} }},')


def samples():
    rng = np.random.default_rng(8)
    a = np.round(rng.normal(0, 1, 40), 1)  # rounded: with ties, on one side and between both
    b = np.round(rng.normal(0.4, 1.2, 33), 1)
    d = stats.ks_2samp(a, b).statistic
    edges = np.array([-np.inf, -1, -0.5, 0, 0.5, 1, np.inf])
    return a, b, d, edges


def adjusted(p):
    """By the definition: the least level at which the procedure rejects it."""
    p = np.array(p)
    ranked = np.sort(p)
    levels = [min(ranked[j] * len(p) / (j + 1) for j in range(len(p)) if ranked[j] >= x) for x in p]
    return np.minimum(levels, 1)


def main():
    out = [f"/* Written by tests/unit/drift-values.py with SciPy {scipy.__version__}, NumPy {np.__version__}. */", ""]
    out += ["static const struct pair_case pair_cases[] = {", *(pair_row(k, *v) for k, v in PAIRS.items()), "};"]
    out += ["static const struct shape_case shape_cases[] = {", *(shape_row(k, *v) for k, v in SHAPES.items()), "};"]
    out += ["static const struct point_case tail_cases[] = {", *(f"\t{{ {numbers([x, df, stats.chi2.sf(x, df)])} }}," for x, df in TAILS), "};"]
    out += ["static const struct point_case quantile_cases[] = {", *(f"\t{{ {numbers([p, df, stats.chi2.ppf(p, df)])} }}," for p, df in QUANTILES), "};"]
    out += ["static const struct point_case kolmogorov_cases[] = {", *(f"\t{{ {numbers([p, 0, stats.kstwobign.ppf(p)])} }}," for p in KOLMOGOROV), "};"]
    out += ["static const struct point_case t_tail_cases[] = {", *(f"\t{{ {numbers([t, df, 2 * stats.t.sf(t, df)])} }}," for t, df in T_TAILS), "};"]
    out += ["static const struct point_case t_quantile_cases[] = {", *(f"\t{{ {numbers([p, df, stats.t.ppf((1 + p) / 2, df)])} }}," for p, df in T_QUANTILES), "};"]
    a, b, d, edges = samples()
    out += [f"static const double samples_a[] = {{ {numbers(a)} }};", f"static const double samples_b[] = {{ {numbers(b)} }};"]
    out += [f"static const double samples_d = {number(d)};", f"static const double samples_edges[] = {{ {numbers(edges)} }};"]
    # A sample on an edge belongs to the cell below it.
    cells = np.bincount(np.searchsorted(edges[1:-1], a, side="left"), minlength=len(edges) - 1)
    out += [f"static const double samples_cells[] = {{ {numbers(cells)} }};"]
    out += [f"static const double p_values[] = {{ {numbers(P_VALUES)} }};", f"static const double p_adjusted[] = {{ {numbers(adjusted(P_VALUES))} }};"]
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
