"""Standard errors and intervals of a mixture's parameters, by the bootstrap."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.utils import check_random_state, check_scalar

from custseg._sklearn import check_feature_names_in, check_is_fitted, check_weights
from custseg._utils._pipelines import at_last_step
from custseg.cluster._em import make_runs
from custseg.cluster._mixture_segmenter import MixtureSegmenterMixin

_WEIGHTS = 2**25  # of resamples that are made at once
_EDGE = 1e-9  # what a share or a correlation stays away from its limits


def _identity(x):
    return x


def _logit(x):
    return logit(np.clip(x, _EDGE, 1 - _EDGE))


def _log(x):
    return np.log(np.maximum(x, _EDGE))


def _atanh(x):
    return np.arctanh(np.clip(x, _EDGE - 1, 1 - _EDGE))


# Where a figure's error is nearest to normal, and back.
_SCALES = {
    "share": (_logit, expit),
    "probability": (_logit, expit),
    "rate": (_log, np.exp),
    "standard deviation": (_log, np.exp),
    "correlation": (_atanh, np.tanh),
    "mean": (_identity, _identity),
}


def bootstrap_parameters(
    segmenter,
    X,
    *,
    sample_weight=None,
    n_bootstraps=200,
    confidence=0.95,
    random_state=None,
):
    """Find standard errors and intervals of the parameters of a mixture.

    Customers are drawn with replacement, and the mixture is fitted to each draw from
    where it was, so that components keep their numbers.

    Parameters
    ----------
    segmenter : fitted GaussianMixtureSegmenter or LatentClassSegmenter
        Or a fitted Pipeline that ends in one.
    X : array-like or frame of shape (n_customers, n_features)
        The customers that it was fitted on.
    sample_weight : array-like of shape (n_customers,), default=None
        As it was in `fit`.
    n_bootstraps : int, default=200
        Draws.
    confidence : float, default=0.95
        Of the intervals, between 0 and 1.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    parameters : DataFrame
        One row a figure and component: `figure` ("share", "probability", "mean",
        "standard deviation", "correlation"), `column`, `level` (or the other column of
        a correlation), `component`, `estimate`, `std_error`, `low`, `high`.

    Raises
    ------
    TypeError
        If the segmenter fits no mixture.
    ValueError
        If there are fewer than two draws, or confidence is not between 0 and 1.

    Notes
    -----
    Intervals are normal on the scale on which errors are most nearly so: the logit of
    shares and probabilities, the logarithm of deviations, Fisher's z of correlations.
    Where a probability is next to 0 or 1, or two components are almost one, no interval
    means much. Sampling weights are drawn with the customers who have them.

    References
    ----------
    McLachlan, G. J. and Peel, D. (2000). Finite Mixture Models, section 2.16. Wiley.
    https://doi.org/10.1002/0471721182

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import GaussianMixtureSegmenter, bootstrap_parameters
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(1, 1, 300), rng.normal(9, 2, 200)])[:, None]
    >>> segmenter = GaussianMixtureSegmenter(2, random_state=0).fit(X)
    >>> table = bootstrap_parameters(segmenter, X, random_state=0)
    >>> table.loc[table["figure"] == "mean"].round(1)
      figure column level  component  estimate  std_error  low  high
    2   mean     x0                0       1.0        0.1  0.9   1.1
    3   mean     x0                1       9.1        0.1  8.8   9.3
    """
    check_scalar(n_bootstraps, "n_bootstraps", Integral, min_val=2)
    check_scalar(
        confidence,
        "confidence",
        Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )
    last, read, weights = checked_mixture(segmenter, X, sample_weight)
    n_customers = read[0].shape[1]
    rng = check_random_state(random_state)
    of, estimates = _figures(last, last._state.shares, last._state.parameters)
    drawn = []
    at_once = max(1, _WEIGHTS // n_customers)
    for start in range(0, n_bootstraps, at_once):
        n_runs = min(at_once, n_bootstraps - start)
        counts = _resamples(n_customers, weights, n_runs, rng)
        mixture = last._mixture_of_new(read, counts)
        shares = np.repeat(last._state.shares, n_runs, axis=0)
        parameters = _repeated(last._state.parameters, n_runs)
        settings = {"max_iter": last.max_iter, "tol": last.tol}
        runs = make_runs(mixture, shares, parameters, **settings)
        drawn.append(_figures(last, runs.shares, runs.parameters)[1])
    return _table(of, estimates[0], np.concatenate(drawn), confidence)


def checked_mixture(segmenter, X, sample_weight=None):
    """Return the mixture at the end of a road, its customers, and their weights."""
    last, columns = at_last_step(segmenter, X)
    if not isinstance(last, MixtureSegmenterMixin):
        raise TypeError(
            "segmenter must be a fitted GaussianMixtureSegmenter or "
            f"LatentClassSegmenter. Got {type(last).__name__} instead. Fit one of them."
        )
    check_is_fitted(last)
    read = last._read(columns)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, read[0].T)
        sample_weight = last._weights(sample_weight, len(sample_weight))[0]
    return last, read, sample_weight


def _resamples(n_customers, weights, n_runs, rng):
    """How often each customer is drawn, of those who count, in each resample."""
    present = np.arange(n_customers) if weights is None else np.flatnonzero(weights)
    counts = np.zeros((n_runs, n_customers))
    for of_run in counts:
        rows = rng.randint(0, len(present), len(present))
        of_run[present] = np.bincount(rows, minlength=len(present))
    return counts if weights is None else counts * weights


def _repeated(parameters, n_runs):
    if isinstance(parameters, tuple):
        return tuple(_repeated(one, n_runs) for one in parameters)
    return np.repeat(parameters, n_runs, axis=0)


def _figures(last, shares, parameters):
    """Return what each figure is of, and the figures of all runs."""
    state = last._state._replace(shares=shares, parameters=parameters)
    names = check_feature_names_in(last, None)
    of, figures = state.named(*(() if hasattr(state, "columns") else (names,)))
    every = np.concatenate([shares[:, np.newaxis], figures], axis=1)
    return [("share", "", ""), *of], every


def _table(of, estimates, drawn, confidence):
    """One row a figure and component."""
    n_components = estimates.shape[1]
    beyond = norm.ppf(0.5 + confidence / 2)
    parts = []
    for i, (figure, column, level) in enumerate(of):
        there, back = _SCALES[figure]
        error = there(drawn[:, i]).std(axis=0, ddof=1)
        middle = there(estimates[i])
        parts.append(
            pd.DataFrame(
                {
                    "figure": figure,
                    "column": column,
                    "level": level,
                    "component": np.arange(n_components),
                    "estimate": estimates[i],
                    "std_error": drawn[:, i].std(axis=0, ddof=1),
                    "low": back(middle - beyond * error),
                    "high": back(middle + beyond * error),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
