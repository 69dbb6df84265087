"""`RFMTransformer`: recency, frequency and monetary value to scores that stay."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.columns import Levels, counted, read_columns
from custseg.exceptions import DegenerateFitError, SegmentWarning
from custseg.features._batch import Batch
from custseg.features._rfm_cuts import class_limits, quantile_limits
from custseg.features._rfm_parameters import (
    KEYS,
    MEASURES,
    methods_of,
    position_of,
    positions_of,
    typical_interval,
    wants_intervals,
)
from custseg.scoring import Beside, Chosen, RFMScores, checked_figures, relative_recency

__all__ = ["RFMTransformer"]

_REMEDY = "Convert the column first (pandas.to_numeric)."


class RFMTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Score recency, frequency and monetary value by cut points that are frozen.

    Each customer gets a score of 1 to 5 on how recently, how often and for how much
    they bought, 5 being best. Where the scores begin is learned once, in `fit`, so
    that the score of a customer never depends on who else is in the table.

    Parameters
    ----------
    n_scores : int, default=5
        Number of scores.
    monetary : str, default="total"
        "total" takes the column `monetary_total`, "mean" the column `monetary_value`
        (mean per order); any other text is the name of a column, an int its position.
    cuts : {"quantile", "kmeans"} or dict, default="quantile"
        Where scores begin. "quantile" gives each score an equal share of the
        customers as far as `ties` allow. "kmeans" finds the natural classes of each
        column: the exact one-dimensional k-means. A dict with the keys "recency",
        "frequency" and "monetary" gives the breaks of each, `n_scores` - 1 rising
        numbers in units of the column, or one of the two words. A break belongs to
        the better score: recency of at most, frequency and monetary of at least the
        break reach it.
    ties : {"lower", "middle", "upper"}, default="lower"
        Score of equal values whose ranks reach over a boundary of quantiles: that of
        the worst of these ranks, of the one halfway, or of the best. See Notes.
    weights : tuple of three floats, default=(1, 1, 1)
        Of r, f and m in the weighted score.
    groups : str, int or None, default=None
        Column of groups, such as wholesale and retail, which get cuts apart.
    relative : bool, default=False
        Whether r is scored on recency divided by the customer's own interval between
        orders, so that a yearly buyer is not late after two months.
    recency, frequency, gap : str or int, default="recency", "frequency", "gap_mean"
        Columns of days since the last order, number of orders and mean days between
        orders (needed only for the relative recency), by name or position.
    output : tuple of str, default=("r", "f", "m", "score")
        What `transform` gives: the scores "r", "f" and "m", their weighted mean
        "score", the "cell" as a number (545 for r=5, f=4, m=5), and the
        "relative_recency" in own intervals.
    strict : bool, default=False
        Whether a group that is missing, or has not been seen in `fit`, is refused.
        Otherwise it takes the cuts of all customers together, with a SegmentWarning.

    Attributes
    ----------
    cuts_ : DataFrame of shape (3, n_scores - 1)
        Where scores begin, in units of the columns, over all customers: one row a
        measure, one column a score. Recency of at most and the others of at least
        the figure reach the score; NaN is reached by nobody. With `relative`, the
        row r is in own intervals.
    group_cuts_ : dict of str to DataFrame
        The same for each group; empty without `groups`.
    group_sizes_ : dict of str to int
        Training customers of each group that has cuts apart.
    score_sizes_ : DataFrame of shape (3, n_scores)
        Training customers with each score of r, f and m.
    typical_interval_ : float
        Days between orders of the typical customer: the median of those with three
        orders or more. NaN where it is not needed.
    group_intervals_ : dict of str to float
        The same for each group.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    custseg.tables.summarize_transactions : Gives the columns, from transactions.
    custseg.cluster.RuleSegmenter : Names segments by rules on the scores.
    BehaviouralTransformer : Keeps distances, for clustering.

    Notes
    -----
    **Ties.** Sort `n` customers; the one with `i` others below has the score
    ``1 + floor(n_scores * i / n)``. Equal values have ranks `first` to `last`, and
    all get the score of `first` ("lower"), of `last` ("upper") or of the rank
    halfway ("middle"). A value that fills more than one fifth of the ranks therefore
    leaves scores empty. Of ten customers with 1, 1, 1, 1, 1, 1, 2, 3, 4 and 5 orders,
    the six with one order have ranks 0 to 5 and get 1, 3 or 2; the next four get 4,
    4, 5 and 5 in any case. `score_sizes_` shows which scores are empty.

    **Natural classes** minimise squared deviations from the class means (Fisher's
    grouping, Jenks' natural breaks) by dynamic programming; cuts lie halfway between
    neighbouring means. With a long tail the best score goes to a handful.

    **Customers without orders** (a frequency of 0 and a missing recency, whatever
    their monetary value) get 1 in all three and are left out of the learning of cuts.
    Any other missing value is refused.

    **Relative recency** divides by the customer's own mean interval if there are
    three orders or more, by the mean of it and the typical interval of the group if
    there are two, and by the typical one if there is one. An interval of zero days
    counts as none.

    In an array, which has no names, columns that are still named as by default are
    taken in the order recency, frequency, monetary, then the gap if it is needed.
    A group with fewer customers with orders than `n_scores` takes the cuts of all.

    Scores are ranks: they keep neither distances nor the shape of a distribution. To
    cluster, use the figures themselves (`BehaviouralTransformer`).

    References
    ----------
    Hughes, A. M. (2011). Strategic Database Marketing. 4th edition. McGraw-Hill.

    Bult, J. R. and Wansbeek, T. (1995). Optimal selection for direct mail. Marketing
    Science 14(4), 378-394. https://doi.org/10.1287/mksc.14.4.378

    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). RFM and CLV: Using iso-value
    curves for customer base analysis. Journal of Marketing Research 42(4), 415-430.
    https://doi.org/10.1509/jmkr.2005.42.4.415

    Fisher, W. D. (1958). On grouping for maximum homogeneity. Journal of the American
    Statistical Association 53(284), 789-798.
    https://doi.org/10.1080/01621459.1958.10501479

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import RFMTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "recency": [3, 200, 40, 9, 90],
    ...         "frequency": [12, 1, 4, 1, 7],
    ...         "monetary_total": [800.0, 20.0, 90.0, 35.0, 400.0],
    ...     },
    ...     index=["ada", "ben", "cem", "dia", "eve"],
    ... )
    >>> scorer = RFMTransformer().set_output(transform="pandas").fit(customers)
    >>> scorer.transform(customers).round(2)
           r    f    m  score
    ada  5.0  5.0  5.0   5.00
    ben  1.0  1.0  1.0   1.00
    cem  3.0  3.0  3.0   3.00
    dia  4.0  1.0  2.0   2.33
    eve  2.0  4.0  4.0   3.33
    >>> scorer.cuts_
           2     3      4      5
    r   90.0  40.0    9.0    3.0
    f    4.0   4.0    7.0   12.0
    m   35.0  90.0  400.0  800.0

    One customer alone gets the same:

    >>> scorer.cells(customers.loc[["dia"]])
    array(['4-1-2'], dtype=object)
    """

    _parameter_constraints = {
        "n_scores": [Interval(Integral, 2, 100, closed="both")],
        "monetary": [str, Integral],
        "cuts": [StrOptions({"quantile", "kmeans"}), Mapping],
        "ties": [StrOptions({"lower", "middle", "upper"})],
        "weights": [tuple, list, np.ndarray],
        "groups": [str, Integral, None],
        "relative": ["boolean"],
        "recency": [str, Integral],
        "frequency": [str, Integral],
        "gap": [str, Integral],
        "output": [tuple, list],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        n_scores=5,
        *,
        monetary="total",
        cuts="quantile",
        ties="lower",
        weights=(1, 1, 1),
        groups=None,
        relative=False,
        recency="recency",
        frequency="frequency",
        gap="gap_mean",
        output=("r", "f", "m", "score"),
        strict=False,
    ):
        self.n_scores = n_scores
        self.monetary = monetary
        self.cuts = cuts
        self.ties = ties
        self.weights = weights
        self.groups = groups
        self.relative = relative
        self.recency = recency
        self.frequency = frequency
        self.gap = gap
        self.output = output
        self.strict = strict

    # -- fit and transform -----------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn where scores begin.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer; columns that are not named are not used.
        y : None
            Ignored.

        Returns
        -------
        self : RFMTransformer

        Raises
        ------
        ValueError
            If `cuts`, `weights` or `output` are not what they must be.
        SchemaError
            If a column is not there or does not hold numbers.
        DataQualityError
            If a number is missing (but for customers without orders), infinite or,
            for recency, frequency and gap, negative.
        DegenerateFitError
            If fewer than two customers have orders, a column has fewer distinct
            values than natural classes are asked for, or no customer has an interval
            between orders to be relative to.

        Warns
        -----
        SegmentWarning
            If a column is the same for all customers, a group is missing for some, or
            a group has too few customers for cuts apart.
        """
        methods = methods_of(self)
        columns = read_columns(self, X, reset=True)
        batch, positions = self._batch(columns), positions_of(self, columns)
        read = [(columns[k].name, batch.number(k)) for k in positions.values()]
        figures = checked_figures(*read[:3], *read[3:])
        codes, levels = np.full(batch.n_rows, -1), []
        if self.groups is not None:
            group = position_of("groups", self.groups, columns)
            codes, levels = batch.labels(group)
        n_ordered = int(np.count_nonzero(figures.ordered))
        if n_ordered < 2:
            raise DegenerateFitError(
                "Scores must be learned from at least two customers with orders. Got "
                f"{n_ordered} (n_samples={len(figures.ordered)}) instead. Fit on more "
                "customers."
            )
        self._learn_intervals(figures, codes, levels)
        scored = figures.values
        if self.relative:
            typical = [self.group_intervals_[level] for level in levels]
            typical = np.array([*typical, self.typical_interval_])[codes]
            scored = [-relative_recency(figures, typical), *scored[1:]]
        called = dict(zip(positions, (name for name, _ in read), strict=True))
        self._learn_cuts(np.array(scored), codes, levels, methods, called)
        if self.groups is not None:
            positions["groups"] = group
        self._step = self._frozen(positions)
        scores = self._outputs(batch, MEASURES, stacklevel=4).T.astype(int)
        sizes = [np.bincount(one, minlength=self.n_scores + 1)[1:] for one in scores]
        self.score_sizes_ = self._table(sizes, first=1)
        return self

    def transform(self, X):
        """Score customers by the cut points of `fit`.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            The columns of `fit`, in their order; one row is enough.

        Returns
        -------
        ndarray or frame of shape (n_customers, n_outputs)
            Float64, the columns of `output`. Only a relative recency can be missing:
            of customers without orders.

        Raises
        ------
        SchemaError
            If a column does not hold numbers or, with ``strict=True``, a group is
            missing or has not been seen in `fit`.
        DataQualityError
            As in `fit`.

        Warns
        -----
        SegmentWarning
            If a group is missing or has not been seen in `fit`, with the count.
        """
        check_is_fitted(self)
        batch = self._batch(read_columns(self, X, reset=False))
        return self._outputs(batch, self.output, stacklevel=4)

    def cells(self, X):
        """Name the cell of each customer, as "5-4-5".

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            As in `transform`.

        Returns
        -------
        cells : ndarray of str, shape (n_customers,)
            The scores r, f and m.
        """
        check_is_fitted(self)
        batch = self._batch(read_columns(self, X, reset=False))
        scores = self._outputs(batch, MEASURES, stacklevel=4)
        n = self.n_scores
        place = (scores.astype(np.intp) - 1) @ np.array([n * n, n, 1])
        used, inverse = np.unique(place, return_inverse=True)
        names = [
            f"{one // (n * n) + 1}-{one // n % n + 1}-{one % n + 1}"
            for one in used.tolist()
        ]
        return np.array(names, dtype=object)[inverse.ravel()]

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against those of `fit`, not used.

        Returns
        -------
        ndarray of str
            `output`.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.asarray(self.output, dtype=object)

    # -- parameters ------------------------------------------------------------------

    # -- columns ---------------------------------------------------------------------

    def _batch(self, columns):
        return Batch(columns, _REMEDY, self.strict)

    # -- learning --------------------------------------------------------------------

    def _learn_intervals(self, figures, codes, levels):
        """Learn the typical interval of all customers and of each group."""
        self.typical_interval_, self.group_intervals_ = np.nan, {}
        if not wants_intervals(self):
            return
        gaps, n_gaps = figures.gaps, figures.n_gaps
        self.typical_interval_ = typical_interval(gaps, n_gaps)
        if np.isnan(self.typical_interval_):
            raise DegenerateFitError(
                "Relative recency must have customers with two orders or more, on "
                "different days. Got none instead. Set relative=False."
            )
        for code, level in enumerate(levels):
            own = codes == code
            typical = typical_interval(gaps[own], n_gaps[own])
            self.group_intervals_[level] = (
                self.typical_interval_ if np.isnan(typical) else typical
            )

    def _learn_cuts(self, scored, codes, levels, methods, called):
        """Learn where scores begin, for all customers and for each group."""
        names = dict(zip(KEYS, MEASURES, strict=True))
        ordered = ~np.isnan(scored[0])
        for key, values in zip(KEYS, scored[:, ordered], strict=True):
            learned = isinstance(methods[key], str)
            if learned and values.min() == values.max():
                warnings.warn(
                    f"Column {called[key]!r} must differ between customers to be "
                    f"scored. Got one value for all {len(values)} instead, who all "
                    "get one score. "
                    f"Give breaks, or leave {names[key]} out.",
                    SegmentWarning,
                    stacklevel=4,
                )
        self.cuts_ = self._cuts_of(scored[:, ordered], methods, called)
        self.group_cuts_, self.group_sizes_, small = {}, {}, {}
        for code, level in enumerate(levels):
            own = scored[:, ordered & (codes == code)]
            if own.shape[1] < self.n_scores:
                small[level] = own.shape[1]
                continue
            self.group_cuts_[level] = self._cuts_of(own, methods, called)
            self.group_sizes_[level] = int(np.count_nonzero(codes == code))
        if small:
            warnings.warn(
                f"Each group must have at least {self.n_scores} customers with orders "
                f"to have cuts apart. Got {counted(small)} customers in smaller ones "
                "instead, who take the cuts of all. Merge such groups.",
                SegmentWarning,
                stacklevel=4,
            )
        self._small_groups = tuple(small)

    def _cuts_of(self, scored, methods, called):
        """Learn where scores begin, of customers with orders, in units of columns."""
        cuts = []
        for key, values in zip(KEYS, scored, strict=True):
            method = methods[key]
            if not isinstance(method, str):
                cuts.append(method[::-1] if key == "recency" else method)
                continue
            if method == "quantile":
                limits = quantile_limits(values, self.n_scores, self.ties)
            else:
                limits = class_limits(values, self.n_scores, called[key])
            cuts.append(-limits if key == "recency" else limits)
        return self._table(cuts, first=2)

    def _table(self, rows, first):
        scores = range(first, self.n_scores + 1)
        return pd.DataFrame(np.array(rows), index=list(MEASURES), columns=list(scores))

    # -- scoring ---------------------------------------------------------------------

    def _frozen(self, positions):
        """Return the step that scores."""
        levels = [*self.group_cuts_, *self._small_groups]
        tables = [self.group_cuts_.get(level, self.cuts_) for level in levels]
        cuts = np.array([table.to_numpy() for table in [*tables, self.cuts_]])
        intervals = [self.group_intervals_.get(x, np.nan) for x in levels]
        step = RFMScores(
            # The larger the better: recency is negative.
            cuts * np.array([-1.0, 1.0, 1.0])[:, np.newaxis],
            np.array([*intervals, self.typical_interval_]),
            np.array(self.weights, dtype=np.float64),
            tuple(self.output),
            bool(self.relative),
            wants_intervals(self),
            None if self.groups is None else Levels(levels, "level"),
            bool(self.strict),
        )
        return Beside(((np.array([*positions.values()], dtype=np.intp), (step,)),))

    def _outputs(self, batch, outputs, stacklevel):
        """Score customers, and warn of groups without cuts of their own."""
        ((positions, (step,)),) = self._step.parts
        scores = replace(step, outputs=tuple(outputs))(Chosen(batch, positions))
        batch.warn(stacklevel)
        return scores

    def _scorer_step(self):
        return self._step

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: days and orders are never negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
