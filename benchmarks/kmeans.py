"""K-means

`KMeansSegmenter` against scikit-learn's `KMeans`: fits of customers with ten columns
to eight overlapping segments with the same number of starts, the inertia being the
check that both found the same; then segments of 1,000,000 customers and of one. Ours
holds the solver to one thread; scikit-learn has one and two. For `predict` the peer is
handed our centres, so labels must be the same. Memory is above that of the input.
"""

import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
Both sides run scikit-learn's solver. Beyond 20,000 customers ours makes its starts on a
draw of so many and runs the best on all, where few steps are left to do; from a given
start it has no draw, and its steps are those of scikit-learn. Then it goes through the
customers once more to number segments by size and to label them as `predict` does. Our
default is up to 60 starts, until it can be expected that no good solution is unseen. Up
to 5,000 customers a run ends in moves of single customers, which takes as long again
and reaches lower inertias. `predict` squares differences one by one instead of
expanding them into a matrix product, so that no digits are lost far from the origin and
a customer gets the same answer alone and in a batch, then looks for the smallest of
them; scikit-learn does both in one compiled loop.
"""
N_SEGMENTS = 8
LARGEST_EXCESS = 1e-4  # of our inertia, relative


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (N_SEGMENTS, 10))
    return centers[rng.integers(0, N_SEGMENTS, n)] + rng.normal(0, 1, (n, 10))


def settings_of(n_init, n):
    """Of both sides: so many starts, or one from the first customers for None."""
    if n_init is None:
        return {"init": customers(n)[:N_SEGMENTS], "n_init": 1}
    return {"n_init": n_init}


def fit_ours(n, n_init):
    from custseg.cluster import KMeansSegmenter

    X = customers(n)
    settings = settings_of(n_init, n)
    segmenter = KMeansSegmenter(N_SEGMENTS, random_state=0, **settings)
    return lambda: segmenter.fit(X).inertia_


def fit_peer(n, n_init):
    from sklearn.cluster import KMeans

    X = customers(n)
    solver = KMeans(N_SEGMENTS, random_state=0, **settings_of(n_init, n))
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


def no_worse(ours, peer):
    excess = ours / peer - 1
    if not excess <= LARGEST_EXCESS:
        raise WrongAnswerError(f"inertia higher by {excess:.1e}")
    if abs(excess) < 1e-9:
        return "same inertia"
    return f"inertia {'higher' if excess > 0 else 'lower'} by {abs(excess):.0e}"


def same_labels(ours, peer):
    n_other = int((ours != peer).sum())
    if n_other > len(ours) * 1e-5:
        raise WrongAnswerError(f"{n_other} labels differ")
    return f"{n_other} labels differ" if n_other else "same labels"


def fit_case(n, n_init, text, target=None, *, of_ours=None, repeats=5):
    """Ours against scikit-learn on one thread and on two, with as many starts."""
    ours = Call("custseg", lambda: fit_ours(n, of_ours or n_init))
    peers = [
        Call("scikit-learn", lambda: fit_peer(n, n_init), threads) for threads in (1, 2)
    ]
    name = f"fit, n = {n:,}, {text}"
    return Case(name, (ours, *peers), no_worse, target=target, repeats=repeats)


def predict_case(name, n, n_peers):
    peers = [
        Call("scikit-learn", lambda: predict(1, n), threads)
        for threads in (1, 2)[:n_peers]
    ]
    ours = Call("custseg", lambda: predict(0, n))
    return Case(name, (ours, *peers), same_labels, rows=n)


def cases(quick):
    n_small, n_large = (2_000, 25_000) if quick else (20_000, 1_000_000)
    n_predict = 20_000 if quick else 1_000_000
    no_slower = Target("at most 1.1 times scikit-learn", 1.1)
    faster = Target("1.5 times faster than scikit-learn", 1 / 1.5)
    default = "our default of up to 60 starts and scikit-learn's of one"
    return [
        fit_case(n_small, 10, "ten starts", no_slower),
        fit_case(n_large, None, "a given start"),
        fit_case(n_large, 1, "one start", faster),
        fit_case(n_large, 10, "ten starts", faster, repeats=2),
        fit_case(n_large, 1, default, of_ours="auto"),
        predict_case(f"predict, n = {n_predict:,}", n_predict, 2),
        predict_case("predict, one row", 1, 1),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
