"""Checks of the simulators' parameters, and their streams of random numbers."""

import numbers

import numpy as np


def as_generator(random_state, stream):
    """Turn a seed or a source of random numbers into a NumPy generator.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An int is joined with `stream`, so that two simulators that are given the same
        int draw independent numbers. A Generator is used, and moved on, as it is.
    stream : int
        Number of the simulator.

    Returns
    -------
    Generator

    Raises
    ------
    ValueError
        If `random_state` is none of these, or a negative int.
    """
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, np.random.RandomState):
        words = random_state.randint(2**32, size=4, dtype=np.uint32)
        return np.random.default_rng(words.tolist())
    if isinstance(random_state, numbers.Integral) and random_state >= 0:
        return np.random.default_rng((int(random_state), stream))
    raise ValueError(
        "`random_state` must be an int of 0 or more, a NumPy Generator or RandomState, "
        f"or None. Got {random_state!r} instead. Give an int to repeat a draw."
    )


def check_number(name, value, low, high=np.inf, *, remedy):
    """Refuse what is not a number from `low` to `high`, both inclusive."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (is_number and np.isfinite(value) and low <= value <= high):
        span = f"of {low:g} or more" if np.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(
            f"`{name}` must be a number {span}. Got {value!r} instead. {remedy}"
        )


def check_whole(name, value, low, high=None, *, remedy):
    """Refuse what is not a whole number from `low` to `high`, both inclusive."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        span = f"of {low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(
            f"`{name}` must be a whole number {span}. Got {value!r} instead. {remedy}"
        )


def per_segment(name, value, n_segments, low):
    """One number for all segments, or one each, as an array of `n_segments`."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        values = np.empty((0, 0))
    if values.ndim == 0:
        values = np.full(n_segments, float(values))
    usable = values.shape == (n_segments,) and np.isfinite(values).all()
    if not usable or (values < low).any():
        raise ValueError(
            f"`{name}` must be a number of {low:g} or more, or {n_segments} of them, "
            f"one a segment. Got {value!r} instead. Give one number to treat all "
            "segments alike."
        )
    return values
