"""What a Pipeline ends in, asked by its shape and not by its class."""


def last_step(estimator):
    """Return the estimator, or the last step of a Pipeline, however deep."""
    return path_to_last_step(estimator)[1]


def path_to_last_step(estimator):
    """Return the parameter prefix of the last step, as ``a__b__``, and the step."""
    prefix = ""
    while hasattr(estimator, "steps"):
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def at_last_step(estimator, X):
    """Return the last step of a fitted Pipeline, however deep, and what it gets.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
    X : table of shape (n_customers, n_features)

    Returns
    -------
    last : estimator
    X : table
        As the steps before the last hand it over.
    """
    while hasattr(estimator, "steps"):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator.steps[-1][1]
    return estimator, X
