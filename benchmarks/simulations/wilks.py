"""Level of the p-values of Wilks' lambda, for segments given and for segments learned.

python benchmarks/simulations/wilks.py               about a quarter of a minute

Writes wilks.csv beside it. 2,000 tables of 60 customers and five independent normal
columns each, fixed seed. One row per kind of segments, three of 20 customers:

- ``given``: dealt at random; 10,000 p-values of single columns, and as many partial
  ones (beside the other columns);
- ``learned``: thirds of the first column; the p-values of that column.

``below`` is the share of p-values under .05. ``low`` and ``high`` are the 99.9 %
binomial interval around .05, which given segments must keep. Learned ones cannot: a
column that segments were learned on is no evidence of them.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from custseg import DiscriminantAssigner

TABLE = Path(__file__).with_suffix(".csv")
N_TABLES, LEVEL = 2_000, 0.05


def p_values(X, y):
    return DiscriminantAssigner().fit(X, y).wilks(learned_on=[]).columns


def main():
    rng = np.random.default_rng(0)
    found = {"given": [], "given, partial": [], "learned": []}
    for _ in range(N_TABLES):
        X = rng.normal(size=(60, 5))
        given = p_values(X, rng.permutation(np.repeat([0, 1, 2], 20)))
        found["given"] += given["p_value"].tolist()
        found["given, partial"] += given["partial_p_value"].tolist()
        learned = p_values(X, pd.qcut(X[:, 0], 3, labels=False))
        found["learned"].append(learned["p_value"].iloc[0])
    rows = []
    for kind, values in found.items():
        low, high = binom.interval(0.999, len(values), LEVEL)
        below = np.mean(np.array(values) < LEVEL)
        bounds = {"low": low / len(values), "high": high / len(values)}
        rows.append(
            {"segments": kind, "p_values": len(values), "below": below} | bounds
        )
    table = pd.DataFrame(rows).round(4)
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))
    kept = table["below"].between(table["low"], table["high"])
    return int(not kept[:2].all())


if __name__ == "__main__":
    sys.exit(main())
