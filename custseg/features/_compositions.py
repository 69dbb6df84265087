"""What parts of a whole teach: the shares of the average customer, and the least."""

import numpy as np

__all__ = ["smallest_share"]

# Of a limit of detection: Martin-Fernandez, Barcelo-Vidal and Pawlowsky-Glahn (2003).
_BELOW_LIMIT = 0.65


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
