"""Silhouettes

Eleven labelings (2 to 12 segments) of n customers with ten columns scored by one call
of `silhouette_scores`, against scikit-learn's `silhouette_score` eleven times, or once
where eleven times would take minutes; and one labeling by each. Every customer is
compared with every other. Then an estimate for a million customers: ours from 2,500
drawn customers compared with all, scikit-learn's from 10,000 drawn ones compared with
each other. Memory is above that of the input.
"""

import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
scikit-learn works out all distances anew for each labeling. Ours works out each pair
of customers once for all labelings, in blocks that a cache holds, and sums them over
customers whose labels agree in every labeling. The work of both grows with the square
of the number of customers. Where a draw is compared with itself alone, distances to
small segments are means of few and the estimate is off by more than its draw; ours
states its standard error.
"""
LARGEST_DIFFERENCE = 1e-9
LARGEST_IN_SINGLE = 1e-6
LARGEST_ERROR = 0.02


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 2, (12, 10))
    X = centers[rng.integers(0, 12, n)] + rng.normal(0, 1, (n, 10))
    # The nearest of the first k centres: labels as a search would compare them.
    distances = (centers**2).sum(axis=1) - 2 * X @ centers.T
    return X, [distances[:, :k].argmin(axis=1) for k in range(2, 13)]


def ours(n, which=slice(None), **options):
    from custseg.selection import silhouette_scores

    X, labelings = customers(n)
    return lambda: silhouette_scores(X, labelings[which], **options)


def peer(n, which=slice(None), **options):
    from sklearn.metrics import silhouette_score

    X, labelings = customers(n)
    return lambda: [
        silhouette_score(X, labels, **options) for labels in labelings[which]
    ]


def agree(ours, peer):
    # Where the peer scored one labeling only, it is the last of ours.
    last = ours[-len(peer) :]
    largest = max(abs(a - b) for a, b in zip(last, peer, strict=True))
    if not largest <= LARGEST_DIFFERENCE:
        raise WrongAnswerError(f"differs by {largest:.1e}")
    return f"same to {largest:.0e}" if largest else "same to the last bit"


def agree_in_single(ours, peer):
    largest = abs(ours[0] - peer[0])
    if not largest <= LARGEST_IN_SINGLE:
        raise WrongAnswerError(f"differs by {largest:.1e}")
    return f"same to {largest:.0e}"


def tell_errors(ours, peer):
    scores, errors = ours
    off = [abs(a - b) for a, b in zip(scores, peer, strict=True)]
    if max(errors) > LARGEST_ERROR:
        raise WrongAnswerError(f"standard error {max(errors):.4f}")
    return f"our standard error at most {max(errors):.4f}; apart by {max(off):.4f}"


def case(name, n, peer_name, ours, peer, agree=agree, threads=1, **options):
    sides = (Call("custseg", ours, threads), Call(peer_name, peer, threads))
    on = f"n = {n:,}" if threads == 1 else f"n = {n:,}, {threads} threads"
    return Case(f"{name}, {on}", sides, agree, **options)


def cases(quick):
    small, large, huge = (500, 1_500, 2_500) if quick else (5_000, 20_000, 50_000)
    many, drawn = (5_000, 2_500) if quick else (1_000_000, 2_500)
    one, last = slice(6, 7), slice(10, 11)
    estimate = {"sample_size": drawn, "return_std_error": True, "random_state": 0}
    draw = {"sample_size": min(4 * drawn, many), "random_state": 0}
    name, slow = "scikit-learn", {"repeats": 2, "warm_up": False}
    return [
        case("eleven labelings", small, name, lambda: ours(small), lambda: peer(small)),
        case(
            "eleven labelings",
            large,
            name,
            lambda: ours(large),
            lambda: peer(large),
            threads=2,
            target=Target("50 times as fast", 1 / 50),
            **slow,
        ),
        case(
            "eleven labelings, the peer only one",
            huge,
            "scikit-learn, one of eleven",
            lambda: ours(huge),
            lambda: peer(huge, last),
            threads=2,
            target=Target("50 / 11 times as fast", 11 / 50),
            **slow,
        ),
        case(
            "estimate of eleven labelings",
            many,
            "scikit-learn, 10,000 drawn",
            lambda: ours(many, **estimate),
            lambda: peer(many, **draw),
            tell_errors,
            threads=2,
            **slow,
        ),
        case(
            "one labeling",
            large,
            name,
            lambda: ours(large, one),
            lambda: peer(large, one),
            repeats=3,
        ),
        case(
            "one labeling, float32",
            large,
            name,
            lambda: ours(large, one, dtype="float32"),
            lambda: peer(large, one),
            agree_in_single,
            repeats=3,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
