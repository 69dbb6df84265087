"""Coverage of a mixture's intervals, and the level of the test for one class more.

python benchmarks/simulations/mixtures.py            about twelve minutes on two cores

Writes mixtures.csv beside it. Fixed seeds, 200 tables a row.

- ``coverage``: 2,000 customers of two latent classes (.6 and .4), three questions of
  two levels, one of three, one count and one number; of every column 20 % of the
  answers are missing, with a chance that depends on the answer to the first question,
  which all have given (missing at random). Share of the true parameters that lie in
  their 95 % interval by `bootstrap_parameters` with 200 draws, pooled over parameters
  and tables.
- ``level, latent classes``: 300 customers who answer five questions of two levels
  independently, so that one class is enough; share of tables in which
  `bootstrap_likelihood_ratio` rejects one class at .05, with 39 draws.
- ``level, Gaussian``: the same of 100 customers with one normal column and components
  of one variance.
- ``level, two classes``: 400 customers of two classes that answer six questions with .8
  and .2; share of tables in which two are rejected.
"""

import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from custseg.cluster import (
    GaussianMixtureSegmenter,
    LatentClassSegmenter,
    bootstrap_parameters,
)
from custseg.selection import bootstrap_likelihood_ratio

TABLE = Path(__file__).with_suffix(".csv")
N_TABLES = 200
SHARES = np.array([0.6, 0.4])
YES = np.array([[0.8, 0.3], [0.7, 0.2], [0.25, 0.75]])  # of a question, by class
CITY = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
RATES, MEANS, DEVIATIONS = (
    np.array([2.0, 6.0]),
    np.array([10.0, 14.0]),
    np.array([2.0, 3.0]),
)


def customers(rng, n):
    """Answers of two classes, with gaps that depend on the first question."""
    classes = (rng.random(n) >= SHARES[0]).astype(int)
    answers = {
        f"q{i}": (rng.random(n) < yes[classes]).astype(float)
        for i, yes in enumerate(YES)
    }
    ends = CITY.cumsum(axis=1)[classes]
    answers["city"] = (rng.random(n)[:, np.newaxis] >= ends[:, :-1]).sum(axis=1) * 1.0
    answers["visits"] = rng.poisson(RATES[classes]).astype(float)
    answers["spend"] = rng.normal(MEANS[classes], DEVIATIONS[classes])
    table = pd.DataFrame(answers)
    chance = np.where(table["q0"] == 1, 0.1, 0.3)
    for name in table.columns[1:]:
        table.loc[rng.random(n) < chance, name] = np.nan
    return table


def true_values():
    """Figure, column and level to the value in each class."""
    truth = {("share", "", ""): SHARES}
    for i, yes in enumerate(YES):
        truth["probability", f"q{i}", "1"] = yes
    for level in range(3):
        truth["probability", "city", str(level)] = CITY[:, level]
    truth["rate", "visits", ""] = RATES
    truth["mean", "spend", ""] = MEANS
    truth["standard deviation", "spend", ""] = DEVIATIONS
    return truth


def coverage(seed, n=2_000):
    """Whether each true value lies in its interval."""
    rng = np.random.default_rng([1, seed])
    table = customers(rng, n)
    columns = {"visits": "poisson", "spend": "gaussian"}
    segmenter = LatentClassSegmenter(2, columns=columns, n_init=4, random_state=seed)
    segmenter.fit(table)
    found = bootstrap_parameters(segmenter, table, random_state=seed)
    inside = []
    for (figure, column, level), values in true_values().items():
        is_row = (found["figure"] == figure) & (found["column"] == column)
        rows = found[is_row & (found["level"] == level)]
        inside += list((rows["low"] <= values) & (values <= rows["high"]))
    return inside


def level_of_classes(seed):
    """Whether one class is rejected where there is one."""
    rng = np.random.default_rng([2, seed])
    answers = (rng.random((300, 5)) < [0.3, 0.4, 0.5, 0.6, 0.7]) * 1
    segmenter = LatentClassSegmenter(1, n_init=3, tol=1e-5, random_state=seed)
    return rejected(segmenter, answers, seed)


def level_of_gaussians(seed):
    """Whether one component is rejected where there is one."""
    rng = np.random.default_rng([3, seed])
    options = {"covariance_type": "tied", "n_init": 3, "tol": 1e-5}
    segmenter = GaussianMixtureSegmenter(1, random_state=seed, **options)
    return rejected(segmenter, rng.normal(size=(100, 1)), seed)


def level_of_two(seed):
    """Whether two classes are rejected where there are two."""
    rng = np.random.default_rng([4, seed])
    chance = np.where(rng.random(400) < 0.6, 0.8, 0.2)[:, np.newaxis]
    answers = (rng.random((400, 6)) < chance) * 1
    segmenter = LatentClassSegmenter(2, n_init=3, tol=1e-5, random_state=seed)
    return rejected(segmenter, answers, seed)


def rejected(segmenter, X, seed):
    test = bootstrap_likelihood_ratio(segmenter, X, n_draws=39, random_state=seed)
    return [test.p_values[0] <= test.alpha]


def row_of(name, function, nominal, n_tables):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parallel = joblib.Parallel(n_jobs=-1)
        found = parallel(joblib.delayed(function)(seed) for seed in range(n_tables))
    shares = [np.mean(of_table) for of_table in found]
    return {
        "claim": name,
        "nominal": nominal,
        "found": np.mean(shares),
        "std_error": np.std(shares, ddof=1) / np.sqrt(n_tables),
        "tables": n_tables,
        "figures": n_tables * len(found[0]),
    }


def main():
    n_tables = int(sys.argv[1]) if len(sys.argv) > 1 else N_TABLES
    table = pd.DataFrame(
        [
            row_of("coverage", coverage, 0.95, n_tables),
            row_of("level, latent classes", level_of_classes, 0.05, n_tables),
            row_of("level, Gaussian", level_of_gaussians, 0.05, n_tables),
            row_of("level, two classes", level_of_two, 0.05, n_tables),
        ]
    ).round(4)
    if n_tables == N_TABLES:
        table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
