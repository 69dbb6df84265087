"""What segments are worth: how well they tell an outcome that came later."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import rows_at
from custseg._utils._seeds import draw_seed
from custseg.assignment import as_table, check_ids, folds
from custseg.evaluation._out_of_fold import learned_anew
from custseg.evaluation._outcome_columns import (
    outcome_values,
    rfm_columns,
    warn_of_copies,
)
from custseg.evaluation._outcome_measures import (
    Grouping,
    measures_by_chance,
    measures_of,
)
from custseg.evaluation._outcome_result import OutcomeReport

_LEVEL = 0.95
_CELLS = 1 << 20  # of a block of resamples


def outcome_report(
    model,
    X,
    outcome,
    *,
    column=None,
    rfm=None,
    refit=True,
    n_folds=5,
    n_bootstraps=1000,
    random_state=None,
):
    """Measure how well segments tell what customers did afterwards.

    Customers are dealt to folds. The outcome of each is foretold by the mean outcome
    of his segment among the customers of the other folds, on which the model is
    learned anew. Beside the segments stand deciles of recency, frequency and monetary
    value, as many RFM groups as there are segments, and chance.

    Parameters
    ----------
    model : SegmentationModel
        Fitted; it is not changed.
    X : frame or array-like of shape (n_customers, n_columns)
        Customers as they were known when the outcome had not begun.
    outcome : array-like of shape (n_customers,), Series or frame
        Later spend, number of orders, or whether customers answered, bought or left,
        in the order of `X`; or a frame with a column of customer ids, such as
        `summarize_outcome` makes, or a Series whose index has their name, which are
        matched by id. An outcome of True and False or of 0 and 1 is an event, any
        other an amount.
    column : str, default=None
        Which column of the frame is the outcome; None for ``outcome_monetary_total``.
    rfm : sequence of three str, or frame, default=None
        Columns of `X` with recency in days (less is better), frequency, and monetary
        value. None looks for ``recency``, ``frequency`` and ``monetary_value`` or
        ``monetary_total``, and leaves RFM out where there are none. A frame has columns
        of these names, by customer id or in the order of `X`: for a model that takes
        all columns of `X` for its segments.
    refit : bool, default=True
        Whether the model is learned anew without each fold. False takes the segments
        that it has: quicker, and as honest as long as no segment was made with the
        outcome in view.
    n_folds : int, default=5
        Parts that customers are dealt to, of each segment its share.
    n_bootstraps : int, default=1000
        Resamples of customers that intervals come from, and times that the outcome is
        dealt at random.
    random_state : int, RandomState instance or None, default=None
        Deals customers to folds, draws resamples and fills every ``random_state`` that
        is None.

    Returns
    -------
    validation : OutcomeReport
        Its ``verdict`` says it in words, ``frame()`` has the measures and
        ``segments()`` the outcome of each segment.

    Raises
    ------
    TypeError
        If the model is no SegmentationModel.
    NotFittedError
        If it is not fitted.
    SchemaError
        If the outcome is no number or has another length, is one of the columns of
        `X`, is a Series with the index of `X` in another order, ids of customers and
        of the outcome are not the same ones, `column` is given without a frame, or a
        column of `rfm` is not there or no number.
    DataQualityError
        If an outcome is missing or infinite, is the same for all customers, or an id
        is missing or repeats.
    DegenerateFitError
        If the model cannot learn from part of the customers.
    ValueError
        If `n_folds` or `n_bootstraps` is too small.

    Warns
    -----
    SegmentWarning
        If the outcome is a copy of a column of `X`.

    See Also
    --------
    custseg.tables.summarize_outcome : Makes the outcome from transactions.
    assignment_report : How well customers are assigned to the segments.

    Notes
    -----
    ``r2`` is one less the squared errors over those of the mean of the other folds
    (Campbell and Thompson, 2008): 0 for chance, and below it for segments that tell
    less than they take to be estimated; of an event it is the Brier skill score.
    ``auc`` is how often a customer with the event is foretold a higher mean than one
    without, ties counting half. ``lift`` is the mean outcome of the tenth of the
    customers foretold the most, over that of all. Both rank customers within folds.

    RFM scores are means of three ranks, of which groups are cut of equal size; ranks
    and cuts are learned on the other folds as well.

    Intervals are percentiles over resamples of customers, with what is foretold held
    fixed; those of differences resample both sides alike. They leave out the chance
    that lies in the folds and in learning, and are too short for ``auc`` and ``lift``
    of segments that tell nothing. The interval of chance has none of these faults: it
    is where 95 % of the segments' own measures fall when outcomes are dealt to
    customers at random (Good, 2005). The verdict is better than chance only for
    segments that are above it *and* whose own interval is above chance.

    References
    ----------
    Campbell, J. Y. and Thompson, S. B. (2008). Predicting excess stock returns out of
    sample: can anything beat the historical average? Review of Financial Studies
    21(4), 1509-1531. https://doi.org/10.1093/rfs/hhm055

    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman &
    Hall. https://doi.org/10.1201/9780429246593

    Good, P. (2005). Permutation, Parametric and Bootstrap Tests of Hypotheses.
    Springer. https://doi.org/10.1007/b138696

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import outcome_report
    >>> rng = np.random.default_rng(0)
    >>> orders = rng.poisson(np.repeat([3, 20], 100))[:, np.newaxis]
    >>> spent_later = rng.gamma(2, np.repeat([10, 30], 100))
    >>> model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(orders)
    >>> validation = outcome_report(model, orders, spent_later, random_state=0)
    >>> validation.frame()[["groups", "n_groups", "r2", "lift"]].round(2)
         groups  n_groups    r2  lift
    0  segments         2  0.24   1.5
    1    chance         1  0.00   1.0
    """
    _check_model(model)
    _check_numbers(n_folds, n_bootstraps, len(X))
    X = as_table(X)
    name, values = outcome_values(model, X, outcome, column)
    scores = rfm_columns(model, X, rfm)
    warn_of_copies(X, name, values)
    if model.customer_id is not None:
        check_ids(X, model.customer_id)
    kind = "event" if np.isin(values, (0, 1)).all() else "amount"
    rng = check_random_state(random_state)
    seed = None if random_state is None else draw_seed(rng)
    labels = np.asarray(model.predict(X))
    parts = folds(labels, n_folds, seed)
    groups = {"segments": _segments(model, X, parts, labels, refit, seed)}
    # Those in none of the segments are a group of their own.
    n_groups = {"segments": len(np.union1d(model.segment_ids_, labels))}
    if scores is not None:
        n_groups |= {"RFM deciles": 10, "RFM, as many": n_groups["segments"]}
        groups |= {
            one: _rfm_groups(scores, parts, n_groups[one])
            for one in ("RFM deciles", "RFM, as many")
        }
    n_groups["chance"] = 1
    groups["chance"] = [(np.zeros(len(a)), np.zeros(len(b))) for a, b in parts]
    groupings = {one: Grouping(parts, found) for one, found in groups.items()}
    draws = np.random.default_rng(draw_seed(rng))
    sides = {one: grouping.foretell(values) for one, grouping in groupings.items()}
    measured = measures_of(values, sides, kind, n_bootstraps, draws)
    of_segments = _of_segments(model, labels, values, n_bootstraps, draws)
    ours, chance = groupings["segments"], groupings["chance"]
    by_chance = measures_by_chance(values, ours, chance, kind, n_bootstraps, draws)
    return OutcomeReport(
        kind=kind,
        outcome=name,
        measures=_measures(measured, by_chance, n_groups),
        differences=_differences(measured),
        of_segments=of_segments,
        n_customers=len(values),
        n_folds=int(n_folds),
    )


def _check_model(model):
    if not (hasattr(model, "segmenter") and hasattr(model, "assigner")):
        raise TypeError(
            "The model must be a SegmentationModel. Got "
            f"{type(model).__name__} instead. Put it in one: "
            "SegmentationModel(segmenter)."
        )
    check_is_fitted(model)


def _check_numbers(n_folds, n_bootstraps, n_customers):
    for name, value, least, most in (
        ("n_folds", n_folds, 2, n_customers),
        ("n_bootstraps", n_bootstraps, 20, np.inf),
    ):
        if not isinstance(value, Integral) or not least <= value <= most:
            up_to = "" if most == np.inf else f" and at most {most}, the customers"
            raise ValueError(
                f"{name} must be a whole number of at least {least}{up_to}. Got "
                f"{value!r} instead. Leave it out for the default."
            )


# -- groups ----------------------------------------------------------------------------


def _segments(model, X, parts, labels, refit, seed):
    """Segments of the customers learned from and asked, fold by fold."""
    if not refit:
        return [(labels[learned], labels[asked]) for learned, asked in parts]
    groups = []
    for learned, asked in parts:
        customers = rows_at(X, learned)
        again = learned_anew(model, customers, len(X), seed)
        groups.append((again.predict(customers), again.predict(rows_at(X, asked))))
    return groups


def _rfm_groups(columns, parts, n_groups):
    """Cut groups by the mean of three ranks, learned on the other folds."""
    groups = []
    for learned, asked in parts:
        ranks = [
            np.sort(column[learned][~np.isnan(column[learned])]) for column in columns.T
        ]
        scores = np.mean(
            [
                _rank_shares(known, column)
                for known, column in zip(ranks, columns.T, strict=True)
            ],
            axis=0,
        )
        cuts = np.quantile(scores[learned], np.arange(1, n_groups) / n_groups)
        found = np.searchsorted(cuts, scores, side="left")
        groups.append((found[learned], found[asked]))
    return groups


def _rank_shares(known, values):
    """Share of known values below each value, ties half; missing ones lowest."""
    below = np.searchsorted(known, values, side="left")
    up_to = np.searchsorted(known, values, side="right")
    shares = (below + up_to) / (2 * max(len(known), 1))
    return np.where(np.isnan(values), 0.0, shares)


# -- tables ----------------------------------------------------------------------------


def _measures(measured, by_chance, n_groups):
    """One row a grouping; ends of chance's are those of outcomes dealt at random."""
    rows = []
    for name, of_group in measured.items():
        row = {"groups": name, "n_groups": n_groups[name]}
        for measure, value in of_group.values.items():
            row[measure] = value
            draws = (by_chance if name == "chance" else of_group.draws)[measure]
            row[f"{measure}_low"], row[f"{measure}_high"] = _interval(draws)
        rows.append(row)
    table = pd.DataFrame(rows)
    # Of chance the measures are known: its small errors are those of the folds' means.
    known = {"r2": 0.0, "auc": 0.5, "lift": 1.0}
    for measure in measured["chance"].values:
        table.loc[table["groups"] == "chance", measure] = known[measure]
    return table


def _differences(measured):
    rows = []
    ours = measured["segments"]
    for name, of_group in measured.items():
        if name in ("segments", "chance"):
            continue
        for measure, value in ours.values.items():
            gap = value - of_group.values[measure]
            low, high = _interval(ours.draws[measure] - of_group.draws[measure])
            rows.append((name, measure, gap, low, high))
    return pd.DataFrame(
        rows, columns=["groups", "measure", "difference", "low", "high"]
    )


def _interval(draws):
    if np.isnan(draws).all():
        return np.nan, np.nan
    tail = (1 - _LEVEL) / 2
    return tuple(np.nanquantile(draws, [tail, 1 - tail]))


def _of_segments(model, labels, values, n_bootstraps, rng):
    """Mean outcome of each segment, with its interval."""
    names = {-1: "none of the above", **model.segment_names_}
    total, rows = values.sum(), []
    for segment in np.unique(labels).tolist():
        own = values[labels == segment]
        low, high = _interval(_means_of_resamples(own, n_bootstraps, rng))
        rows.append(
            {
                "segment": segment,
                "segment_name": names[segment],
                "customers": len(own),
                "share": len(own) / len(values),
                "mean": own.mean(),
                "low": low,
                "high": high,
                "share_of_outcome": own.sum() / total if total else np.nan,
                "lift": own.mean() / values.mean() if total else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _means_of_resamples(values, n_bootstraps, rng):
    """Work in blocks of some megabytes."""
    n, means = len(values), []
    step = max(1, _CELLS // n)
    for start in range(0, n_bootstraps, step):
        rows = rng.integers(0, n, (min(step, n_bootstraps - start), n))
        means.append(values[rows].mean(axis=1))
    return np.concatenate(means)
