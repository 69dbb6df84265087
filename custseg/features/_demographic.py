"""`DemographicTransformer`: numbers, categories and ordered categories together."""

import warnings
from collections.abc import Mapping
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.exceptions import SchemaError, SegmentWarning
from custseg.features._columns import (
    check_names,
    check_observed,
    check_output_names,
    numbers,
    quoted,
    read_columns,
)
from custseg.features._frozen import frozen_columns, frozen_levels, frozen_ranks
from custseg.features._levels import (
    MISSING,
    OTHER,
    count_unseen,
    counted,
    labels,
    order_texts,
    pool_levels,
    refuse_numeric_text,
)
from custseg.features._scaling import (
    Scaling,
    apply_scaling,
    frozen_scalings,
    learn_scaling,
    wants_log,
)

__all__ = ["DemographicTransformer"]

_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or fit again with the column as it is now."
)


class DemographicTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Bring numbers, categories and ordered categories of customers to one scale.

    Takes a mixed table such as age, income, gender, occupation and education. Numbers
    are filled, logged where skewed, and standardised; ordered categories become
    standardised ranks; nominal categories become one indicator a level, with rare
    levels pooled and missing values a level of their own. Everything is learned in
    `fit` and frozen.

    Parameters
    ----------
    ordered : mapping of str to tuple, or None, default=None
        Levels of ordered columns, lowest first, as ``{"education": ("primary",
        "secondary", "degree")}``. A level of the data that is not among them raises in
        `fit`.
    nominal : tuple of str, default=()
        Columns to read as categories whatever their type, such as integer codes.
    min_share : float, default=0.01
        Nominal levels with a smaller share of the training customers are pooled in
        the level `other`. 0 pools none.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Numeric columns that go through the signed logarithm, as in
        `BehaviouralTransformer`.
    scale : bool, default=True
        Whether each customer column gets a total variance of one on the training data
        (n in the denominator): numbers and ranks are standardised, the indicators of a
        nominal column divided by a common figure and not centred. False leaves
        numbers in their own or logarithmic units, ranks 0, 1, ... and indicators 0/1.
    add_indicator : bool, default=False
        Whether numeric and ordered columns with missing values in `fit` are followed
        by a column `<name>=missing` that tells them.
    strict : bool, default=False
        Whether levels that `fit` has not seen raise in `transform` instead of being
        counted in a warning.

    Attributes
    ----------
    kinds_ : dict of str to {"numeric", "ordered", "nominal"}
        What each column is read as.
    levels_ : dict of str to tuple of str
        Levels of each ordered column, lowest first, and output levels of each nominal
        column: sorted, then `other` and `missing` where there are any.
    pooled_levels_ : dict of str to tuple of str
        Levels of each nominal column behind `other`; empty for a column in which all
        levels are rare.
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    medians_ : ndarray of shape (n_features_in_,)
        What replaces missing values, in the columns' own units or ranks; NaN for
        nominal columns.
    units_ : ndarray of shape (n_features_in_,)
        Units of the logarithm; NaN where none is taken.
    means_ : ndarray of shape (n_features_in_,)
        Subtracted after the logarithm; 0 for nominal columns and if `scale=False`.
    scales_ : ndarray of shape (n_features_in_,)
        Divide what is left; 1 if `scale=False`, infinite for a constant column, which
        becomes zeros.
    indicator_scales_ : ndarray of shape (n_features_in_,)
        Divide the indicators of missing numbers and ranks; NaN where there is none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    BehaviouralTransformer : Skewed counts and amounts.
    PsychographicTransformer : Answers to attitude items.

    Notes
    -----
    **What a column is** is settled in `fit`. Columns named in `ordered` or `nominal`
    are that. Otherwise ordered pandas categoricals and polars enumerations are
    ordered, in the order of their type; other categoricals, text and booleans are
    nominal; numbers are numeric, integer codes too, since nothing tells a code from a
    count. Text of which half the distinct values or more read as numbers is refused:
    neither a guess at the decimal sign nor a level for every age would be right.

    **Levels** are compared as text in Unicode NFC, without spaces at the ends, upper
    and lower case kept apart. The numbers 1 and 1.0 and the text "1" are one level, as
    are True and "True"; True and 1 are two. Blank text is missing. Data levels called
    `other` or `missing` share the level of that name.

    **A nominal column's** indicators are divided by ``sqrt(sum p (1 - p))`` over its
    output levels with training shares p. Two customers of different levels are then
    as far apart whichever levels they have. A level that `fit` has not seen counts as
    `other` where there is one, and else as none: all indicators 0. A missing value
    where `fit` has seen none is treated alike. An unseen level of an ordered column
    becomes the median rank. All are counted in a `SegmentWarning`.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import DemographicTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "age": [25, 35, 45, 55],
    ...         "gender": ["f", "m", "f", None],
    ...         "education": ["school", "degree", "degree", "school"],
    ...     }
    ... )
    >>> transformer = DemographicTransformer(
    ...     ordered={"education": ("school", "degree")}
    ... ).set_output(transform="pandas")
    >>> transformer.fit_transform(customers).round(2)
        age  gender=f  gender=m  gender=missing  education
    0 -1.34      1.26      0.00            0.00       -1.0
    1 -0.45      0.00      1.26            0.00        1.0
    2  0.45      1.26      0.00            0.00        1.0
    3  1.34      0.00      0.00            1.26       -1.0
    >>> transformer.kinds_
    {'age': 'numeric', 'gender': 'nominal', 'education': 'ordered'}
    """

    _parameter_constraints = {
        "ordered": [Mapping, None],
        "nominal": [tuple, list],
        "min_share": [Interval(Real, 0, 1, closed="left")],
        "log": [StrOptions({"auto", "all", "none"}), tuple, list],
        "scale": ["boolean"],
        "add_indicator": ["boolean"],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        *,
        ordered=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.ordered = ordered
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what each column is, its levels, medians and scales.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            Numbers, text, booleans and categoricals, one row a customer.
        y : None
            Ignored.

        Returns
        -------
        self : DemographicTransformer

        Raises
        ------
        SchemaError
            If a column holds dates or text that reads as numbers, names are not
            unique, a parameter names a column that the table does not have, or an
            ordered column holds a level outside its order.
        DataQualityError
            If a number is infinite or a column has no value at all.
        ValueError
            If a column is declared both ordered and nominal, or an order lists a
            level twice.

        Warns
        -----
        SegmentWarning
            If all levels of a nominal column are rare: the column says nothing then.
        """
        columns = read_columns(self, X, reset=True)
        names = [column.name for column in columns]
        orders = self._declared_orders(names)
        self.kinds_ = {c.name: self._kind(c, orders) for c in columns}
        numeric = [name for name in names if self.kinds_[name] == "numeric"]
        logs = wants_log(self.log, numeric, what="numeric columns")
        logs = dict(zip(numeric, logs, strict=True))

        self.levels_, self.pooled_levels_ = {}, {}
        learn = {
            "nominal": self._learn_nominal,
            "ordered": lambda column: self._learn_ordered(column, orders),
            "numeric": lambda column: self._learn_values(
                column, numbers(column, _REMEDY), logs[column.name]
            ),
        }
        learned = [learn[self.kinds_[column.name]](column) for column in columns]
        (
            self.medians_,
            self.units_,
            self.means_,
            self.scales_,
            self.indicator_scales_,
        ) = (np.array(figures) for figures in zip(*learned, strict=True))
        self.log_columns_ = tuple(
            name
            for name, unit in zip(names, self.units_, strict=True)
            if not np.isnan(unit)
        )
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
            If a column of numbers holds text, categories or dates, or, with
            `strict=True`, a level has not been seen in `fit`.
        DataQualityError
            If a number is infinite.

        Warns
        -----
        SegmentWarning
            If a level has not been seen in `fit`, with its column and count.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        outputs, unseen = [], {}
        for column, scaling in zip(columns, frozen_scalings(self), strict=True):
            kind = self.kinds_[column.name]
            if kind == "nominal":
                block, counts = self._indicators(column, scaling.scale)
                outputs += block
            elif kind == "ordered":
                ranks, counts = self._ranks(column)
                outputs += apply_scaling(ranks, scaling)
            else:
                counts = {}
                outputs += apply_scaling(numbers(column, _REMEDY), scaling)
            if counts:
                unseen[column.name] = counts
        self._report_unseen(unseen)
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
            `age` for numbers and ranks, `gender=f` for levels, `age=missing` for
            indicators of missing values.
        """
        check_is_fitted(self)
        inputs = check_feature_names_in(self, input_features)
        names = []
        for name, (column, kind), indicator in zip(
            inputs, self.kinds_.items(), self.indicator_scales_, strict=True
        ):
            if kind == "nominal":
                names += [f"{name}={level}" for level in self.levels_[column]]
            else:
                names += [name] if np.isnan(indicator) else [name, f"{name}={MISSING}"]
        return np.asarray(names, dtype=object)

    # -- what a column is ----------------------------------------------------------

    def _declared_orders(self, names):
        """Return `ordered` with its levels as text, after checking both declarations.

        A declared column is looked up by name, so the name must be in the table.
        """
        ordered = self.ordered or {}
        check_names("ordered", ordered, names)
        check_names("nominal", self.nominal, names)
        both = [name for name in self.nominal if name in ordered]
        if both:
            raise ValueError(
                f"A column must be ordered or nominal. Got {quoted(both)} in both "
                "instead. Declare each in one."
            )
        return {name: order_texts(name, levels) for name, levels in ordered.items()}

    def _kind(self, column, orders):
        """Settle what a column is read as."""
        if column.name in orders:
            return "ordered"
        if column.name in self.nominal:
            return "nominal"
        if column.kind in ("number", "empty"):
            return "numeric"
        if column.kind in ("text", "mixed"):
            refuse_numeric_text(column)
        # Dates are nominal for a moment: reading their levels refuses them.
        return "ordered" if column.kind == "ordered" else "nominal"

    # -- learning ------------------------------------------------------------------

    def _learn_nominal(self, column):
        """Learn the output levels of a nominal column and the figure that divides."""
        codes, levels = labels(column)
        check_observed([column.name], [np.where(codes < 0, np.nan, codes)])
        kept, pooled, shares = pool_levels(codes, levels, self.min_share)
        if pooled and not set(kept) - {OTHER, MISSING}:
            warnings.warn(
                f"Column {column.name!r} must have a level shared by "
                f"{self.min_share:.3g} of the customers. Got {len(pooled)} rarer "
                "levels instead, all pooled. Leave the column out if it is an "
                "identifier, band it, or lower min_share.",
                SegmentWarning,
                stacklevel=4,
            )
            # Levels of an identifier are customers, which are not to be kept.
            pooled = ()
        self.levels_[column.name] = kept
        self.pooled_levels_[column.name] = pooled
        spread = float(np.sqrt(np.sum(shares * (1.0 - shares))))
        scale = 1.0 if not self.scale else spread if spread > 0 else np.inf
        return Scaling(np.nan, np.nan, 0.0, scale, np.nan)

    def _learn_ordered(self, column, orders):
        """Learn the order of an ordered column and the figures of its ranks."""
        order = orders.get(column.name)
        if order is None:
            order = order_texts(column.name, column.order)
        self.levels_[column.name] = order
        ranks, unknown = self._ranks(column)
        if unknown:
            raise SchemaError(
                f"Column {column.name!r} must hold the levels of its order. Got others "
                f"in {counted(unknown)} rows instead. Add them to the order, correct "
                "them or mark them as missing."
            )
        return self._learn_values(column, ranks, log=False)

    def _learn_values(self, column, values, log):
        """Learn the figures of a column of numbers or ranks."""
        check_observed([column.name], [values])
        return learn_scaling(
            values, log=log, scale=self.scale, add_indicator=self.add_indicator
        )

    # -- applying ------------------------------------------------------------------

    def _ranks(self, column):
        """Return the ranks of an ordered column (NaN if none) and unseen levels."""
        codes, levels = labels(column)
        position = {level: rank for rank, level in enumerate(self.levels_[column.name])}
        # The last entry serves the code -1.
        table = np.array([position.get(level, -1) for level in levels] + [-1])
        ranks = table[codes].astype(np.float64)
        ranks[ranks < 0] = np.nan
        return ranks, count_unseen(codes, levels, table, missing=False)

    def _indicators(self, column, scale):
        """Return the scaled indicators of a nominal column and unseen levels."""
        codes, levels = labels(column)
        kept = self.levels_[column.name]
        position = {level: place for place, level in enumerate(kept)}
        elsewhere = position.get(OTHER, -1)
        position |= dict.fromkeys(self.pooled_levels_[column.name], elsewhere)
        table = np.array(
            [position.get(level, -1) for level in [*levels, MISSING]], dtype=np.intp
        )
        # A column in which all levels were rare has none to be unseen: fit said so.
        blind = not set(kept) - {OTHER, MISSING}
        unseen = (
            {} if blind else count_unseen(codes, levels, table, missing=table[-1] < 0)
        )
        place = np.where(table < 0, elsewhere, table)[codes]
        if np.isinf(scale):
            return [np.zeros(len(codes)) for _ in kept], unseen
        return [(place == one) / scale for one in range(len(kept))], unseen

    def _report_unseen(self, unseen):
        """Warn of levels that `fit` has not seen, or raise if `strict`."""
        if not unseen:
            return
        found = [
            f"{name!r}: {counted(levels)} rows"
            + ("" if self.strict else f", counted as {self._stand_in(name)}")
            for name, levels in unseen.items()
        ]
        more = f"; and in {len(found) - 5} more columns" * (len(found) > 5)
        text = (
            "Levels must have been seen in fit. Got unseen ones in "
            f"{'; '.join(found[:5])}{more} instead. Correct them, or "
        )
        if self.strict:
            raise SchemaError(f"{text}set strict=False.")
        warnings.warn(
            f"{text}fit again with customers who have them.",
            SegmentWarning,
            stacklevel=4,
        )

    def _stand_in(self, name):
        """Say what an unseen level of a column counts as."""
        if self.kinds_[name] == "ordered":
            return "the median rank"
        return repr(OTHER) if OTHER in self.levels_[name] else "no level"

    def _scorer_step(self):
        kinds, scalings = list(self.kinds_.items()), frozen_scalings(self)

        def level_of(position):
            name, kind = kinds[position]
            scaling = scalings[position]
            if kind == "numeric":
                return None
            if kind == "ordered":
                return frozen_ranks(self.levels_[name], scaling, strict=self.strict)
            pooled = self.pooled_levels_[name]
            kept, scale = self.levels_[name], scaling.scale
            return frozen_levels(kept, pooled, scale, strict=self.strict)

        return frozen_columns(self, level_of)

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: categories and missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags
