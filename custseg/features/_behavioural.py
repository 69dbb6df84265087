"""`BehaviouralTransformer`: skewed counts and amounts to comparable numbers."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.features._columns import (
    check_observed,
    check_output_names,
    numbers,
    read_columns,
)
from custseg.features._frozen import frozen_columns
from custseg.features._scaling import (
    apply_scaling,
    frozen_scalings,
    learn_scaling,
    wants_log,
)

__all__ = ["BehaviouralTransformer"]

_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or leave it out."
)


class BehaviouralTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Bring counts and amounts of behaviour to one scale, skewed ones by a logarithm.

    Takes what customers did, one column a measure: recency, orders, spend, returns,
    visits. Missing values become the median, skewed columns go through a logarithm
    that keeps signs, and each column is standardised. Everything is learned in `fit`
    and frozen.

    Parameters
    ----------
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Columns that go through the signed logarithm. "auto" takes those whose long
        tail leaves zero: skewness above 1 on the training data, or below -1 in a
        column without positive values. A tuple names the columns ("x0", "x1", ... in
        an array).
    scale : bool, default=True
        Whether to standardise: each column, with its indicator, then has a total
        variance of one on the training data (n in the denominator). False leaves the
        columns in their own or logarithmic units and does not centre them.
    add_indicator : bool, default=False
        Whether each column that has missing values in `fit` is followed by a column
        `<name>=missing` that tells them. The two share the variance of one.

    Attributes
    ----------
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    indicator_columns_ : tuple of str
        Columns followed by an indicator.
    medians_ : ndarray of shape (n_features_in_,)
        What replaces missing values, in the columns' own units.
    units_ : ndarray of shape (n_features_in_,)
        Units of the logarithm, in the columns' own units; NaN where none is taken.
    means_ : ndarray of shape (n_features_in_,)
        Subtracted after the logarithm; 0 if `scale=False`.
    scales_ : ndarray of shape (n_features_in_,)
        Divide what is left; 1 if `scale=False`, infinite for a constant column.
    indicator_scales_ : ndarray of shape (n_features_in_,)
        Divide the indicators; NaN where there is none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    DemographicTransformer : Numbers and categories side by side.
    PsychographicTransformer : Answers to attitude items.

    Notes
    -----
    The signed logarithm is ``sign(x) * log(1 + |x| / unit)``. It is defined for
    returns and zeros, nearly linear below the unit and logarithmic above it. The unit
    of a column is the 5 % quantile of its non-zero absolute values: for counts that
    is usually 1, for amounts a small purchase. Because the unit moves with the data,
    euros and cents give the same numbers.

    Constant columns become zeros, whatever a later customer has in them: they had no
    scale to learn. Booleans count as 0 and 1. Rows without any value become the
    medians.

    Examples
    --------
    Three clients buy steadily, one returned more than it bought, one is large:

    >>> import pandas as pd
    >>> from custseg.features import BehaviouralTransformer
    >>> customers = pd.DataFrame(
    ...     {"orders": [3, 4, 2, 1, 5], "spend": [90.0, 130.0, 60.0, -20.0, 9000.0]}
    ... )
    >>> transformer = BehaviouralTransformer().set_output(transform="pandas")
    >>> transformer.fit_transform(customers).round(2)
       orders  spend
    0    0.00  -0.18
    1    0.71  -0.04
    2   -0.71  -0.32
    3   -1.41  -1.26
    4    1.41   1.81
    >>> transformer.log_columns_
    ('spend',)

    A new customer alone gets the same numbers as in any batch:

    >>> transformer.transform(customers.iloc[[4]]).round(2)
       orders  spend
    4    1.41   1.81
    """

    _parameter_constraints = {
        "log": [StrOptions({"auto", "all", "none"}), tuple, list],
        "scale": ["boolean"],
        "add_indicator": ["boolean"],
    }

    def __init__(self, *, log="auto", scale=True, add_indicator=False):
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn medians, units and scales.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            Numbers, one row a customer; missing values allowed.
        y : None
            Ignored.

        Returns
        -------
        self : BehaviouralTransformer

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates, if names are not unique (those
            of the outputs, such as `spend=missing`, among them), or
            if `log` names a column that the table does not have.
        DataQualityError
            If a number is infinite or a column has no value at all.
        """
        columns = read_columns(self, X, reset=True)
        names = [column.name for column in columns]
        logs = wants_log(self.log, names)
        values = [numbers(column, _REMEDY) for column in columns]
        check_observed(names, values)
        learned = [
            learn_scaling(
                x, log=log, scale=self.scale, add_indicator=self.add_indicator
            )
            for x, log in zip(values, logs, strict=True)
        ]
        (
            self.medians_,
            self.units_,
            self.means_,
            self.scales_,
            self.indicator_scales_,
        ) = (np.array(figures) for figures in zip(*learned, strict=True))
        self.log_columns_ = _named(names, ~np.isnan(self.units_))
        self.indicator_columns_ = _named(names, ~np.isnan(self.indicator_scales_))
        check_output_names(self.get_feature_names_out())
        return self

    def transform(self, X):
        """Turn customer columns into numbers by what `fit` learned.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            The columns of `fit`, in their order; one row is enough.

        Returns
        -------
        ndarray or frame of shape (n_customers, n_features_out)
            Float64, no missing values; a frame if `set_output` asked for one.

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates.
        DataQualityError
            If a number is infinite.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        outputs = []
        for column, scaling in zip(columns, frozen_scalings(self), strict=True):
            outputs += apply_scaling(numbers(column, _REMEDY), scaling)
        return np.column_stack(outputs)

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input columns; None takes those of `fit`.

        Returns
        -------
        ndarray of str
            The input names, each indicator `<name>=missing` after its column.
        """
        check_is_fitted(self)
        names = []
        inputs = check_feature_names_in(self, input_features)
        for name, scale in zip(inputs, self.indicator_scales_, strict=True):
            names += [name] if np.isnan(scale) else [name, f"{name}=missing"]
        return np.asarray(names, dtype=object)

    def _scorer_step(self):
        return frozen_columns(self)

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _named(names, chosen):
    return tuple(name for name, one in zip(names, chosen, strict=True) if one)
