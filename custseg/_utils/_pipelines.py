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
