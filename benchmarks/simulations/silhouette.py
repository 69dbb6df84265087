"""Coverage of the interval around a silhouette of drawn customers, by simulation.

python benchmarks/simulations/silhouette.py          about half a minute

Writes silhouette.csv beside it. 20,000 customers around five centres, in labelings of
two, three and five segments. 5,000 draws of 2,000 of them, stratified as by
`silhouette_scores` with ``sample_size``; drawn silhouettes are exact, so that they are
taken from one exact pass. One row a labeling:

- ``exact``: silhouette of all customers, and ``bias``, the mean of estimates less it;
- ``covered``: share of draws with the exact one within 1.96 standard errors, and
  ``low`` and ``high``, the 99.9 % binomial interval around .95;
- ``deviation``: that of estimates, and ``of_simple``, that of a draw without strata.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from custseg.selection import _silhouette
from custseg.selection._draw import stratified_mean
from custseg.selection._labelings import encoded

TABLE = Path(__file__).with_suffix(".csv")
N_DRAWS, N_CUSTOMERS, N_DRAWN, NUMBERS = 5_000, 20_000, 2_000, (2, 3, 5)


def main():
    rng = np.random.default_rng(5)
    centers = rng.normal(0, 2, (5, 3))
    near = rng.integers(0, 5, N_CUSTOMERS)
    X = centers[near] + rng.normal(size=(N_CUSTOMERS, 3))
    squared = ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)
    known = [encoded(squared[:, :k].argmin(axis=1), len(X)) for k in NUMBERS]
    exact = _silhouette.silhouettes_of(X, known)
    off, covered = np.zeros((2, N_DRAWS, len(NUMBERS)))
    for seed in range(N_DRAWS):
        rows, strata, counts = _silhouette._drawn(len(X), known, N_DRAWN, seed)
        for i, values in enumerate(exact):
            mean, error = stratified_mean(
                values[rows], np.ones(N_DRAWN), strata, counts
            )
            off[seed, i] = mean - values.mean()
            covered[seed, i] = abs(off[seed, i]) < 1.96 * error
    low, high = np.array(binom.interval(0.999, N_DRAWS, 0.95)) / N_DRAWS
    left = np.sqrt((1 - N_DRAWN / N_CUSTOMERS) / N_DRAWN)
    table = pd.DataFrame(
        {
            "segments": NUMBERS,
            "draws": N_DRAWS,
            "exact": [values.mean() for values in exact],
            "bias": off.mean(axis=0),
            "covered": covered.mean(axis=0),
            "low": low,
            "high": high,
            "deviation": off.std(axis=0),
            "of_simple": [values.std() * left for values in exact],
        }
    )
    table.round(6).to_csv(TABLE, index=False)
    print(table.round(6).to_string(index=False))
    return int(not table["covered"].between(low, high).all())


if __name__ == "__main__":
    sys.exit(main())
