"""Rules that choose one candidate from the table of results."""

import numpy as np

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
    """Position of the best candidate; the first listed wins a tie.

    Parameters
    ----------
    candidates : DataFrame
        Rows of the results that may be chosen.
    criterion : str

    Returns
    -------
    position : int
    """
    values = candidates[criterion].to_numpy(dtype=float)
    return int(np.argmax(values if CRITERIA[criterion] else -values))


def simplest_within_one_error(candidates, criterion):
    """Position of the candidate of fewest segments within one error of the best."""
    values = candidates[criterion].to_numpy(dtype=float)
    errors = candidates[STD_ERRORS[criterion]].to_numpy(dtype=float)
    top = values.argmax()
    near = np.flatnonzero(values >= values[top] - np.nan_to_num(errors[top]))
    numbers = candidates["n_segments"].to_numpy()[near]
    return int(near[np.lexsort((-values[near], numbers))[0]])


def last_stable(results):
    """Row of the most stable candidate after which stability drops for good.

    Of each estimator the number of segments is `stable_number` of all its fitted
    candidates, also of those that may not be chosen; where that one may not be, of
    those with fewer. Among estimators the one with the largest lower quartile is
    taken, by the silhouette where these are equal.

    Returns
    -------
    row : label of the results' index
    drops : bool
        Whether a drop was seen for that estimator.
    """
    options = []
    known = results[results["stability_q25"].notna()].sort_values("n_segments")
    for _, rows in known.groupby("estimator", sort=False):
        while rows["eligible"].any():
            numbers, quartiles = rows["n_segments"], rows["stability_q25"]
            number, drops = stable_number(numbers.to_numpy(), quartiles.to_numpy())
            row = rows.index[(numbers == number).to_numpy().argmax()]
            if rows.loc[row, "eligible"]:
                of_row = rows.loc[row, ["stability_q25", "silhouette"]]
                of_row = of_row.astype(float).fillna(-1)
                options.append((*of_row, -row, drops))
                break
            rows = rows[numbers < number]
    *_, row, drops = max(options)
    return -row, drops


def why_not(results, criterion, min_segment_share, n_customers):
    """Why candidates may not be chosen, one sentence each, "" for those that may.

    Returns
    -------
    reasons : list of str
    """
    needed = "stability_q25" if criterion == "stability" else criterion
    reasons = []
    for row in results.itertuples():
        smallest = min(row.sizes, default=0)
        reason = row.reason
        if not reason and (row.smallest_share < min_segment_share or smallest == 0):
            reason = (
                f"smallest segment has {smallest:g} of {n_customers:g} customers, "
                f"under min_segment_share={min_segment_share:g}"
            )
        if not reason and np.isnan(getattr(row, needed)):
            reason = _MISSING[criterion]
        reasons.append(reason)
    return reasons
