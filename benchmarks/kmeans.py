"""K-means

`KMeansSegmenter` against scikit-learn's `KMeans`: a fit of customers with ten columns
to eight overlapping segments from ten starts with the same seed, then segments of
1,000,000 customers and of one. Ours holds the solver to one thread; scikit-learn with
two, for BLAS as well as OpenMP or for OpenMP alone, stands beside it for information.
For `predict` the peer is handed our centres, so labels must be the same. Memory is
above that of the input.
"""

import sys
from functools import cache

from _harness import Call, Case, WrongAnswerError, run

READING = """
`fit` runs scikit-learn's solver, then goes through the customers again to number
segments by size and to label them as `predict` does. `predict` squares differences one
by one instead of expanding them into a matrix product, so that no digits are lost far
from the origin and a customer gets the same answer alone and in a batch, then looks for
the smallest of them; scikit-learn does both in one compiled loop. Two threads can
shorten a fit where both cores are free; where they must wait for a core or for each
other, a fit takes several times as long, which ours is spared.
"""
N_SEGMENTS = 8
LARGEST_DIFFERENCE = 1e-9  # of inertias, relative


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (N_SEGMENTS, 10))
    return centers[rng.integers(0, N_SEGMENTS, n)] + rng.normal(0, 1, (n, 10))


def fit_ours(n):
    from custseg.cluster import KMeansSegmenter

    X = customers(n)
    segmenter = KMeansSegmenter(N_SEGMENTS, n_init=10, random_state=0)
    return lambda: segmenter.fit(X).inertia_


def fit_peer(n):
    from sklearn.cluster import KMeans

    X = customers(n)
    solver = KMeans(N_SEGMENTS, n_init=10, random_state=0)
    return lambda: solver.fit(X).inertia_


@cache
def fitted():
    """Ours, and scikit-learn's with our centres."""
    from sklearn.cluster import KMeans

    from custseg.cluster import KMeansSegmenter

    X = customers(5_000)
    ours = KMeansSegmenter(N_SEGMENTS, n_init=2, random_state=0).fit(X)
    peer = KMeans(N_SEGMENTS, n_init=1, random_state=0).fit(X)
    peer.cluster_centers_ = ours.segment_centers_.copy()
    return ours, peer


def predict(which, n):
    model, X = fitted()[which], customers(n)
    return lambda: model.predict(X)


def same_inertia(ours, peer):
    difference = abs(ours - peer) / peer
    if not difference <= LARGEST_DIFFERENCE:
        raise WrongAnswerError(f"inertia differs by {difference:.1e}")
    return f"same inertia to {difference:.0e}" if difference else "same inertia"


def same_labels(ours, peer):
    n_other = int((ours != peer).sum())
    if n_other > len(ours) * 1e-5:
        raise WrongAnswerError(f"{n_other} labels differ")
    return f"{n_other} labels differ" if n_other else "same labels"


def predict_case(name, n, n_peers):
    peers = [
        Call("scikit-learn", lambda: predict(1, n), threads)
        for threads in (1, 2)[:n_peers]
    ]
    ours = Call("custseg", lambda: predict(0, n))
    return Case(name, (ours, *peers), same_labels, rows=n)


def cases(quick):
    n_fit, n_predict = (2_000, 20_000) if quick else (50_000, 1_000_000)
    fits = (
        Call("custseg", lambda: fit_ours(n_fit)),
        Call("scikit-learn", lambda: fit_peer(n_fit)),
        Call("scikit-learn", lambda: fit_peer(n_fit), threads=2),
        Call("scikit-learn, BLAS on one", lambda: fit_peer(n_fit), threads=2, blas=1),
    )
    return [
        Case(f"fit, n = {n_fit:,}", fits, same_inertia, repeats=5),
        predict_case(f"predict, n = {n_predict:,}", n_predict, 2),
        predict_case("predict, one row", 1, 1),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
