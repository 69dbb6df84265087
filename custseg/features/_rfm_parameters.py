"""What the parameters of `RFMTransformer` name, and figures that it learns."""

from numbers import Real

import numpy as np

from custseg.columns import check_names
from custseg.exceptions import SchemaError

MEASURES = ("r", "f", "m")
KEYS = ("recency", "frequency", "monetary")
OUTPUTS = (*MEASURES, "score", "cell", "relative_recency")
_MONETARY = {"total": "monetary_total", "mean": "monetary_value"}
_DEFAULTS = {
    "recency": ("recency",),
    "frequency": ("frequency",),
    "monetary": tuple(_MONETARY.values()),
    "gap": ("gap_mean",),
}


def sorted_breaks(name, breaks, n_scores):
    """Check the breaks that a user gives of one measure."""
    listed = isinstance(breaks, tuple | list | np.ndarray)
    values = np.array(breaks, dtype=object) if listed else np.array([None])
    real = all(isinstance(one, Real) and np.isfinite(one) for one in values.tolist())
    if values.ndim != 1 or not real or np.any(np.diff(values.astype(float)) <= 0):
        raise ValueError(
            f"cuts[{name!r}] must be 'quantile', 'kmeans' or rising finite numbers. "
            f"Got {breaks!r} instead."
        )
    if len(values) != n_scores - 1:
        raise ValueError(
            f"cuts[{name!r}] must have {n_scores - 1} breaks for {n_scores} scores. "
            f"Got {len(values)} instead. Give as many, or set n_scores."
        )
    return values.astype(np.float64)


def methods_of(rfm):
    """Return the method of each measure; check what a constraint cannot say."""
    weights = rfm.weights
    if (
        len(weights) != 3
        or not all(isinstance(w, Real) and 0 <= w < np.inf for w in weights)
        or sum(weights) <= 0
    ):
        raise ValueError(
            "weights must be three numbers of 0 or more, not all 0. Got "
            f"{weights!r} instead."
        )
    unknown = [name for name in rfm.output if name not in OUTPUTS]
    if unknown or not rfm.output or len(set(rfm.output)) < len(rfm.output):
        raise ValueError(
            f"output must name some of {', '.join(OUTPUTS)}, each once. Got "
            f"{rfm.output!r} instead."
        )
    if isinstance(rfm.cuts, str):
        return dict.fromkeys(KEYS, rfm.cuts)
    if set(rfm.cuts) != set(KEYS):
        raise ValueError(
            f"cuts must have the keys {', '.join(map(repr, KEYS))}. Got "
            f"{', '.join(map(repr, rfm.cuts)) or 'none'} instead."
        )
    return {
        key: cut
        if cut in ("quantile", "kmeans")
        else sorted_breaks(key, cut, rfm.n_scores)
        for key, cut in ((key, rfm.cuts[key]) for key in KEYS)
    }


def wants_intervals(rfm):
    """Tell whether an output needs the intervals between orders."""
    return rfm.relative or "relative_recency" in rfm.output


def positions_of(rfm, columns):
    """Find the columns that are scored."""
    monetary = _MONETARY.get(rfm.monetary, rfm.monetary)
    given = {
        "recency": rfm.recency,
        "frequency": rfm.frequency,
        "monetary": monetary,
    }
    if wants_intervals(rfm):
        given["gap"] = rfm.gap
    if not hasattr(rfm, "feature_names_in_"):
        for position, (key, name) in enumerate(given.items()):
            if name in _DEFAULTS[key]:
                given[key] = position
    return {key: position_of(key, name, columns) for key, name in given.items()}


def position_of(parameter, name, columns):
    """Return where a column stands that a parameter names or numbers."""
    if not isinstance(name, str):
        if not -len(columns) <= name < len(columns):
            raise SchemaError(
                f"{parameter} must be the position of a column. Got {name} in a "
                f"table with n_features={len(columns)} instead. There is no such "
                "column; give its name, or a table that has it."
            )
        return name % len(columns)
    names = [column.name for column in columns]
    remedy = f'Say what the column is called: RFMTransformer({parameter}="my_name").'
    check_names(parameter, [name], names, remedy=remedy)
    return names.index(name)


def typical_interval(gaps, n_gaps):
    """Take the median of customers with three orders, else of those with two; or NaN.

    Equal halves of an even number are averaged.
    """
    for least in (2, 1):
        known = gaps[(n_gaps >= least) & ~np.isnan(gaps)]
        if len(known):
            return float(np.median(known))
    return np.nan
