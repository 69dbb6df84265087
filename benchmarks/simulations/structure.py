"""Level and power of the tests of structure, by simulation with fixed seeds.

python benchmarks/simulations/structure.py             about a quarter of an hour
python benchmarks/simulations/structure.py --jobs 2    on two processes, same table

Writes structure.csv beside it: one row a test and kind of customers. `lowest` and
`highest` are 99.9 % binomial bounds around 5 % of the data sets where there are no
segments, 18 of 20 where there are; a test that is conservative by design has no lower
bound. `kept` says whether `rejected` is within them. Kinds without bounds are reported
for what they show.
"""

import argparse
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from scipy.stats import binom

from custseg.datasets import make_customers
from custseg.selection import structure_test, unimodality_test

TABLE = Path(__file__).with_suffix(".csv")
LEVEL = 0.05
N_LEVEL, N_POWER = 120, 20  # data sets
N_DRAWS = 39  # of the structure test: 2 of 40 tables are 5 %
THREE_CENTERS = np.eye(3, 5)  # each two are sqrt(2) apart


def one_factor(rng, n_customers, n_columns, loading):
    """Normal variables with a common factor."""
    own = rng.normal(size=(n_customers, n_columns))
    common = rng.normal(size=(n_customers, 1))
    return loading * common + np.sqrt(1 - loading**2) * own


def lognormal_spends(seed):
    """Spends in currency, in five categories correlated .5 in logarithms."""
    return np.exp(one_factor(np.random.default_rng(seed), 200, 5, np.sqrt(0.5)))


def likert_answers(seed):
    """Ten items of five steps with one factor and loadings of .7."""
    latent = one_factor(np.random.default_rng(seed), 200, 10, 0.7)
    return np.digitize(latent, [-1.2, -0.3, 0.5, 1.3]) + 1.0


def yes_no_answers(seed):
    """Eight yes/no items with one strong factor, loadings of .8."""
    latent = one_factor(np.random.default_rng(seed), 200, 8, 0.8)
    return (latent > np.linspace(-0.5, 0.5, 8)) * 1.0


def gaussian_cloud(seed):
    """Five columns, correlated by one mixing matrix; the first axis is the longest."""
    mixing = np.random.default_rng(5).normal(size=(5, 5))
    return np.random.default_rng(seed).normal(size=(200, 5)) @ mixing


def uniform_cloud(seed):
    """Four columns, uniform and independent."""
    return np.random.default_rng(seed).random((200, 4))


def one_population_of_attitudes(seed):
    """`make_customers` with one segment: four factors, twenty items."""
    return answers(seed, n_segments=1)


def three_blobs(seed):
    """Three equal Gaussian segments in five columns, centres 6 deviations apart."""
    rng = np.random.default_rng(seed)
    turned = THREE_CENTERS @ np.linalg.qr(rng.normal(size=(5, 5)))[0]
    segment = rng.integers(0, 3, 500)
    return 6 / np.sqrt(2) * turned[segment] + rng.normal(size=(500, 5))


def three_in_line(seed):
    """Low, middle and high on all of five columns, 5 deviations apart."""
    rng = np.random.default_rng(seed)
    middle = 5 / np.sqrt(5) * rng.integers(0, 3, (500, 1))
    return middle + rng.normal(size=(500, 5))


def three_blobs_in_currency(seed):
    """Spends whose logarithms are `three_blobs`, times .5."""
    return np.exp(0.5 * three_blobs(seed))


def three_segments_of_attitudes(seed):
    """`make_customers` with three segments at separation 2."""
    return answers(seed, n_segments=3, separation=2)


def three_usual_segments_of_attitudes(seed):
    """The same at separation 1, where segments overlap."""
    return answers(seed, n_segments=3, separation=1)


def answers(seed, **population):
    """Twenty items of five steps, answered without styles."""
    simulated = make_customers(
        300, missing=0, response_styles=False, random_state=seed, **population
    )
    return simulated.customers[list(simulated.item_columns)].to_numpy(float)


def answers_with_styles(seed):
    """One segment as before, but with straight-liners and other response styles."""
    simulated = make_customers(300, n_segments=1, missing=0, random_state=seed)
    return simulated.customers[list(simulated.item_columns)].to_numpy(float)


# Customers, data sets, and whether the tests must keep their level or find segments.
KINDS = (
    (lognormal_spends, N_LEVEL, "level"),
    (likert_answers, N_LEVEL, "level"),
    (gaussian_cloud, N_LEVEL, "level"),
    (uniform_cloud, N_LEVEL, "level"),
    (yes_no_answers, N_POWER, ""),
    (one_population_of_attitudes, N_POWER, ""),
    (answers_with_styles, N_POWER, ""),
    (three_blobs, N_POWER, "power"),
    (three_segments_of_attitudes, N_POWER, "power"),
    (three_in_line, N_POWER, ""),
    (three_blobs_in_currency, N_POWER, ""),
    (three_usual_segments_of_attitudes, N_POWER, ""),
)


def p_values(make, seed):
    X = make(seed)
    structure = structure_test(X, n_draws=N_DRAWS, random_state=seed)
    return structure.p_value, unimodality_test(X, random_state=seed).p_value


def bounds(claim, test, n_datasets):
    if claim == "level":
        lowest, highest = binom.interval(0.999, n_datasets, LEVEL)
        return (0 if test == "unimodality" else int(lowest)), int(highest)
    return (18, n_datasets) if claim == "power" else (None, None)


def rows_of(make, n_datasets, claim, n_jobs):
    found = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(p_values)(make, seed) for seed in range(n_datasets)
    )
    for test, p in zip(("structure", "unimodality"), np.array(found).T, strict=True):
        rejected = int((p <= LEVEL).sum())
        lowest, highest = bounds(claim, test, n_datasets)
        yield {
            "customers": make.__name__,
            "test": test,
            "claim": claim,
            "datasets": n_datasets,
            "rejected": rejected,
            "lowest": lowest,
            "highest": highest,
            "kept": "" if lowest is None else lowest <= rejected <= highest,
            "median_p": round(float(np.median(p)), 3),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    rows = []
    for make, n_datasets, claim in KINDS:
        rows += rows_of(make, n_datasets, claim, options.jobs)
        for row in rows[-2:]:
            print(*row.values(), flush=True)
    table = pd.DataFrame(rows).astype({"lowest": "Int64", "highest": "Int64"})
    table.to_csv(TABLE, index=False)
    return int((table["kept"] == False).any())  # noqa: E712


if __name__ == "__main__":
    sys.exit(main())
