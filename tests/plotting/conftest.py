"""What tests of pictures share: no windows, and a result of stability by hand."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest

from custseg import KMeansSegmenter
from custseg.selection import bootstrap_stability

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


# Adjusted Rand indices of five pairs: quartiles are the second and the fourth. The
# last pair of b with 3 segments could not be made.
PAIRS = {
    ("a", 2): [1.0, 0.9, 0.8, 0.7, 0.6],
    ("a", 3): [0.5, 0.4, 0.3, 0.2, 0.1],
    ("b", 2): [0.9, 0.9, 0.9, 0.9, 0.9],
    ("b", 3): [0.0, 0.2, 0.4, 0.6, float("nan")],
}
# Segment 0 comes back, segment 1 is dissolved in two of five.
JACCARD = {0: [1.0, 0.95, 0.9, 0.85, 0.8], 1: [0.3, 0.5, 0.6, 0.75, 0.85]}
SIZES = {2: (60, 40), 3: (50, 30, 20)}
# Segments of a: 0 gives 50 to 0 and 10 to 2; 1 gives 30 to 1 and 10 to 2.
FLOWS = [(0, 0, 50), (0, 2, 10), (1, 1, 30), (1, 2, 10)]
ACROSS = {2: (float("nan"),) * 2, 3: (1.0, 1.0, 0.0)}


@pytest.fixture
def result():
    """Two estimators with two and three segments, of one of which we know it all."""
    pairs = [
        (name, k, pair, value)
        for (name, k), values in PAIRS.items()
        for pair, value in enumerate(values)
    ]
    sizes = [
        (name, k, segment, size)
        for name in "ab"
        for k, of_k in SIZES.items()
        for segment, size in enumerate(of_k)
    ]
    jaccard = [
        ("a", 2, segment, scheme, resample, value)
        for scheme in ("bootstrap", "within")
        for segment, values in JACCARD.items()
        for resample, value in enumerate(values)
    ]
    across = [value for _ in "ab" for of_k in ACROSS.values() for value in of_k]
    keys = ["estimator", "n_segments"]
    segments = pd.DataFrame(sizes, columns=[*keys, "segment", "customers"])
    candidates = pd.DataFrame(list(PAIRS), columns=keys)
    candidates["drops"] = [True, False, True, False]
    return SimpleNamespace(
        adjusted_rand=pd.DataFrame(pairs, columns=[*keys, "pair", "adjusted_rand"]),
        jaccard=pd.DataFrame(
            jaccard, columns=[*keys, "segment", "scheme", "resample", "jaccard"]
        ),
        sizes=segments,
        flows=pd.DataFrame(
            [("a", 2, one, 3, other, size) for one, other, size in FLOWS],
            columns=[*keys, "segment", "next_n_segments", "next_segment", "customers"],
        ),
        selected=("a", 2),
        frame=lambda: candidates,
        segments=lambda: segments.assign(across=across),
    )


@pytest.fixture(scope="session")
def stability():
    """Three segments that come back, or four of which some do not."""
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(m, 1, (n, 2)) for m, n in ((0, 40), (9, 30), (18, 20))])
    return bootstrap_stability(
        KMeansSegmenter(n_init=2),
        X,
        n_segments=(3, 4),
        n_bootstraps=10,
        n_null=0,
        random_state=0,
    )
