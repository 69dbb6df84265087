"""`LifecycleTransformer`: where customers stand, from their own rhythm."""

from numbers import Integral, Real

import numpy as np

from custseg._sklearn import Interval, StrOptions, check_is_fitted
from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.features._columns import Column, check_names, numbers, read_columns
from custseg.features._levels import labels
from custseg.features._like import like
from custseg.features._mixed import MixedTransformer
from custseg.features._rhythm import learn_rhythm, limits_of_silence, own_interval

__all__ = ["LifecycleTransformer"]

STAGES = ("potential", "new", "mature", "declining", "churned")
_REMEDY = "Convert the column first (pandas.to_numeric)."
_ALL = None  # the group of those whose group has no rhythm of its own


class LifecycleTransformer(MixedTransformer):
    """Tell where each customer stands, by silence measured in their own rhythm.

    Ninety days without an order mean nothing for who buys twice a year, and much for
    who buys weekly. The time since the last order is divided by the customer's own
    interval between orders, and the stage follows: potential (no order yet), new,
    mature, declining or churned. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    shares : tuple (declining, churned), default=(0.1, 0.01)
        How many of the intervals of customers who go on buying are longer than the
        silence at which they count as declining, and as churned. The limits that
        follow from them are learned; `limits` gives them instead.
    limits : tuple (declining, churned) or None, default=None
        Silence in own intervals from which on a customer is declining, and churned.
    min_orders : int, default=3
        With so many orders or more, the customer's own mean interval counts as it is,
        and the customer is mature. With fewer it is shrunk to the group's, and the
        customer is new.
    groups : str or None, default=None
        Column of groups with a rhythm apart, such as wholesale and retail. A group
        that `fit` has not seen, or that had fewer than five customers who came back,
        has the rhythm of all.
    recent, before : str or None, default=None
        Columns of orders or spend in the last period and in the period before it. With
        them, mature customers of whom less than `drop` is left are declining, and
        their trend is a measure.
    drop : float, default=0.5
        See `recent`.
    recency, frequency, gap, gap_sd : str, default="recency", "frequency", \
            "gap_mean", "gap_sd"
        Names of the columns, which are by default those of `summarize_transactions`:
        days since the last order, orders, and mean and standard deviation of the days
        between orders. Other columns are not read.
    output : {"all", "stage", "measures"}, default="all"
        What comes out: stages as indicators, the silence and the own interval (and the
        trend) as numbers, or both.
    log : {"auto", "all", "none"}, default="auto"
        As in `BehaviouralTransformer`.
    scale : bool, default=True
        As in `DemographicTransformer`: the stage and each measure have a total
        variance of one.
    strict : bool, default=False
        Whether stages and groups that `fit` has not seen raise in `transform` instead
        of being counted in a warning.

    Attributes
    ----------
    rhythms_ : dict of str to Rhythm
        Of each group, and of all customers under None: `regularity` of the intervals
        (1: as calls at random), `shape` and `scale` of the distribution of customers'
        mean intervals, `typical` interval in days, `n_customers`.
    limits_ : dict of str to tuple (declining, churned)
        Silence in own intervals, by group.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    RFMTransformer : Scores by cuts that are the same for all customers.
    custseg.tables.summarize_transactions : Makes the columns.

    Notes
    -----
    Intervals are modelled as gamma variables with one regularity for the group and a
    mean of each customer's own, and those means as inverse gamma variables. The
    regularity solves the moment equation of the squared coefficient of variation,
    whose expectation over n intervals of shape k is n / (n k + 1); the prior is that of
    largest marginal likelihood. A customer with too few orders gets the posterior mean
    of the interval, which lies between the own mean and the group's. With a regularity
    of 1 this is the exponential model of Schmittlein, Morrison and Colombo [1]_ with
    its gamma heterogeneity; dying is not modelled, so a limit says how rare such a
    silence is for who still buys, not how likely it is that a customer is gone.
    Customers of different rhythms are why one number of days for all, as in many
    definitions of churn, calls the slow ones lost and the fast ones safe [2]_.

    Stages: no order (frequency 0) is `potential`; silence beyond the second limit is
    `churned`, beyond the first `declining`; otherwise fewer than `min_orders` orders
    are `new` and more are `mature`. Orders all at one moment (a mean interval of 0)
    count as one.

    References
    ----------
    .. [1] Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987). Counting your
       customers: who are they and what will they do next? Management Science 33(1),
       1-24. https://doi.org/10.1287/mnsc.33.1.1
    .. [2] Reinartz, W. J. and Kumar, V. (2000). On the profitability of long-life
       customers in a noncontractual setting. Journal of Marketing 64(4), 17-35.
       https://doi.org/10.1509/jmkg.64.4.17.18077

    Examples
    --------
    Forty days of silence, for who buys weekly and for who buys every two months:

    >>> import pandas as pd
    >>> from custseg.features import LifecycleTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "recency": [40.0, 40.0, 5.0, 3.0, 30.0, 200.0, None],
    ...         "frequency": [9, 9, 12, 1, 5, 4, 0],
    ...         "gap_mean": [7.0, 60.0, 10.0, None, 28.0, 30.0, None],
    ...         "gap_sd": [3.0, 30.0, 6.0, None, 10.0, 12.0, None],
    ...     }
    ... )
    >>> lifecycle = LifecycleTransformer().fit(customers)
    >>> lifecycle.stages(customers).tolist()
    ['churned', 'mature', 'mature', 'new', 'mature', 'churned', 'potential']
    """

    _parameter_constraints = {
        "shares": [tuple, list],
        "limits": [tuple, list, None],
        "min_orders": [Interval(Integral, 2, None, closed="left")],
        "groups": [str, None],
        "recent": [str, None],
        "before": [str, None],
        "drop": [Interval(Real, 0, 1, closed="both")],
        "recency": [str],
        "frequency": [str],
        "gap": [str],
        "gap_sd": [str],
        "output": [StrOptions({"all", "stage", "measures"})],
        "log": [StrOptions({"auto", "all", "none"})],
        "scale": ["boolean"],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        *,
        shares=(0.1, 0.01),
        limits=None,
        min_orders=3,
        groups=None,
        recent=None,
        before=None,
        drop=0.5,
        recency="recency",
        frequency="frequency",
        gap="gap_mean",
        gap_sd="gap_sd",
        output="all",
        log="auto",
        scale=True,
        strict=False,
    ):
        self.shares = shares
        self.limits = limits
        self.min_orders = min_orders
        self.groups = groups
        self.recent = recent
        self.before = before
        self.drop = drop
        self.recency = recency
        self.frequency = frequency
        self.gap = gap
        self.gap_sd = gap_sd
        self.output = output
        self.log = log
        self.scale = scale
        self.strict = strict

    def stages(self, X):
        """Tell each customer's stage.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_features)
            The columns of `fit`.

        Returns
        -------
        stages : Series or ndarray of shape (n_customers,)
            "potential", "new", "mature", "declining" or "churned"; a Series of the
            kind of `X`, named `stage`, where `X` is a frame.

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates.
        DataQualityError
            If numbers are infinite, negative or contradict each other.
        """
        check_is_fitted(self)
        stage, _ = self._judge(read_columns(self, X, reset=False))
        return like(X, "stage", np.array(STAGES, dtype=object)[stage])

    def _learn(self, columns):
        """Learn the rhythm of each group and the limits that follow."""
        self._check_parameters([column.name for column in columns])
        read = self._read(columns)
        came_back = (read["n_gaps"] >= 1) & (read["gap"] > 0)
        codes, levels = self._groups_of(columns)
        self.rhythms_, self.limits_ = {}, {}
        for code, name in [(None, _ALL), *enumerate(levels)]:
            chosen = came_back if code is None else came_back & (codes == code)
            rhythm = learn_rhythm(
                *(read[one][chosen] for one in ("n_gaps", "gap", "gap_sd"))
            )
            if rhythm is None:
                continue
            self.rhythms_[name] = rhythm
            self.limits_[name] = (
                limits_of_silence(rhythm, self.shares)
                if self.limits is None
                else tuple(map(float, self.limits))
            )
        if _ALL not in self.rhythms_:
            raise DegenerateFitError(
                "There must be five customers with two orders or more to learn a "
                f"rhythm from. Got {int(np.count_nonzero(came_back))} instead. Give "
                "more customers or a longer period."
            )

    def _check_parameters(self, names):
        """Refuse parameters that cannot be meant, and columns that are not there."""
        wanted = [self.recency, self.frequency, self.gap, self.gap_sd]
        remedy = (
            "Say what they are called: LifecycleTransformer(recency=..., "
            "frequency=..., gap=..., gap_sd=...)."
        )
        check_names("Columns of the life cycle", wanted, names, remedy=remedy)
        if (self.recent is None) != (self.before is None):
            raise ValueError(
                "recent and before must be given together. Got one of them instead."
            )
        more = [x for x in (self.groups, self.recent, self.before) if x is not None]
        check_names("groups, recent and before", more, names)
        shares, limits = tuple(self.shares), self.limits
        if len(shares) != 2 or not 0 < shares[1] <= shares[0] < 1:
            raise ValueError(
                "shares must be two falling shares between 0 and 1. Got "
                f"{self.shares!r} instead. Give a pair such as (0.1, 0.01)."
            )
        if limits is not None and (len(limits) != 2 or not 0 < limits[0] <= limits[1]):
            raise ValueError(
                "limits must be two rising numbers above 0. Got "
                f"{self.limits!r} instead. Give a pair such as (2, 4)."
            )

    def _read(self, columns):
        """Read and check the columns of numbers."""
        by_name = {column.name: column for column in columns}
        names = {
            "recency": self.recency,
            "frequency": self.frequency,
            "gap": self.gap,
            "gap_sd": self.gap_sd,
            "recent": self.recent,
            "before": self.before,
        }
        read = {
            role: numbers(by_name[name], _REMEDY)
            for role, name in names.items()
            if name is not None
        }
        for role, values in read.items():
            if role not in ("recent", "before"):  # where returns may outweigh
                _refuse(names[role], values < 0, "no number below 0")
        orders, recency = read["frequency"], read["recency"]
        _refuse(
            self.frequency,
            np.isnan(orders) | (orders != np.round(orders)),
            "whole numbers and none missing",
        )
        _refuse(
            self.recency,
            (orders > 0) & np.isnan(recency),
            "no missing value where there are orders",
        )
        _refuse(
            self.recency,
            (orders == 0) & ~np.isnan(recency),
            "no value where there are no orders",
        )
        read["n_gaps"] = np.where(read["gap"] > 0, np.maximum(orders - 1.0, 0.0), 0.0)
        return read

    def _groups_of(self, columns):
        """Return each customer's group: a position in the groups, -1 for none."""
        if self.groups is None:
            return np.full(len(columns[0].values), -1), []
        (column,) = (one for one in columns if one.name == self.groups)
        return labels(column)

    def _judge(self, columns):
        """Return each customer's stage and measures."""
        read = self._read(columns)
        codes, levels = self._groups_of(columns)
        interval = np.empty(len(codes))
        declining, churned = np.empty(len(codes)), np.empty(len(codes))
        for code in np.unique(codes).tolist():
            group = levels[code] if code >= 0 else _ALL
            group = group if group in self.rhythms_ else _ALL
            rows = codes == code
            interval[rows] = own_interval(
                self.rhythms_[group],
                read["n_gaps"][rows],
                read["gap"][rows],
                self.min_orders - 1,
            )
            declining[rows], churned[rows] = self.limits_[group]
        silence = read["recency"] / interval
        orders = read["n_gaps"] + (read["frequency"] > 0)
        stage = np.where(orders >= self.min_orders, 2, 1)
        measures = {"silence": silence, "own_interval": interval}
        if self.recent is not None:
            recent, before = read["recent"], read["before"]
            stage[(stage == 2) & (recent < self.drop * before)] = 3
            size = np.abs(recent) + np.abs(before)
            measures["trend"] = np.divide(
                recent - before, size, out=np.zeros_like(size), where=size > 0
            )
        stage[silence > declining] = 3
        stage[silence > churned] = 4
        stage[read["frequency"] == 0] = 0
        for values in measures.values():  # nothing is known of who has not bought
            values[stage == 0] = np.nan
        return stage, measures

    def _derive(self, columns):
        """Return the stage as levels and the measures as numbers."""
        stage, measures = self._judge(columns)
        derived = []
        if self.output != "measures":
            values = np.array(STAGES, dtype=object)[stage]
            derived.append(Column("stage", "category", values))
        if self.output != "stage":
            derived += [Column(name, "number", x) for name, x in measures.items()]
        return derived

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: numbers that are not below zero."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


def _refuse(name, wrong, constraint):
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise DataQualityError(
            f"Column {name!r} must have {constraint}. Got others in {len(rows)} of "
            f"{len(wrong)} rows instead (first: row {rows[0]}). Correct them, or leave "
            "the rows out."
        )
