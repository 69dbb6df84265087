"""Customers without segments: the margins and the dependence of a table, no more."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.base import BaseEstimator
from sklearn.utils.random import sample_without_replacement

from custseg._sklearn import validate_data
from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.surveys import polychoric_correlation

LEVEL = 0.05  # of the tests; that there are segments is found up to this p-value
_UNTIED = 0.99  # variance that ties leave to normal scores, of that without ties
_MOST_CLASSES = 20  # of a column in a table of two
_LEAST_EIGENVALUE = 1e-8
_FEWEST = 20  # customers of a test
_ROUNDS = 3  # of making normal variables of ranks
_PILOTS = 20  # draws that tell what ranks lose


class NullModel(NamedTuple):
    """A Gaussian copula with the margins of a table."""

    margins: np.ndarray  # (n_customers, n_features), each column in ascending order
    root: np.ndarray  # (n_features, n_features), of the correlations

    def draw(self, rng):
        """Draw as many customers as the table has.

        The ranks of normal variables in each column are filled with the values of the
        table, so a draw has its margins, ties and all.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        customers : ndarray of shape (n_customers, n_features)
        """
        *_, last = _rank_rounds(self.root, len(self.margins), rng)
        return np.take_along_axis(self.margins, last, axis=0)


def _rank_rounds(root, n_customers, rng):
    """Draw ranks of customers whose normal scores are about correlated as asked.

    In each round normal variables are given exactly the correlations and turned into
    normal scores of their ranks, which are a little less correlated.
    """
    untied = _untied_scores(n_customers)
    variables = rng.standard_normal((n_customers, len(root)))
    for _ in range(_ROUNDS):
        variables -= variables.mean(axis=0)
        left, _, right = np.linalg.svd(variables, full_matrices=False)
        ranks = (left @ (right @ root)).argsort(axis=0).argsort(axis=0)
        yield ranks
        variables = untied[ranks]


def table_to_test(X, ordinal, sample_size, rng):
    """Return the customers of a test and which of their columns are in steps.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
    ordinal : "auto" or sequence
        Columns in steps, by name or position.
    sample_size : int or None
        Customers to draw where there are more.
    rng : RandomState

    Returns
    -------
    X : ndarray of shape (n_tested, n_features)
    steps : ndarray of bool, shape (n_features,)
    """
    if sample_size is not None:
        check_whole("sample_size", sample_size, _FEWEST)
    reader = BaseEstimator()
    X = validate_data(reader, X, dtype=np.float64)
    names = list(getattr(reader, "feature_names_in_", range(X.shape[1])))
    if sample_size is not None and sample_size < len(X):
        drawn = sample_without_replacement(len(X), sample_size, random_state=rng)
        X = X[np.sort(drawn)]
    if len(X) < _FEWEST:
        raise DegenerateFitError(
            f"A test must have {_FEWEST} customers or more. Got {len(X)} instead. "
            "Fewer tell nothing about segments."
        )
    same = [names[column] for column in np.flatnonzero(np.ptp(X, axis=0) == 0)]
    if same:
        raise DataQualityError(
            "Columns must have more than one value among the customers tested. Got "
            f"one in {', '.join(map(repr, same))} instead. Leave such columns out."
        )
    if isinstance(ordinal, str) and ordinal == "auto":
        return X, np.array([in_steps(column) for column in X.T])
    listed = [ordinal] if isinstance(ordinal, str) else list(ordinal)
    unknown = [name for name in listed if name not in names]
    if unknown:
        raise ValueError(
            "ordinal must be 'auto' or a sequence of columns of X. Got "
            f"{', '.join(map(repr, unknown))} instead. Columns are "
            f"{', '.join(map(repr, names[:5]))}{', ...' * (len(names) > 5)}."
        )
    return X, np.array([name in listed for name in names])


def check_whole(name, value, least):
    """Refuse a value that is no integer from a least one up."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"{name} must be an integer from {least} up. Got {value!r} instead. The "
            "default is a good start."
        )


def in_steps(column):
    """Whether ties are so many that ranks tell little of the dependence."""
    untied = _untied_scores(len(column))
    return bool(normal_scores(column).var() < _UNTIED * untied.var())


def normal_scores(column):
    """Quantiles of the normal distribution at the ranks; ties share the mean rank."""
    return ndtri((rankdata(column) - 0.5) / len(column))


def _untied_scores(n_customers):
    return normal_scores(np.arange(n_customers))


def null_model_of(X, steps):
    """Fit the copula.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        No column constant.
    steps : ndarray of bool, shape (n_features,)
        Columns of answers in steps.

    Returns
    -------
    null : NullModel
    """
    correlations = latent_correlations(X, steps)
    free = ~np.asarray(steps)
    if free.sum() > 1:
        free = np.ix_(free, free)
        correlations[free] += _lost_to_ranks(correlations[free], len(X))
        np.fill_diagonal(correlations, 1)
    return NullModel(np.sort(X, axis=0), _root(np.clip(correlations, -1, 1)))


def _lost_to_ranks(correlations, n_customers):
    """Tell what correlations of normal scores lack, in the table and in a draw.

    Normal scores of a sample are less correlated than the variables behind them. By
    how much, the first round of a draw tells, and so much was lost in the table. What
    a draw will lose, its last round tells.
    """
    rng = np.random.default_rng(n_customers)
    root, untied = _root(correlations), _untied_scores(n_customers)
    lost = np.zeros(correlations.shape)
    for _ in range(_PILOTS):
        first, *_, last = _rank_rounds(root, n_customers, rng)
        for ranks in (first, last):
            lost += correlations - np.corrcoef(untied[ranks], rowvar=False)
    return lost / _PILOTS


def latent_correlations(X, steps):
    """Correlations of the normal variables behind the columns.

    Pearson's correlation of normal scores for two columns without steps, else the
    polychoric correlation, for which a column without steps is cut into twenty
    classes of equal size.
    """
    scores = np.column_stack([normal_scores(column) for column in X.T])
    correlations = np.corrcoef(scores, rowvar=False)
    codes = [_classes(column) for column in X.T]
    for i, j in zip(*np.triu_indices(X.shape[1], 1), strict=True):
        if steps[i] or steps[j]:
            table = _crossed(codes[i], codes[j])
            correlations[i, j] = correlations[j, i] = polychoric_correlation(table)
    return correlations


def _classes(column):
    """Code the values in ascending order, or classes of ranks where they are many.

    Classes are of about equal size, and equal values are in the same.
    """
    values, codes = np.unique(column, return_inverse=True)
    if len(values) > _MOST_CLASSES:
        shares = (rankdata(column) - 0.5) / len(column)
        codes = np.floor(shares * _MOST_CLASSES)
        codes = np.unique(codes, return_inverse=True)[1]
    return codes


def _crossed(one, other):
    """Count customers by two codes."""
    shape = one.max() + 1, other.max() + 1
    pairs = np.ravel_multi_index((one, other), shape)
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def _root(correlations):
    """Symmetric root of the correlations, made positive definite where they are not.

    Correlations of pairs need not fit together. Eigenvalues are raised to a small
    positive number and the diagonal is brought back to one.
    """
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    return root / np.linalg.norm(root, axis=0)
