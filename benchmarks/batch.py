"""Scoring in batches and one by one

Customers with six columns of spend, a pandas table, scored by what was learned from
10,000 of them: a Pipeline of `BehaviouralTransformer` and `KMeansSegmenter`, and a
`SegmentationModel` that assigns by a linear discriminant. The peers are scikit-learn's
Pipelines of `StandardScaler` with `KMeans` and with `LinearDiscriminantAnalysis`. A
batch is loaded from its pickle and scored at once; single customers are rows of a
table, asked for by one caller or by eight threads at once. Memory is above that of the
input.
"""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from _harness import Call, Case, WrongAnswerError, run

READING = """
In a batch ours is slower because `BehaviouralTransformer` takes column by column and
looks for missing, infinite and mistyped values before it scales, where the peers scale
in place, and by the nearest centre, as in the section before. `assign` works out the
discriminant twice, for the labels and for the probabilities. One by one nearly all of
the time on both sides goes into reading and checking a table of one row, and the model
reads it twice: once to choose the columns that it assigns by, once in its Pipeline.
Python's lock keeps eight callers at once from being served faster than one; what is
stated for them is the time over all customers divided by their number.
"""
COLUMNS = ["fresh", "milk", "grocery", "frozen", "paper", "deli"]
N_FIT, N_SEGMENTS, N_THREADS = 10_000, 5, 8


@cache
def customers(n):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    levels = np.random.default_rng(1).gamma(4, 500, (N_SEGMENTS, len(COLUMNS)))
    spend = levels[rng.integers(0, N_SEGMENTS, n)] * rng.gamma(8, 1 / 8, (n, 6))
    table = pd.DataFrame(spend, columns=COLUMNS)
    table.insert(0, "client", np.arange(n))
    return table


@cache
def segmenters():
    """Ours and the peer's without logarithms, then both with; pickled."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    from custseg import BehaviouralTransformer, KMeansSegmenter

    segmenter = KMeansSegmenter(N_SEGMENTS, random_state=0)
    peer = KMeans(N_SEGMENTS, n_init=10, random_state=0)
    pipelines = (
        make_pipeline(BehaviouralTransformer(log="none"), segmenter),
        make_pipeline(StandardScaler(), peer),
        make_pipeline(BehaviouralTransformer(log="all"), segmenter),
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), peer),
    )
    table = customers(N_FIT)[COLUMNS]
    return [pickle.dumps(pipeline.fit(table)) for pipeline in pipelines]


@cache
def models():
    """Our model, and the peer's discriminant learned from the same labels; pickled."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from custseg import (
        BehaviouralTransformer,
        DiscriminantAssigner,
        KMeansSegmenter,
        SegmentationModel,
    )

    scale = BehaviouralTransformer(log="none")
    ours = SegmentationModel(
        make_pipeline(scale, KMeansSegmenter(N_SEGMENTS, random_state=0)),
        make_pipeline(scale, DiscriminantAssigner(shrinkage=None)),
        customer_id="client",
    ).fit(customers(N_FIT))
    peer = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis())
    peer.fit(customers(N_FIT)[COLUMNS], ours.labels_)
    return pickle.dumps(ours), pickle.dumps(peer)


def start_batch(which, n):
    blob, table = segmenters()[which], customers(n)[COLUMNS]
    return lambda: pickle.loads(blob).predict(table)


def start_assign(n):
    blob, table = models()[0], customers(n)
    return lambda: pickle.loads(blob).assign(table)


def start_assign_by_hand(n):
    import pandas as pd

    blob, table = models()[1], customers(n)

    def assign():
        probabilities = pickle.loads(blob).predict_proba(table[COLUMNS])
        labels = probabilities.argmax(axis=1)
        return pd.DataFrame(
            {
                "customer_id": table["client"],
                "segment": labels,
                "segment_name": [f"segment {label}" for label in labels.tolist()],
                "probability": probabilities.max(axis=1),
            }
        )

    return assign


def start_one_by_one(blob, columns, n, n_threads):
    """Labels of n tables of one row each; `blob` makes the pickle when it is called."""
    model = pickle.loads(blob())
    table = customers(n)[columns]
    rows = [table.iloc[[i]] for i in range(n)]
    if n_threads == 1:
        return lambda: [int(model.predict(row)[0]) for row in rows]

    def from_threads():
        with ThreadPoolExecutor(n_threads) as pool:
            return [int(labels[0]) for labels in pool.map(model.predict, rows)]

    return from_threads


def same_segments(ours, peer):
    """Same partition; numbers of segments may differ."""
    import numpy as np

    together = np.zeros((N_SEGMENTS, N_SEGMENTS))
    np.add.at(together, (np.asarray(ours), np.asarray(peer)), 1)
    n_other = int(together.sum() - together.max(axis=1).sum())
    if n_other > 1e-3 * len(ours):
        raise WrongAnswerError(f"{n_other} of {len(ours)} customers elsewhere")
    return f"{n_other} customers elsewhere" if n_other else "same segments"


def other_segments(ours, peer):
    """Return how far two different methods agree; no error."""
    from sklearn.metrics import adjusted_rand_score

    index = adjusted_rand_score(ours, peer)
    return f"adjusted Rand index {index:.3f}: the logarithm's unit differs"


def same_table(ours, peer):
    segments = (ours["segment"] == peer["segment"]).mean()
    largest = (ours["probability"] - peer["probability"]).abs().max()
    # The covariance within segments: ours over n - k customers, the peer's over n.
    if not (segments > 1 - 1e-4 and largest < 1e-3):
        raise WrongAnswerError(f"{segments:.2%} same, probabilities to {largest:.0e}")
    n_other = round((1 - segments) * len(ours))
    same = f"{n_other} customers elsewhere" if n_other else "same segments"
    return f"{same}, probabilities to {largest:.0e}"


def batch_cases(n):
    def sides(first, *names):
        return tuple(
            Call(name, partial(start_batch, first + i, n))
            for i, name in enumerate(names)
        )

    plain = sides(0, "custseg pipeline", "StandardScaler, KMeans")
    logs = sides(2, "custseg pipeline", "log1p, StandardScaler, KMeans")
    assign = (
        Call("SegmentationModel.assign", partial(start_assign, n)),
        Call("StandardScaler, LDA, by hand", partial(start_assign_by_hand, n)),
    )
    name = f"{n:,} rows"
    return [
        Case(f"{name}, pipeline", plain, same_segments, n),
        Case(f"{name}, with logarithms", logs, other_segments, n),
        Case(f"{name}, table of assignments", assign, same_table, n, repeats=5),
    ]


def row_case(name, sides, n, n_threads=1):
    calls = []
    for side, blob, columns in sides:
        prepare = partial(start_one_by_one, blob, columns, n, n_threads)
        calls.append(Call(side, prepare))
    return Case(name, tuple(calls), same_segments, n, each=True)


def cases(quick):
    n, n_single = (20_000, 8) if quick else (1_000_000, 100)
    pipelines = [
        ("custseg pipeline", lambda: segmenters()[0], COLUMNS),
        ("StandardScaler, KMeans", lambda: segmenters()[1], COLUMNS),
    ]
    assigners = [
        ("SegmentationModel", lambda: models()[0], ["client", *COLUMNS]),
        ("StandardScaler, LDA", lambda: models()[1], COLUMNS),
    ]
    single = "one row, model"
    return [
        *batch_cases(n),
        row_case("one row, pipeline", pipelines, n_single),
        row_case(single, assigners, n_single),
        row_case(
            f"one row, model, {N_THREADS} callers at once",
            assigners,
            n_single,
            N_THREADS,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
