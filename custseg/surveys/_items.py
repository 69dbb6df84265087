"""Answers to items as numbers: read, keyed, filled, and related pair by pair."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator

from custseg.columns import (
    check_names,
    check_observed,
    level_codes,
    looks_numeric,
    numbers,
    quoted,
    read_columns,
)
from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning
from custseg.surveys._polychoric import polychoric_correlation

__all__ = [
    "check_answers",
    "correlations_of_items",
    "numbers_of_answers",
    "pairwise_correlations",
    "pairwise_counts",
    "pairwise_covariances",
    "read_answers",
    "refuse_dependent",
    "signs_of",
    "warn_outside",
]

_REMEDY = (
    "Code the answers as numbers first, for instance 1 = strongly disagree to "
    "5 = strongly agree."
)
_REMEDY_OF_TWO = (
    'Code two answers as true and false first, for instance X == "Yes", and leave what '
    "is missing missing."
)
_MOST_STEPS = 20  # different answers to an item, for polychoric correlations
_LEAST_EIGENVALUE = 1e-8  # of a correlation matrix; below it items say the same


class Answers(BaseEstimator):
    """Holds the names of a table of answers while it is read."""


def read_answers(X, *, answered=True):
    """Read a table of answers.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
    answered : bool, default=True
        Whether to refuse items that nobody answered.

    Returns
    -------
    names : list of str
    answers : ndarray of shape (n_customers, n_items)
        Float64, NaN where missing.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, or names are not unique.
    DataQualityError
        If a number is infinite, or nobody answered an item.
    """
    columns = read_columns(Answers(), X, reset=True)
    names = [column.name for column in columns]
    answers = numbers_of_answers(columns)
    if answered:
        check_observed(names, answers)
    return names, np.column_stack(answers)


def numbers_of_answers(columns):
    """Read columns of answers as numbers.

    Parameters
    ----------
    columns : list of Column

    Returns
    -------
    list of ndarray of shape (n_customers,)
        NaN where missing.

    Raises
    ------
    SchemaError
        If a column does not hold numbers; what to do depends on whether it holds two
        answers or more.
    DataQualityError
        If a number is infinite.
    """
    return [numbers(column, _remedy(column)) for column in columns]


def _remedy(column):
    """Say how answers that are no numbers become numbers."""
    if column.kind in ("text", "category", "ordered"):
        levels = level_codes(column)[1]
        if len(levels) <= 2 and not looks_numeric(levels):
            return _REMEDY_OF_TWO
    return _REMEDY


def signs_of(names, reverse):
    """Return -1 for the items named in `reverse` and 1 for the others."""
    check_names("reverse", reverse, names)
    return np.array([-1.0 if name in reverse else 1.0 for name in names])


def check_answers(names, answers, low, high):
    """Refuse answers outside the declared points."""
    outside = _count_outside(names, answers, low, high)
    if outside:
        raise DataQualityError(
            f"Answers must lie between {low:g} and {high:g}. Got answers outside in "
            f"{outside} instead (item, customers). Correct them, mark them as missing, "
            "or change points."
        )


def warn_outside(names, answers, low, high):
    """Warn of answers outside those of `fit`, where no points were declared."""
    outside = _count_outside(names, answers, low, high)
    if outside:
        warnings.warn(
            f"Answers must lie between those of fit, {low:g} and {high:g}. Got answers "
            f"outside in {outside} instead (item, customers), which are used as they "
            "are. Declare points, and such answers are refused.",
            SegmentWarning,
            stacklevel=3,
        )


def _count_outside(names, answers, low, high):
    outside = {
        name: int(np.count_nonzero((one < low) | (one > high)))
        for name, one in zip(names, answers, strict=True)
    }
    counts = [f"{name!r} ({count})" for name, count in outside.items() if count]
    more = "" if len(counts) <= 5 else f" and {len(counts) - 5} more items"
    return ", ".join(counts[:5]) + more


# -- pairs of items ------------------------------------------------------------------


def _pair_sums(answers):
    """Return counts, sums, squares and products of those who answered both items."""
    known = (~np.isnan(answers)).astype(float)
    # About the items' means no digits are lost.
    centred = answers - np.nanmean(answers, axis=0)
    centred[np.isnan(centred)] = 0.0
    return (
        known.T @ known,
        centred.T @ known,
        np.square(centred).T @ known,
        centred.T @ centred,
    )


def pairwise_counts(answers):
    """Count the customers who answered both items, shape (n_items, n_items)."""
    known = (~np.isnan(answers)).astype(float)
    return known.T @ known


def pairwise_covariances(answers):
    """Covariances (n - 1 in the denominator) over those who answered both items.

    Parameters
    ----------
    answers : ndarray of shape (n_customers, n_items)

    Returns
    -------
    ndarray of shape (n_items, n_items)
        NaN for pairs that fewer than two customers answered.
    """
    counts, sums, _, products = _pair_sums(answers)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariances = (products - sums * sums.T / counts) / (counts - 1)
    return np.where(counts > 1, covariances, np.nan)


def pairwise_correlations(answers):
    """Pearson's correlations over those who answered both items.

    Parameters
    ----------
    answers : ndarray of shape (n_customers, n_items)

    Returns
    -------
    ndarray of shape (n_items, n_items)
        NaN for an item that is constant over a pair's customers.
    """
    counts, sums, squares, products = _pair_sums(answers)
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = products - sums * sums.T / counts
        own = squares - sums**2 / counts
        constant = own <= 1e-12 * (1.0 + squares)
        correlations = shared / np.sqrt(own * own.T)
    correlations = np.clip(correlations, -1.0, 1.0)
    correlations[constant | constant.T | (counts < 2)] = np.nan
    varied = ~np.isnan(np.diag(correlations))
    correlations[varied, varied] = 1.0
    return correlations


def _polychoric_correlations(names, answers):
    """Polychoric correlations over those who answered both items."""
    steps = [np.unique(one[~np.isnan(one)]) for one in answers.T]
    many = [n for n, one in zip(names, steps, strict=True) if len(one) > _MOST_STEPS]
    if many:
        raise DataQualityError(
            f"Items must have at most {_MOST_STEPS} different answers for polychoric "
            f"correlations. Got more in {quoted(many)} instead. Use "
            "correlation='pearson'."
        )
    codes = [np.searchsorted(s, one) for s, one in zip(steps, answers.T, strict=True)]
    correlations = np.eye(len(names))
    for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
        both = ~np.isnan(answers[:, i]) & ~np.isnan(answers[:, j])
        shape = (len(steps[i]), len(steps[j]))
        cells = np.ravel_multi_index((codes[i][both], codes[j][both]), shape)
        table = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
        table = table[table.any(axis=1)][:, table.any(axis=0)]
        found = polychoric_correlation(table) if min(table.shape) > 1 else np.nan
        correlations[i, j] = correlations[j, i] = found
    return correlations


def correlations_of_items(names, answers, correlation="pearson"):
    """Correlations of items that can be inverted, or a reason why there are none.

    Parameters
    ----------
    names : list of str
    answers : ndarray of shape (n_customers, n_items)
    correlation : {"pearson", "polychoric"}

    Returns
    -------
    ndarray of shape (n_items, n_items)
        Positive definite.

    Raises
    ------
    ValueError
        If there are fewer than two items.
    DegenerateFitError
        If an item is constant, two were hardly answered by the same customers, or an
        item is a sum of others.
    """
    if len(names) < 2:
        raise ValueError(
            f"Items must be two or more to be correlated. Got {len(names)} instead. "
            "Give the items of a scale or of a questionnaire."
        )
    correlations = pairwise_correlations(answers)
    undefined = np.isnan(np.diag(correlations))
    if undefined.any():
        raise DegenerateFitError(
            "Items must be answered in different ways by customers. Got one answer "
            f"only in {quoted(np.array(names)[undefined])} instead. Leave them out."
        )
    if correlation == "polychoric":
        correlations = _polychoric_correlations(names, answers)
    if np.isnan(correlations).any():
        i, j = np.argwhere(np.isnan(correlations))[0]
        raise DegenerateFitError(
            "Each two items must be answered, in different ways, by the same "
            f"customers. Got none such for {names[i]!r} and {names[j]!r} instead. "
            "Leave one of them out."
        )
    refuse_dependent(correlations)
    return correlations


def refuse_dependent(correlations):
    """Refuse correlations of items that are sums of each other."""
    eigenvalues = np.linalg.eigvalsh(correlations)
    n_below = np.count_nonzero(eigenvalues < _LEAST_EIGENVALUE)
    if n_below:
        n_items = len(correlations)
        raise DegenerateFitError(
            "Items must not be sums of other items. Got correlations of rank "
            f"{n_items - n_below} for {n_items} items instead. Ipsatised items have "
            "one dimension less than items: leave one out. Leave out items that "
            "repeat others, and where many answers are missing use customers who "
            "answered all."
        )
