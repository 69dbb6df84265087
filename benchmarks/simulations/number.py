"""How often the right number of segments is chosen, by simulation with fixed seeds.

python benchmarks/simulations/number.py             about fifteen minutes
python benchmarks/simulations/number.py --jobs 2    on two processes, same table

Writes number.csv beside it: one row a data set, with the number of segments that is
true, what the silhouette and the rule `stable` choose from 2 to 8, and the medians of
the adjusted Rand index that the rule goes by. Customers are of `make_customers` at
separation 2.5 without response styles: straight-liners come back too, and would be a
segment more. The survey of a fast-food chain has no true number; Dolnicar, Gruen and
Leisch (2018, doi 10.1007/978-981-10-8818-6) keep four.
"""

import argparse
import sys
from pathlib import Path

import joblib
import pandas as pd

from custseg import KMeansSegmenter, PsychographicTransformer, SegmentSearch
from custseg.datasets import make_customers

TABLE = Path(__file__).with_suffix(".csv")
SURVEY = Path(__file__).parents[2] / "tests" / "reference" / "data" / "mcdonalds.csv"
N_DATASETS = 20
LEAST_RIGHT = 19


def planted(seed):
    """Factor scores of 600 customers in three, four or five segments."""
    n_segments = 3 + seed % 3
    simulated = make_customers(
        600,
        n_segments=n_segments,
        separation=2.5,
        response_styles=False,
        random_state=seed,
    )
    items = simulated.customers[list(simulated.item_columns)]
    transformer = PsychographicTransformer(
        scales=simulated.scales, reverse=simulated.reverse_keyed
    )
    return transformer.fit_transform(items), n_segments


def survey():
    """Eleven yes/no perceptions of 1,453 respondents."""
    answers = pd.read_csv(SURVEY).iloc[:, :11] == "Yes"
    return answers.to_numpy(dtype=float)


def row_of(name, X, true, seed, n_init, n_pairs, n_jobs=1):
    search = SegmentSearch(
        [KMeansSegmenter(n_init=n_init)],
        range(2, 9),
        rule="stable",
        n_bootstraps=n_pairs,
        n_jobs=n_jobs,
        random_state=seed,
    ).fit(X)
    results = search.results_.set_index("n_segments")
    return {
        "customers": name,
        "seed": seed,
        "n_init": n_init,
        "pairs": n_pairs,
        "true": true,
        "silhouette": int(results["silhouette"].idxmax()),
        "stable": search.n_segments_,
        **{f"median_{k}": round(results.loc[k, "stability"], 3) for k in range(2, 9)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    n_jobs = parser.parse_args().jobs
    rows = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(row_of)("simulated", *planted(seed), seed, 5, 20)
        for seed in range(N_DATASETS)
    )
    simulated = pd.DataFrame(rows)
    for n_init in (10, 30):
        rows.append(row_of("survey", survey(), None, 0, n_init, 100, n_jobs))
    table = pd.DataFrame(rows).astype({"true": "Int64"})
    table.to_csv(TABLE, index=False)
    right = {
        name: int((simulated[name] == simulated["true"]).sum())
        for name in ("silhouette", "stable")
    }
    print(table.to_string())
    print("right, of", N_DATASETS, right)
    return int(min(right.values()) < LEAST_RIGHT)


if __name__ == "__main__":
    sys.exit(main())
