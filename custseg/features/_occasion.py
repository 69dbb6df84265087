"""`OccasionTransformer`: when, where and what for customers buy."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from numbers import Integral, Real

import numpy as np

from custseg._sklearn import Interval, StrOptions
from custseg.columns import check_names, order_texts
from custseg.exceptions import DataQualityError, SegmentWarning
from custseg.features._compositions import smallest_share
from custseg.features._cycles import cyclic_of, read_rounds
from custseg.features._mixed import MixedTransformer
from custseg.features._role_checks import check_column_roles, check_wholes
from custseg.features._years import read_reference_date
from custseg.scoring import Events, Same, Shares

__all__ = ["OccasionTransformer"]


class OccasionTransformer(MixedTransformer):
    """Bring the occasions of customers to numbers: when, where and what for they buy.

    Shares of orders over occasions (home, office, leisure, travel; parts of the day;
    seasons, holidays; purposes) become coordinates that are fit for distances, typical
    hours and months points on a circle, and dates of life events days until the next
    and since the last. Main purposes, store formats and special needs are levels. All
    other columns are read by their type, as `DemographicTransformer` reads them.
    Everything is learned in `fit` and frozen.

    Parameters
    ----------
    shares : mapping of str to tuple of str, or None, default=None
        Columns that are the parts of one whole, as shares or as counts of orders:
        ``{"daypart": ("morning", "evening")}``. They are brought to a sum of one.
        `custseg.tables.summarize_occasions` makes them of transactions.
    coordinates : {"hellinger", "clr"}, default="hellinger"
        What shares become: their square roots, or the centred logarithms of their
        ratios.
    prior : float, default=0.0
        How many orders of the average training customer are added to those of each,
        so that a single order in the evening does not make a customer of the evening.
        Needs counts.
    zero_share : float or None, default=None
        What a share of zero becomes under "clr"; None learns it.
    cyclic : mapping of str to float, or None, default=None
        Columns that go round, and how long a round is: ``{"hour": 24, "weekday": 7,
        "month": 12}``.
    events : tuple of str, mapping of str to tuple of str, or None, default=None
        Columns of dates of life events, such as a wedding, a move or a birth. A mapping
        takes several together, of which the nearest counts: ``{"family": ("wedding",
        "birth")}``.
    yearly : tuple of str, default=()
        Which of `events` come again each year, as birthdays do.
    reference_date : str, date, datetime, pandas.Timestamp or None, default=None
        The day from which days are counted, such as that of the data; text is read as
        ISO 8601. Required with `events`: it is never today by itself.
    window : int or tuple of int, default=90
        How many days ahead and after an event matters; a pair tells them apart.
    ordered : mapping of str to tuple, or None, default=None
        Levels of ordered columns, lowest first.
    nominal : tuple of str, default=()
        Columns to read as categories whatever their type, such as integer codes.
    min_share : float, default=0.01
        Nominal levels with a smaller share of the training customers are pooled in
        the level `other`.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Numeric columns that go through the signed logarithm, as in
        `BehaviouralTransformer`.
    scale : bool, default=True
        Whether each column, each whole of `shares`, each round of `cyclic` and each of
        `events` gets a total variance of one on the training data. False leaves them
        in their own units.
    add_indicator : bool, default=False
        Whether numeric and ordered columns with missing values in `fit` are followed
        by a column `<name>=missing` that tells them.
    strict : bool, default=False
        Whether levels that `fit` has not seen, and first days of yearly events before
        1901, raise instead of being counted in a warning.

    Attributes
    ----------
    reference_date_ : datetime.date or None
        The day from which days are counted.
    mean_shares_ : dict of str to tuple of float
        Shares of the average training customer, for each whole of `shares`.
    zero_shares_ : dict of str to float
        What a share of zero becomes under "clr"; empty under "hellinger".
    kinds_ : dict of str to {"numeric", "ordered", "nominal", "plane"}
        What each column is read as, in the order of the output: columns that stand for
        themselves, `shares`, `cyclic`, `events`.
    levels_ : dict of str to tuple of str
        Levels of each ordered column, lowest first, and output levels of each nominal
        column: sorted, then `other` and `missing` where there are any.
    pooled_levels_ : dict of str to tuple of str
        Levels of each nominal column behind `other`.
    planes_ : dict of str to tuple
        Names, fill values, means and scale of `shares`, `cyclic` and `events`.
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    medians_ : ndarray of shape (n_kinds,)
        What replaces missing values; NaN where `kinds_` is nominal or plane.
    units_ : ndarray of shape (n_kinds,)
        Units of the logarithm; NaN where none is taken.
    means_ : ndarray of shape (n_kinds,)
        Subtracted after the logarithm.
    scales_ : ndarray of shape (n_kinds,)
        Divide what is left; infinite for a constant column, which becomes zeros.
    indicator_scales_ : ndarray of shape (n_kinds,)
        Divide the indicators of missing numbers and ranks; NaN where there is none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    custseg.tables.summarize_occasions : Shares of orders from transactions.
    DemographicTransformer : Numbers, categories and ordered categories.

    Notes
    -----
    **An occasion is not a person** [1]_ [2]_: the same customer buys coffee for the
    office and wine as a gift. Shares over occasions keep both, a main purpose one.

    **Shares** add up to one, so straight differences between them mislead: from 0 to
    .1 is a new habit, from .5 to .6 hardly a change. Square roots of shares have the
    Hellinger distance [3]_ (times the square root of two), in which zeros need no
    care; it is the default because shares of few orders are full of zeros. The centred
    log-ratio looks at proportions alone: twice as often is twice as often, of much or
    little. It has no place for zeros. They become `zero_share`, and the other parts
    are multiplied by what is left, which keeps their ratios [4]_. As learned it is .65
    of the largest share that would stay below every other share of the training
    customers: .65 m / (1 + m (D - 1)) for D parts with m the smallest share that is
    not zero. Distances then depend on that figure, the more the more zeros there are.

    A whole weighs as one column however many parts it has, as a nominal column does
    whatever its levels. For customers with one order each, the coordinates under
    "hellinger" are the indicators of that column.

    Customers with no order at any of the occasions, or with all parts missing, get the
    mean coordinates, or with a `prior` the average customer's. A gap beside known
    parts raises, as do negative parts.

    **Rounds** become sine and cosine, so that hour 23 lies beside hour 1. Values
    from 0 to the length of the round are taken, both ends the same point. Weekdays
    from 0 to 6 and from 1 to 7 both do.

    **Events** become two numbers each: days until the next and days since the last at
    `reference_date`, counted up to the end of `window`. No event, an unknown date and
    one outside the window are all as far away as the window's end, which is why there
    are no gaps to be filled. On the day itself an event is 0 days since. Yearly
    events are counted from their first day on; 29 February is 1 March in other years.
    First days before 1901 stand for none: they are treated as missing and counted in
    a `SegmentWarning`.

    References
    ----------
    .. [1] Dickson, P. R. (1982). Person-situation: segmentation's missing link.
       Journal of Marketing 46(4), 56-64. https://doi.org/10.1177/002224298204600407
    .. [2] Dubow, J. S. (1992). Occasion-based vs. user-based benefit segmentation: a
       case study. Journal of Advertising Research 32(2), 11-18.
    .. [3] Rao, C. R. (1995). A review of canonical coordinates and an alternative to
       correspondence analysis using Hellinger distance. Qüestiió 19, 23-63.
    .. [4] Martín-Fernández, J. A., Barceló-Vidal, C. and Pawlowsky-Glahn, V. (2003).
       Dealing with zeros and missing values in compositional data sets using
       nonparametric imputation. Mathematical Geology 35(3), 253-278.
       https://doi.org/10.1023/A:1023866030544

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import OccasionTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "home": [4, 0, 2],
    ...         "office": [0, 9, 2],
    ...         "hour": [23.0, 5.0, 1.0],
    ...         "purpose": ["daily", "daily", "gift"],
    ...         "wedding": pd.to_datetime(["2024-07-10", None, "2024-06-20"]),
    ...     }
    ... )
    >>> transformer = OccasionTransformer(
    ...     shares={"place": ("home", "office")},
    ...     cyclic={"hour": 24},
    ...     events=("wedding",),
    ...     reference_date="2024-06-30",
    ...     scale=False,
    ... ).set_output(transform="pandas")
    >>> transformer.fit_transform(customers).round(2).T
                           0     1      2
    purpose=daily       1.00  1.00   0.00
    purpose=gift        0.00  0.00   1.00
    home                1.00  0.00   0.71
    office              0.00  1.00   0.71
    hour_sin           -0.26  0.97   0.26
    hour_cos            0.97  0.26   0.97
    wedding_days_until 10.00 90.00  90.00
    wedding_days_since 90.00 90.00  10.00
    """

    _takes = ("categorical",)
    _read_as_levels = ("boolean",)

    _parameter_constraints = {
        "shares": [Mapping, None],
        "coordinates": [StrOptions({"hellinger", "clr"})],
        "prior": [Interval(Real, 0, None, closed="left")],
        "zero_share": [Interval(Real, 0, 1, closed="neither"), None],
        "cyclic": [Mapping, None],
        "events": [tuple, list, Mapping, None],
        "yearly": [tuple, list],
        "reference_date": [str, date, np.datetime64, None],
        "window": [Interval(Integral, 1, None, closed="left"), tuple, list],
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
        shares=None,
        coordinates="hellinger",
        prior=0.0,
        zero_share=None,
        cyclic=None,
        events=None,
        yearly=(),
        reference_date=None,
        window=90,
        ordered=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.shares = shares
        self.coordinates = coordinates
        self.prior = prior
        self.zero_share = zero_share
        self.cyclic = cyclic
        self.events = events
        self.yearly = yearly
        self.reference_date = reference_date
        self.window = window
        self.ordered = ordered
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    # -- fit -------------------------------------------------------------------------

    def _learn(self, columns):
        """Freeze what shares, rounds and events are counted by."""
        names = [column.name for column in columns]
        self._wholes = {str(n): _listed(one) for n, one in (self.shares or {}).items()}
        self._groups = _read_events(self.events)
        self._rounds = read_rounds(self.cyclic)
        self._window = _read_window(self.window)
        self._orders = {
            name: order_texts(name, levels)
            for name, levels in (self.ordered or {}).items()
        }
        self._check_roles(names)
        self.reference_date_ = None
        if self._groups:
            self.reference_date_ = read_reference_date(
                self.reference_date, "reference_date", "events are given"
            )
        batch = self._batch(columns)
        self.mean_shares_, self.zero_shares_ = {}, {}
        derived = [Same((name,), names.index(name)) for name in self._kept(names)]
        for name, parts in self._wholes.items():
            positions = tuple(names.index(part) for part in parts)
            derived.append(self._learn_shares(name, parts, positions, batch))
        for name, period in self._rounds.items():
            derived.append(cyclic_of(name, names.index(name), period))
        for name, group in self._groups.items():
            positions = tuple(names.index(one) for one in group)
            derived.append(self._events_of(name, positions, batch))
        return (derived,)

    def _check_roles(self, names):
        """Refuse columns that the table does not have, or that have two roles."""
        check_names("yearly", self.yearly, self._groups, "events")
        roles = {
            "shares": [part for parts in self._wholes.values() for part in parts],
            "cyclic": list(self._rounds),
            "events": [name for group in self._groups.values() for name in group],
            "ordered": self._orders,
            "nominal": self.nominal,
        }
        check_column_roles(roles, names)
        check_wholes(self._wholes)

    def _kept(self, names):
        """Return the names of columns that go on as they are."""
        used = set(self._rounds)
        for parts in (*self._wholes.values(), *self._groups.values()):
            used.update(parts)
        return [name for name in names if name not in used]

    def _learn_shares(self, name, parts, positions, batch):
        """Learn the average customer's shares, and what a zero becomes."""
        derivation = Shares(parts, positions, name, (0.0,) * len(parts), self.prior)
        # Without the prior, whose orders are those of the average customer.
        shares = replace(derivation, prior=0.0).shares(batch)
        known = ~np.isnan(shares[0])
        if not known.any():
            raise DataQualityError(
                f"Shares or counts of {name!r} must be above zero for some customers "
                "in fit. Got none instead. Leave them out of the table."
            )
        means = tuple(float(np.mean(share[known])) for share in shares)
        self.mean_shares_[name] = means
        derivation = replace(derivation, mean_shares=means)
        if self.coordinates == "hellinger":
            return derivation
        shares = derivation.shares(batch)
        zero_share = self.zero_share
        if zero_share is None:
            zero_share = smallest_share([share[known] for share in shares])
        elif zero_share * len(parts) >= 1:
            raise ValueError(
                f"zero_share must be below one over the {len(parts)} parts of "
                f"{name!r}. Got {zero_share:g} instead. Take a share that is "
                "smaller than any that counts."
            )
        self.zero_shares_[name] = float(zero_share)
        return replace(derivation, zero_share=float(zero_share))

    def _events_of(self, name, positions, batch):
        """Return the derivation of an event, warning if nobody has it."""
        outputs = (f"{name}_days_until", f"{name}_days_since")
        reference, yearly = self.reference_date_.isoformat(), name in self.yearly
        more = (reference, self._window, yearly, self.strict)
        events = Events(outputs, positions, name, *more)
        until, since = events(batch)
        if np.all(until == self._window[0]) and np.all(since == self._window[1]):
            warnings.warn(
                f"Event {name!r} must be within the window for some customers. Got "
                f"none from {self._window[1]} days before {self.reference_date_} to "
                f"{self._window[0]} after instead, so it tells nothing. Check "
                "reference_date, or widen window.",
                SegmentWarning,
                stacklevel=5,
            )
        return events


def _listed(names):
    return (names,) if isinstance(names, str) else tuple(names)


def _read_events(events):
    """Return the columns of each event by its name."""
    if isinstance(events, Mapping):
        return {str(name): _listed(group) for name, group in events.items()}
    return {name: (name,) for name in events or ()}


def _read_window(window):
    """Return the longest time until and since an event."""
    pair = window if isinstance(window, tuple | list) else (window, window)
    if len(pair) != 2 or any(
        not isinstance(days, Integral) or isinstance(days, bool) or days < 1
        for days in pair
    ):
        raise ValueError(
            "window must be a number of days from 1, or a pair of them: ahead of an "
            f"event and after it. Got {window!r} instead."
        )
    return tuple(map(int, pair))
