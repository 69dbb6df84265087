"""`LifecycleTransformer`: where customers stand, from their own rhythm."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np

from custseg._sklearn import Interval, StrOptions, check_is_fitted
from custseg.columns import Levels, check_names, read_columns
from custseg.exceptions import DegenerateFitError
from custseg.features._like import like
from custseg.features._mixed import MixedTransformer
from custseg.features._rhythm import learn_rhythm, limits_of_silence
from custseg.scoring import LifeCycle, read_purchases

__all__ = ["LifecycleTransformer"]

_ALL = None  # the group of those whose group has no rhythm of its own


class LifecycleTransformer(MixedTransformer):
    """Tell where each customer stands, by silence measured in their own rhythm.

    Ninety days without an order mean nothing for who buys twice a year, and much for
    who buys weekly. The time since the last order is divided by the customer's own
    interval between orders, and the stage follows: potential (no order yet), new,
    mature, declining or churned. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    rarity : tuple (declining, churned), default=(0.1, 0.01)
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

    _takes = ("positive_only",)
    _remedy = "Convert the column first (pandas.to_numeric)."

    _parameter_constraints = {
        "rarity": [tuple, list],
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
        rarity=(0.1, 0.01),
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
        self.rarity = rarity
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
        batch = self._batch(read_columns(self, X, reset=False))
        (stage,) = replace(self._cycle, names=("stage",))(batch)
        return like(X, "stage", stage.cells())

    def _learn(self, columns):
        """Learn the rhythm of each group and the limits that follow."""
        names = [column.name for column in columns]
        self._check_parameters(names)
        batch = self._batch(columns)
        roles = (self.recency, self.frequency, self.gap, self.gap_sd)
        positions = tuple(map(names.index, roles))
        read = read_purchases(batch, positions)
        came_back = (read.n_gaps >= 1) & (read.gap > 0)
        group, codes, levels = -1, None, []
        if self.groups is not None:
            group = names.index(self.groups)
            codes, levels = batch.labels(group)
        self.rhythms_, self.limits_ = {}, {}
        for code, name in [(None, _ALL), *enumerate(levels)]:
            chosen = came_back if code is None else came_back & (codes == code)
            rhythm = learn_rhythm(
                *(one[chosen] for one in (read.n_gaps, read.gap, read.gap_sd))
            )
            if rhythm is None:
                continue
            self.rhythms_[name] = rhythm
            self.limits_[name] = (
                limits_of_silence(rhythm, self.rarity)
                if self.limits is None
                else tuple(map(float, self.limits))
            )
        if _ALL not in self.rhythms_:
            raise DegenerateFitError(
                "There must be five customers with two orders or more to learn a "
                f"rhythm from. Got {int(np.count_nonzero(came_back))} instead. Give "
                "more customers or a longer period."
            )
        spends = [self.recent, self.before] if self.recent is not None else []
        known = [*(name for name in self.rhythms_ if name is not _ALL), _ALL]
        self._cycle = LifeCycle(
            self._outputs(),
            positions,
            tuple(map(names.index, spends)),
            group,
            Levels(known[:-1], "level"),
            np.array([self.rhythms_[name][:3] for name in known]),
            np.array([self.limits_[name] for name in known]),
            self.min_orders,
            self.drop,
        )
        return ((self._cycle,),)

    def _outputs(self):
        measures = ["silence", "own_interval"] + ["trend"] * (self.recent is not None)
        outputs = ["stage"] * (self.output != "measures")
        return (*outputs, *(measures if self.output != "stage" else ()))

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
        rarity, limits = tuple(self.rarity), self.limits
        if len(rarity) != 2 or not 0 < rarity[1] <= rarity[0] < 1:
            raise ValueError(
                "rarity must be two falling shares between 0 and 1. Got "
                f"{self.rarity!r} instead. Give a pair such as (0.1, 0.01)."
            )
        if limits is not None and (len(limits) != 2 or not 0 < limits[0] <= limits[1]):
            raise ValueError(
                "limits must be two rising numbers above 0. Got "
                f"{self.limits!r} instead. Give a pair such as (2, 4)."
            )
