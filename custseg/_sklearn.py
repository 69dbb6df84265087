"""The one place that imports scikit-learn's semi-private tools.

Estimators take these names from here, so a scikit-learn release that moves one of
them is answered in this module alone.
"""

from contextlib import contextmanager

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
    _check_sample_weight as check_sample_weight,
)
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "BaseComposition",
    "HasMethods",
    "Interval",
    "StrOptions",
    "available_if",
    "check_feature_names_in",
    "check_is_fitted",
    "check_sample_weight",
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
