"""Places to which distances are wanted."""

from collections.abc import Mapping

import numpy as np

from custseg.scoring import LIMITS

__all__ = ["read_targets"]


def read_targets(distance_to):
    """Check the places to which distances are wanted.

    Parameters
    ----------
    distance_to : mapping of str to pair, or to sequence of pairs, or None

    Returns
    -------
    dict of str to ndarray of shape (n_places, 2)

    Raises
    ------
    ValueError
        If it is no mapping, a place is no pair of numbers, or degrees are out of range.
    """
    if distance_to is None:
        return {}
    if not isinstance(distance_to, Mapping):
        raise ValueError(
            "distance_to must be a mapping of name and place. Got "
            f"{type(distance_to).__name__} instead. Write "
            '{"store": (52.52, 13.40)}, latitude first.'
        )
    return {str(name): _read_target(name, one) for name, one in distance_to.items()}


def _read_target(name, place):
    try:
        degrees = np.atleast_2d(np.array(place, dtype=np.float64))
    except (TypeError, ValueError):
        degrees = np.empty((0, 0))
    limits = np.array(list(LIMITS.values()))
    if degrees.ndim != 2 or degrees.shape[1] != 2 or not len(degrees):
        got = repr(place)
    elif not np.all(np.abs(degrees) <= limits):
        got = f"{np.count_nonzero(~np.all(np.abs(degrees) <= limits, axis=1))} others"
    else:
        return degrees
    raise ValueError(
        f"distance_to[{str(name)!r}] must be a pair of latitude (-90 to 90) and "
        f"longitude (-180 to 180) in degrees, or several. Got {got} instead. Write "
        "(52.52, 13.40), or [(52.52, 13.40), (48.14, 11.58)] for the nearest of two."
    )
