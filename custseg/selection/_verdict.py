"""What kind of segmentation it is: natural, reproducible or constructive."""

from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed
from custseg.cluster import (
    KMeansSegmenter,
    best_match,
    crossed,
    moved_share,
    segment_multiplicity,
)
from custseg.selection._fitting import fit_numbers

# Of the adjusted Rand index .8 is good and .9 excellent agreement (Steinley, 2004,
# doi 10.1037/1082-989X.9.3.386); of Jaccard similarities .75 is a valid, stable segment
# (Hennig, 2007, doi 10.1016/j.csda.2006.11.025). The level of the tests is ours.
GOOD, EXCELLENT = 0.8, 0.9
VALID = 0.75
LEVEL = 0.05
_HARDLY = 0.05  # share of customers whom another solution may move
_N_RIVALS = 10
_AS_GOOD = 2  # difference of BIC
_AS_TIGHT = 0.001  # of the inertia, as for `segment_multiplicity`
_SAME = 0.001  # share of customers moved up to which two solutions are one


class Evidence(NamedTuple):
    """Figures that a verdict goes by; None where something was not looked at."""

    adjusted_rand: float  # median over pairs of refits
    n_pairs: int
    jaccard: float  # mean of the weakest segment over bootstrap samples
    structure: float | None  # p-value
    unimodality: float | None  # p-value
    n_solutions: int | None  # about as good as the best
    moved: float | None  # largest share of customers whom one of them moves


def judge(evidence):
    """Decide by rules (Dolnicar and Leisch, 2010, have the three kinds).

    - natural: there are segments, with gaps between them (both tests reject at .05),
      and they come back: an adjusted Rand index of .9 and a Jaccard similarity of .75
      for every segment, and no other solution as good that moves more than 5 % of
      customers;
    - reproducible: they come back, with an adjusted Rand index of .8;
    - constructive: they do not; segments are made, not found.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    kind : str
    figures : str
    """
    one_of_many = evidence.moved is not None and evidence.moved > _HARDLY
    tested = evidence.structure is not None and evidence.unimodality is not None
    found = tested and max(evidence.structure, evidence.unimodality) <= LEVEL
    back = evidence.adjusted_rand >= EXCELLENT and evidence.jaccard >= VALID
    if found and back and not one_of_many:
        kind = "natural"
    elif evidence.adjusted_rand >= GOOD:
        kind = "reproducible"
    else:
        kind = "constructive"
    parts = [
        _agreement_in_words(evidence),
        _structure_in_words(evidence),
        _multiplicity_in_words(evidence, one_of_many),
    ]
    return kind, "; ".join(parts) + "."


def _agreement_in_words(evidence):
    if not evidence.n_pairs:
        return "there is one segment only, or refits failed, so nothing was compared"
    pairs = "pairs of refits agree"
    if evidence.n_pairs == 1:
        pairs = "pair of refits agrees"
    return (
        f"{evidence.n_pairs} {pairs} by {evidence.adjusted_rand:.2f} "
        "(median adjusted Rand index), the weakest segment comes back by "
        f"{evidence.jaccard:.2f} (Jaccard)"
    )


def _structure_in_words(evidence):
    if evidence.structure is None or evidence.unimodality is None:
        return "whether there are segments at all was not tested"
    p = f"p = {evidence.structure:.2g}"
    dip = f"dip, p = {evidence.unimodality:.2g}"
    if evidence.structure > LEVEL:
        said = f"customers without segments can look the same ({p})"
    else:
        said = f"customers without segments look different ({p})"
    if evidence.unimodality > LEVEL:
        return f"{said}, and no gap is seen between segments ({dip})"
    return f"{said}, and there is a gap between segments ({dip})"


def _multiplicity_in_words(evidence, one_of_many):
    if evidence.n_solutions is None:
        return "other solutions were not looked for"
    if one_of_many:
        return (
            f"one of {evidence.n_solutions} solutions as good, one of which moves "
            f"{evidence.moved:.0%} of customers"
        )
    if evidence.n_solutions == 1:
        return "no other solution is as good"
    others = "other solutions as good move"
    if evidence.n_solutions == 2:
        others = "other solution as good moves"
    return (
        f"{evidence.n_solutions - 1} {others} at most {evidence.moved:.0%} of customers"
    )


def evidence_of(adjusted_rand, jaccard, structure, unimodality, rivals):
    """Collect figures of one candidate.

    Parameters
    ----------
    adjusted_rand : ndarray of shape (n_pairs,)
        NaN for refits that failed.
    jaccard : ndarray of shape (n_segments,)
    structure, unimodality : object with `p_value`, or None
    rivals : ndarray of shape (n_solutions,) or None
        Share of customers whom each solution as good moves.

    Returns
    -------
    evidence : Evidence
    """
    known = adjusted_rand[~np.isnan(adjusted_rand)]
    return Evidence(
        adjusted_rand=float(np.median(known)) if len(known) else 0.0,
        n_pairs=len(known),
        jaccard=float(np.nanmin(jaccard)) if len(jaccard) else 0.0,
        structure=None if structure is None else structure.p_value,
        unimodality=None if unimodality is None else unimodality.p_value,
        n_solutions=None if rivals is None else len(rivals),
        moved=None if rivals is None else float(np.max(rivals)),
    )


def rivals_of(fit, X, *, sample_weight, seed):
    """Share of customers whom each solution that is as good puts elsewhere.

    Of k-means those within a thousandth of the inertia (`segment_multiplicity`, and ten
    more fits from other starts of scikit-learn's); of mixtures those of ten more fits
    whose BIC is within 2 of it, which is no evidence for either (Kass and Raftery,
    1995, doi 10.1080/01621459.1995.10476572). None for others, trees among them.

    Parameters
    ----------
    fit : Fit or None
    X : table of shape (n_customers, n_features)
        What it was fitted on.

    Returns
    -------
    moved : ndarray of shape (n_solutions,) or None
        The first is zero, the solution itself.
    """
    if fit is None:
        return None
    last = last_step(fit.estimator)
    if isinstance(last, KMeansSegmenter):
        found = segment_multiplicity(
            X, fit.estimator, sample_weight=sample_weight, random_state=seed
        )
        return found.moved
    cost = _cost_of(last, len(fit.labels))
    if cost is None:
        return None
    rng = np.random.RandomState(seed)
    moved = [0.0]
    for _ in range(_N_RIVALS):
        other = clone(fit.estimator).set_params(**_unseeded(fit.estimator))
        (again,) = fit_numbers(
            other, (None,), X, seed=draw_seed(rng), sample_weight=sample_weight
        )
        if again.labels is None:
            continue
        of_other, _ = _cost_of(last_step(again.estimator), len(fit.labels))
        if of_other > sum(cost):
            continue
        n_segments = int(max(fit.labels.max(), again.labels.max())) + 1
        table = crossed(fit.labels, again.labels, n_segments, sample_weight)
        share = moved_share(table, best_match(table))
        if share > _SAME:
            moved.append(share)
    return np.array(moved)


def _cost_of(last, n_customers):
    """Return what a fit makes small and how much more is as good, or None."""
    if hasattr(last, "bic_"):
        return last.bic_, _AS_GOOD
    # A variational bound, which has no BIC beside it, is not the likelihood.
    if hasattr(last, "lower_bound_") and hasattr(last, "bic"):
        return -2 * n_customers * last.lower_bound_, _AS_GOOD
    if hasattr(last, "inertia_"):
        return last.inertia_, _AS_TIGHT * last.inertia_
    return None


def _unseeded(estimator):
    """Parameters that leave every random state of an estimator to a new seed."""
    return {
        name: None
        for name in estimator.get_params(deep=True)
        if name.split("__")[-1] == "random_state"
    }
