"""Would the segments come back? Stability over refits to resamples."""

import warnings
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.utils import check_array

from custseg._sklearn import check_weights
from custseg._utils._pipelines import at_last_step
from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning
from custseg.selection._candidate import Candidate, fit_candidates
from custseg.selection._null import LEVEL, check_whole
from custseg.selection._refits import refit_all, rivals_of
from custseg.selection._resampling import SCHEMES
from custseg.selection._search_candidates import candidates_on, digest_of
from custseg.selection._search_inputs import (
    check_numbered,
    check_weights_taken,
    checked_estimators,
    checked_numbers,
    common_space,
    named,
    one_table,
    seed_of,
)
from custseg.selection._stability_result import stable_number
from custseg.selection._structure import structure_test
from custseg.selection._unimodality import unimodality_test

_FEWEST_DRAWS = round(1 / LEVEL) - 1  # for the least p-value to reach the level


def bootstrap_stability(
    estimator,
    X,
    *,
    n_segments=None,
    n_bootstraps=100,
    schemes=("bootstrap",),
    n_null=99,
    sample_weight=None,
    n_jobs=None,
    random_state=None,
    verbose=0,
):
    """Tell whether the segments of an estimator would come back with other customers.

    The estimator is fitted to pairs of bootstrap samples; the two answers of a pair
    label all customers, and their adjusted Rand index says how far they agree (Dolnicar
    and Leisch, 2010). Each segment is looked for in every refit by its Jaccard
    similarity (Hennig, 2007).

    Parameters
    ----------
    estimator : clusterer, or Pipeline that ends in one
        Not changed. Without `predict` its segments are carried to other customers by
        a few prototypes each.
    X : table of shape (n_customers, n_features)
        What the estimator takes.
    n_segments : sequence of int, default=None
        Numbers of segments to try; None takes the estimator as it is.
    n_bootstraps : int, default=100
        Pairs of bootstrap samples, and resamples of each other scheme.
    schemes : sequence of str, default=("bootstrap",)
        Which disturbances the segments are to come back under: "bootstrap";
        "subset", half of the customers; "noise", a twentieth of them replaced by
        uniform points; "jitter", a little normal noise for all; "bootstrap_jitter",
        both. The last three need a table of numbers.
    n_null : int, default=99
        Draws of the test whether there are segments at all, 19 or more, as fewer
        cannot reach the level .05; 0 leaves tests out, and the verdict says so.
    sample_weight : array-like of shape (n_customers,), default=None
        Weight of each customer, zero or more: how many customers it stands for. Tests
        of structure are left out then.
    n_jobs : int, default=None
        Resamples fitted at a time, as in joblib. Results are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Fills every ``random_state`` that is None in the estimator and seeds all draws.
    verbose : int, default=0
        Above 0 joblib prints its progress.

    Returns
    -------
    result : StabilityResult

    Raises
    ------
    ValueError
        If a scheme is unknown, a count is out of range, or the estimator takes no
        weights that are given.
    SchemaError
        If a scheme needs numbers and the table has other columns.
    DegenerateFitError
        If the estimator cannot be fitted to all customers, puts them all into one
        segment, or cannot be fitted to resamples.
    DataQualityError
        If a scheme needs numbers and some are missing, or a weight is negative.

    Warns
    -----
    SegmentWarning
        If a test of structure is left out, as there are too few customers or columns.

    Notes
    -----
    The figures rise with the number of starts: a worse optimiser looks unstable. Of the
    Jaccard similarity .6 to .75 is a pattern whose members are in doubt, .75 and more a
    valid segment, .85 and more a highly stable one; .5 or less is a segment dissolved
    (Hennig, 2007, and his clusterboot). These are not for the adjusted Rand index.

    Stable is not yet valid: a cloud without segments can be cut in two at the same
    place each time. That is what the tests of structure are for.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2010). Evaluation of structure and reproducibility of
    cluster solutions using the bootstrap. Marketing Letters 21, 83-101.
    https://doi.org/10.1007/s11002-009-9083-4

    Dolnicar, S. and Leisch, F. (2017). Using segment level stability to select target
    segments in data-driven market segmentation studies. Marketing Letters 28, 423-436.
    https://doi.org/10.1007/s11002-017-9423-8

    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational
    Statistics and Data Analysis 52, 258-271.
    https://doi.org/10.1016/j.csda.2006.11.025

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (40, 2)) for m in (0, 6)])
    >>> result = bootstrap_stability(
    ...     KMeansSegmenter(2, n_init=3), X, n_bootstraps=10, n_null=0, random_state=0
    ... )
    >>> result.segments()[["segment", "customers", "bootstrap"]].round(2)
       segment  customers  bootstrap
    0        0         40        1.0
    1        1         40        1.0
    """
    check_n_null(n_null)
    check_whole("n_bootstraps", n_bootstraps, 1)
    checked_estimators([estimator])
    X = one_table(X)
    seed = seed_of(random_state)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, X)
        check_weights_taken(named([estimator]))
    schemes = check_schemes(schemes)
    ((name, estimator),) = named([estimator])
    numbers = (None,) if n_segments is None else tuple(checked_numbers(n_segments))
    if n_segments is not None:
        check_numbered([(name, estimator)])
    candidates = fit_candidates(
        name, estimator, numbers, X, seed=seed, sample_weight=sample_weight
    )
    _check_fitted(candidates)
    result = refit_all(
        candidates,
        {name: estimator},
        X,
        n_bootstraps=n_bootstraps,
        schemes=schemes,
        seed=seed,
        n_jobs=n_jobs,
        verbose=verbose,
        sample_weight=sample_weight,
    )
    frame = result.frame().dropna(subset="adjusted_rand_q25").sort_values("n_segments")
    if frame.empty:
        raise DegenerateFitError(
            "Refits to resamples must be possible. Got only such that failed instead: "
            f"{result.failures['reason'].iloc[0]}"
        )
    number, _ = stable_number(
        frame["n_segments"].to_numpy(), frame["adjusted_rand_q25"].to_numpy()
    )
    (chosen,) = (one for one in candidates if one.key == (name, number))
    return with_tests(
        result,
        chosen,
        X,
        _last_space(chosen.estimator, X),
        n_null=0 if sample_weight is not None else n_null,
        sample_weight=sample_weight,
        seed=seed,
    )


def stability_of(
    search,
    X,
    n_bootstraps,
    sample_weight,
    *,
    schemes,
    n_null,
    n_jobs,
    random_state,
    verbose,
):
    """Tell whether the segments of all candidates of a search would come back.

    Parameters are those of `SegmentSearch.stability`.
    """
    check_n_null(n_null)
    # A copy, as drawing from the search's own would change the search.
    given = deepcopy(search.random_state) if random_state is None else random_state
    seed = seed_of(given)
    Z = common_space(X, search.score_on, search._seed)
    X = one_table(X)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, Z)
        n_null = 0
    weighted = {"sample_weight": sample_weight}
    own = digest_of(Z) == search._digest
    result = refit_all(
        candidates_on(search, X, own, sample_weight),
        dict(search._named_estimators),
        X,
        schemes=check_schemes(schemes),
        seed=seed,
        n_bootstraps=n_bootstraps,
        n_jobs=search.n_jobs if n_jobs is None else n_jobs,
        verbose=verbose,
        **weighted,
    )
    row = search.results_[search.results_["selected"]].iloc[0]
    name, number = row["estimator"], int(row["n_segments"])
    fitted = search.best_estimator_
    if own:
        chosen = Candidate.fitted(name, number, fitted, search.labels_)
    else:
        # Other solutions for other customers are as good as one fitted to them.
        (chosen,) = fit_candidates(name, fitted, (None,), X, **weighted)
        chosen.asked = number
    about = {"n_null": n_null, "seed": seed, "stacklevel": 5, **weighted}
    return with_tests(result, chosen, X, Z, **about)


def _check_fitted(candidates):
    """Refuse candidates of which none has segments that could come back."""
    if all(one.labels is None for one in candidates):
        raise DegenerateFitError(
            "The estimator must be fitted to all customers first. Got an error "
            f"instead: {candidates[0].reason}"
        )
    if all(one.labels is None or one.is_single for one in candidates):
        raise DegenerateFitError(
            "The estimator must find two segments or more for them to come back. Got "
            "all customers in one, or in none, instead. Ask for more segments, or look "
            "at structure_test."
        )


def with_tests(result, chosen, X, Z, *, n_null, sample_weight, seed, stacklevel=4):
    """Select a candidate, and add tests of structure and its rivals.

    Parameters
    ----------
    result : StabilityResult
    chosen : Candidate
        Rivals are left out where it could not be fitted.
    X : table of shape (n_customers, n_features)
        What it was fitted on.
    Z : ndarray of shape (n_customers, n_columns), or None
        The space to test in; None leaves tests out.
    n_null : int
    sample_weight : ndarray of shape (n_customers,) or None
    seed : int or None
    stacklevel : int, default=4
        Of warnings.

    Returns
    -------
    result : StabilityResult
    """
    structure = unimodality = None
    if n_null and Z is not None:
        # A column of one value tells nobody apart, and the tests refuse it.
        Z = Z[:, np.ptp(Z, axis=0) > 0]
        of_null = partial(structure_test, n_draws=n_null)
        structure = _tested(of_null, Z, seed, stacklevel)
        unimodality = _tested(unimodality_test, Z, seed, stacklevel)
    return replace(
        result,
        selected=chosen.key,
        structure=structure,
        unimodality=unimodality,
        rivals=rivals_of(chosen, X, sample_weight=sample_weight, seed=seed),
    )


def _tested(test, Z, seed, stacklevel):
    """Make a test; None, with a warning, where the customers are no case for it."""
    try:
        return test(Z, random_state=seed)
    except (DataQualityError, DegenerateFitError) as error:
        note = f"A test of structure was left out. {error}"
        warnings.warn(note, SegmentWarning, stacklevel=stacklevel)
        return None


def _last_space(estimator, X):
    """Return what the last step gets as numbers, or None where it gets others."""
    try:
        return check_array(at_last_step(estimator, X)[1], dtype=np.float64)
    except (TypeError, ValueError):
        return None


def check_n_null(n_null):
    """Refuse a number of draws that no test could reject by."""
    check_whole("n_null", n_null, 0)
    if 0 < n_null < _FEWEST_DRAWS:
        raise ValueError(
            f"n_null must be 0 or an integer from {_FEWEST_DRAWS} up. Got {n_null} "
            "instead. Fewer draws cannot reach the level .05."
        )


def check_schemes(schemes):
    """Return the schemes, bootstrap among them, or say which is unknown."""
    several = np.iterable(schemes) and not isinstance(schemes, str)
    given = list(schemes) if several else [schemes]
    unknown = [scheme for scheme in given if scheme not in SCHEMES]
    if unknown:
        raise ValueError(
            f"schemes must be of {', '.join(map(repr, SCHEMES))}. Got "
            f"{', '.join(map(repr, unknown))} instead. 'bootstrap' is the usual one."
        )
    return list(dict.fromkeys(["bootstrap", *given]))
