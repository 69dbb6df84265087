"""Accuracy of assignment where it should and should not be had, by simulation.

python benchmarks/simulations/accuracy.py            about a minute

Writes accuracy.csv beside it. One row a table of customers, fixed seeds:

- noise, other columns: four segments of 600 customers of noise in six columns,
  assigned by six others that have nothing to do with them. What is above the largest
  share is not there.
- noise, same columns: assigned by the six columns themselves. High figures are no
  skill: there is nothing to be found, and the segments are a rule of these columns.
- real, other columns: customers of `make_customers`, segments of their attitudes,
  assigned by age, income and the like.

The three accuracies and the two chances are those of `assignment_report`. The last
rows, "calibration", hold the expected calibration error of a quadratic assigner that
learned the segments of 20,000 simulated customers from their descriptors, on 20,000
others: as it is, and calibrated.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from custseg import (
    DemographicTransformer,
    DiscriminantAssigner,
    KMeansSegmenter,
    PsychographicTransformer,
    SegmentationModel,
)
from custseg.assignment._calibration import (
    cross_fitted_probabilities,
    learn_calibration,
)
from custseg.datasets import make_customers
from custseg.evaluation import assignment_report
from custseg.evaluation._calibration_curve import bins_of

TABLE = Path(__file__).with_suffix(".csv")
N_SEEDS = 10
N_CALIBRATED = 20_000
FIGURES = ("resubstitution", "fixed", "refitted", "largest", "chance")


def noise(seed, same_columns, n_customers=600):
    """Return a model of noise and its customers."""
    X = np.random.default_rng(seed).normal(size=(n_customers, 12))
    model = SegmentationModel(
        KMeansSegmenter(4, n_init=5, random_state=seed),
        DiscriminantAssigner(),
        basis=range(6),
        descriptors=range(6) if same_columns else range(6, 12),
    )
    return model.fit(X), X


def real(seed, n_customers=600):
    """Return a model of simulated customers that have segments, and the customers."""
    simulated = make_customers(
        n_customers, n_segments=4, separation=2.5, random_state=seed
    )
    scores = PsychographicTransformer(
        scales=simulated.scales, reverse=simulated.reverse_keyed
    )
    model = SegmentationModel(
        make_pipeline(scores, KMeansSegmenter(4, n_init=5, random_state=seed)),
        make_pipeline(DemographicTransformer(), DiscriminantAssigner()),
        basis=simulated.item_columns,
        descriptors=simulated.descriptor_columns,
    )
    return model.fit(simulated.customers), simulated.customers


def row_of(name, model, X, seed):
    report = assignment_report(model, X, random_state=seed)
    accuracies = report.frame()["accuracy"].round(3)
    return {
        "customers": name,
        "seed": seed,
        "kind": report.kind,
        **dict(zip(FIGURES, accuracies, strict=True)),
    }


def errors_of_calibration(seed, n_customers=N_CALIBRATED):
    """Calibration error on customers never seen, by method ("none" for as it is)."""
    both = make_customers(
        2 * n_customers, n_segments=4, separation=2.5, random_state=seed
    )
    segment = both.truth["segment"].to_numpy()
    X = both.customers[list(both.descriptor_columns)]
    learned, asked = X.iloc[:n_customers], X.iloc[n_customers:]
    assigner = make_pipeline(
        DemographicTransformer(),
        DiscriminantAssigner("quadratic", shrinkage="ledoit_wolf"),
    )
    taught, true = segment[:n_customers], segment[n_customers:]
    said = cross_fitted_probabilities(assigner, learned, taught, np.arange(4), seed=0)
    probabilities = assigner.fit(learned, taught).predict_proba(asked)
    errors = {"none": error_of(probabilities, true)}
    for method in ("temperature", "isotonic"):
        calibration = learn_calibration(method, said, taught)
        errors[method] = error_of(calibration.apply(probabilities), true)
    return errors


def error_of(probabilities, true, n_bins=10):
    """Expected calibration error of the most probable segment."""
    top = probabilities.argmax(axis=1)
    highest = probabilities.max(axis=1)
    excess = np.bincount(bins_of(highest, n_bins), highest - (top == true))
    return float(np.abs(excess).sum() / len(true))


def main():
    rows = []
    for seed in range(N_SEEDS):
        for name, customers in (
            ("noise, other columns", noise(seed, same_columns=False)),
            ("noise, same columns", noise(seed, same_columns=True)),
            ("real, other columns", real(seed)),
        ):
            rows.append(row_of(name, *customers, seed))
    for seed in range(3):
        errors = errors_of_calibration(seed)
        errors = {f"error_{name}": round(value, 4) for name, value in errors.items()}
        rows.append({"customers": "calibration", "seed": seed, **errors})
    table = pd.DataFrame(rows).sort_values(["customers", "seed"], kind="stable")
    table.to_csv(TABLE, index=False)
    print(table.drop(columns="seed").groupby("customers").mean(numeric_only=True))


if __name__ == "__main__":
    main()
