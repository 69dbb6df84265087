"""How customers answer rather than what: straight lines, haste, agreeing to all."""

import numpy as np
import pandas as pd

from custseg.columns import check_names, quoted
from custseg.exceptions import DataQualityError, SchemaError
from custseg.surveys._items import read_answers

__all__ = ["check_style", "flag_responses", "learn_style"]

_LEAST_ANSWERS = 3  # fewer equal answers are no straight line


# -- agreeing to all -----------------------------------------------------------------


def check_style(acquiescence, ipsatize, output, n_items):
    """Refuse a mean answer that is taken off where it cannot be.

    Parameters
    ----------
    acquiescence : bool or tuple of str
    ipsatize : bool
    output : {"scales", "items", "factors"}
    n_items : int

    Raises
    ------
    ValueError
        If both are asked for, factors are, or there is one item only.
    """
    if acquiescence and ipsatize:
        raise ValueError(
            "correct_acquiescence and ipsatize must not come together. Got both "
            "instead. Each takes off a mean answer: choose one."
        )
    if not acquiescence and not ipsatize:
        return
    if output == "factors":
        raise ValueError(
            "output='factors' must have items of full rank. Got items with a mean "
            f"taken off instead, which have {n_items - 1} dimensions for {n_items} "
            "items. Leave out ipsatize and correct_acquiescence, or take another "
            "output."
        )
    if n_items < 2:
        raise ValueError(
            "A mean must be taken off two items or more. Got one item instead. Leave "
            "out ipsatize and correct_acquiescence."
        )


def learn_style(acquiescence, ipsatize, scales, signs, points):
    """Return how the mean answer that is taken off is found.

    That is a customer's mean over items as they were answered, before any is turned,
    less the midpoint of the answer scale.

    Parameters
    ----------
    acquiescence : bool or tuple of str
        Whether it is found from the scales, or which of them it is found from.
    ipsatize : bool
        Whether it is found from all items.
    scales : dict of str to tuple of str
        All items in one where there are no scales.
    signs : dict of str to float
        By item, -1 if it is reverse-keyed, else 1.
    points : tuple of float

    Returns
    -------
    (weights, offset, shift) or None
        ``keyed @ weights + offset`` is the mean; `shift` is taken off each item
        besides, so that ipsatised answers are about 0.

    Raises
    ------
    SchemaError
        If `acquiescence` names a scale that there is not.
    ValueError
        If a scale has not as many reverse-keyed items as others.
    """
    if not acquiescence and not ipsatize:
        return None
    middle = sum(points) / 2
    if ipsatize:
        return (*_mean_answer(signs, set(signs), middle), middle)
    if not isinstance(acquiescence, bool | np.bool_):
        wanted = [str(scale) for scale in acquiescence]
        check_names("correct_acquiescence", wanted, scales, what="scales")
        scales = {scale: scales[scale] for scale in wanted}
    turned = {
        scale: sum(signs[item] < 0 for item in items) for scale, items in scales.items()
    }
    lacking = [
        f"{scale!r} ({turned[scale]} of {len(items)})"
        for scale, items in scales.items()
        if 2 * turned[scale] != len(items)
    ]
    if lacking:
        raise ValueError(
            "Each scale must have as many reverse-keyed items as others to tell "
            f"acquiescence from opinion. Got {', '.join(lacking)} instead (scale, "
            "reverse-keyed items). Name balanced scales in correct_acquiescence, or "
            "leave it out."
        )
    chosen = {item for items in scales.values() for item in items}
    return (*_mean_answer(signs, chosen, middle), 0.0)


def _mean_answer(signs, chosen, middle):
    """Weights of keyed answers in the mean answer to the chosen items, and offset."""
    each = [sign * (item in chosen) for item, sign in signs.items()]
    turned = sum(sign < 0 for item, sign in signs.items() if item in chosen)
    offset = middle * (2 * turned / len(chosen) - 1)
    return np.array(each) / len(chosen), float(offset)


# -- straight lines and haste --------------------------------------------------------


def flag_responses(X, *, seconds=None, max_run=None, min_seconds=2.0):
    """Flag customers who hardly read the questions.

    Straight-liners give one answer to item after item; speeders answer faster than
    one can read. Nobody is dropped: look, and leave out whom you will.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Answers as they were given, in the order of the questionnaire, with
        reverse-keyed items not turned: they are what gives straight-liners away.
        Missing answers allowed.
    seconds : str, array-like of shape (n_customers,) or None, default=None
        Time that each customer took for these items, in seconds; the name of a column
        of X, which then is no item, or the times themselves. None flags no speeders.
    max_run : int or None, default=None
        Equal answers in a row from which on a customer is a straight-liner. None asks
        that all answers given are equal (three or more).
    min_seconds : float, default=2.0
        Seconds per answer below which a customer is a speeder [1]_.

    Returns
    -------
    DataFrame of shape (n_customers, n_columns)
        `answered` (number of answers given), `longest_run` (largest number of equal
        answers in a row, skipped items left out), `sd` (of the customer's answers;
        0 for one answer to all, NaN for none), `straight_liner`; with `seconds` also
        `seconds_per_answer` and `speeder`; and `flagged`, either of the two. Rows are
        labelled as those of a pandas table.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, names are not unique, or `seconds` is not
        there or has another length.
    DataQualityError
        If an answer is infinite or a time is not positive.
    ValueError
        If `max_run` is below 2 or `min_seconds` is not positive.

    Notes
    -----
    Who has no time on record is no speeder. Both rules look at one customer alone, so
    that a flag does not depend on who else is in the table. Without reverse-keyed items
    one answer to all may be meant; for short scales it often is.

    References
    ----------
    .. [1] Huang, J. L., Curran, P. G., Keeney, J., Poposki, E. M. and DeShon, R. P.
       (2012). Detecting and deterring insufficient effort responding to surveys.
       Journal of Business and Psychology 27, 99-114.
       https://doi.org/10.1007/s10869-011-9231-8
    .. [2] Meade, A. W. and Craig, S. B. (2012). Identifying careless responses in
       survey data. Psychological Methods 17(3), 437-455.
       https://doi.org/10.1037/a0028085

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.surveys import flag_responses
    >>> answers = pd.DataFrame(
    ...     {
    ...         "plan": [5, 3, 2],
    ...         "order": [4, 3, 1],
    ...         "spur": [1, 3, None],
    ...         "chaos": [2, 3, 5],
    ...         "time": [31.0, 12.0, 4.5],
    ...     },
    ...     index=["ada", "ben", "cem"],
    ... )
    >>> flags = flag_responses(answers, seconds="time")
    >>> flags[["answered", "longest_run", "straight_liner", "speeder"]]
         answered  longest_run  straight_liner  speeder
    ada         4            1           False    False
    ben         4            4            True    False
    cem         3            1           False     True
    """
    if max_run is not None and not max_run >= 2:
        raise ValueError(
            f"max_run must be 2 or more, or None. Got {max_run!r} instead. Half of the "
            "items is a usual choice."
        )
    if not min_seconds > 0:
        raise ValueError(
            f"min_seconds must be positive. Got {min_seconds!r} instead. Leave "
            "`seconds` out to flag no speeders."
        )
    names, answers = read_answers(X, answered=False)
    answers, times = _split_times(names, answers, seconds)
    answered = np.count_nonzero(~np.isnan(answers), axis=1)
    runs = _longest_runs(answers)
    straight = (answered >= _LEAST_ANSWERS) & (runs == answered)
    if max_run is not None:
        straight |= runs >= max_run
    table = {
        "answered": answered,
        "longest_run": runs,
        "sd": _spreads(answers),
        "straight_liner": straight,
    }
    flagged = straight
    if times is not None:
        each = np.full(len(times), np.nan)
        np.divide(times, answered, out=each, where=answered > 0)
        table |= {"seconds_per_answer": each, "speeder": each < min_seconds}
        flagged = straight | table["speeder"]
    index = X.index if isinstance(X, pd.DataFrame) else None
    return pd.DataFrame({**table, "flagged": flagged}, index=index)


def _split_times(names, answers, seconds):
    """Return the answers to items and the times, None if there are none."""
    if seconds is None:
        return answers, None
    if isinstance(seconds, str):
        if seconds not in names or len(names) < 2:
            raise SchemaError(
                "seconds must name a column beside the items. Got "
                f"{seconds!r} instead. There are {quoted(names, limit=12)}."
            )
        place = names.index(seconds)
        times, answers = answers[:, place], np.delete(answers, place, axis=1)
    else:
        times = np.asarray(seconds, dtype=float)
        if times.shape != (len(answers),):
            raise SchemaError(
                f"seconds must have one time for each of {len(answers)} customers. Got "
                f"shape {times.shape} instead. Take both from one table."
            )
    wrong = np.flatnonzero(~(times > 0) & ~np.isnan(times) | np.isinf(times))
    if len(wrong):
        raise DataQualityError(
            f"Times must be positive numbers of seconds. Got others in {len(wrong)} of "
            f"{len(times)} rows (first: row {wrong[0]}) instead. Correct them or mark "
            "them as missing."
        )
    return answers, times


def _longest_runs(answers):
    """Largest number of equal answers in a row; skipped items do not end a run."""
    longest, run = np.zeros(len(answers), dtype=int), np.zeros(len(answers), dtype=int)
    last = np.full(len(answers), np.nan)
    for answer in answers.T:
        known = ~np.isnan(answer)
        run = np.where(known, np.where(answer == last, run + 1, 1), run)
        last = np.where(known, answer, last)
        longest = np.maximum(longest, run)
    return longest


def _spreads(answers):
    """Return the standard deviation of each customer's answers, NaN without any."""
    known = ~np.isnan(answers)
    count = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, answers, 0.0)
    means = filled.sum(axis=1) / count
    squares = np.where(known, np.square(filled - means[:, np.newaxis]), 0.0)
    return np.where(known.any(axis=1), np.sqrt(squares.sum(axis=1) / count), np.nan)
