"""Level and power of the test for a new segment among rejected customers.

python benchmarks/simulations/rejected.py            about two minutes

Writes rejected.csv beside it. Two Gaussian segments nine apart in the plane, of which n
customers are learned from with ``reject_alpha=0.05``. 120 new customers are asked, and
newcomers, who are a round cloud of standard deviation .5 at the distance of 8 from the
middle of the two, across the line through both. One row a number of training customers
and of newcomers, 300 repeats, fixed seeds:

- ``count`` and ``together``: share of repeats in which either p-value is at most .05;
- ``new_segment``: share in which both are, which the verdict calls a new segment.

Without newcomers these are false alarms.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from custseg import KMeansSegmenter, SegmentationModel
from custseg.evaluation import rejected_test

TABLE = Path(__file__).with_suffix(".csv")
N_REPEATS, N_MEMBERS, LEVEL = 300, 120, 0.05
CENTERS = np.array([[0.0, 0.0], [9.0, 0.0]])


def members(rng, n):
    return CENTERS[rng.integers(0, 2, n)] + rng.normal(size=(n, 2))


def row_of(n_customers, n_newcomers):
    found = []
    for seed in range(N_REPEATS):
        rng = np.random.default_rng([seed, n_customers])
        model = SegmentationModel(
            KMeansSegmenter(2, n_init=1, random_state=seed),
            reject_alpha=LEVEL,
            random_state=seed,
        ).fit(members(rng, n_customers))
        newcomers = [4.5, 8] + 0.5 * rng.normal(size=(n_newcomers, 2))
        asked = np.vstack([members(rng, N_MEMBERS), newcomers])
        test = rejected_test(model, asked, random_state=seed)
        found.append((test.count_p_value <= LEVEL, test.concentration_p_value <= LEVEL))
    count, together = np.array(found).T
    return {
        "customers": n_customers,
        "newcomers": n_newcomers,
        "count": count.mean(),
        "together": together.mean(),
        "new_segment": (count & together).mean(),
    }


def main():
    warnings.simplefilter("ignore")
    table = pd.DataFrame(
        [row_of(n, new) for n in (300, 1000, 4000) for new in (0, 5, 10, 20)]
    ).round(4)
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
