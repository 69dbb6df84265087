"""The choice among candidates, or why none may be chosen."""

from pandas.api.types import is_hashable

from custseg.exceptions import DegenerateFitError
from custseg.selection._candidates import grouped_reasons
from custseg.selection._rules import best, last_stable, simplest_within_one_error


def choose(results, rule, criterion):
    """Choose among the candidates that may be chosen.

    Parameters
    ----------
    results : DataFrame
    rule : str or callable
    criterion : str

    Returns
    -------
    chosen : int
        Row of the results.
    note : str
        What the user is to be warned of, or "".

    Raises
    ------
    DegenerateFitError
        If none may be chosen.
    ValueError
        If a callable returns something else than a row that may be.
    """
    eligible = results[results["eligible"]]
    if eligible.empty:
        raise DegenerateFitError(_refusal(results))
    note = ""
    if callable(rule):
        chosen = rule(results.copy())
        if not is_hashable(chosen) or chosen not in eligible.index:
            raise ValueError(
                "rule must return the index of a row of the results that is "
                f"eligible, one of {list(eligible.index)}. Got {chosen!r} instead. "
                "For example: results.loc[results['eligible'], 'icl'].idxmin()."
            )
    elif rule == "stable":
        chosen, drops = last_stable(results)
        if not drops:
            note = (
                "A drop of stability must be seen for rule='stable' to tell the "
                "number of segments. Got none up to "
                f"{results['n_segments'].max()} segments instead. Try more of "
                "them, or look at the profiles."
            )
    else:
        position = best if rule == "best" else simplest_within_one_error
        chosen = eligible.index[position(eligible, criterion)]
    row = results.loc[chosen]
    if row["notes"]:
        note = (
            f"The chosen candidate ({row['estimator']}, {row['n_segments']} "
            f"segments) warned: {row['notes']}. {note}".rstrip(". ")
        )
    return chosen, note


def _refusal(results):
    failed = not results["sizes"].map(len).any()
    remedy = (
        "Try fewer segments or other estimators, or mend the table."
        if failed
        else "Look for outliers, try other numbers of segments or estimators, "
        "or lower min_segment_share."
    )
    n = len(results)
    return (
        "At least one candidate must be fit to be chosen. Got "
        f"{n} {'candidate that is' if n == 1 else 'candidates that are'} not "
        f"instead: {grouped_reasons(results.to_dict('records'))}. {remedy}"
    )
