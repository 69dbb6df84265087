"""`FirmographicTransformer`: trade, size, years and terms of business customers."""

import warnings
from collections.abc import Mapping
from datetime import date
from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions
from custseg.columns import check_names, level_text, quoted
from custseg.exceptions import SchemaError, SegmentWarning
from custseg.features._bands import SME
from custseg.features._declared import DeclaredTransformer
from custseg.scoring import Trades

__all__ = ["FirmographicTransformer"]


def read_trade_map(name, patterns):
    """Split a map of codes into whole codes and beginnings of codes.

    Parameters
    ----------
    name : str
        Of the column.
    patterns : mapping
        Trade by code; a code that ends with `*` stands for all that begin so.

    Returns
    -------
    whole : dict of str to str
        Trade by code, in lower case.
    beginnings : dict of str to str
        Trade by beginning, longest first.

    Raises
    ------
    ValueError
        If there are none, one is not a trade by a code, or one code has two trades.
    """
    if not isinstance(patterns, Mapping) or not patterns:
        raise ValueError(
            f"trade_map must give column {name!r} a dict of codes and trades. Got "
            f"{patterns!r} instead. Write {{{name!r}: {{'55*': 'hotel'}}}}."
        )
    found = {}
    for code, trade in patterns.items():
        code, trade = level_text(code).casefold(), level_text(trade)
        if not code or not trade or found.setdefault(code, trade) != trade:
            raise ValueError(
                f"trade_map must give each code of column {name!r} one trade, neither "
                f"blank. Got {code!r} otherwise instead. Upper and lower case are the "
                "same."
            )
    whole = {code: found[code] for code in found if not code.endswith("*")}
    starts = sorted((code[:-1] for code in found if code.endswith("*")), key=len)
    return whole, {start: found[f"{start}*"] for start in reversed(starts)}


class FirmographicTransformer(DeclaredTransformer):
    """Bring trade, size, years and terms of business customers to one scale.

    Takes a mixed table with one row a business customer, such as trade, number of
    employees, sites, year of foundation, payment terms in days, credit limit and type
    of contract. Columns are read by their type as in `DemographicTransformer`: numbers
    are filled, logged where skewed (as sizes and credit limits are), and
    standardised; ordered categories become standardised ranks; nominal ones, such as
    the trade, one indicator a level. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    trade_map : mapping of str to mapping, or None, default=None
        Trades by the codes of a column, as ``{"nace": {"55*": "hotel", "56*":
        "restaurant", "86.1*": "hospital"}}``. A code that ends with `*` stands for
        all that begin so; the longest wins, and a whole code before it. Upper and
        lower case are the same. A code without a trade stays a level of its own and is
        counted in a `SegmentWarning` in `fit`; ``"*": "other"`` takes them all.
    founded : str, mapping of str to str, or None, default=None
        Column of years (numbers) or dates of foundation, which becomes a column
        `years_in_business` at `reference_date`. Several are given with the names of
        what they become: ``{"founded": "years_in_business", "client_since":
        "years_as_client"}``.
    reference_date : str, date, datetime, pandas.Timestamp or None, default=None
        The day at which years are counted, such as the day of the data; text is read
        as ISO 8601. Required with `founded`: it is never today by itself.
    bands : mapping of str to tuple or "sme", or None, default=None
        Where bands of a number begin, ascending, as in `DemographicTransformer`:
        ``{"sites": (2, 10)}`` makes `under 2`, `2-9` and `10+`. "sme" bands numbers of
        employees by the size classes of the European Union [3]_: `micro` below 10,
        `small` below 50, `medium` below 250, `large`.
    ordered : mapping of str to tuple, or None, default=None
        Levels of ordered columns, lowest first. A level of the data that is not among
        them raises in `fit`.
    nominal : tuple of str, default=()
        Columns to read as categories whatever their type, such as integer codes.
    min_share : float, default=0.01
        Nominal levels with a smaller share of the training customers are pooled in
        the level `other`. 0 pools none.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Numeric columns that go through the signed logarithm, as in
        `BehaviouralTransformer`.
    scale : bool, default=True
        Whether each customer column gets a total variance of one on the training
        data, as in `DemographicTransformer`.
    add_indicator : bool, default=False
        Whether numeric and ordered columns with missing values in `fit` are followed
        by a column `<name>=missing` that tells them.
    strict : bool, default=False
        Whether levels that `fit` has not seen raise in `transform`, and impossible
        years or sizes and codes without a trade wherever they are, instead of being
        counted in a warning.

    Attributes
    ----------
    reference_date_ : datetime.date or None
        The day at which years are counted.
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
    custseg.tables.roll_up_accounts : Accounts of one company to one row.
    DemographicTransformer : The like for people; says how columns and levels are read.

    Notes
    -----
    **Which columns.** Bonoma and Shapiro nest the bases of industrial markets from
    what is seen from outside to what takes acquaintance [1]_ [2]_: firm and trade, size
    and place; then technology and use; then how the customer buys (terms, contracts);
    then the situation (urgency, size of order); then the people who buy. They advise
    to begin outside and to go in only as far as it is of use. This transformer is for
    the first of these and for the terms; what customers do is for
    `BehaviouralTransformer`.

    **Codes** of trades (NACE, SIC, NAICS) are hierarchies: a beginning is a wider
    trade. Held as numbers they have lost their leading zeros, and a beginning would be
    a guess (SIC 0181 is 181 and would begin with 18). With beginnings in the map
    such a column is therefore refused; whole codes are found in numbers as well. Points
    belong to a code: `56.1*` does not stand for `5610`.

    **Years** from a date are the years completed, and from a year the difference of
    the years. Fewer than 0 or more than 1,500 cannot be; they are treated as missing
    and counted in a `SegmentWarning`, or raise with ``strict=True``. So are negative
    numbers of employees under "sme".

    **The size classes** of the European Union also ask for a turnover of at most 2, 10
    and 50 million euros, or a balance sheet of at most 2, 10 and 43, and count linked
    enterprises together. "sme" goes by the persons employed alone, as most statistics
    do.

    References
    ----------
    .. [1] Bonoma, T. V. and Shapiro, B. P. (1983). Segmenting the Industrial Market.
       Lexington Books, Lexington, MA.
    .. [2] Shapiro, B. P. and Bonoma, T. V. (1984). How to segment industrial markets.
       Harvard Business Review 62(3), 104-110.
    .. [3] European Commission (2003). Recommendation 2003/361/EC concerning the
       definition of micro, small and medium-sized enterprises. Official Journal L 124,
       36-41. http://data.europa.eu/eli/reco/2003/361/oj

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import FirmographicTransformer
    >>> firms = pd.DataFrame(
    ...     {
    ...         "nace": ["55.10", "56.10", "56.30", "86.10"],
    ...         "employees": [40, 4, 8, 900],
    ...         "founded": [1984, 2014, 2021, 1954],
    ...     }
    ... )
    >>> transformer = FirmographicTransformer(
    ...     trade_map={"nace": {"55*": "hotel", "56*": "food", "86.1*": "hospital"}},
    ...     founded="founded",
    ...     reference_date="2024-12-31",
    ...     bands={"employees": "sme"},
    ...     scale=False,
    ... ).set_output(transform="pandas")
    >>> transformer.fit_transform(firms).astype(int)
       nace=food  nace=hospital  nace=hotel  employees  years_in_business
    0          0              0           1          1                 40
    1          1              0           0          0                 10
    2          1              0           0          0                  3
    3          0              1           0          3                 70
    """

    _since = "founded"
    _years_name = "years_in_business"
    _longest = 1_500
    _schemes = {"sme": SME}

    _parameter_constraints = {
        "trade_map": [Mapping, None],
        "founded": [str, Mapping, None],
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
        trade_map=None,
        founded=None,
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
        self.trade_map = trade_map
        self.founded = founded
        self.reference_date = reference_date
        self.bands = bands
        self.ordered = ordered
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    def _learn(self, columns):
        """Check the declarations, and count the codes that have no trade."""
        self._trades = {}
        super()._learn(columns)
        trades, names = self.trade_map or {}, [column.name for column in columns]
        check_names("trade_map", trades, names)
        for parameter, others in [
            ("ordered", self._orders),
            ("in bands", self._bands),
            (f"in {self._since}", self._years),
        ]:
            self._refuse_both(parameter, others, "in trade_map", trades)
        self._trades = {name: read_trade_map(name, trades[name]) for name in trades}
        for position, name in enumerate(names):
            if name in trades:
                self._report_unmapped(self._first(position, name), columns)
        return self._derivations(names)

    def _first(self, position, name):
        if name not in self._trades:
            return super()._first(position, name)
        whole, beginnings = self._trades[name]
        found = (whole.keys(), whole.values(), beginnings.keys(), beginnings.values())
        return Trades((name,), position, *map(tuple, found))

    def _report_unmapped(self, trades, columns):
        """Warn of codes that have no trade, or raise if `strict`."""
        codes, levels = trades.levels(self._batch(columns))
        unmapped = [k for k, one in enumerate(levels) if trades.trade_of(one) is None]
        if not unmapped:
            return
        rows = np.count_nonzero(np.isin(codes, unmapped))
        text = (
            f"trade_map must have the codes of column {trades.names[0]!r}. Got "
            f"{len(unmapped)} without a trade in {rows} of {len(codes)} rows instead "
            f"({quoted([levels[place] for place in unmapped], limit=3)})"
        )
        if self.strict:
            raise SchemaError(
                f"{text}. Add them, or '*' for all others, or set strict=False."
            )
        warnings.warn(
            f"{text}, kept as levels of their own. Add them, or '*' for all others.",
            SegmentWarning,
            stacklevel=5,
        )
