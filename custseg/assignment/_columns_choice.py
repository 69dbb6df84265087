"""Choice of the columns that tell segments apart, from sums alone."""

from typing import NamedTuple

import numpy as np

from custseg.assignment._tuning import held_out_loss

_MOST_THRESHOLDS = 30


class ColumnChoice(NamedTuple):
    """Which columns are kept, and how it came to that."""

    support: np.ndarray  # (n_features,), bool
    record: list  # of dict, one a step


def sweep(matrix, k):
    """Sweep a symmetric matrix on one of its columns; twice, and it is as before.

    After sweeping a set of columns the diagonal holds what the set leaves unexplained
    of each other column, and of a column of the set minus the inverse of what the
    others of the set leave of it (Beaton 1964).
    """
    pivot = matrix[k, k]
    row = matrix[k] / abs(pivot)
    swept = matrix - np.outer(matrix[k], matrix[k]) / pivot
    swept[k] = swept[:, k] = row
    swept[k, k] = -1 / pivot
    return swept


def partial_wilks(within, total, swept):
    """Wilks' lambda of each column given those swept; NaN for one that is constant.

    Parameters
    ----------
    within, total : ndarray of shape (n_features, n_features)
        Cross-products within segments and in all, swept on the same columns.
    swept : ndarray of shape (n_features,), bool

    Returns
    -------
    wilks : ndarray of shape (n_features,)
        Of a swept column, given the others that were swept.
    """
    own, all_ = np.diag(within), np.diag(total)
    top, bottom = np.where(swept, all_, own), np.where(swept, own, all_)
    # Where others determine a column, rounding is all that is left of it.
    told = swept | (bottom > 1e-12)
    wilks = np.full(len(own), np.nan)
    np.divide(top, bottom, out=wilks, where=told)
    return np.clip(wilks, 0, 1)


def f_of_wilks(wilks, df1, df2):
    """F of a lambda of one column."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (1 - wilks) / wilks * df2 / df1


def choose_stepwise(moments, f_to_enter, f_to_remove, tolerance):
    """Forward and backward steps by Wilks' lambda, as SPSS takes them.

    At each step the column in the model with the smallest F goes if that is at most
    `f_to_remove`; else the column with the largest F, which lowers Wilks' lambda most,
    comes in if its F is at least `f_to_enter` and neither it nor a column in the model
    is left with less than `tolerance` of its variance within segments. Where none is
    in at the end, the column with the largest F is kept.

    Parameters
    ----------
    moments : Moments
    f_to_enter, f_to_remove, tolerance : float

    Returns
    -------
    choice : ColumnChoice
        Of each step `action`, `column`, `f`, `df1`, `df2`, `wilks` of the model after
        it, and `tolerance`.
    """
    within = moments.within_scatter()
    total = within + moments.between_scatter()
    variances, n_between = np.diag(within).copy(), len(moments.weights) - 1
    n_free = moments.weights.sum() - n_between - 1
    varies = moments.varies_within()
    # A column in which segments alone differ decides, whatever else is known.
    decisive = ~varies & (np.diag(total) > 0)
    record = [
        _step("entered", column, np.inf, n_between, n_free, 0.0, 0.0)
        for column in np.flatnonzero(decisive)
    ]
    wilks = 0.0 if decisive.any() else 1.0
    inside = np.full(len(variances), False)
    for _ in range(2 * len(variances)):
        df2 = n_free - inside.sum() + inside
        f = f_of_wilks(partial_wilks(within, total, inside), n_between, df2)
        column = np.where(inside, f, np.inf).argmin()
        action = "removed"
        if not (inside.any() and f[column] <= f_to_remove):
            allowed = varies & ~inside & (df2 > 0)
            allowed &= _tolerated(within, inside, variances, tolerance)
            column = np.where(allowed & ~np.isnan(f), f, -np.inf).argmax()
            action = "entered"
            if not (allowed[column] and f[column] >= f_to_enter):
                break
        left = abs(within[column, column]) ** (-1 if inside[column] else 1)
        left /= variances[column]
        wilks *= within[column, column] / total[column, column]
        within, total = sweep(within, column), sweep(total, column)
        inside[column] = action == "entered"
        record.append(
            _step(action, column, f[column], n_between, df2[column], wilks, left)
        )
    support = decisive | inside
    if not support.any():
        column = np.where(varies & ~np.isnan(f), f, -np.inf).argmax()
        support[column] = True
        left = within[column, column] / total[column, column]
        record.append(_step("kept", column, f[column], n_between, n_free, left, 1.0))
    return ColumnChoice(support, record)


def _step(action, column, f, df1, df2, wilks, tolerance):
    return {
        "action": action,
        "column": int(column),
        "f": float(f),
        "df1": int(df1),
        "df2": float(df2),
        "wilks": float(wilks),
        "tolerance": float(tolerance),
    }


def _tolerated(within, inside, variances, tolerance):
    """Mask of columns that can come in and leave enough of each other's variance."""
    diagonal = np.diag(within)
    safe = np.where(diagonal > 0, diagonal, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        enough = diagonal >= tolerance * variances
        after = diagonal[inside, np.newaxis] - within[inside] ** 2 / safe
        left = -1 / after / variances[inside, np.newaxis]
    return enough & (left >= tolerance).all(axis=0)


def distances_of_segments(moments):
    """How far the segment farthest from the middle lies from it, column by column.

    In standard errors within segments, as in nearest shrunken centroids (Tibshirani,
    Hastie, Narasimhan and Chu 2002, eq. 1), without their constant beside the standard
    deviations, which would depend on the columns' units. Infinite for a column in
    which segments alone differ.
    """
    weights = moments.weights
    n = weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(1 / weights - 1 / n)[:, np.newaxis]
        gaps = np.abs(moments.standardized_means())
        distances = np.where(weights[:, np.newaxis] > 0, gaps / errors, 0.0).max(axis=0)
    # Scale divides by the weights; errors are meant to be of unbiased variances.
    distances *= np.sqrt(max(n - len(weights), 1) / n)
    decisive = ~moments.varies_within() & (gaps.max(axis=0) > 0)
    return np.where(decisive, np.inf, distances)


def choose_penalized(moments, folds, intensity, *, mle):
    """Keep the columns that are left when the segments' means are drawn together.

    Each segment's mean is drawn towards the mean of all by a threshold; a column in
    which all segments meet is left out. Of the thresholds whose linear discriminant on
    the columns kept is within one standard error of the best on customers it has not
    seen, the largest is taken.

    Parameters
    ----------
    moments : Moments
    folds : list of Fold
    intensity : float
        Shrinkage of the discriminants that are compared.
    mle : bool

    Returns
    -------
    choice : ColumnChoice
        Of each threshold `threshold`, `n_columns`, `loss`, `loss_se` and `chosen`.
    """
    distances = distances_of_segments(moments)
    of_folds = [distances_of_segments(fold.moments) for fold in folds]
    record = []
    for threshold in _thresholds(distances):
        supports = [of_fold > threshold for of_fold in of_folds]
        loss, error = held_out_loss(folds, 1, intensity, mle=mle, supports=supports)
        record.append(
            {
                "threshold": threshold,
                "n_columns": int((distances > threshold).sum()),
                "loss": loss,
                "loss_se": error,
                "chosen": False,
            }
        )
    best = min(record, key=lambda step: step["loss"])
    limit = best["loss"] + best["loss_se"]
    chosen = max(
        (step for step in record if step["loss"] <= limit and step["n_columns"]),
        key=lambda step: step["threshold"],
        default=record[0],
    )
    chosen["chosen"] = True
    support = distances > chosen["threshold"]
    return ColumnChoice(support if support.any() else ~support, record)


def _thresholds(distances):
    """Zero, and half-way between the distances at which columns are left out."""
    finite = np.unique(distances[np.isfinite(distances) & (distances > 0)])
    between = (finite[1:] + finite[:-1]) / 2
    if np.isinf(distances).any() and len(finite):
        between = np.append(between, finite[-1] * 1.01)
    if len(between) > _MOST_THRESHOLDS:
        few = np.linspace(0, len(between) - 1, _MOST_THRESHOLDS).round().astype(int)
        between = between[few]
    return [0.0, *between.tolist()]
