"""Starts of mixtures, and which of the runs from them is kept."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.random import sample_without_replacement

from custseg._utils._seeds import draw_seed
from custseg.cluster._em import Runs, make_runs
from custseg.cluster._linkage import cut_tree, grow_tree
from custseg.cluster._starts import draw_rows, lloyd
from custseg.engine import nearest_point
from custseg.exceptions import DegenerateFitError

_LEAVES = 1_000  # customers that a tree is grown on
_TAKEN_ON = 3  # solutions of a draw that are gone on with on all customers
_ROUGH = 1e-4  # log-likelihood a customer that a start may still have to gain
_SAME = 1e-4  # difference up to which two have most likely found the same


class Settings(NamedTuple):
    """How runs are made."""

    n_init: int
    start_size: int | None
    max_iter: int
    tol: float


class LearnedStart(NamedTuple):
    """The run that is kept, and what became of the others.

    Attributes
    ----------
    runs : Runs
        One run, of all customers.
    start_log_likelihoods : ndarray of shape (n_init,)
        Mean log-likelihood a customer where each start ended; NaN where it collapsed.
    regularized : bool
        Whether all runs collapsed, so that the kept one has a prior.
    """

    runs: Runs
    start_log_likelihoods: np.ndarray
    regularized: bool


def learn(mixture_of, X, start_frames, n_components, weights, settings, rng):
    """Make runs from several starts and keep the best that did not collapse.

    All starts are run until little is left to gain, beyond `start_size` customers on a
    draw of them; the best few different ones are then run on all to the end.

    Parameters
    ----------
    mixture_of : callable
        ``mixture_of(rows, regularized)`` gives the Mixture of some customers, with or
        without a prior that keeps components from collapsing.
    X : ndarray of shape (n_customers, any)
        Tells distinct customers apart.
    start_frames : callable
        ``start_frames(rows)`` gives numbers of some customers, ndarrays of shape
        (n_rows, any), in whose distances starts are looked for in turn.
    n_components : int
    weights : ndarray of shape (n_customers,) or None
    settings : Settings
    rng : RandomState

    Returns
    -------
    learned : LearnedStart
    """
    n_init = 1 if n_components == 1 else settings.n_init
    rows = draw_rows(X, weights, settings.start_size, n_components, rng)
    of_drawn = None if weights is None else weights[rows]
    codes = start_codes(start_frames(rows), of_drawn, n_components, n_init, rng)
    rough = {"max_iter": settings.max_iter, "tol": max(settings.tol, _ROUGH)}
    to_the_end = {"max_iter": settings.max_iter, "tol": settings.tol}
    for regularized in (False, True):
        drawn = mixture_of(rows, regularized)
        runs = make_runs(drawn, *drawn.start(codes, n_components), **rough)
        means = _means_of_usable(drawn, runs, regularized)
        if np.isnan(means).all():
            continue
        kept = runs.chosen(_best_distinct(means))
        everyone = mixture_of(slice(None), regularized)
        runs = make_runs(everyone, kept.shares, kept.parameters, **to_the_end)
        found = _means_of_usable(everyone, runs, regularized)
        if not np.isnan(found).all():
            best = int(np.nanargmax(found))
            return LearnedStart(runs.chosen([best]), means, regularized)
    raise DegenerateFitError(
        f"A mixture of {n_components} components must have a likelihood. Got none from "
        f"{n_init} starts instead. Ask for fewer components, or raise reg_covar."
    )


def _means_of_usable(mixture, runs, regularized):
    """Mean log-likelihood of each run, NaN for one not to be used.

    With a prior no component can shrink to nothing, so a small one may stay.
    """
    usable = np.isfinite(runs.log_likelihoods)
    if not regularized and runs.shares.shape[1] > 1:
        usable &= ~mixture.densities.collapsed(runs.parameters, runs.totals)
    return np.where(usable, runs.log_likelihoods / mixture.total, np.nan)


def _best_distinct(means):
    """Positions of the best runs of which no two found the same."""
    kept = []
    for i in np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable"):
        if len(kept) == _TAKEN_ON or np.isnan(means[i]):
            break
        if all(abs(means[i] - means[j]) > _SAME for j in kept):
            kept.append(int(i))
    return kept


def start_codes(frames, weights, n_components, n_init, rng):
    """Component that each customer starts in, for each start.

    The first start is a run of k-means, the second Ward's tree of a draw, and of the
    others every other one is k-means from another seed, or the nearest of customers
    that were drawn.

    Parameters
    ----------
    frames : sequence of ndarray of shape (n_customers, n_features)
        Taken in turn, two starts each.
    weights : ndarray of shape (n_customers,) or None
    n_components, n_init : int
    rng : RandomState

    Returns
    -------
    codes : ndarray of int, shape (n_init, n_customers)
    """
    n_customers = len(frames[0])
    if n_components == 1:
        return np.zeros((n_init, n_customers), dtype=np.int8)
    codes = np.empty((n_init, n_customers), dtype=np.int16)
    for start in range(n_init):
        Z = frames[start // 2 % len(frames)]
        seed = draw_seed(rng)
        if start == 1:
            points = _tree_means(Z, weights, n_components, seed)
        elif start % 2 == 0:
            options = {"max_iter": 30, "tol": 1e-3}
            points = lloyd(Z, weights, n_components, seed, **options).centers
        else:
            points = _drawn(Z, weights, n_components, seed)
        codes[start] = nearest_point(Z, points)[0]
    return codes


def _drawn(Z, weights, n_points, seed):
    """Return customers drawn by weight, as distinct as can be had."""
    rng = np.random.default_rng(seed)
    chance = None if weights is None else weights / weights.sum()
    some = rng.choice(len(Z), size=min(len(Z), 20 * n_points), p=chance)
    distinct = np.unique(Z[some], axis=0)
    if len(distinct) < n_points:
        distinct = np.unique(Z if weights is None else Z[weights > 0], axis=0)
    return distinct[rng.permutation(len(distinct))[:n_points]]


def _tree_means(Z, weights, n_segments, seed):
    """Means of the segments of Ward's tree, grown on a draw."""
    present = np.arange(len(Z)) if weights is None else np.flatnonzero(weights > 0)
    if len(present) > _LEAVES:
        drawn = sample_without_replacement(len(present), _LEAVES, random_state=seed)
        present = present[np.sort(drawn)]
    of_drawn = np.ones(len(present)) if weights is None else weights[present]
    leaves, place = np.unique(Z[present], axis=0, return_inverse=True)
    sizes = np.bincount(place.ravel(), of_drawn)
    if len(leaves) <= n_segments:
        return leaves
    labels = cut_tree(grow_tree(leaves, sizes, "ward"), n_segments)
    members = (labels == np.arange(n_segments)[:, np.newaxis]) * sizes
    return members @ leaves / members.sum(axis=1, keepdims=True)
