"""`DemographicTransformer`: numbers, categories and ordered categories together."""

from collections.abc import Mapping
from datetime import date
from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions
from custseg.features._declared import DeclaredTransformer

__all__ = ["DemographicTransformer"]


class DemographicTransformer(DeclaredTransformer):
    """Bring numbers, categories and ordered categories of customers to one scale.

    Takes a mixed table such as age or year of birth, income, gender, occupation,
    marital status, children and education. Numbers are filled, logged where skewed,
    and standardised; ordered categories become standardised ranks; nominal categories
    become one indicator a level, with rare levels pooled and missing values a level of
    their own. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    birth : str, mapping of str to str, or None, default=None
        Column of dates of birth (dates) or years of birth (numbers), which becomes a
        column `age` in years at `reference_date`. Several are given with the names of
        their ages: ``{"born": "age", "partner_born": "partner_age"}``.
    reference_date : str, date, datetime, pandas.Timestamp or None, default=None
        The day at which ages are counted, such as the day of the data; text is read as
        ISO 8601. Required with `birth`: it is never today by itself.
    bands : mapping of str to tuple, or None, default=None
        Where bands of a number begin, ascending: ``{"age": (18, 30, 45, 60)}`` makes
        the ordered levels `under 18`, `18-29`, `30-44`, `45-59` and `60+`. A column
        that is in `nominal` too has its bands as levels without an order.
    ordered : mapping of str to tuple, or None, default=None
        Levels of ordered columns, lowest first, as ``{"education": ("primary",
        "secondary", "degree")}``. A level of the data that is not among them raises in
        `fit`.
    nominal : tuple of str, default=()
        Columns to read as categories whatever their type, such as integer codes. As in
        `ordered` and `bands`, ages have their new names.
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
        Whether levels that `fit` has not seen raise in `transform`, and impossible
        ages in both, instead of being counted in a warning.

    Attributes
    ----------
    reference_date_ : datetime.date or None
        The day at which ages are counted.
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
    FirmographicTransformer : The like for business customers.
    PsychographicTransformer : Answers to attitude items.

    Notes
    -----
    **What a column is** is settled in `fit`. Columns named in `ordered` or `nominal`
    are that. Otherwise ordered pandas categoricals and polars enumerations are
    ordered, in the order of their type; other categoricals, text and booleans are
    nominal; numbers are numeric, integer codes too, since nothing tells a code from a
    count. Text of which half the distinct values or more read as numbers is refused:
    neither a guess at the decimal sign nor a level for every age would be right.

    **An age** from a date of birth is the number of years completed at
    `reference_date`; from a year of birth it is the difference of the years, the age
    reached in the course of that year, which can be one more. Ages below 0 or above
    120 cannot be: of birth dates that stand for none (1900-01-01), years of two digits,
    a reference date that is too early. They are treated as missing and counted in a
    `SegmentWarning`, or raise with ``strict=True``.

    **Bands** are half-open: each begins with its edge and ends below the next. `18-29`
    holds 29.5 as well. What lies below the first edge is a band too, and an order
    counts bands that nobody is in. Edges that are not whole numbers make names such as
    `0.5 to under 1.5`.

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

    Years of birth become ages, and ages bands:

    >>> banded = DemographicTransformer(
    ...     birth="born",
    ...     reference_date="2024-12-31",
    ...     bands={"age": (18, 30, 45, 60)},
    ...     scale=False,
    ... )
    >>> banded.fit_transform(pd.DataFrame({"born": [1999, 1989, 1964, 2010]})).ravel()
    array([1., 2., 4., 0.])
    >>> banded.levels_
    {'age': ('under 18', '18-29', '30-44', '45-59', '60+')}
    """

    _since = "birth"
    _years_name = "age"
    _longest = 120

    _parameter_constraints = {
        "birth": [str, Mapping, None],
        "reference_date": [str, date, np.datetime64, None],
        "bands": [Mapping, None],
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
        birth=None,
        reference_date=None,
        bands=None,
        ordered=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.birth = birth
        self.reference_date = reference_date
        self.bands = bands
        self.ordered = ordered
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict
