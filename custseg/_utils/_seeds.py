"""Seeds for estimators inside estimators."""


def fill_seed(estimator, seed):
    """Set every random_state that is None, however deep, to the seed.

    Parameters
    ----------
    estimator : estimator
        Changed in place: hand over a clone.
    seed : int or None
        None leaves the estimator as it is.

    Returns
    -------
    estimator : estimator
    """
    if seed is None:
        return estimator
    unset = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return estimator.set_params(**unset)


def draw_seed(random_state):
    """Return an int drawn from a checked random state, the same for the same int."""
    return int(random_state.randint(2**31 - 1))
