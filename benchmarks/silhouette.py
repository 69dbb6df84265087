"""Silhouettes

Eleven labelings (2 to 12 segments) of n customers with ten columns scored by one call
of `silhouette_scores`, against scikit-learn's `silhouette_score` eleven times; and one
labeling by each. Every customer is compared with every other. Memory is above that of
the input.
"""

import sys
from functools import cache

from _harness import Call, Case, WrongAnswerError, run

READING = """
scikit-learn works out all distances anew for each labeling, ours once for all, and
sums them by segment with one matrix product. The work of both grows with the square of
the number of customers; the memory of ours is set by its blocks of 16 MB,
scikit-learn's by its `working_memory` of 1 GiB.
"""
LARGEST_DIFFERENCE = 1e-9


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 2, (12, 10))
    X = centers[rng.integers(0, 12, n)] + rng.normal(0, 1, (n, 10))
    # The nearest of the first k centres: labels as a search would compare them.
    distances = ((X[:, None, :] - centers) ** 2).sum(axis=2)
    return X, [distances[:, :k].argmin(axis=1) for k in range(2, 13)]


def ours_of_many(n):
    from custseg.selection import silhouette_scores

    X, labelings = customers(n)
    return lambda: silhouette_scores(X, labelings)


def peer_of_many(n):
    from sklearn.metrics import silhouette_score

    X, labelings = customers(n)
    return lambda: [silhouette_score(X, labels) for labels in labelings]


def ours_of_one(n):
    from custseg.selection import silhouette_score

    X, labelings = customers(n)
    return lambda: [silhouette_score(X, labelings[6])]


def peer_of_one(n):
    from sklearn.metrics import silhouette_score

    X, labelings = customers(n)
    return lambda: [silhouette_score(X, labelings[6])]


def agree(ours, peer):
    largest = max(abs(a - b) for a, b in zip(ours, peer, strict=True))
    if not largest <= LARGEST_DIFFERENCE:
        raise WrongAnswerError(f"differs by {largest:.1e}")
    return f"same to {largest:.0e}" if largest else "same to the last bit"


def case(name, n, ours, peer, threads=1, **options):
    sides = (
        Call("custseg", lambda: ours(n), threads),
        Call("scikit-learn", lambda: peer(n), threads),
    )
    on = f"n = {n:,}" if threads == 1 else f"n = {n:,}, {threads} threads"
    return Case(f"{name}, {on}", sides, agree, **options)


def cases(quick):
    small, large = (500, 1_500) if quick else (5_000, 20_000)
    many, one = (ours_of_many, peer_of_many), (ours_of_one, peer_of_one)
    return [
        case("eleven labelings", small, *many),
        case("eleven labelings", large, *many, repeats=2, warm_up=False),
        case("one labeling", small, *one),
        case("one labeling", large, *one, repeats=3),
        case("one labeling", large, *one, threads=2, repeats=3),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
