"""The candidates of a search: fitted, refitted, and with labels of other customers."""

from contextlib import contextmanager
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from joblib import hash as hash_of

from custseg._sklearn import has_callbacks
from custseg._utils._pipelines import last_step
from custseg.selection._candidate import Candidate, behind, fit_last, prepare
from custseg.selection._choice import check_likelihoods_compare
from custseg.selection._refits import refit_all
from custseg.selection._scores import add_gaps, add_stability

_N_BOOTSTRAPS = 100
_N_REFERENCES = 20


def candidates_of(search, estimators, numbers, X, sample_weight, seed):
    """Fit all candidates in parallel, and tell callbacks of each.

    Parameters
    ----------
    search : SegmentSearch
    estimators : list of (name, estimator)
    numbers : list of int
    X : table of shape (n_customers, n_features)
    sample_weight : ndarray of shape (n_customers,) or None
    seed : int or None

    Returns
    -------
    candidates : list of Candidate
        Of the first estimator with every number, then of the next.
    """
    size = len(numbers)
    context = search._init_callback_context(
        max_subtasks=len(estimators) * size, sequential_subtasks=False
    )
    context.call_on_fit_task_begin(estimator=search, X=X)
    units, pipelines = [], {}
    for i, (name, estimator) in enumerate(estimators):
        one = prepare(name, estimator, X, seed=seed, sample_weight=sample_weight)
        # Fitted steps stay here, where all numbers of segments share them.
        pipelines[name], one = one.pipelines, one._replace(pipelines=())
        contexts = [None] * size
        if has_callbacks(search):
            tasks = [
                context.subcontext(task_name=f"{name}, {n} segments", task_id=j)
                for j, n in enumerate(numbers, i * size)
            ]
            contexts = [partial(_told, search, X, task) for task in tasks]
        # A tree is cut at all numbers where it was grown.
        step = size if hasattr(one.last, "cut") else 1
        units += [
            (one, numbers[j : j + step], sample_weight, contexts[j : j + step], True)
            for j in range(0, size, step)
        ]
    done = Parallel(n_jobs=search.n_jobs, verbose=search.verbose)(
        delayed(fit_last)(*unit) for unit in units
    )
    context.call_on_fit_task_end(estimator=search, X=X)
    candidates = [one for some in done for one in some]
    for one in candidates:
        if one.labels is not None:
            one.estimator = behind(pipelines[one.name], one.estimator)
    check_likelihoods_compare(candidates, X, search.criterion)
    return candidates


@contextmanager
def _told(search, X, context, last):
    """Tell callbacks of the fit of one candidate."""
    with context.propagate_callback_context(last):
        context.call_on_fit_task_begin(estimator=search, X=X)
        yield
        context.call_on_fit_task_end(estimator=search, X=X)


def add_refits(search, candidates, estimators, X, Z, *, sample_weight, seed):
    """Add the criteria that need refits to references and to resamples.

    Parameters
    ----------
    search : SegmentSearch
    candidates : list of Candidate
        Changed in place.
    estimators : dict of str to estimator
        Unfitted, by the name of their candidates.
    X : table of shape (n_customers, n_features)
    Z : ndarray of shape (n_customers, n_columns)
        The common space.
    sample_weight : ndarray of shape (n_customers,) or None
    seed : int or None

    Returns
    -------
    stability : StabilityResult or None
        None without resamples.
    """
    n_bootstraps, n_references = search.n_bootstraps, search.n_references
    if n_bootstraps is None:
        wanted = search.rule == "stable" or search.criterion == "stability"
        wanted |= search.rule == "one_se" and search.criterion == "silhouette"
        n_bootstraps = _N_BOOTSTRAPS * wanted
    if n_references is None:
        n_references = _N_REFERENCES * (search.criterion == "gap")
    options = {"sample_weight": sample_weight, "seed": seed}
    if n_references and search.score_on is None:
        bare = {k: one for k, one in estimators.items() if not hasattr(one, "steps")}
        of_gaps = {"n_references": n_references, "n_jobs": search.n_jobs}
        add_gaps(candidates, bare, Z, **of_gaps, **options)
    if not n_bootstraps:
        return None
    stability = refit_all(
        candidates,
        estimators,
        X,
        n_bootstraps=n_bootstraps,
        n_jobs=search.n_jobs,
        verbose=search.verbose,
        keep_labels=True,
        **options,
    )
    add_stability(candidates, stability, Z, **options)
    return stability


def digest_of(Z):
    """Tell customers from others without keeping them."""
    return hash_of(np.ascontiguousarray(Z))


def candidates_on(search, X, own, sample_weight):
    """Return the candidates of a fitted search with the labels of customers.

    Parameters
    ----------
    search : SegmentSearch
    X : table of shape (n_customers, n_features)
    own : bool
        Whether they are those of the fit, which keep the labels that they have: a tree
        does not predict them again.
    sample_weight : ndarray of shape (n_customers,) or None

    Returns
    -------
    candidates : list of Candidate
    """
    candidates = []
    for row in search.results_.itertuples():
        name, number = row.estimator, row.n_segments
        estimator = search.candidates_.get((name, number))
        if estimator is None:
            failed = Candidate(name, number, reason="not fitted by the search")
            candidates.append(failed)
            continue
        labels = getattr(last_step(estimator), "labels_", None)
        if not (own and labels is not None):
            if not hasattr(estimator, "predict"):
                raise ValueError(
                    f"X must be the {len(labels)} customers of fit for a candidate "
                    f"without predict. Got {len(X)} others for {name} instead. Leave "
                    "that estimator out of the search, or pass the customers of fit, "
                    "in their order."
                )
            labels = estimator.predict(X)
        labels = np.asarray(labels)
        candidates.append(
            Candidate.fitted(name, number, estimator, labels, sample_weight)
        )
    return candidates
