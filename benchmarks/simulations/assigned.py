"""Planted segments: are they found, and are new customers assigned to them?

python benchmarks/simulations/assigned.py            about half a minute

Writes assigned.csv beside it. Customers are simulated with three, four or five segments
at separation 2.5 and without response styles. 600 are learned from by their answers
(the silhouette chooses the number among k-means and mixtures), and 300 new ones
are assigned by a discriminant. One row per seed, of 20:

- ``planted`` and ``found``: numbers of segments;
- ``adjusted_rand``: of the segments learned with the true ones;
- ``agreement``: share of new customers whom the discriminant assigns as the segmenter
  itself would.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline

import custseg as cs
from custseg.datasets import make_customers

TABLE = Path(__file__).with_suffix(".csv")
N_SEEDS = 20


def row_of(seed):
    simulated = make_customers(
        900,
        n_segments=3 + seed % 3,
        separation=2.5,
        response_styles=False,
        random_state=seed,
    )
    items = list(simulated.item_columns)
    attitudes = cs.PsychographicTransformer(
        scales={f"factor {i}": tuple(items[5 * i : 5 * i + 5]) for i in range(4)},
        reverse=simulated.reverse_keyed,
        points=(1, 5),
    )
    search = cs.SegmentSearch(
        [cs.KMeansSegmenter(), cs.GaussianMixtureSegmenter()], random_state=0
    )
    known, new = simulated.customers[:600], simulated.customers[600:]
    model = cs.SegmentationModel(
        make_pipeline(attitudes, search),
        make_pipeline(attitudes, cs.DiscriminantAssigner()),
        basis=items,
        customer_id="customer_id",
    ).fit(known)
    truth = simulated.truth["segment"][:600]
    agreement = np.mean(model.predict(new) == model.segmenter_.predict(new[items]))
    return {
        "seed": seed,
        "planted": 3 + seed % 3,
        "found": model.n_segments_,
        "adjusted_rand": adjusted_rand_score(truth, model.labels_),
        "agreement": agreement,
    }


def main():
    warnings.simplefilter("ignore")
    table = pd.DataFrame([row_of(seed) for seed in range(N_SEEDS)]).round(3)
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))
    print(f"{(table['planted'] == table['found']).sum()} of {N_SEEDS} numbers right")


if __name__ == "__main__":
    main()
