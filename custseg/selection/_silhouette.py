"""Silhouettes of one or many labelings, in memory that does not grow with n squared."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_random_state

from custseg._sklearn import check_weights
from custseg.engine import ArraySource, segment_sums
from custseg.exceptions import DegenerateFitError
from custseg.selection._distances import (
    arranged,
    closed_sums_of_block,
    fits_at_once,
    order_by_labels,
    row_panels,
    rows_held,
    sums_to,
    sums_to_all,
)
from custseg.selection._draw import draw_from_strata, strata_of_runs, stratified_mean
from custseg.selection._labelings import encoded

_METRICS = ("euclidean", "sqeuclidean", "manhattan", "cosine")
_DTYPES = ("float64", "float32")
_ROWS = 2**14
_FEWEST_DRAWN = 10  # customers of a labeling for a standard error
_FEW_INSIDE = 1_000  # customers of a labeling that are then all averaged over
_LARGEST = 1e100  # beyond it, or below its inverse, squares leave the range of floats


def checked(X, metric):
    """Return the coordinates whose distances are asked for, or say what is wrong."""
    if metric not in _METRICS:
        raise ValueError(
            f"metric must be one of {', '.join(_METRICS)}. Got {metric!r} instead. "
            "Choose one of them, or transform the columns first."
        )
    X = check_array(X, dtype=np.float64)
    largest = max(-X.min(), X.max())
    if largest > 0 and not 1 / _LARGEST < largest < _LARGEST:
        X = X / largest
    if metric == "cosine":
        # A customer of zeros has no direction and is at distance one from all others.
        lengths = np.sqrt(np.einsum("ij,ij->i", X, X))[:, np.newaxis]
        return np.divide(X, lengths, out=np.zeros_like(X), where=lengths > 0)
    return X


def _silhouettes(sums, code, totals):
    """Silhouettes from summed distances to each segment; NaN for code -1.

    Rousseeuw (1987): a customer alone in its segment has 0, and so has one that is at
    no distance from its own and from the nearest other segment.
    """
    result = np.full(len(code), np.nan)
    placed = np.flatnonzero(code >= 0)
    own = code[placed]
    at = (np.arange(len(placed)), own)
    means = sums[placed]
    within = means[at] / np.where(totals[own] > 1, totals[own] - 1, 1)
    means /= totals
    means[at] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    known = (totals[own] > 1) & (larger > 0)
    result[placed] = np.divide(
        between - within, larger, out=np.zeros(len(placed)), where=known
    )
    return result


def closed_silhouettes(X, code, weights, *, sums, totals, metric):
    """Silhouettes of a block of customers, by a metric whose sums are closed.

    Parameters are those of `closed_sums_of_block`, and the weights of segments.
    """
    distances = closed_sums_of_block(X, code, weights, sums=sums, metric=metric)
    return _silhouettes(distances, code, totals)


def _closed_source(X, code, weights, labeling):
    rows = min(_ROWS, rows_held(len(labeling.totals) + X.shape[1]))
    return ArraySource(X, code, weights, rows_per_block=rows)


def silhouettes_of(
    X, labelings, rows=None, *, metric="euclidean", weights=None, dtype="float64"
):
    """Silhouettes of some customers in each labeling, against all customers.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        As `checked` returns it.
    labelings : list of Labeling
        None of them with a `problem`.
    rows : ndarray of shape (n_rows,), default=None
        Customers whose silhouettes are asked for; None for all.
    metric : str, default="euclidean"
    weights : ndarray of shape (n_customers,), default=None
    dtype : str, default="float64"

    Returns
    -------
    silhouettes : list of ndarray of shape (n_rows,)
        One array a labeling.
    """
    if not labelings:
        return []
    rows = np.arange(len(X)) if rows is None else rows
    codes = [labeling.code for labeling in labelings]
    sizes = [len(labeling.totals) for labeling in labelings]
    if metric in ("sqeuclidean", "cosine"):
        every = len(rows) == len(X) and (rows == np.arange(len(X))).all()
        asked = slice(None) if every else rows
        of_asked = None if weights is None else weights[asked]
        return [
            _closed_source(X[asked], one.code[asked], of_asked, one).joined(
                closed_silhouettes,
                sums=segment_sums(X, one.code, len(one.totals), weights),
                totals=one.totals,
                metric=metric,
            )
            for one in labelings
        ]
    result = [np.empty(len(rows)) for _ in labelings]
    customers = arranged(X, codes, sizes, weights)
    place = np.empty(len(X), dtype=np.intp)  # of each customer in the order
    place[customers.order] = np.arange(len(X))
    places = place[rows]
    by_place = np.argsort(places, kind="stable")
    n_columns = customers.edges[-1]
    if 2 * len(rows) > len(X) and fits_at_once(len(X), n_columns):
        sums = sums_to_all(customers, metric, dtype)
        if len(rows) < len(X):
            sums = sums[places[by_place]]
        parts = [(by_place, sums)]
    else:
        parts = (
            (by_place[part], sums_to(customers, places[by_place[part]], metric, dtype))
            for part in row_panels(len(rows), n_columns + X.shape[1])
        )
    for target, sums in parts:
        for i, (code, totals) in enumerate(labelings):
            columns = slice(customers.edges[i], customers.edges[i + 1])
            of_part = code[rows[target]]
            result[i][target] = _silhouettes(sums[:, columns], of_part, totals)
    return result


def silhouette_samples(
    X, labels, *, metric="euclidean", sample_weight=None, dtype="float64"
):
    """Silhouette of each customer: how much nearer its own segment than the next.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labels : array-like of shape (n_customers,)
        Segment of each customer; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.
        Rows of weight zero take no part.
    dtype : {"float64", "float32"}, default="float64"
        What Euclidean and Manhattan distances are worked out in. float32 takes half
        the time; its mean silhouettes are off by less than 1e-6 as a rule, and by some
        1e-5 where customers of a segment are a hundred thousand times nearer to each
        other than segments are.

    Returns
    -------
    silhouettes : ndarray of shape (n_customers,)
        Between -1 and 1; 0 for a customer alone in its segment, NaN for label -1.

    Raises
    ------
    DegenerateFitError
        If there are fewer than two segments, or as many as customers.
    DataQualityError
        If labels are missing, a weight is negative, or weights are no whole numbers and
        sum to less than ten in a segment.

    Notes
    -----
    Memory grows with the number of customers, not with its square: Euclidean and
    Manhattan distances are made in blocks and summed by segment, each pair once. Time
    grows with the square, except for squared Euclidean and cosine distances, which
    are summed in closed form. The result does not depend on the number of threads.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics
    20, 53-65. https://doi.org/10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> from custseg.selection import silhouette_samples
    >>> silhouette_samples([[0], [1], [10], [11], [30]], [0, 0, 1, 1, 2]).round(3)
    array([0.905, 0.895, 0.895, 0.905, 0.   ])
    """
    _check_dtype(dtype)
    X = checked(X, metric)
    weights = None if sample_weight is None else check_weights(sample_weight, X)
    labeling = encoded(labels, len(X), weights)
    if labeling.problem():
        raise DegenerateFitError(labeling.problem())
    return silhouettes_of(X, [labeling], metric=metric, weights=weights, dtype=dtype)[0]


def silhouette_score(
    X,
    labels,
    *,
    metric="euclidean",
    sample_size=None,
    sample_weight=None,
    random_state=None,
    dtype="float64",
):
    """Mean silhouette of one labeling.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labels : array-like of shape (n_customers,)
        Segment of each customer; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_size : int, default=None
        Average over so many customers drawn at random, each compared with **all**
        customers, which is unbiased; None averages over all.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.
        Rows of weight zero take no part.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    dtype : {"float64", "float32"}, default="float64"
        What Euclidean and Manhattan distances are worked out in. float32 takes half
        the time; its mean silhouettes are off by less than 1e-6 as a rule, and by some
        1e-5 where customers of a segment are a hundred thousand times nearer to each
        other than segments are.

    Returns
    -------
    score : float
        Between -1 and 1; larger means better separated.

    Raises
    ------
    DegenerateFitError
        If there are fewer than two segments, or as many as customers.
    DataQualityError
        If labels are missing.

    See Also
    --------
    silhouette_scores : Many labelings in one pass, with standard errors.

    Examples
    --------
    >>> from custseg.selection import silhouette_score
    >>> round(silhouette_score([[0], [1], [10], [11]], [0, 0, 1, 1]), 3)
    0.9
    """
    score = silhouette_scores(
        X,
        [labels],
        metric=metric,
        sample_size=sample_size,
        sample_weight=sample_weight,
        random_state=random_state,
        dtype=dtype,
    )[0]
    if np.isnan(score):
        X = checked(X, metric)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        raise DegenerateFitError(
            encoded(labels, len(X), weights).problem()
            or "A draw must hold customers with a segment. Got none instead. Raise "
            "sample_size."
        )
    return float(score)


def silhouette_scores(
    X,
    labelings,
    *,
    metric="euclidean",
    sample_size=None,
    sample_weight=None,
    random_state=None,
    return_std_error=False,
    dtype="float64",
):
    """Mean silhouettes of many labelings in one pass over the distances.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labelings : sequence of array-like of shape (n_customers,)
        Labels to compare; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_size : int, default=None
        Average over so many customers, the same ones for all labelings, each compared
        with **all** customers. They are drawn at random from strata of customers that
        the labelings treat alike. None, or a number not below that of customers,
        averages over all.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.
        Rows of weight zero take no part.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    return_std_error : bool, default=False
        Whether to return the standard errors as well.
    dtype : {"float64", "float32"}, default="float64"
        What Euclidean and Manhattan distances are worked out in. float32 takes half
        the time; its mean silhouettes are off by less than 1e-6 as a rule, and by some
        1e-5 where customers of a segment are a hundred thousand times nearer to each
        other than segments are.

    Returns
    -------
    scores : ndarray of shape (n_labelings,)
        NaN for a labeling without silhouettes: with fewer than two segments, or as
        many as customers.
    std_errors : ndarray of shape (n_labelings,)
        Only with `return_std_error`: under sampling without replacement, 0 when all
        customers were averaged over. For weights of like size; much uneven ones make
        it too small.

    Raises
    ------
    DataQualityError
        If labels are missing, a weight is negative, or the weights are no counts.

    Notes
    -----
    Each distance is worked out once for all labelings. Customers are ordered so that
    those with the same labels in every labeling stand together; distances are summed
    over these cells, and the sums of cells added up to segments. Beside the table as
    float64, a million customers with ten columns need less than 256 MB.

    Of a labeling that puts at most a thousand customers in segments (the others have
    -1), all are averaged over where fewer than ten of them were drawn.

    An estimate from a subsample that is compared with itself alone is biased, as
    distances to small segments are averaged over few customers. Comparing each drawn
    customer with all others is not.

    Examples
    --------
    >>> from custseg.selection import silhouette_scores
    >>> X = [[0], [1], [10], [11], [30], [31]]
    >>> silhouette_scores(X, [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2]]).round(3)
    array([0.409, 0.916])
    """
    _check_dtype(dtype)
    X = checked(X, metric)
    if sample_size is not None and not (
        isinstance(sample_size, Integral) and sample_size >= 2
    ):
        raise ValueError(
            f"sample_size must be None or an integer from 2 up. Got {sample_size!r} "
            "instead. None averages over all customers."
        )
    weights = None if sample_weight is None else check_weights(sample_weight, X)
    labelings = [encoded(labels, len(X), weights) for labels in labelings]
    scored = [i for i, labeling in enumerate(labelings) if not labeling.problem()]
    known = [labelings[i] for i in scored]
    options = {"metric": metric, "weights": weights, "dtype": dtype}
    rows, strata, counts = _drawn(len(X), known, sample_size, random_state)
    scores, std_errors = np.full((2, len(labelings)), np.nan)
    of_rows = np.ones(len(rows)) if weights is None else weights[rows]
    samples = silhouettes_of(X, known, rows, **options)
    for i, values in zip(scored, samples, strict=True):
        placed = ~np.isnan(values)
        inside = np.flatnonzero(labelings[i].code >= 0)
        if np.count_nonzero(placed) < _FEWEST_DRAWN and len(inside) <= _FEW_INSIDE:
            values = silhouettes_of(X, [labelings[i]], inside, **options)[0]
            of_inside = None if weights is None else weights[inside]
            scores[i] = np.average(values, weights=of_inside)
            std_errors[i] = 0.0
        elif placed.any():
            scores[i], std_errors[i] = stratified_mean(
                np.where(placed, values, 0), of_rows * placed, strata, counts
            )
    return (scores, std_errors) if return_std_error else scores


def segment_silhouettes(
    X, labels, *, metric="euclidean", sample_weight=None, dtype="float64"
):
    """Silhouette of each segment: which ones stand apart, and which do not.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labels : array-like of shape (n_customers,)
        Segment of each customer; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.
    dtype : {"float64", "float32"}, default="float64"
        What Euclidean and Manhattan distances are worked out in.

    Returns
    -------
    silhouettes : DataFrame
        One row a segment, in the order of the labels: ``segment``, ``customers`` (or
        the sum of their weights), ``silhouette`` (their mean) and ``share_negative``
        (the share of customers nearer to another segment than to their own).

    Raises
    ------
    DegenerateFitError
        If there are fewer than two segments, or as many as customers.
    DataQualityError
        If labels are missing, a weight is negative, or the weights are no counts.

    See Also
    --------
    silhouette_samples : The silhouette of each customer.
    custseg.plotting.SilhouetteDisplay : The picture.

    Examples
    --------
    >>> from custseg.selection import segment_silhouettes
    >>> X = [[0], [1], [10], [11], [3]]
    >>> segment_silhouettes(X, [0, 0, 1, 1, 1]).round(2)
       segment  customers  silhouette  share_negative
    0        0          2        0.87            0.00
    1        1          3        0.16            0.33
    """
    values = silhouette_samples(
        X, labels, metric=metric, sample_weight=sample_weight, dtype=dtype
    )
    placed = ~np.isnan(values)
    table = pd.DataFrame({"segment": np.asarray(labels)[placed]})
    weights = 1
    if sample_weight is not None:
        weights = check_weights(sample_weight, values)[placed]
    table["customers"] = weights
    table["silhouette"] = weights * values[placed]
    table["share_negative"] = weights * (values[placed] < 0)
    table = table.groupby("segment", as_index=False).sum()
    for name in ("silhouette", "share_negative"):
        table[name] /= table["customers"]
    return table


def _drawn(n_customers, labelings, sample_size, random_state):
    """Draw customers to average over, with their strata and the strata's sizes.

    Who is in no segment of any labeling is not drawn.
    """
    inside = np.zeros(n_customers, dtype=bool)
    for labeling in labelings:
        inside |= labeling.code >= 0
    rows = np.flatnonzero(inside)
    if sample_size is None or sample_size >= len(rows):
        return rows, np.zeros(len(rows), dtype=np.intp), np.array([len(rows)])
    codes = [labeling.code[rows] for labeling in labelings]
    order, cells = order_by_labels(codes, [len(one.totals) for one in labelings])
    edges = strata_of_runs(cells, len(rows), sample_size)
    rng = check_random_state(random_state)
    positions, strata = draw_from_strata(edges, sample_size, rng)
    return rows[order[positions]], strata, np.diff(edges)


def _check_dtype(dtype):
    if dtype not in _DTYPES:
        raise ValueError(
            f"dtype must be one of {', '.join(_DTYPES)}. Got {dtype!r} instead. "
            "float64 is exact."
        )
