"""Shares of a whole as coordinates: square roots, or log-ratios.

Parts are summed column after column, so that a customer's coordinates are the same
alone and among others to the last bit.
"""

import numpy as np

from custseg.columns import numbers, quoted
from custseg.exceptions import DataQualityError

__all__ = [
    "centred_log_ratios",
    "isometric_log_ratios",
    "read_parts",
    "share_of_parts",
    "smallest_share",
    "square_roots",
]

# Of a limit of detection: Martin-Fernandez, Barcelo-Vidal and Pawlowsky-Glahn (2003).
_BELOW_LIMIT = 0.65


def read_parts(name, columns, *, whole):
    """Read the parts of a whole.

    Parameters
    ----------
    name : str
        Of the whole.
    columns : list of Column
    whole : bool
        Whether they must be whole numbers.

    Returns
    -------
    list of ndarray of shape (n_customers,)
        NaN in all where missing.

    Raises
    ------
    SchemaError
        If a column does not hold numbers.
    DataQualityError
        If a number is infinite, negative or, with `whole`, no whole one, or a customer
        lacks some of the parts.
    """
    parts = [numbers(column, "Give shares or counts as numbers.") for column in columns]
    missing = np.array([np.isnan(part) for part in parts])
    questions = {
        "be 0 or more": (
            np.array([part < 0 for part in parts]),
            "Count returns apart.",
        ),
        "all be there or all be missing": (
            missing & ~np.all(missing, axis=0),
            "Set gaps that stand for none to 0.",
        ),
    }
    if whole:
        questions["be whole numbers when prior is given"] = (
            np.array([part % 1 > 0 for part in parts]),
            "Give counts, or leave prior at 0.",
        )
    for constraint, (bad, remedy) in questions.items():
        rows = np.flatnonzero(np.any(bad, axis=0))
        if len(rows):
            where = [c.name for c, one in zip(columns, bad, strict=True) if one.any()]
            raise DataQualityError(
                f"Shares or counts of {name!r} ({quoted(where)}) must {constraint}. "
                f"Got others in {len(rows)} of {bad.shape[1]} rows instead (first: row "
                f"{rows[0]}). {remedy}"
            )
    return parts


def share_of_parts(parts, mean_shares, prior):
    """Return shares that add up to one.

    Parameters
    ----------
    parts : list of ndarray of shape (n_customers,)
    mean_shares : sequence of float
        Of the average customer; not used if `prior` is 0.
    prior : float
        Orders of the average customer that are added to each.

    Returns
    -------
    list of ndarray of shape (n_customers,)
        NaN where parts are missing or add up to nothing.
    """
    if prior > 0:
        parts = [
            part + prior * share for part, share in zip(parts, mean_shares, strict=True)
        ]
    # Relative to the largest, sums cannot overflow.
    largest = parts[0]
    for part in parts[1:]:
        largest = np.maximum(largest, part)
    largest = np.where(largest > 0, largest, np.nan)
    parts = [part / largest for part in parts]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return [part / total for part in parts]


def square_roots(shares):
    """Return square roots, whose distance is sqrt(2) times the Hellinger distance."""
    return np.column_stack([np.sqrt(share) for share in shares])


def smallest_share(shares):
    """Return what stands for a share of zero.

    Parameters
    ----------
    shares : list of ndarray of shape (n_customers,)
        Those of `fit`.

    Returns
    -------
    float
        .65 of the largest share that stays below every other one, whichever parts of
        a customer are zero: 0.65 m / (1 + m (D - 1)) for D parts of which m is the
        smallest that is not zero.
    """
    table = np.column_stack(shares)
    smallest = np.min(table, initial=1.0, where=table > 0)
    return float(_BELOW_LIMIT * smallest / (1 + smallest * (len(shares) - 1)))


def centred_log_ratios(shares, zero_share):
    """Return logarithms of shares less their mean, zeros replaced beforehand.

    Parameters
    ----------
    shares : list of ndarray of shape (n_customers,)
    zero_share : float
        What a zero becomes; the other parts are multiplied by what is left, which
        leaves their ratios as they are.

    Returns
    -------
    ndarray of shape (n_customers, n_parts)
    """
    logs = _logarithms(shares, zero_share)
    mean = _mean(logs)
    return np.column_stack([log - mean for log in logs])


def isometric_log_ratios(shares, zero_share):
    """Return orthonormal coordinates of log-ratios, zeros replaced beforehand.

    The distances are those of `centred_log_ratios`, in one dimension less.

    Parameters
    ----------
    shares : list of ndarray of shape (n_customers,)
    zero_share : float
        As in `centred_log_ratios`.

    Returns
    -------
    ndarray of shape (n_customers, n_parts - 1)
        For each part but the last the logarithm of its ratio to the geometric mean of
        the parts after it, times sqrt(r / (r + 1)) with r such parts.
    """
    logs = _logarithms(shares, zero_share)
    n_after = range(len(logs) - 1, 0, -1)
    return np.column_stack(
        [
            np.sqrt(r / (r + 1)) * (logs[-r - 1] - _mean(logs[len(logs) - r :]))
            for r in n_after
        ]
    )


def _logarithms(shares, zero_share):
    """Return logarithms of shares, zeros replaced at the cost of the others."""
    n_zeros = np.sum([share == 0 for share in shares], axis=0)
    left = 1 - n_zeros * zero_share
    return [np.log(np.where(share == 0, zero_share, share * left)) for share in shares]


def _mean(columns):
    """Add up column after column, whatever the number of rows."""
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total / len(columns)
