"""Resamples that segments are learned on again: five schemes of disturbance."""

from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from custseg._utils._frames import as_frame, rows_at
from custseg.exceptions import DataQualityError, SchemaError

SCHEMES = ("bootstrap", "subset", "noise", "jitter", "bootstrap_jitter")
NUMERIC = ("noise", "jitter", "bootstrap_jitter")  # schemes that change values
_REMEDY = (
    "Use the schemes 'bootstrap' and 'subset', or measure the steps after those that "
    "make numbers."
)
_NOISE_SHARE = 0.05
_NOISE_WIDTH = 4  # standard deviations to each side of the mean
_JITTER_QUANTILE = 0.1
_ROUNDING = 1e-9  # of the span, up to which customers are at one place


class Resample(NamedTuple):
    """Customers as they are fitted again."""

    table: object  # of the kind of X
    customers: np.ndarray  # distinct customers of X that are compared, ascending
    rows: np.ndarray  # the first row of each of them in the table
    weights: object  # of the rows, or None


def resampled(scheme, X, rng, weights=None):
    """Draw one resample.

    Parameters
    ----------
    scheme : str
        One of `SCHEMES`, as Hennig (2007) and his clusterboot have them, with repeated
        customers kept in the bootstrap sample and left out of the comparison.
    X : table of shape (n_customers, n_features)
    rng : Generator
    weights : ndarray of shape (n_customers,), default=None
        They stay with their customers.

    Returns
    -------
    resample : Resample
    """
    n = len(X)
    drawn = np.arange(n)
    if scheme in ("bootstrap", "bootstrap_jitter"):
        drawn = rng.integers(0, n, n)
    elif scheme == "subset":
        drawn = np.sort(rng.choice(n, n // 2, replace=False))
    table = rows_at(X, drawn) if scheme not in ("noise", "jitter") else X
    compared = drawn
    if scheme in NUMERIC:
        values = numbers_of(table, scheme)
        if scheme == "noise":
            replaced = rng.random(n) < _NOISE_SHARE
            values[replaced] = noise_points(values, np.count_nonzero(replaced), rng)
            compared = np.where(replaced, -1, drawn)
        else:
            values = jittered(values, numbers_of(X, scheme), rng)
        table = _like(table, values)
    customers, rows = np.unique(compared, return_index=True)
    known = customers >= 0
    of_rows = None if weights is None else weights[drawn]
    return Resample(table, customers[known], rows[known], of_rows)


def noise_points(X, n_points, rng):
    """Draw uniform points from a box around the customers.

    Its sides are along the principal directions and reach four standard deviations to
    both sides of the mean.
    """
    center, directions, scales = _principal(X)
    drawn = rng.uniform(-_NOISE_WIDTH, _NOISE_WIDTH, (n_points, len(scales)))
    return center + (drawn * scales) @ directions


def jittered(values, X, rng):
    """Add normal noise to each row.

    Along each principal direction of the customers `X` its standard deviation is the
    .1 quantile of the distances between neighbours on that direction. Neighbours are
    places, not customers: with answers of a few steps many share one, and the quantile
    of their distances would be zero.
    """
    _, directions, _ = _principal(X)
    scales = np.array([_step(scores) for scores in directions @ X.T])
    return (
        values + (rng.standard_normal((len(values), len(scales))) * scales) @ directions
    )


def _step(scores):
    """Return the .1 quantile of distances between neighbouring places, or 0 for one."""
    gaps = np.diff(np.sort(scores))
    gaps = gaps[gaps > _ROUNDING * np.ptp(scores)]
    return np.quantile(gaps, _JITTER_QUANTILE) if len(gaps) else 0.0


def _principal(X):
    """Mean, principal directions as rows, and standard deviations along them."""
    center = X.mean(axis=0)
    _, singular, directions = np.linalg.svd(X - center, full_matrices=False)
    return center, directions, singular / np.sqrt(len(X) - 1)


def numbers_of(X, scheme):
    """Return the table as a float matrix of its own, or say which columns are none."""
    frame = as_frame(X)
    values = _floats(X, scheme) if frame is None else _floats_of_frame(frame, scheme)
    missing = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if len(missing):
        names = (
            missing.tolist() if frame is None else [frame.columns[i] for i in missing]
        )
        raise DataQualityError(
            f"Columns must have no missing or infinite values for the scheme {scheme!r}"
            f". Got some in {', '.join(map(repr, names))} instead. {_REMEDY}"
        )
    return values


def _floats(X, scheme):
    try:
        return np.array(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError(
            f"The array must hold numbers for the scheme {scheme!r}. Got others "
            f"instead. {_REMEDY}"
        ) from None


def _floats_of_frame(frame, scheme):
    text = [
        name
        for name in frame.columns
        if not (frame.schema[name].is_numeric() or frame.schema[name] == nw.Boolean)
    ]
    if text:
        raise SchemaError(
            f"Columns must hold numbers for the scheme {scheme!r}. Got others in "
            f"{', '.join(map(repr, text))} instead. {_REMEDY}"
        )
    # Not frame[name]: a pandas column may be called 0.
    columns = [frame.get_column(name).to_numpy() for name in frame.columns]
    return np.column_stack([column.astype(np.float64) for column in columns])


def _like(table, values):
    """Return numbers as the kind of table that they came from."""
    frame = as_frame(table)
    if frame is None:
        return values
    columns = dict(zip(frame.columns, values.T, strict=True))
    return nw.from_dict(columns, backend=frame.implementation).to_native()
