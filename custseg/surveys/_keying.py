"""What runs which way: answer scale, scales of items and reverse-keyed items."""

import warnings

import numpy as np

from custseg.columns import check_names, mean_and_sd, quoted
from custseg.exceptions import SchemaError, SegmentWarning

__all__ = ["declared_points", "declared_scales", "find_reversed", "settled_output"]

# Below this correlation with the rest of its scale, an item's direction is a guess.
_WEAK_CORRELATION = 0.1


def declared_points(points, answers):
    """Return the lowest and highest answer, as declared or else as found.

    Parameters
    ----------
    points : tuple of float or None
    answers : list of ndarray of shape (n_customers,)

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If `points` is not a pair of rising numbers.
    """
    if points is None:
        low = min(float(np.nanmin(one)) for one in answers)
        return low, max(float(np.nanmax(one)) for one in answers)
    try:
        low, high = (float(point) for point in points)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        raise ValueError(
            "points must be the lowest and the highest answer. Got "
            f"{points!r} instead. Give a pair such as (1, 5)."
        )
    return low, high


def declared_scales(scales, names):
    """Return scales as a dict of tuples after checking that they fit the items.

    Parameters
    ----------
    scales : mapping of str to tuple of str, or None
    names : list of str
        Of the items.

    Returns
    -------
    dict of str to tuple of str, or None

    Raises
    ------
    SchemaError
        If a scale has no item, names one that is not there, or an item is in no scale
        or in two.
    """
    if scales is None:
        return None
    scales = {str(scale): tuple(items) for scale, items in scales.items()}
    hollow = [scale for scale, items in scales.items() if not items]
    if hollow or not scales:
        raise SchemaError(
            f"Each of scales must have an item. Got none in {quoted(hollow)} "
            "instead. Give the items of each scale, or scales=None."
        )
    listed = [item for items in scales.values() for item in items]
    check_names("scales", listed, names)
    twice = sorted({item for item in listed if listed.count(item) > 1})
    if twice:
        raise SchemaError(
            f"Each item must be in one scale. Got {quoted(twice)} more than once "
            "instead. Keep each in one."
        )
    spare = [name for name in names if name not in listed]
    if spare:
        raise SchemaError(
            f"Each column must be an item of a scale. Got {quoted(spare)} in none "
            "instead. Put each into a scale, or leave its column out."
        )
    return scales


def settled_output(output, scales):
    """Return what comes out: scales, items or factors.

    Parameters
    ----------
    output : {"auto", "scales", "items", "factors"}
    scales : dict of str to tuple of str, or None

    Returns
    -------
    {"scales", "items", "factors"}

    Raises
    ------
    ValueError
        If scale scores are asked for without scales.
    """
    if output == "auto":
        return "items" if scales is None else "scales"
    if output == "scales" and scales is None:
        raise ValueError(
            "output='scales' must come with scales. Got scales=None instead. Give the "
            "items of each scale."
        )
    return output


def find_reversed(reverse, scales, names, answers):
    """Return the names of the reverse-keyed items, in the order of the table.

    Parameters
    ----------
    reverse : tuple of str or "auto"
    scales : dict of str to tuple of str, or None
    names : list of str
        Of the items.
    answers : list of ndarray of shape (n_customers,)

    Returns
    -------
    tuple of str

    Raises
    ------
    SchemaError
        If `reverse` names an item that is not there.
    ValueError
        If keying is to be found without scales.

    Warns
    -----
    SegmentWarning
        If the direction of an item is not found.
    """
    if not isinstance(reverse, str):
        check_names("reverse", reverse, names)
        return tuple(name for name in names if name in reverse)
    if scales is None:
        raise ValueError(
            "reverse='auto' must come with scales. Got scales=None instead. Give "
            "the items of each scale, or name the reverse-keyed items."
        )
    found, unclear = set(), []
    for items in scales.values():
        against, weak = _find_keying([answers[names.index(i)] for i in items])
        found.update(np.array(items, dtype=object)[against])
        unclear += list(np.array(items, dtype=object)[weak])
    if unclear:
        warnings.warn(
            "Items must go together with their scale for reverse='auto'. Got "
            f"correlations below {_WEAK_CORRELATION} in {quoted(unclear)} instead, "
            "which keep their direction. Name the reverse-keyed items in reverse.",
            SegmentWarning,
            stacklevel=4,
        )
    return tuple(name for name in names if name in found)


def _filled_correlations(items):
    """Correlation matrix of items, a missing answer standing at its item's mean."""
    standardised = []
    for answers in items:
        answered = answers[~np.isnan(answers)]
        mean, sd = mean_and_sd(answered)
        standardised.append(np.where(np.isnan(answers), 0.0, (answers - mean) / sd))
    Z = np.column_stack(standardised)
    return Z.T @ Z / len(Z)


def _item_rest_correlations(correlations, signs):
    """Correlation of each keyed item with the sum of the other keyed items."""
    shared = signs * (correlations @ signs)
    own = np.diag(correlations)
    rest = np.maximum(np.sum(shared) - 2.0 * shared + own, 0.0)
    size = np.sqrt(own * rest)
    return np.divide(shared - own, size, out=np.zeros_like(own), where=size > 0)


def _find_keying(items):
    """Find which items of one scale run against the majority.

    Parameters
    ----------
    items : list of ndarray of shape (n_customers,)
        Answers, NaN where missing.

    Returns
    -------
    against : ndarray of bool
        Items whose loading on the first principal component has the sign of the
        minority; on a tie the sign of the first item counts as the majority's.
    weak : ndarray of bool
        Items hardly correlated with the rest, whose direction is not found. They are
        never in `against`.
    """
    if len(items) == 1:
        return np.array([False]), np.array([False])
    correlations = _filled_correlations(items)
    component = np.linalg.eigh(correlations)[1][:, -1]
    signs = np.where(component < 0, -1.0, 1.0)
    weak = _item_rest_correlations(correlations, signs) < _WEAK_CORRELATION
    balance = np.sum(signs[~weak]) or signs[0]
    return (signs * balance < 0) & ~weak, weak
