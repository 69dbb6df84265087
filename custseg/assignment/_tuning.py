"""Settings of a discriminant by cross-validation, from sums over folds."""

from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from custseg.assignment._moments import (
    fit_gaussians,
    log_densities,
    moments_of,
    probabilities_of,
)
from custseg.engine import segment_products

N_FOLDS = 5
POOLINGS = (1.0, 0.65, 0.354, 0.125, 0.0)  # Friedman's (1989) grid
SHRINKAGES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 0.0)
_MOST_HELD_OUT = 4_000  # customers of a fold on whom candidates are compared


class Fold(NamedTuple):
    """Moments of the customers of all other folds, and customers of this one."""

    moments: object
    X: np.ndarray  # (n_held_out, n_features)
    members: np.ndarray  # (n_held_out, n_segments), rows sum to one
    weights: np.ndarray  # (n_held_out,)


def deal_folds(X, members, codes, n_segments, weights, *, pooled):
    """Deal the customers of each segment to folds in turn.

    No chance is in it: the same table gives the same folds. Sums are over all
    customers; candidates are compared on some thousands of each fold, evenly spread.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    members : ndarray of shape (n_customers,) or (n_customers, n_segments)
    codes : ndarray of shape (n_customers,)
        The segment by which a customer is dealt.
    n_segments : int
    weights : ndarray of shape (n_customers,), default=None
    pooled : bool
        Whether the sum of the scatters is enough.

    Returns
    -------
    folds : list of Fold
    """
    rows = fold_rows(codes, n_segments, N_FOLDS)
    of_folds = [
        segment_products(
            X[held_out],
            members[held_out],
            n_segments,
            None if weights is None else weights[held_out],
            pooled=pooled,
        )
        for held_out in rows
    ]
    folds = []
    for i, held_out in enumerate(rows):
        others = reduce(add, of_folds[:i] + of_folds[i + 1 :])
        some = spread_evenly(held_out)
        of_some = members[some]
        if members.ndim == 1:
            of_some = np.eye(n_segments)[of_some]
        weight = np.ones(len(some)) if weights is None else weights[some]
        folds.append(Fold(moments_of(others), X[some], of_some, weight))
    return folds


def fold_rows(codes, n_segments, n_folds):
    """Rows of each fold that has any, when each segment's customers take turns."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(n_segments))
    turn = np.empty(len(codes), dtype=np.intp)
    turn[order] = np.arange(len(codes)) - starts[codes[order]]
    rows = [np.flatnonzero(turn % n_folds == fold) for fold in range(n_folds)]
    return [of_fold for of_fold in rows if len(of_fold)]


def spread_evenly(rows):
    """Take some thousands of rows, on whom candidates are compared."""
    return rows[:: -(-len(rows) // _MOST_HELD_OUT)]


def held_out_loss(folds, pooling, intensity, *, mle, priors=None, supports=None):
    """Brier score of a candidate on customers it has not seen.

    Parameters
    ----------
    folds : list of Fold
    pooling, intensity : float
        As in `fit_gaussians`.
    mle : bool
    priors : ndarray of shape (n_segments,), default=None
        None for the shares of the other folds.
    supports : list of ndarray, default=None
        Mask of the columns that are used, one a fold.

    Returns
    -------
    loss : float
        Mean over customers of the squared differences between probabilities and
        memberships, summed over segments.
    error : float
        Standard error of the mean.
    """
    losses, weights = [], []
    for i, fold in enumerate(folds):
        moments, X = fold.moments, fold.X
        if supports is not None:
            moments, X = moments.only_columns(supports[i]), X[:, supports[i]]
        probabilities = _probabilities(moments, X, pooling, intensity, mle, priors)
        losses.append(np.square(probabilities - fold.members).sum(axis=1))
        weights.append(fold.weights)
    losses, weights = np.concatenate(losses), np.concatenate(weights)
    loss = np.average(losses, weights=weights)
    spread = np.sum((weights * (losses - loss)) ** 2)
    return float(loss), float(np.sqrt(spread) / weights.sum())


def _probabilities(moments, X, pooling, intensity, mle, priors):
    """Of held-out customers; zero for a segment that no other fold has."""
    present = moments.weights > 0
    probabilities = np.zeros((len(X), len(present)))
    moments = moments.only_segments(present)
    priors = moments.weights if priors is None else priors[present]
    if X.shape[1] == 0:
        probabilities[:, present] = priors / priors.sum()
        return probabilities
    fitted = fit_gaussians(moments, pooling, intensity, mle=mle)
    scores = np.log(priors) + log_densities(X, moments.means, *fitted[:3])
    probabilities[:, present] = probabilities_of(scores)
    return probabilities


def choose_regularization(
    folds, poolings, shrinkages, *, mle, priors=None, supports=None
):
    """Pair of pooling and shrinkage with the smallest loss on held-out customers.

    Of equal pairs the first in the order given is taken.

    Returns
    -------
    pooling, shrinkage : float
    record : list of dict
        Of each pair: `pooling`, `shrinkage`, `loss` and `loss_se`.
    """
    record = []
    for pooling in poolings:
        for shrinkage in shrinkages:
            loss, error = held_out_loss(
                folds, pooling, shrinkage, mle=mle, priors=priors, supports=supports
            )
            record.append(
                {
                    "pooling": pooling,
                    "shrinkage": shrinkage,
                    "loss": loss,
                    "loss_se": error,
                }
            )
    best = min(record, key=lambda candidate: candidate["loss"])
    return best["pooling"], best["shrinkage"], record
