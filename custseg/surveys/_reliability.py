"""Reliability of scale scores: Cronbach's alpha, McDonald's omega, items one by one."""

import warnings

import numpy as np
import pandas as pd

from custseg.columns import check_names, quoted
from custseg.exceptions import SegmentWarning
from custseg.surveys._factors import maximum_likelihood
from custseg.surveys._items import (
    pairwise_correlations,
    pairwise_covariances,
    read_answers,
    signs_of,
)

__all__ = [
    "cronbach_alpha",
    "item_statistics",
    "mcdonald_omega",
    "scale_reliability",
    "statistics_of_scales",
    "warn_of_contrary",
]


def _alpha(covariances):
    """Cronbach's alpha from covariances of keyed items; NaN for a single item."""
    n_items, total = len(covariances), np.sum(covariances)
    if n_items < 2 or not total > 0:
        return np.nan
    return float(n_items / (n_items - 1) * (1 - np.trace(covariances) / total))


def _one_factor(correlations):
    """Return loadings and unique variances of one common factor, or None."""
    if len(correlations) < 3 or np.isnan(correlations).any():
        return None
    if np.linalg.eigvalsh(correlations)[0] < 1e-8:
        return None
    loadings, unique, _ = maximum_likelihood(correlations, 1)
    loadings = loadings[:, 0]
    return loadings * (1.0 if loadings.sum() >= 0 else -1.0), unique


def _omega(covariances, factor):
    """McDonald's omega of the sum of the items, by one common factor."""
    if factor is None:
        return np.nan
    sds = np.sqrt(np.diag(covariances))
    common = np.sum(factor[0] * sds) ** 2
    return float(common / (common + np.sum(factor[1] * sds**2)))


def _item_rest(covariances):
    """Correlation of each item with the sum of the others."""
    own, shared = np.diag(covariances), np.sum(covariances, axis=0)
    rest = np.sum(covariances) - 2 * shared + own
    size = np.sqrt(np.maximum(own * rest, 0.0))
    return np.divide(shared - own, size, out=np.full(len(own), np.nan), where=size > 0)


def _without_each(covariances):
    """Alpha of the scale without each item."""
    every = np.arange(len(covariances))
    return [_alpha(covariances[np.ix_(every != item, every != item)]) for item in every]


def _figures(keyed):
    """Figures of one scale and of its items, from keyed answers."""
    covariances = pairwise_covariances(keyed)
    correlations = pairwise_correlations(keyed)
    factor = _one_factor(correlations)
    pairs = correlations[np.triu_indices(len(correlations), 1)]
    known = pairs[~np.isnan(pairs)]
    scale = {
        "items": len(correlations),
        "alpha": _alpha(covariances),
        "omega": _omega(covariances, factor),
        "mean_correlation": float(np.mean(known)) if len(known) else np.nan,
    }
    items = {
        "answered": np.mean(~np.isnan(keyed), axis=0),
        "mean": np.nanmean(keyed, axis=0),
        "sd": np.sqrt(np.diag(covariances)),
        "item_rest_correlation": _item_rest(covariances),
        "alpha_if_dropped": _without_each(covariances),
        "loading": np.full(len(correlations), np.nan) if factor is None else factor[0],
    }
    return scale, items


def statistics_of_scales(names, keyed, scales, reverse):
    """Tables of scales and of items, from keyed answers.

    Parameters
    ----------
    names : list of str
    keyed : ndarray of shape (n_customers, n_items)
        NaN where missing.
    scales : dict of str to tuple of str
    reverse : tuple of str

    Returns
    -------
    scale_table, item_table : DataFrame
    """
    scale_rows, item_tables = {}, []
    for scale, items in scales.items():
        row, table = _figures(keyed[:, [names.index(item) for item in items]])
        scale_rows[scale] = row
        table = pd.DataFrame(table, index=pd.Index(items, dtype=object))
        table.insert(0, "scale", scale)
        table.insert(1, "reversed", [item in reverse for item in items])
        item_tables.append(table)
    scale_table = pd.DataFrame.from_dict(scale_rows, orient="index")
    return scale_table, pd.concat(item_tables)


def warn_of_contrary(scale_table):
    """Warn of scales whose items contradict each other."""
    contrary = scale_table.index[scale_table["alpha"] < 0]
    if len(contrary):
        warnings.warn(
            "Items of a scale must go together. Got a negative alpha in "
            f"{quoted(contrary)} instead. Look at item_statistics_, and name the "
            "reverse-keyed items in reverse.",
            SegmentWarning,
            stacklevel=5,
        )


def _keyed(X, reverse, points):
    """Read answers and turn the reverse-keyed ones."""
    names, answers = read_answers(X)
    signs = signs_of(names, reverse)
    low, high = points
    return names, np.where(signs < 0, low + high - answers, answers)


def cronbach_alpha(X, *, reverse=()):
    """Return Cronbach's alpha of the sum or mean of items.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers to the items of one scale; missing answers allowed.
    reverse : tuple of str, default=()
        Reverse-keyed items, which are turned.

    Returns
    -------
    alpha : float
        Up to 1; a lower bound of the reliability where errors are uncorrelated.
        Negative where items contradict each other, most often because of a wrong
        key. NaN for a single item.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, names are not unique, or `reverse` names an
        item that is not there.
    DataQualityError
        If an answer is infinite, or nobody answered an item.

    Notes
    -----
    Raw alpha, from covariances over the customers who answered both items.

    References
    ----------
    Cronbach, L. J. (1951). Coefficient alpha and the internal structure of tests.
    Psychometrika 16, 297-334. https://doi.org/10.1007/BF02310555

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.surveys import cronbach_alpha
    >>> answers = pd.DataFrame(
    ...     {"plan": [5, 4, 2, 1], "order": [4, 5, 1, None], "spur": [1, 2, 4, 4]}
    ... )
    >>> round(cronbach_alpha(answers, reverse=("spur",)), 2)
    0.93
    """
    _, keyed = _keyed(X, reverse, (0.0, 0.0))
    return _alpha(pairwise_covariances(keyed))


def mcdonald_omega(X, *, reverse=()):
    """Return McDonald's omega of the sum or mean of items.

    The share of a score's variance that one common factor accounts for. Unlike alpha
    it does not ask that all items measure the factor equally well.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers to the items of one scale; missing answers allowed.
    reverse : tuple of str, default=()
        Reverse-keyed items, which are turned.

    Returns
    -------
    omega : float
        From 0 to 1. NaN for fewer than three items, where the factor is not
        determined, and where an item is constant or a sum of others.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, names are not unique, or `reverse` names an
        item that is not there.
    DataQualityError
        If an answer is infinite, or nobody answered an item.

    Notes
    -----
    Omega total of a model with one factor, fitted by maximum likelihood to the
    correlations over the customers who answered both items, for raw scores:
    ``(sum of loadings)² / ((sum of loadings)² + sum of unique variances)``, both in
    points. R's psych splits three group factors off and finds larger figures under
    the same name.

    References
    ----------
    McDonald, R. P. (1999). Test Theory: A Unified Treatment. Erlbaum.
    https://doi.org/10.4324/9781410601087

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> from custseg.surveys import mcdonald_omega
    >>> simulated = make_customers(500, n_segments=3, random_state=0)
    >>> items = list(simulated.scales["trait_1"])
    >>> turned = [item for item in items if item in simulated.reverse_keyed]
    >>> bool(0.6 < mcdonald_omega(simulated.customers[items], reverse=turned) < 0.9)
    True
    """
    _, keyed = _keyed(X, reverse, (0.0, 0.0))
    return _omega(
        pairwise_covariances(keyed), _one_factor(pairwise_correlations(keyed))
    )


def scale_reliability(X, scales, *, reverse=()):
    """Return the reliability of each scale.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers; missing answers allowed. Items of no scale are left alone.
    scales : mapping of str to tuple of str
        Items of each scale.
    reverse : tuple of str, default=()
        Reverse-keyed items, which are turned.

    Returns
    -------
    DataFrame of shape (n_scales, 4)
        By scale: `items` (their number), `alpha`, `omega` and `mean_correlation` (mean
        correlation of two items that vary).

    Raises
    ------
    SchemaError
        If a column does not hold numbers, names are not unique, or `scales` or
        `reverse` name an item that is not there.
    DataQualityError
        If an answer is infinite, or nobody answered an item.

    See Also
    --------
    cronbach_alpha : Of one scale.
    item_statistics : What each item does for its scale.
    mcdonald_omega : Of one scale.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.surveys import scale_reliability
    >>> answers = pd.DataFrame(
    ...     {"plan": [5, 4, 2, 1, 3], "order": [4, 5, 1, 3, 3], "spur": [1, 2, 4, 4, 4]}
    ... )
    >>> scales = {"orderly": ("plan", "order", "spur")}
    >>> scale_reliability(answers, scales, reverse=("spur",)).round(2)
             items  alpha  omega  mean_correlation
    orderly      3    0.9   0.91              0.75
    """
    names, keyed = _keyed_scales(X, scales, reverse)
    return statistics_of_scales(names, keyed, _tuples(scales), reverse)[0]


def item_statistics(X, scales, *, points, reverse=()):
    """Return what each item does for its scale.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers; missing answers allowed. Items of no scale are left alone.
    scales : mapping of str to tuple of str
        Items of each scale.
    points : tuple (low, high)
        Lowest and highest possible answer; reverse-keyed items are turned between
        them.
    reverse : tuple of str, default=()
        Reverse-keyed items, which are turned.

    Returns
    -------
    DataFrame of shape (n_items, 8)
        By item: `scale`, `reversed`, `answered` (share of customers), `mean` and `sd`
        of the keyed answers in points, `item_rest_correlation` (with the sum of the
        scale's other items), `alpha_if_dropped` (of the scale without the item) and
        `loading` on the scale's one factor.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, names are not unique, or `scales` or
        `reverse` name an item that is not there.
    DataQualityError
        If an answer is infinite, or nobody answered an item.

    See Also
    --------
    scale_reliability : Of the scales.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.surveys import item_statistics
    >>> answers = pd.DataFrame(
    ...     {"plan": [5, 4, 2, 1, 3], "order": [4, 5, 1, 3, 3], "spur": [1, 2, 4, 4, 4]}
    ... )
    >>> scales = {"orderly": ("plan", "order", "spur")}
    >>> items = item_statistics(answers, scales, points=(1, 5), reverse=("spur",))
    >>> items[["mean", "item_rest_correlation", "alpha_if_dropped"]].round(2)
           mean  item_rest_correlation  alpha_if_dropped
    plan    3.0                   0.82              0.83
    order   3.2                   0.69              0.94
    spur    3.0                   0.89              0.78
    """
    names, keyed = _keyed_scales(X, scales, reverse, points)
    return statistics_of_scales(names, keyed, _tuples(scales), reverse)[1]


def _tuples(scales):
    return {str(scale): tuple(items) for scale, items in scales.items()}


def _keyed_scales(X, scales, reverse, points=(0.0, 0.0)):
    """Return names and keyed answers, after checking the names of the items."""
    names, keyed = _keyed(X, reverse, points)
    check_names("scales", [i for items in scales.values() for i in items], names)
    return names, keyed
