"""What segments are worth: how well they tell an outcome that came later."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import as_frame, rows_at
from custseg._utils._seeds import draw_seed
from custseg.assignment._calibration import folds
from custseg.assignment._out_of_fold import learned_anew
from custseg.assignment._outcome_measures import Measured, measures_of
from custseg.assignment._outcome_result import OutcomeValidation
from custseg.assignment._roles import as_table
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning

_LEVEL = 0.95
_SAME = 0.999  # correlation with a column from which an outcome is taken for a copy
_MONETARY = ("monetary_value", "monetary_total")


def validate_on(
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
        `summarize_outcome` makes, which is matched by id. An outcome of True and False
        or of 0 and 1 is an event, any other an amount.
    column : str, default=None
        Which column of the frame is the outcome; None for ``outcome_monetary_total``.
    rfm : sequence of three str, default=None
        Columns of `X` with recency in days (less is better), frequency, and monetary
        value. None looks for ``recency``, ``frequency`` and ``monetary_value`` or
        ``monetary_total``, and leaves RFM out where there are none.
    refit : bool, default=True
        Whether the model is learned anew without each fold. False takes the segments
        that it has: quicker, and as honest as long as no segment was made with the
        outcome in view.
    n_folds : int, default=5
        Parts that customers are dealt to, of each segment its share.
    n_bootstraps : int, default=1000
        Resamples of customers that intervals come from.
    random_state : int, RandomState instance or None, default=None
        Deals customers to folds, draws resamples and fills every ``random_state`` that
        is None.

    Returns
    -------
    validation : OutcomeValidation
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
        `X`, ids of customers and of the outcome are not the same ones, or a column of
        `rfm` is not there.
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
    that lies in the folds and in learning.

    References
    ----------
    Campbell, J. Y. and Thompson, S. B. (2008). Predicting excess stock returns out of
    sample: can anything beat the historical average? Review of Financial Studies
    21(4), 1509-1531. https://doi.org/10.1093/rfs/hhm055

    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman &
    Hall. https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, SegmentationModel
    >>> from custseg.assignment import validate_on
    >>> rng = np.random.default_rng(0)
    >>> orders = rng.poisson(np.repeat([3, 20], 100))[:, np.newaxis]
    >>> spent_later = rng.gamma(2, np.repeat([10, 30], 100))
    >>> model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(orders)
    >>> validation = validate_on(model, orders, spent_later, random_state=0)
    >>> validation.frame()[["groups", "n_groups", "r2", "lift"]].round(2)
         groups  n_groups    r2  lift
    0  segments         2  0.24   1.5
    1    chance         1  0.00   1.0
    """
    _check_model(model)
    _check_numbers(n_folds, n_bootstraps, len(X))
    X = as_table(X)
    name, values = _outcome_values(model, X, outcome, column)
    _refuse_copies(X, name, values)
    kind = "event" if np.isin(values, (0, 1)).all() else "amount"
    rng = check_random_state(random_state)
    seed = None if random_state is None else draw_seed(rng)
    labels = np.asarray(model.predict(X))
    parts = folds(labels, n_folds, seed)
    scores = _rfm_columns(X, rfm)
    n_segments = len(model.segment_ids_)
    groupings = {"segments": _segments(model, X, parts, labels, refit, seed)}
    if scores is not None:
        groupings["RFM deciles"] = _rfm_groups(scores, parts, 10)
        groupings["RFM, as many"] = _rfm_groups(scores, parts, n_segments)
    foretold = {
        one: _foretold(values, parts, groups) for one, groups in groupings.items()
    }
    foretold["chance"] = _foretold(
        values, parts, [(np.zeros(len(a)), np.zeros(len(b))) for a, b in parts]
    )
    n_groups = {
        "segments": n_segments,
        "RFM deciles": 10,
        "RFM, as many": n_segments,
        "chance": 1,
    }
    draws = np.random.default_rng(draw_seed(rng))
    fold = np.empty(len(values), dtype=np.intp)
    for number, (_, asked) in enumerate(parts):
        fold[asked] = number
    measured = measures_of(values, foretold, fold, kind, n_bootstraps, draws)
    return OutcomeValidation(
        kind=kind,
        outcome=name,
        measures=_measures(measured, n_groups),
        differences=_differences(measured),
        of_segments=_of_segments(model, labels, values, n_bootstraps, draws),
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


# -- the outcome -----------------------------------------------------------------------


def _outcome_values(model, X, outcome, column):
    """Name and values of the outcome, in the order of the customers."""
    frame = as_frame(outcome)
    if frame is None:
        name = getattr(outcome, "name", None) or "outcome"
        values = np.asarray(outcome)
    else:
        name = column or "outcome_monetary_total"
        values = _matched(model, X, frame, name)
    columns = as_frame(X)
    if columns is not None and name in columns.columns:
        raise SchemaError(
            f"The outcome must be none of the columns of X. Got {name!r}, which is, "
            "instead. Leave it out of X: segments must not know what they are to tell."
        )
    if values.ndim != 1 or len(values) != len(X):
        raise SchemaError(
            "There must be one outcome a customer. Got shape "
            f"{values.shape} for {len(X)} customers instead. Pass them in the order of "
            "X, or a frame with customer ids."
        )
    if values.dtype.kind not in "biuf":
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"Outcome {name!r} must hold numbers, or True and False. Got type "
                f"{values.dtype} instead. Convert it."
            ) from error
    values = values.astype(np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataQualityError(
            f"Outcome {name!r} must be known. Got missing or infinite values for "
            f"{np.count_nonzero(wrong)} of {len(values)} customers (first: row "
            f"{np.flatnonzero(wrong)[0]}) instead. Leave these customers out, or put "
            "zero where nothing was bought."
        )
    if (values == values[0]).all():
        raise DataQualityError(
            f"Outcome {name!r} must differ between customers. Got {values[0]:g} for "
            f"all {len(values)} instead. Take a longer window, or another outcome."
        )
    return str(name), values


def _matched(model, X, frame, name):
    """Values of a frame's column, matched by customer id."""
    customers = as_frame(X)
    key = model.customer_id
    if key is None or customers is None:
        raise SchemaError(
            "A frame of outcomes must be matched by customer id. Got a model without "
            "customer_id instead. Fit it with customer_id, or pass one column in the "
            "order of X."
        )
    ids_name = key if key in frame.columns else "customer_id"
    for wanted in (ids_name, name):
        if wanted not in frame.columns:
            raise SchemaError(
                f"The frame of outcomes must have a column {wanted!r}. Got "
                f"{', '.join(map(repr, frame.columns))} instead. Name it by column=."
            )
    ids = pd.Index(frame[ids_name].to_list())
    if ids.hasnans or ids.has_duplicates:
        n_wrong = int(ids.isna().sum() + ids.duplicated().sum())
        raise DataQualityError(
            f"Column {ids_name!r} of the outcomes must have one id a row. Got "
            f"{n_wrong} missing or repeated ids in {len(ids)} rows instead. Bring it "
            "to one row a customer."
        )
    places = ids.get_indexer(customers[key].to_list())
    if (places < 0).any():
        raise SchemaError(
            "Every customer must have an outcome. Got none for "
            f"{np.count_nonzero(places < 0)} of {len(places)} ids (first: row "
            f"{np.flatnonzero(places < 0)[0]}) instead. Pass the customers of X to "
            "summarize_outcome, or leave the others out of X."
        )
    return np.array(frame[name].to_list())[places]


def _refuse_copies(X, name, values):
    """Warn of a column of X that is the outcome over again."""
    frame = as_frame(X)
    if frame is None:
        columns = ((f"column {k}", X[:, k]) for k in range(X.shape[1]))
    else:
        numeric = [k for k in frame.columns if frame.schema[k].is_numeric()]
        columns = ((repr(k), frame[k].to_numpy()) for k in numeric)
    copies = [told for told, column in columns if _is_copy(column, values)]
    if copies:
        warnings.warn(
            f"Outcome {name!r} should come after what is known of customers. Got "
            f"{', '.join(copies)} in X, correlated with it by {_SAME} or more, "
            "instead. Check that its window begins when the observation has ended.",
            SegmentWarning,
            stacklevel=3,
        )


def _is_copy(column, values):
    try:
        column = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    known = np.isfinite(column)
    if known.sum() < 3 or np.ptp(column[known]) == 0 or np.ptp(values[known]) == 0:
        return False
    return bool(abs(np.corrcoef(column[known], values[known])[0, 1]) >= _SAME)


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


def _rfm_columns(X, rfm):
    """Recency, frequency and monetary value, larger is better; None without them."""
    frame = as_frame(X)
    if rfm is None:
        names = [] if frame is None else frame.columns
        monetary = [name for name in _MONETARY if name in names]
        if not (monetary and "recency" in names and "frequency" in names):
            return None
        rfm = ("recency", "frequency", monetary[0])
    rfm = list(rfm)
    missing = [name for name in rfm if frame is None or name not in frame.columns]
    if missing or len(rfm) != 3:
        raise SchemaError(
            "rfm must name three columns of X: recency, frequency and monetary value. "
            f"Got {', '.join(map(repr, missing or rfm))} instead. Leave it out to go "
            "without RFM."
        )
    columns = np.column_stack([frame[name].to_numpy() for name in rfm]).astype(float)
    columns[:, 0] *= -1
    return columns


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


def _foretold(values, parts, groups):
    """Foretell each customer by his group's mean among those learned from."""
    foretold = np.empty(len(values))
    for (learned, asked), (known, new) in zip(parts, groups, strict=True):
        means = pd.Series(values[learned]).groupby(known).mean()
        # A group that nobody learned from has is told as all are.
        overall = values[learned].mean()
        foretold[asked] = means.reindex(new).fillna(overall).to_numpy()
    return Measured.rounded(foretold)


# -- tables ----------------------------------------------------------------------------


def _measures(measured, n_groups):
    rows = []
    for name, of_group in measured.items():
        row = {"groups": name, "n_groups": n_groups[name]}
        for measure, value in of_group.values.items():
            row[measure] = value
            draws = of_group.draws[measure]
            low, high = _interval(draws) if name != "chance" else (np.nan, np.nan)
            row[f"{measure}_low"], row[f"{measure}_high"] = low, high
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
    tail = (1 - _LEVEL) / 2
    return tuple(np.nanquantile(draws, [tail, 1 - tail]))


def _of_segments(model, labels, values, n_bootstraps, rng):
    """Mean outcome of each segment, with its interval."""
    names = {-1: "none of the above", **model.segment_names_}
    total, rows = values.sum(), []
    for segment in np.unique(labels).tolist():
        own = values[labels == segment]
        drawn = rng.integers(0, len(own), (n_bootstraps, len(own)))
        low, high = _interval(own[drawn].mean(axis=1))
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
