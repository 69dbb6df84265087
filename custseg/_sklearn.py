"""The one place that imports scikit-learn's semi-private tools.

Estimators take these names from here, so a scikit-learn release that moves one of
them is answered in this module alone.
"""

from contextlib import contextmanager

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._tags import get_tags
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import (
    _check_feature_names_in as check_feature_names_in,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_is_fitted,
)
from sklearn.utils.validation import validate_data as _validate_data

from custseg.exceptions import DataQualityError

__all__ = [
    "BaseComposition",
    "HasMethods",
    "Interval",
    "StrOptions",
    "available_if",
    "check_feature_names_in",
    "check_is_fitted",
    "check_weights",
    "fit_context",
    "get_tags",
    "single_threaded",
    "validate_data",
]


@contextmanager
def single_threaded():
    """Hold BLAS and OpenMP to one thread, so that runs repeat bit for bit."""
    with _get_threadpool_controller().limit(limits=1):
        yield


def validate_data(estimator, X="no_validation", y="no_validation", **options):
    """scikit-learn's `validate_data`, which sees the names of polars columns as well.

    scikit-learn before 1.9 does not read them from polars 2 and would not notice
    columns in another order.
    """
    if nw.dependencies.is_polars_dataframe(X) and _get_feature_names(X) is None:
        X = pd.DataFrame({name: X[name].to_numpy() for name in X.columns})
    return _validate_data(estimator, X, y, **options)


def check_weights(sample_weight, X):
    """Return weights as float64, ones for None; refuse negative ones and only zeros."""
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        n_negative = np.count_nonzero(weights < 0)
        if n_negative:
            raise DataQualityError(
                f"sample_weight must not be negative. Got {n_negative} negative "
                "weights instead. Give each customer a weight of zero or more."
            )
        if weights.size and not weights.any():
            raise DataQualityError(
                "sample_weight must have a positive sum. Got only zeros instead. "
                "Leave sample_weight out to count every customer once."
            )
    return _check_sample_weight(sample_weight, X, dtype=np.float64)
