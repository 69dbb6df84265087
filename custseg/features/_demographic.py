"""`DemographicTransformer`: numbers, categories and ordered categories together."""

from collections.abc import Mapping
from numbers import Real

from custseg._sklearn import Interval, StrOptions
from custseg.features._columns import check_names, quoted
from custseg.features._levels import order_texts
from custseg.features._mixed import MixedTransformer

__all__ = ["DemographicTransformer"]


class DemographicTransformer(MixedTransformer):
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

    def _learn(self, columns):
        """Check the declarations.

        A declared column is looked up by name, so the name must be in the table.
        """
        names = [column.name for column in columns]
        ordered = self.ordered or {}
        check_names("ordered", ordered, names)
        check_names("nominal", self.nominal, names)
        both = [name for name in self.nominal if name in ordered]
        if both:
            raise ValueError(
                f"A column must be ordered or nominal. Got {quoted(both)} in both "
                "instead. Declare each in one."
            )
        self._orders = {n: order_texts(n, levels) for n, levels in ordered.items()}

    def _derive(self, columns):
        """Give declared columns the kind that was declared."""
        return [
            column._replace(kind="ordered", order=self._orders[column.name])
            if column.name in self._orders
            else column
            for column in columns
        ]

    def _kind(self, column):
        """Settle what a column is read as: booleans and declared codes as levels."""
        if column.name in self.nominal or column.kind == "boolean":
            return "nominal"
        return super()._kind(column)

    def _scorer_step(self):
        return self._frozen()

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: categories and missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        return tags
