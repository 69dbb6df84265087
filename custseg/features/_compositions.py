"""Shares of a whole as coordinates: square roots, or centred log-ratios.

Parts are summed column after column, so that a customer's coordinates are the same
alone and among others to the last bit.
"""

import numpy as np

from custseg.exceptions import DataQualityError
from custseg.features._columns import numbers, quoted

__all__ = [
    "centred_log_ratios",
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
    missing = np.sum([np.isnan(part) for part in parts], axis=0)
    questions = {
        "be 0 or more": (
            np.any([part < 0 for part in parts], axis=0),
            "Count returns apart.",
        ),
        "all be there or all be missing": (
            (missing > 0) & (missing < len(parts)),
            "Set gaps that stand for none to 0.",
        ),
    }
    if whole:
        questions["be whole numbers when prior is given"] = (
            np.any([part % 1 > 0 for part in parts], axis=0),
            "Give counts, or leave prior at 0.",
        )
    for constraint, (bad, remedy) in questions.items():
        rows = np.flatnonzero(bad)
        if len(rows):
            raise DataQualityError(
                f"Shares or counts of {name!r} ({quoted([c.name for c in columns])}) "
                f"must {constraint}. Got others in {len(rows)} of {len(bad)} rows "
                f"instead (first: row {rows[0]}). {remedy}"
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
    n_zeros = np.sum([share == 0 for share in shares], axis=0)
    left = 1 - n_zeros * zero_share
    logs = [np.log(np.where(share == 0, zero_share, share * left)) for share in shares]
    mean = logs[0]
    for log in logs[1:]:
        mean = mean + log
    mean = mean / len(logs)
    return np.column_stack([log - mean for log in logs])
