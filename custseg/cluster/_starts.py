"""Runs of Lloyd's algorithm: how many, on which customers, and which are the same."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.utils.random import sample_without_replacement

from custseg._sklearn import single_threaded
from custseg._utils._seeds import draw_seed
from custseg.cluster._partitions import adjusted_rand, crossed
from custseg.cluster._segmenter import has_distinct_rows

MOST_STARTS = 60
_SAME = 1e-6  # relative difference of inertias up to which runs found the same
_RIVAL = 0.01  # relative excess of inertia up to which a solution is a rival
_UNSEEN = 0.5  # rivals that may be expected to be unseen
_NO_GAIN = 1e-9  # of the mean squared distance
_SWEEPS = 100


class Run(NamedTuple):
    """Where one run ended."""

    inertia: float
    centers: np.ndarray  # (n_segments, n_features)
    labels: np.ndarray  # (n_customers,)
    n_iter: int


def lloyd(
    X,
    weights,
    n_segments,
    seed,
    *,
    init="k-means++",
    max_iter=300,
    tol=1e-4,
    verbose=0,
):
    """Run scikit-learn's solver from one start, on one thread.

    Its products shift the origin to the mean of the customers, so digits are kept; one
    thread makes its sums repeat bit for bit.
    """
    solver = KMeans(
        n_segments,
        init=init,
        n_init=1,
        max_iter=max_iter,
        tol=tol,
        random_state=seed,
        verbose=verbose,
    )
    with single_threaded():
        solver.fit(X, sample_weight=weights)
    return Run(
        float(solver.inertia_), solver.cluster_centers_, solver.labels_, solver.n_iter_
    )


def move_singles(X, weights, run):
    """Move single customers until no move lowers the inertia (Hartigan, 1975).

    Lloyd's steps count a customer's distance to a centre as if the centre would stay.
    A move changes both centres: of customers of weight w, leaving a segment of weight
    v saves w v / (v - w) times the squared distance, joining costs w v / (v + w) times
    it. What is optimal so is optimal for Lloyd's steps too, and not the other way.
    """
    n_segments = len(run.centers)
    weights = np.ones(len(X)) if weights is None else weights
    labels = run.labels.copy()
    segments = np.arange(n_segments)
    for _ in range(_SWEEPS):
        totals = np.bincount(labels, weights, n_segments)
        members = weights * (labels == segments[:, np.newaxis])
        centers = members @ X / totals[:, np.newaxis]
        squared = cdist(X, centers, "sqeuclidean")
        gains = _gains(squared, labels, weights, totals)
        no_gain = _NO_GAIN * squared[np.arange(len(X)), labels].mean()
        customers = np.flatnonzero(gains.max(axis=1) > no_gain)
        if len(customers) == 0:
            break
        # The best moves first; each is looked at again after those before it.
        for i in customers[np.argsort(-gains[customers].max(axis=1), kind="stable")]:
            one = slice(i, i + 1)
            again = cdist(X[one], centers, "sqeuclidean")
            gain = _gains(again, labels[one], weights[one], totals)[0]
            old, new = labels[i], gain.argmax()
            if gain[new] > no_gain:
                labels[i] = new
                for segment, weight in ((old, -weights[i]), (new, weights[i])):
                    totals[segment] += weight
                    step = X[i] - centers[segment]
                    centers[segment] += weight / totals[segment] * step
    inertia = weights @ squared[np.arange(len(X)), labels]
    return Run(float(inertia), centers, labels, run.n_iter)


def _gains(squared, labels, weights, totals):
    """Work out what the inertia loses when each customer moves to each segment."""
    rows = np.arange(len(labels))
    rest = totals[labels] - weights
    leave = np.divide(
        weights * totals[labels], rest, out=np.zeros(len(rest)), where=rest > 0
    )
    join = weights[:, np.newaxis] * totals / (totals + weights[:, np.newaxis])
    gains = (leave * squared[rows, labels])[:, np.newaxis] - join * squared
    gains[rows, labels] = 0
    return gains


def draw_rows(X, weights, size, n_segments, rng):
    """Rows that starts are made on: a simple random draw, or all as a slice.

    Customers without weight are not drawn; a draw without enough distinct customers is
    none.
    """
    present = np.arange(len(X)) if weights is None else np.flatnonzero(weights > 0)
    if size is None or len(present) <= size:
        return slice(None)
    drawn = sample_without_replacement(len(present), size, random_state=rng)
    rows = present[np.sort(drawn)]
    return rows if has_distinct_rows(X[rows], n_segments) else slice(None)


def enough_starts(inertias):
    """Whether the runs so far have most likely seen every rival of the best.

    Boender and Rinnooy Kan (1987): when n runs ended in w different solutions, the
    expected number of all solutions is w (n - 1) / (n - w - 2). Here it is that of
    the rivals: solutions within 1 % of the best.
    """
    best = min(inertias)
    rivals = np.sort([i for i in inertias if i <= best * (1 + _RIVAL)])
    n_runs = len(rivals)
    n_seen = 1 + np.count_nonzero(np.diff(rivals) > _SAME * best)
    n_free = n_runs - n_seen - 2
    return n_free > 0 and n_seen * (n_seen + 1) < _UNSEEN * n_free


def n_found_best(inertias):
    """Count the runs that ended in the best solution."""
    return int(np.count_nonzero(np.array(inertias) <= min(inertias) * (1 + _SAME)))


def run_starts(run, n_init, rng):
    """Make runs until there are `n_init`, or with "auto" until it is enough.

    Parameters
    ----------
    run : callable
        ``run(seed)`` gives a Run, or None where it found nothing that may be kept.
    n_init : int or "auto"
    rng : RandomState

    Returns
    -------
    runs : list of Run
    n_starts : int
    """
    runs, n_starts = [], 0
    most = MOST_STARTS if n_init == "auto" else n_init
    while n_starts < most:
        n_starts += 1
        found = run(draw_seed(rng))
        if found is None:
            continue
        runs.append(found)
        if n_init == "auto" and enough_starts([run.inertia for run in runs]):
            break
    return runs, n_starts


def best_distinct(runs, n_segments, *, most, same):
    """Best runs of which no two have an adjusted Rand index above `same`.

    Returns
    -------
    kept : list of int
        Positions in `runs` by inertia, least first, `most` at most.
    """
    kept = []
    for i in np.argsort([run.inertia for run in runs], kind="stable"):
        if len(kept) == most:
            break
        tables = (crossed(runs[j].labels, runs[i].labels, n_segments) for j in kept)
        if all(adjusted_rand(table) <= same for table in tables):
            kept.append(int(i))
    return kept
