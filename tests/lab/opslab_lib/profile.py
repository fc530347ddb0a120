"""The training profile of the spam filter: how its inputs and scores were spread in the training data.

The healthy world draws from the very same tables, so that what differs is drift, or noise.
"""

import json
from bisect import bisect_left

from .world import FEATURES, SCORE_BOUNDS, SPAM_SHARE

PATH = "training_profile.json"
ROWS = 50000


def _shares(values, bounds):
    """Shares of the cells (-inf, bounds[0]], .., (bounds[-1], inf)."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    return [count / len(values) for count in counts]


def _mixed(ham, spam, bounds):
    pairs = zip(_shares(ham, bounds), _shares(spam, bounds))
    return [round(ROWS * ((1 - SPAM_SHARE) * h + SPAM_SHARE * s), 3) for h, s in pairs]


def text(world, version):
    """As JSON, see man opsconsole.yaml, "training profile"."""
    features = {
        name: {"n": ROWS, "missing": 0, "bounds": list(bounds),
               "counts": _mixed(world.ham.tables[name].values, world.spam.tables[name].values, bounds)}
        for name, bounds in FEATURES.items()}
    features["score"] = {"n": ROWS, "missing": 0, "bounds": list(SCORE_BOUNDS),
                         "counts": _mixed(world.low_score.values, world.high_score.values, SCORE_BOUNDS)}
    return json.dumps({"version": str(version), "features": features}, indent=1)
