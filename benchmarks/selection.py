"""Choosing the number of segments

A search over 2 to 10 segments of n customers with ten columns. First with the rule
"stable" and 100 pairs of resamples: 1,800 fits to resamples and nine to the customers,
beside nothing but as many fits by scikit-learn's `KMeans` with as many starts; no
labels, no comparison, no criterion. Then without resamples, beside `GridSearchCV` with
a silhouette scorer on one split that is all customers. Memory is above that of the
input.
"""

import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
What a search with resamples adds to its fits is small: labels of all customers by each,
cross-tables of pairs, Jaccard similarities, silhouettes of 450 refits for their spread.
Resamples are drawn and forgotten one by one; labels are held as single bytes. Without
resamples all nine silhouettes come from one pass over the distances, to 5,000 drawn
customers instead of from all to all, and Calinski and Harabasz's and Davies and
Bouldin's criteria come with them. `GridSearchCV` has no such pass: each candidate's
silhouette makes its own distances, and the best is fitted again.
"""
NUMBERS = range(2, 11)
SILHOUETTES_DIFFER = 0.01


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = 1.5 * rng.normal(0, 1, (5, 10))
    return centers[rng.integers(0, 5, n)] + rng.normal(0, 1, (n, 10))


def search(n, n_init, n_bootstraps):
    from custseg import KMeansSegmenter, SegmentSearch

    X = customers(n)
    ours = SegmentSearch(
        [KMeansSegmenter(n_init=n_init)],
        NUMBERS,
        rule="stable" if n_bootstraps else "best",
        n_bootstraps=n_bootstraps,
        random_state=0,
    )

    def call():
        ours.fit(X)
        return ours.n_segments_, ours.results_["silhouette"].max()

    return call


def bare_fits(n, n_init, n_bootstraps):
    import numpy as np
    from sklearn.cluster import KMeans

    X = customers(n)

    def call():
        rng = np.random.default_rng(0)
        for k in NUMBERS:
            KMeans(k, n_init=n_init, random_state=0).fit(X)
        for i in range(2 * n_bootstraps):
            drawn = X[rng.integers(0, n, n)]
            for k in NUMBERS:
                KMeans(k, n_init=n_init, random_state=i).fit(drawn)

    return call


def grid(n, n_init):
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.model_selection import GridSearchCV

    X, every = customers(n), np.arange(n)
    peer = GridSearchCV(
        KMeans(n_init=n_init, random_state=0),
        {"n_clusters": list(NUMBERS)},
        scoring=lambda fitted, X, y=None: silhouette_score(X, fitted.predict(X)),
        cv=[(every, every)],
    )

    def call():
        peer.fit(X)
        return peer.best_params_["n_clusters"], peer.best_score_

    return call


def same_best(ours, peer):
    """Starts differ, and ours is an estimate: the best silhouettes must be alike."""
    said = f"{ours[0]} and {peer[0]}; silhouettes {ours[1]:.3f} and {peer[1]:.3f}"
    if abs(ours[1] - peer[1]) > SILHOUETTES_DIFFER:
        raise WrongAnswerError(said)
    return said


def cases(quick):
    n, n_pairs, n_init = (1_000, 3, 5) if quick else (10_000, 100, 3)
    ours, bare = (
        Call(name, lambda made=made: made(n, n_init, n_pairs))
        for name, made in (
            ("custseg", search),
            ("scikit-learn's fits alone", bare_fits),
        )
    )
    alone, peer = (
        Call("custseg", lambda: search(n, n_init, 0)),
        Call("GridSearchCV", lambda: grid(n, n_init)),
    )
    fits = f"{len(NUMBERS) * (2 * n_pairs + 1):,} fits"
    within = Target("at most 1.5 times the fits alone", 1.5)
    faster = Target("8 times faster than GridSearchCV", 1 / 8)
    return [
        Case(
            f"stable, n = {n:,}, {n_pairs} pairs, {fits} of {n_init} starts",
            (ours, bare),
            target=within,
            repeats=1,
            warm_up=False,
        ),
        Case(
            f"silhouette, n = {n:,}",
            (alone, peer),
            same_best,
            target=faster,
            repeats=3,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
