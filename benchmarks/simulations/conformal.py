"""How often true members and planted outsiders are rejected, by simulation.

python benchmarks/simulations/conformal.py            about two minutes

Writes conformal.csv beside it. Customers are three Gaussian clouds in three columns.
Each of 200 splits, fixed seeds, draws new customers, learns segments from four fifths
of them, keeps the p-values of the others, and asks about 400 new members and 200
outsiders, who lie sqrt(chi-square quantile 1 - alpha of 3) + 4 from the nearest centre,
across the plane of all. One row a segmenter, number of customers and alpha:

- ``expected``: floor(alpha (n + 1)) / (n + 1) with n calibration customers, at which
  split-conformal p-values reject exchangeable customers exactly;
- ``members``: share of members rejected, and ``low`` and ``high``, the interval that it
  is in with 99.9 % probability (of a mean of Beta-binomial shares);
- ``outsiders``: share of outsiders rejected.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2

from custseg import (
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    SegmentationModel,
    SOMSegmenter,
)

TABLE = Path(__file__).with_suffix(".csv")
CENTERS = np.array([[0.0, 0, 0], [5, 0, 0], [0, 5, 0]])
ALPHAS = (0.01, 0.05, 0.1)
N_SPLITS, N_MEMBERS, N_OUTSIDERS = 200, 400, 200
SEGMENTERS = {
    "k-means": lambda: (KMeansSegmenter(3, n_init=2), None),
    "k-means, six segments": lambda: (KMeansSegmenter(6, n_init=1), None),
    "k-means, quadratic": lambda: (
        KMeansSegmenter(3, n_init=2),
        DiscriminantAssigner("quadratic"),
    ),
    "mixture": lambda: (GaussianMixtureSegmenter(3), None),
    "hierarchy": lambda: (HierarchicalSegmenter(3), None),
    "map": lambda: (SOMSegmenter(3, grid=(3, 3), n_epochs=10), None),
}


def members(rng, n):
    return CENTERS[rng.integers(0, 3, n)] + rng.normal(size=(n, 3))


def outsiders(rng, n, alpha):
    distance = np.sqrt(chi2.ppf(1 - alpha, 3)) + 4
    away = np.outer(rng.choice([-1, 1], n), [0, 0, distance])
    return CENTERS[rng.integers(0, 3, n)] + away


def rows_of(name, n_customers):
    rates = {alpha: [] for alpha in ALPHAS}
    for split in range(N_SPLITS):
        rng = np.random.default_rng([split, n_customers])
        segmenter, assigner = SEGMENTERS[name]()
        model = SegmentationModel(
            segmenter, assigner, reject_alpha=0.1, random_state=split
        ).fit(members(rng, n_customers))
        of_members = model.assign(members(rng, N_MEMBERS))["typicality"]
        for alpha in ALPHAS:
            of_others = model.assign(outsiders(rng, N_OUTSIDERS, alpha))["typicality"]
            rates[alpha].append(
                ((of_members <= alpha).mean(), (of_others <= alpha).mean())
            )
    n = n_customers // 5
    for alpha, found in rates.items():
        expected = np.floor(alpha * (n + 1)) / (n + 1)
        spread = expected * (1 - expected) * (1 / (n + 2) + 1 / N_MEMBERS)
        half = 3.29 * np.sqrt(spread / N_SPLITS)
        of_members, of_others = np.mean(found, axis=0)
        yield {
            "segmenter": name,
            "customers": n_customers,
            "calibration": n,
            "alpha": alpha,
            "expected": expected,
            "low": expected - half,
            "high": expected + half,
            "members": of_members,
            "outsiders": of_others,
        }


def main():
    warnings.simplefilter("ignore")
    rows = []
    for name in SEGMENTERS:
        for n_customers in (300, 1000):
            rows += rows_of(name, n_customers)
            print(pd.DataFrame(rows[-3:]).round(4).to_string(index=False, header=False))
    table = pd.DataFrame(rows).round(5)
    outside = ~table["members"].between(table["low"], table["high"])
    print(f"{outside.sum()} of {len(table)} rates outside their interval")
    table.to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()
