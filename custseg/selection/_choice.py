"""The choice among candidates: which may be chosen, and the rules that choose one."""

import numpy as np
from pandas.api.types import is_hashable

from custseg._utils._pipelines import at_last_step
from custseg.exceptions import DegenerateFitError
from custseg.selection._scores import by_estimator, results_table
from custseg.selection._stability_result import stable_number

# Criteria and whether larger is better.
CRITERIA = {
    "silhouette": True,
    "calinski_harabasz": True,
    "davies_bouldin": False,
    "gap": True,
    "bic": False,
    "icl": False,
    "stability": True,
}
_TWO = "needs two segments or more, fewer than customers, and weights that count them"
_MISSING = {
    "silhouette": f"a silhouette {_TWO}",
    "calinski_harabasz": f"the criterion of Calinski and Harabasz {_TWO}",
    "davies_bouldin": f"the criterion of Davies and Bouldin {_TWO}",
    "gap": "the gap needs an estimator that is fitted in the common space",
    "bic": "the model has no BIC",
    "icl": "the model has no ICL",
    "stability": "stability needs two segments or more, and refits that succeed",
}
STD_ERRORS = {"silhouette": "silhouette_boot_se", "gap": "gap_se"}


def best(candidates, criterion):
    """Return the best candidate; the first listed wins a tie."""
    sign = 1 if CRITERIA[criterion] else -1
    return max(candidates, key=lambda one: sign * one.criteria[criterion])


def simplest_within_one_error(candidates, criterion):
    """Return the candidate of fewest segments found within one error of the best."""
    top = best(candidates, criterion)
    error = np.nan_to_num(top.criteria.get(STD_ERRORS[criterion], np.nan))
    least = top.criteria[criterion] - error
    near = [one for one in candidates if one.criteria[criterion] >= least]
    return min(near, key=lambda one: (one.found, -one.criteria[criterion]))


def last_stable(candidates):
    """Return the most stable candidate after which stability drops for good.

    Of each estimator the number of segments is `stable_number` of all its fitted
    candidates, also of those that may not be chosen; where that one may not be, of
    those with fewer. Among estimators the one with the largest lower quartile is
    taken, by the silhouette where these are equal.

    Returns
    -------
    candidate : Candidate
    drops : bool
        Whether a drop was seen for that estimator.
    """

    def quartile(one):
        return one.criteria.get("stability_q25", np.nan)

    options = []
    for of_one in by_estimator(candidates).values():
        known = sorted(
            (one for one in of_one if not np.isnan(quartile(one))),
            key=lambda one: one.asked,
        )
        while not all(one.reason for one in known):
            numbers = [one.asked for one in known]
            number, drops = stable_number(
                np.array(numbers), np.array([quartile(one) for one in known])
            )
            place = numbers.index(number)
            if not known[place].reason:
                options.append((known[place], drops))
                break
            known = known[:place]

    def standing(option):
        silhouette = option[0].criteria.get("silhouette", np.nan)
        return quartile(option[0]), -1 if np.isnan(silhouette) else silhouette

    return max(options, key=standing)


def _say_why_not(candidates, criterion, min_segment_share):
    """Set why candidates may not be chosen, one sentence each.

    Parameters
    ----------
    candidates : list of Candidate
        Those that failed have their reason.
    criterion : str
        What is needed of the others.
    min_segment_share : float
    """
    needed = "stability_q25" if criterion == "stability" else criterion
    for one in candidates:
        if one.reason:
            continue
        share = one.smallest_share
        if share == 0 or share < min_segment_share:
            one.reason = (
                f"smallest segment has {min(one.sizes, default=0):g} of "
                f"{one.n_customers:g} customers, "
                f"under min_segment_share={min_segment_share:g}"
            )
        elif np.isnan(one.criteria.get(needed, np.nan)):
            one.reason = _MISSING[criterion]


def check_likelihoods_compare(candidates, X, criterion):
    """Refuse to compare likelihoods of different columns, where they are compared."""
    if criterion not in ("bic", "icl"):
        return
    spaces = {}
    for name, of_one in by_estimator(candidates).items():
        known = [one for one in of_one if "bic" in one.criteria]
        if known:
            spaces[name] = at_last_step(known[0].estimator, X)[1]
    first = next(iter(spaces.values()), None)
    # A table of levels with gaps equals nothing, not even itself.
    others = [
        name
        for name, table in spaces.items()
        if table is not first
        and not np.array_equal(np.asarray(first), np.asarray(table))
    ]
    if others:
        raise ValueError(
            f"criterion={criterion!r} must compare likelihoods of the same columns, "
            f"scaled alike. Got others for {', '.join(others)} than for "
            f"{next(iter(spaces))} instead. Put one transformer before the search, or "
            "search each by itself."
        )


def choose(candidates, rule, criterion, min_segment_share):
    """Choose among the candidates that may be chosen.

    Parameters
    ----------
    candidates : list of Candidate
        Those that may not be chosen get their reason.
    rule : str or callable
    criterion : str
    min_segment_share : float

    Returns
    -------
    chosen : Candidate
    note : str
        What the user is to be warned of, or "".

    Raises
    ------
    DegenerateFitError
        If none may be chosen.
    ValueError
        If a callable returns something else than a row that may be.
    """
    needed = "stability" if rule == "stable" else criterion
    _say_why_not(candidates, needed, min_segment_share)
    eligible = [one for one in candidates if not one.reason]
    if not eligible:
        raise DegenerateFitError(_refusal(candidates))
    note = ""
    if callable(rule):
        row = rule(results_table(candidates))
        rows = [i for i, one in enumerate(candidates) if not one.reason]
        if not is_hashable(row) or row not in rows:
            raise ValueError(
                "rule must return the index of a row of the results that is "
                f"eligible, one of {rows}. Got {row!r} instead. "
                "For example: results.loc[results['eligible'], 'icl'].idxmin()."
            )
        chosen = candidates[int(row)]
    elif rule == "stable":
        chosen, drops = last_stable(candidates)
        if not drops:
            note = (
                "A drop of stability must be seen for rule='stable' to tell the "
                "number of segments. Got none up to "
                f"{max(one.asked for one in candidates)} segments instead. Try more of "
                "them, or look at the profiles."
            )
    elif rule == "best":
        chosen = best(eligible, criterion)
    else:
        chosen = simplest_within_one_error(eligible, criterion)
    if chosen.notes:
        note = (
            f"The chosen candidate ({chosen.name}, {chosen.asked} "
            f"segments) warned: {chosen.notes}. {note}".rstrip(". ")
        )
    return chosen, note


def _refusal(candidates):
    """Write why none may be chosen, each reason once with its candidates."""
    groups = {}
    for one in candidates:
        names = groups.setdefault(one.reason.rstrip("."), {})
        names.setdefault(one.name, []).append(str(one.asked))
    said = []
    for reason, names in groups.items():
        tried = (f"{name} {', '.join(numbers)}" for name, numbers in names.items())
        said.append(f"{reason} ({'; '.join(tried)})")
    remedy = (
        "Look for outliers, try other numbers of segments or estimators, "
        "or lower min_segment_share."
        if any(one.found for one in candidates)
        else "Try fewer segments or other estimators, or mend the table."
    )
    n = len(candidates)
    return (
        "At least one candidate must be fit to be chosen. Got "
        f"{n} {'candidate that is' if n == 1 else 'candidates that are'} not "
        f"instead: {' | '.join(said)}. {remedy}"
    )


def no_such_candidate(results, estimator, n_segments):
    """Make the error for a candidate that a search has not, or could not fit."""
    asked = (results["estimator"] == estimator) & (results["n_segments"] == n_segments)
    if asked.any():
        return DegenerateFitError(
            f"The candidate must have been fitted. Got {estimator!r} with "
            f"{n_segments} segments instead, which failed: "
            f"{results.loc[asked, 'reason'].iloc[0]}"
        )
    names = ", ".join(map(repr, dict.fromkeys(results["estimator"])))
    numbers = ", ".join(map(str, dict.fromkeys(results["n_segments"])))
    return ValueError(
        f"The candidate must be one of {names} with {numbers} segments. Got "
        f"{estimator!r} with {n_segments!r} instead. See results_."
    )
