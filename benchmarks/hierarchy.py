"""Hierarchies

Ward's tree of n customers with ten columns in eight overlapping segments, grown by
`HierarchicalSegmenter` to the end of `fit` (prototypes and labels included), against
scikit-learn's `AgglomerativeClustering`, SciPy's `linkage` and, where it is installed,
fastcluster's `linkage_vector`, all on two threads. Then a fit in two stages of a
million customers, which has no peer: beside it stands one run of scikit-learn's
`KMeans` to eight segments, for scale. Memory is above that of the input.
"""

import importlib.util
import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
Peers join two groups at a time. Ours joins all groups that are each other's nearest in
rounds and looks for neighbours with products of float32 in blocks; the few that could
be nearest are compared in float64, so heights are the same. Neither ours nor
fastcluster's `linkage_vector` holds the distances of all pairs, which scikit-learn and
SciPy do. Two stages cost a fixed number of distances a customer.
"""
N_SEGMENTS = 8
LARGEST_DIFFERENCE = 1e-9  # of heights, relative
LARGEST_EXCESS = 0.01  # of the sum of squares within, relative
HAS_FASTCLUSTER = importlib.util.find_spec("fastcluster") is not None


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (N_SEGMENTS, 10))
    return centers[rng.integers(0, N_SEGMENTS, n)] + rng.normal(0, 1, (n, 10))


def ours(n, answer, **options):
    import warnings

    from custseg.cluster import HierarchicalSegmenter

    X = customers(n)
    segmenter = HierarchicalSegmenter(N_SEGMENTS, random_state=0, **options)

    def fit():
        with warnings.catch_warnings():
            # Segments overlap, so prototypes differ from the cut: that is told.
            warnings.simplefilter("ignore")
            return answer(segmenter.fit(X))

    return fit


def heights(fitted):
    return fitted.merges_[:, 2]


def sum_within(n):
    from custseg.engine import segment_sums

    X = customers(n)

    def of_cut(fitted):
        return segment_sums(X, fitted.tree_labels_, N_SEGMENTS).within().sum()

    return of_cut


def scikit_learn(n):
    from sklearn.cluster import AgglomerativeClustering

    X = customers(n)
    peer = AgglomerativeClustering(N_SEGMENTS, compute_distances=True)
    return lambda: peer.fit(X).distances_


def scipy(n):
    from scipy.cluster.hierarchy import linkage

    X = customers(n)
    return lambda: linkage(X, "ward")[:, 2]


def fastcluster(n):
    from fastcluster import linkage_vector

    X = customers(n)
    return lambda: linkage_vector(X, "ward")[:, 2]


def one_k_means(n):
    from sklearn.cluster import KMeans

    X = customers(n)
    peer = KMeans(N_SEGMENTS, n_init=1, random_state=0)
    return lambda: peer.fit(X).inertia_


def exact_sum(n):
    return ours(n, sum_within(n), n_micro=None)


def same_heights(ours, peer):
    largest = max(abs(ours - peer) / peer)
    if not largest <= LARGEST_DIFFERENCE:
        raise WrongAnswerError(f"heights differ by {largest:.1e}")
    return f"same heights to {largest:.0e}"


def excess(ours, exact):
    more = ours / exact - 1
    if not more <= LARGEST_EXCESS:
        raise WrongAnswerError(f"sum of squares higher by {more:.2%}")
    return f"sum of squares within {more:+.2%}"


def tell_sum(ours, peer):
    return f"sum of squares within {ours / peer - 1:+.1%}"


def peers(n):
    sides = [
        Call("scikit-learn", lambda: scikit_learn(n), 2),
        Call("SciPy", lambda: scipy(n), 2),
    ]
    if HAS_FASTCLUSTER:
        sides.insert(0, Call("fastcluster", lambda: fastcluster(n), 2))
    return sides


def cases(quick):
    small, large, huge = (500, 1_500, 20_000) if quick else (5_000, 20_000, 1_000_000)
    slow = {"repeats": 2, "warm_up": False}
    target = Target("no slower than twice fastcluster", 2) if HAS_FASTCLUSTER else None
    micro = 300 if quick else 1_000
    return [
        Case(
            f"exact, n = {small:,}",
            (Call("custseg", lambda: ours(small, heights), 2), *peers(small)),
            same_heights,
            repeats=3,
        ),
        Case(
            f"exact, n = {large:,}",
            (Call("custseg", lambda: ours(large, heights), 2), *peers(large)),
            same_heights,
            target=target,
            **slow,
        ),
        Case(
            f"two stages beside exact, n = {large:,}",
            (
                Call(
                    "custseg, two stages",
                    lambda: ours(large, sum_within(large), n_micro=micro),
                    2,
                ),
                Call("custseg, exact", lambda: exact_sum(large), 2),
            ),
            excess,
            repeats=3,
        ),
        Case(
            f"two stages, n = {huge:,}",
            (
                Call(
                    "custseg",
                    lambda: ours(huge, sum_within(huge), n_micro=micro),
                    2,
                ),
                Call("scikit-learn, KMeans", lambda: one_k_means(huge), 2),
            ),
            tell_sum,
            repeats=3,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
