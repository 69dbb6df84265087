"""The interval between orders of the typical customer."""

import numpy as np

__all__ = ["typical_interval"]


def typical_interval(gaps, n_gaps):
    """Take the median of customers with three orders, else of those with two; or NaN.

    Equal halves of an even number are averaged.
    """
    for least in (2, 1):
        known = gaps[(n_gaps >= least) & ~np.isnan(gaps)]
        if len(known):
            return float(np.median(known))
    return np.nan
