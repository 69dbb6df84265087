"""Normal scores of ranks, of which utilities are learned."""

import numpy as np
from scipy.special import ndtri

__all__ = ["cumulative_normal_scores"]

# Blom's constant: rank i of k is near the quantile (i - 3/8) / (k + 1/4) of a normal.
_BLOM = 0.375


def cumulative_normal_scores(n_items):
    """Sum normal scores of the first r of k ranks, at position [k, r]."""
    table = np.zeros((n_items + 1, n_items + 1))
    for k in range(1, n_items + 1):
        quantiles = (np.arange(k, 0, -1) - _BLOM) / (k + 1 - 2 * _BLOM)
        table[k, 1 : k + 1] = np.cumsum(ndtri(quantiles))
    return table
