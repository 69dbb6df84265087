"""How well segments tell an outcome: is chance held, and is the truth, by simulation?

python benchmarks/simulations/outcome.py             about a minute and a half

Writes outcome.csv beside it. Three Gaussian segments in the plane, of which k-means
learns; `outcome_report` measures how well they tell what each customer spends
afterwards, with 200 resamples and five folds. Fixed seeds, one row per claim
and kind of outcome:

- ``noise, one model``: spend is drawn at random, one model of six segments of 300
  customers, 400 outcomes. ``told`` is the share of outcomes of which the verdict says
  that segments tell them. It takes both of two intervals of 95 %, so that it must be
  below .025. ``inside`` is the share whose R² lies in the interval of 95 % of chance.
- ``noise, refitted``: the same of 100 tables, with models learned anew in each fold.
- ``caused``: 400 customers, .8 of the variance is that of the segments' means; 200
  tables. ``inside`` is the share of tables whose interval of 95 % holds .8. This is
  reported for what it shows and not claimed: the interval is that of customers asked,
  while segments and means learned have errors of their own.

``low`` and ``high`` are the 99.9 % binomial interval around .95 for ``inside``, and
``kept`` says whether all is as claimed.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from custseg import KMeansSegmenter, SegmentationModel
from custseg.evaluation import outcome_report

TABLE = Path(__file__).with_suffix(".csv")
CENTERS = np.array([[0, 0], [6, 0], [0, 6]])
MEANS = np.array([0.0, 10.0, 20.0])


def clients(rng, n):
    segments = rng.integers(0, 3, n)
    spend = CENTERS[segments] + rng.normal(size=(n, 2))
    return pd.DataFrame(spend, columns=["food", "drink"]), segments


def model_of(table, n_segments):
    segmenter = KMeansSegmenter(n_segments, n_init=3, random_state=0)
    return SegmentationModel(segmenter, random_state=0).fit(table)


def measured(model, table, spent, seed, **options):
    result = outcome_report(
        model, table, spent, n_bootstraps=200, random_state=seed, **options
    )
    return result, result.frame().set_index("groups")


def noise(n_tables, refit):
    """Whether each outcome is told, and whether its R² lies in chance's interval."""
    rng = np.random.default_rng(2)
    table, _ = clients(rng, 300)
    model = model_of(table, 6)
    for seed in range(n_tables):
        spent = rng.gamma(1, 30, 300)
        result, frame = measured(model, table, spent, seed, refit=refit)
        low, high = frame.loc["chance", ["r2_low", "r2_high"]]
        told = "no better than chance" not in result.verdict
        yield told, low <= frame.loc["segments", "r2"] <= high


def caused(n_tables):
    """Whether segments are told from chance, and whether the interval holds .8."""
    for seed in range(n_tables):
        rng = np.random.default_rng([1, seed])
        table, segments = clients(rng, 400)
        spent = MEANS[segments] + rng.normal(0, np.sqrt(MEANS.var() / 4), 400)
        result, frame = measured(model_of(table, 3), table, spent, seed)
        low, high = frame.loc["segments", ["r2_low", "r2_high"]]
        yield "no better than chance" not in result.verdict, low <= 0.8 <= high


def main():
    warnings.simplefilter("ignore")
    rows = []
    for claim, found in (
        ("noise, one model", noise(400, refit=False)),
        ("noise, refitted", noise(100, refit=True)),
        ("caused", caused(200)),
    ):
        told, inside = np.array(list(found)).T
        n = len(told)
        low, high = binom.interval(0.999, n, 0.95)
        if claim == "caused":
            kept = told.all()
        else:
            kept = told.sum() <= binom.ppf(0.9995, n, 0.025)
            kept = kept and low <= inside.sum() <= high
        figures = {"told": told.mean(), "inside": inside.mean()}
        bounds = {"low": low / n, "high": high / n, "kept": bool(kept)}
        rows.append({"claim": claim, "outcomes": n} | figures | bounds)
        print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows).round(4)
    table.to_csv(TABLE, index=False)
    return int(not table["kept"].all())


if __name__ == "__main__":
    sys.exit(main())
