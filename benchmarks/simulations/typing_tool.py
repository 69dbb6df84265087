"""What a typing tool promises, and what it keeps, by simulation with fixed seeds.

python benchmarks/simulations/typing_tool.py         about a minute and a half

Writes typing_tool.csv beside it. One row a kind of customers, means over tables:

- ``noise, number chosen``: 400 customers in three segments of one size, which none of
  eight questions tells; the number of questions is chosen by the curve. A third is
  right by chance.
- ``noise, six of 30``: 300 customers in three segments, at most six of 30 questions
  that tell nothing; figures are those of six questions.
- ``new customers``: 500 customers in three segments that three of 15 questions tell;
  at most four are asked, and then 20,000 new customers.

``selected`` is the accuracy on the customers that questions were chosen by, ``curve``
that of the curve at the number of questions chosen, and ``told`` what the tool reports
as its accuracy. ``true`` is what it is: a third among noise, the accuracy of new
customers else. ``off`` is the mean of `told` - `true` and ``error`` its standard error
over tables; ``kept`` says whether ``off`` is within 3.29 of these.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from custseg import TypingTool

TABLE = Path(__file__).with_suffix(".csv")


def chosen_among_noise(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(400, 8)), rng.permutation(np.arange(400) % 3)
    tool = TypingTool(6, accuracy=0.9, priors="uniform").fit(X, y)
    row = tool.curve_[tool.curve_["chosen"]].iloc[0]
    return row["selected_accuracy"], row["accuracy"], tool.accuracy_, 1 / 3


def six_of_thirty(seed):
    rng = np.random.default_rng([1, seed])
    X, y = rng.normal(size=(300, 30)), rng.permutation(np.arange(300) % 3)
    row = TypingTool(6).fit(X, y).curve_.iloc[-1]
    return row["selected_accuracy"], row["accuracy"], row["accuracy"], 1 / 3


def answers(rng, n):
    segments = rng.integers(0, 3, n)
    X = rng.normal(size=(n, 15))
    for segment, question in enumerate((7, 2, 12)):
        X[segments == segment, question] += 1.6
    return X, segments


def new_customers(seed):
    rng = np.random.default_rng([2, seed])
    X, y = answers(rng, 500)
    tool = TypingTool(4).fit(X, y)
    row = tool.curve_[tool.curve_["chosen"]].iloc[0]
    true = tool.score(*answers(rng, 20_000))
    return row["selected_accuracy"], row["accuracy"], tool.accuracy_, true


KINDS = {
    "noise, number chosen": (chosen_among_noise, 200),
    "noise, six of 30": (six_of_thirty, 100),
    "new customers": (new_customers, 200),
}


def main():
    warnings.simplefilter("ignore")
    rows = []
    for name, (make, n_tables) in KINDS.items():
        found = np.array([make(seed) for seed in range(n_tables)])
        off = found[:, 2] - found[:, 3]
        error = off.std(ddof=1) / np.sqrt(n_tables)
        figures = dict(
            zip(("selected", "curve", "told", "true"), found.mean(axis=0), strict=True)
        )
        kept = bool(abs(off.mean()) < 3.29 * error)
        ends = {"off": off.mean(), "error": error, "kept": kept}
        rows.append({"customers": name, "tables": n_tables} | figures | ends)
        print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows).round(4)
    table.to_csv(TABLE, index=False)
    return int(not table["kept"].all())


if __name__ == "__main__":
    sys.exit(main())
