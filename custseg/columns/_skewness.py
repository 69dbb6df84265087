"""How skewed a column of numbers is, and the logarithm that mends it."""

import numpy as np

__all__ = ["log_unit", "mean_and_sd", "signed_log", "tail_skewness"]

_UNIT_QUANTILE = 0.05


def tail_skewness(values):
    """Return the skewness, positive where the long tail leads away from zero.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        Without missing values.

    Returns
    -------
    float
        The third moment over the cubed standard deviation (n in the denominators);
        its sign turned for a column without positive values, such as returns booked
        as negative amounts. 0 for a constant column.
    """
    mean, sd = mean_and_sd(values)
    if np.isinf(sd):
        return 0.0
    skewness = float(np.mean(((values - mean) / sd) ** 3))
    return skewness if np.max(values) > 0 else -skewness


def log_unit(values):
    """Return the unit of the signed logarithm: the 5 % quantile of non-zero sizes.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        Without missing values.

    Returns
    -------
    float
        One of the absolute values; 1.0 where all values are zero.
    """
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 1.0
    return float(np.quantile(sizes, _UNIT_QUANTILE, method="lower"))


def signed_log(X, units):
    """Return ``sign(x) * log(1 + |x| / unit)``."""
    sizes = np.abs(X)
    with np.errstate(over="ignore"):
        logs = np.log1p(sizes / units)
    vast = np.isinf(logs)
    if vast.any():  # for floats; the logarithm of the ratio is not
        logs[vast] = np.log(sizes[vast]) - np.log(np.broadcast_to(units, X.shape)[vast])
    return np.copysign(logs, X)


def mean_and_sd(values):
    """Return mean and standard deviation (n in the denominator) of one column.

    Returns
    -------
    mean : float
    sd : float
        Infinite for a column that is constant but for rounding.
    """
    largest = float(np.max(np.abs(values)))
    if largest == 0.0:
        return 0.0, np.inf
    # Relative to the largest value, squares can neither overflow nor vanish.
    relative = values / largest
    mean = float(np.mean(relative))
    sd = float(np.sqrt(np.mean((relative - mean) ** 2)))
    if sd <= 32 * np.finfo(np.float64).eps:
        return mean * largest, np.inf
    return mean * largest, sd * largest
