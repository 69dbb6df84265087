"""Self-organising map

`SOMSegmenter` on a hexagonal map of 10 x 10 units against MiniSom, on customers with
ten columns in eight overlapping groups, all with a neighbourhood that shrinks from five
units to one: 40 epochs of the batch rule on both sides, and ten of MiniSom's usual
training, customer by customer. Then 1,000,000 customers beside ten iterations of
scikit-learn's k-means with as many centres, which makes no map. Where MiniSom is not
installed, the case says so and k-means stands in its place. The answer is the
quantization error, the mean distance of customers to their unit. Memory is above that
of the input.
"""

import sys
from functools import cache
from importlib.util import find_spec

from _harness import Call, Case, WrongAnswerError, run

READING = """
One epoch of the batch rule is the nearest unit of every customer, their sums by unit,
and one product with the neighbourhood. Ours finds the nearest units of a block of
customers at a time; MiniSom goes through the customers in Python. Of more than 50,000
customers ours shows a draw to all epochs but the last three. Ours also groups the units
to eight segments in this time. Ours shrinks the neighbourhood by a factor, MiniSom by
steps of one size; with the same last radius the two errors are near each other. Those
of k-means are smaller: a map pays for its order with tightness.
"""
SIDE = 10
RADII = (SIDE / 2, 1)
MOST_ABOVE = 0.02  # quantization error, relative to the peer's


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (8, 10))
    return centers[rng.integers(0, 8, n)] + rng.normal(0, 1, (n, 10))


def fit_ours(n):
    from custseg.cluster import SOMSegmenter

    X = customers(n)
    som = SOMSegmenter(8, grid=(SIDE, SIDE), radius=RADII, random_state=0)
    return lambda: som.fit(X).quantization_error_


def fit_peer(n, *, batch):
    import numpy as np
    from minisom import MiniSom
    from scipy.spatial.distance import cdist

    X = customers(n)
    rate = {"learning_rate": 1, "decay_function": lambda rate, epoch, n_epochs: rate}
    online = {"learning_rate": 0.5, "decay_function": "linear_decay_to_zero"}

    def trained():
        som = MiniSom(
            SIDE,
            SIDE,
            X.shape[1],
            sigma=RADII[0],
            sigma_decay_function="linear_decay_to_one",
            topology="hexagonal",
            random_seed=0,
            **(rate if batch else online),
        )
        som.pca_weights_init(X)
        if batch:
            som.train_batch_offline(X, 40)
        else:
            som.train(X, 10, random_order=True, use_epochs=True)
        codebook = som.get_weights().reshape(-1, X.shape[1])
        return float(np.min(cdist(X, codebook), axis=1).mean())

    return trained


def fit_k_means(n):
    import numpy as np
    from sklearn.cluster import KMeans

    X = customers(n)
    solver = KMeans(SIDE**2, n_init=1, max_iter=10, tol=0, random_state=0)

    def fitted():
        nearest = solver.fit(X).labels_
        strips = np.array_split(np.arange(n), 1 + n // 10_000)  # in little memory
        gaps = (X[rows] - solver.cluster_centers_[nearest[rows]] for rows in strips)
        return sum(np.linalg.norm(gap, axis=1).sum() for gap in gaps) / n

    return fitted


def told(ours, peer):
    difference = ours / peer - 1
    where = "above" if difference > 0 else "below"
    beside = f"{abs(difference):.1%} {where} the peer's" if difference else "the same"
    return f"error {ours:.3f}, {beside}"


def near(ours, peer):
    if ours > peer * (1 + MOST_ABOVE):
        raise WrongAnswerError(told(ours, peer))
    return told(ours, peer)


def cases(quick):
    n_small, n_large = (300, 60_000) if quick else (5_000, 1_000_000)
    name, agree = f"fit, n = {n_small:,}", near
    peers = [
        Call("MiniSom, batch", lambda: fit_peer(n_small, batch=True)),
        Call("MiniSom, 10 epochs", lambda: fit_peer(n_small, batch=False)),
    ]
    if not find_spec("minisom"):
        name, agree = f"{name} (MiniSom is not installed)", told
        peers = [Call("k-means, no map", lambda: fit_k_means(n_small))]
    large = (
        Call("custseg", lambda: fit_ours(n_large)),
        Call("k-means, no map", lambda: fit_k_means(n_large)),
        Call("custseg", lambda: fit_ours(n_large), threads=2),
    )
    ours = Call("custseg", lambda: fit_ours(n_small))
    return [
        Case(name, (ours, *peers), agree, repeats=3),
        Case(f"fit, n = {n_large:,}", large, told, repeats=3),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
