"""The one place that imports scikit-learn's semi-private tools.

Estimators take these names from here, so a scikit-learn release that moves one of
them is answered in this module alone.
"""

import os
from contextlib import contextmanager, nullcontext
from functools import wraps
from threading import Lock

import joblib
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._tags import get_tags
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.metadata_routing import get_routing_for_object
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

from custseg.exceptions import DataQualityError, SchemaError

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class _NoCallbacks:
        """Takes every report of a fit and does nothing with it."""

        def subcontext(self, **options):
            return self

        def call_on_fit_task_begin(self, **report):
            return self

        def call_on_fit_task_end(self, **report):
            return False

        def propagate_callback_context(self, sub_estimator):
            return nullcontext()

    class CallbackSupportMixin:
        """Stands for scikit-learn's, where there is none."""

        def _init_callback_context(self, **options):
            return _NoCallbacks()


__all__ = [
    "BaseComposition",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "available_if",
    "blas_thread_count",
    "check_feature_names_in",
    "check_is_fitted",
    "check_weights",
    "fit_context",
    "get_tags",
    "has_callbacks",
    "one_blas_thread",
    "routed_to",
    "routing_enabled",
    "single_threaded",
    "validate_data",
]


def fit_context(*, prefer_skip_nested_validation, tells_tasks=False):
    """scikit-learn's context of a fit, which is told to callbacks as one task.

    With `tells_tasks` the fit tells its tasks itself.
    """

    def decorate(fit):
        @_fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
        @wraps(fit)
        def told(self, X, *args, **kwargs):
            if tells_tasks or not isinstance(self, CallbackSupportMixin):
                return fit(self, X, *args, **kwargs)
            y = args[0] if args else kwargs.get("y")
            context = self._init_callback_context()
            context.call_on_fit_task_begin(estimator=self, X=X, y=y)
            fit(self, X, *args, **kwargs)
            context.call_on_fit_task_end(estimator=self, X=X, y=y)
            return self

        return told

    return decorate


def has_callbacks(estimator):
    """Whether callbacks are to be told of a fit."""
    return bool(getattr(estimator, "_skl_callbacks", ()))


def _blas():
    return _get_threadpool_controller().select(user_api="blas")


def blas_thread_count():
    """Threads that NumPy's products may use now; one inside `single_threaded`."""
    counts = [library.get_num_threads() for library in _blas().lib_controllers]
    return min(counts, default=joblib.cpu_count())


class _OneBlasThread:
    """Hold BLAS to one thread as long as any fit asks for it.

    BLAS has one thread count for the whole process: the first fit to come lowers it
    and the last to go restores it, whichever threads they run in. (A limiter of
    threadpoolctl for each fit would let the last to go restore what it found when it
    came, which another's limiter had already lowered.)
    """

    def __init__(self):
        self._lock = Lock()
        self._holders = 0
        self._found = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._let_go)

    def _let_go(self):
        """Begin anew in a forked process, in which none of the holders runs on."""
        self._lock = Lock()
        if self._holders:
            self._holders = 0
            self._set(self._found)

    def __enter__(self):
        with self._lock:
            if self._holders == 0:
                blas = _blas()
                self._found = [
                    (library, library.get_num_threads())
                    for library in blas.lib_controllers
                ]
                self._set([(library, 1) for library, _ in self._found])
            self._holders += 1

    def __exit__(self, *error):
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._set(self._found)

    @staticmethod
    def _set(counts):
        for library, n_threads in counts:
            # Newer threadpoolctl heeds only the thread that set a limit first, until
            # it is cleared.
            clear = getattr(library, "clear_controlling_thread", None)
            if clear is not None:
                clear(force=True)
            library.set_num_threads(n_threads)
            if clear is not None:
                clear(force=True)


one_blas_thread = _OneBlasThread()


@contextmanager
def single_threaded():
    """Hold BLAS and OpenMP to one thread, so that runs repeat bit for bit."""
    # OpenMP counts threads for each calling thread, so its limit needs no sharing.
    openmp = _get_threadpool_controller().select(user_api="openmp")
    with openmp.limit(limits=1), one_blas_thread:
        yield


def validate_data(estimator, X="no_validation", y="no_validation", **options):
    """scikit-learn's `validate_data`, which sees the names of polars columns as well.

    scikit-learn before 1.9 does not read them from polars 2 and would not notice
    columns in another order. Two columns of one name, and frames that are not in
    memory, are refused. Cells that are no numbers, and missing ones, are named by
    column and row: they are looked for only once scikit-learn has refused the table.
    """
    if nw.dependencies.is_polars_lazyframe(X):
        raise SchemaError(
            "The table must be in memory. Got a LazyFrame instead. Call .collect()."
        )
    if isinstance(X, pd.DataFrame) and not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()].unique()
        raise SchemaError(
            "Column names must be unique. Got "
            f"{', '.join(map(repr, twice))} more than once instead. Rename or leave "
            "out one of each."
        )
    if nw.dependencies.is_polars_dataframe(X) and _get_feature_names(X) is None:
        X = pd.DataFrame({name: X[name].to_numpy() for name in X.columns})
    if options.get("dtype") is np.float64:
        _refuse_dates(X)
    try:
        return _validate_data(estimator, X, y, **options)
    except (TypeError, ValueError) as error:
        refused = _error_about_cells(X, error)
        if refused is None:
            raise
        raise refused from error


def _refuse_dates(X):
    """Refuse dates and durations, which scikit-learn would read as nanoseconds."""
    if isinstance(X, pd.DataFrame):
        columns = zip(X.columns, X.dtypes, strict=True)
        dates = [name for name, dtype in columns if dtype.kind in "mM"]
    elif nw.dependencies.is_polars_dataframe(X):
        dates = [name for name, dtype in X.schema.items() if dtype.is_temporal()]
    else:
        return
    if dates:
        raise _refuse_text(_places(dict.fromkeys(dates, range(len(X))), len(X)))


def _error_about_cells(X, error):
    """Name the columns and rows that made scikit-learn refuse a table, if any did."""
    said = str(error)
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    is_frame = isinstance(frame, nw.DataFrame)
    if "contains NaN" in said or "contains infinity" in said:
        rows_of, refuse = _rows_not_finite, _refuse_missing
    elif "could not convert" in said or (is_frame and isinstance(error, TypeError)):
        rows_of, refuse = _rows_without_numbers, _refuse_text
    else:
        return None
    if is_frame:
        columns = {name: frame[name].to_numpy() for name in frame.columns}
    elif np.ndim(X) == 2:
        columns = dict(enumerate(np.asarray(X, dtype=object).T))
    else:
        return None
    wrong = {name: rows_of(cells) for name, cells in columns.items()}
    found = _places(wrong, len(X))
    return refuse(found) if found else None


def _rows_without_numbers(cells):
    known = np.flatnonzero(~pd.isna(cells))
    return [row for row in known.tolist() if not _is_number(cells[row])]


def _rows_not_finite(cells):
    missing = pd.isna(cells)
    return np.flatnonzero(~np.isfinite(np.where(missing, np.nan, cells).astype(float)))


def _refuse_text(found):
    return SchemaError(
        f"Columns must hold numbers. Got others in {found} instead. Turn them into "
        "numbers before this step, for example by DemographicTransformer of "
        "custseg.features, or leave them out."
    )


def _refuse_missing(found):
    return DataQualityError(
        "Columns must have no missing value (NaN) and no infinite one (inf). Got such "
        f"in {found} instead. Fill them before this step, for example by "
        "BehaviouralTransformer of custseg.features, or leave the rows out."
    )


def _is_number(cell):
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        return False
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _places(wrong, n_rows, limit=5):
    """Write columns with the counts and the first of their wrong rows."""
    places = [
        f"column {name!r}: {len(rows)} of {n_rows} rows (first: row {rows[0]})"
        for name, rows in wrong.items()
        if len(rows)
    ]
    more = f" and {len(places) - limit} more columns" * (len(places) > limit)
    return ", ".join(places[:limit]) + more


def routed_to(estimator, name):
    """Whether metadata of a name reaches `fit`; None where routing is switched off."""
    if not routing_enabled():
        return None
    return name in get_routing_for_object(estimator).consumes("fit", {name})


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
