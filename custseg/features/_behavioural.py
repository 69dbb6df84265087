"""`BehaviouralTransformer`: skewed counts and amounts to comparable numbers."""

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions, check_is_fitted
from custseg.columns import check_names
from custseg.exceptions import DataQualityError
from custseg.features._compositions import smallest_share
from custseg.features._cycles import cyclic_of, read_rounds
from custseg.features._mixed import MixedTransformer
from custseg.features._role_checks import check_column_roles, check_wholes
from custseg.scoring import Same, Shares, Threshold, Usage

__all__ = ["BehaviouralTransformer"]

_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or leave it out."
)


class BehaviouralTransformer(MixedTransformer):
    """Bring counts and amounts of behaviour to one scale, skewed ones by a logarithm.

    Takes what customers did, one column a measure: recency, orders, spend, returns,
    visits. Missing values become the median, skewed columns go through a logarithm
    that keeps signs, and each column is standardised. Everything is learned in `fit`
    and frozen.

    Parameters
    ----------
    shares : mapping of str to tuple of str, or None, default=None
        Columns that are parts of a whole, as ``{"basket": ("fresh", "frozen",
        "other")}``: amounts, counts or shares, none below zero. They become centred
        log-ratios [1]_, named `basket:fresh` and so on: what a customer buys,
        whatever the amount.
    cyclic : mapping of str to float, or None, default=None
        Columns that go round, and how long a round is, as ``{"hour": 24, "weekday":
        7}``. They become sine and cosine, so that hour 23 lies beside hour 1.
    usage : tuple of str, default=()
        Columns of how often or how much something is used. Beside each comes an
        ordered column `<name>_usage`: none, and light, medium and heavy thirds of the
        users of the training data.
    new_within : mapping of str to float, or None, default=None
        Columns of days since the first order, and up to how many a customer is new.
        Beside each comes a column `<name>_new` of ones and zeros.
    nominal : tuple of str, default=()
        Columns to read as levels, such as the mode of usage or the main channel.
    min_share : float, default=0.01
        Levels with a smaller share of the training customers are pooled in the level
        `other`.
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
    strict : bool, default=False
        Whether levels that `fit` has not seen raise in `transform` instead of being
        counted in a warning.

    Attributes
    ----------
    usage_cuts_ : dict of str to tuple of float
        Largest number of light and of medium users.
    kinds_ : dict of str to {"numeric", "ordered", "nominal", "plane"}
        What comes out, and what it is read as: `medians_` and the other figures have
        an element for each.
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    indicator_columns_ : tuple of str
        Columns followed by an indicator.
    medians_ : ndarray of shape (n_kinds,)
        What replaces missing values, in the columns' own units.
    units_ : ndarray of shape (n_kinds,)
        Units of the logarithm, in the columns' own units; NaN where none is taken.
    means_ : ndarray of shape (n_kinds,)
        Subtracted after the logarithm; 0 if `scale=False`.
    scales_ : ndarray of shape (n_kinds,)
        Divide what is left; 1 if `scale=False`, infinite for a constant column.
    indicator_scales_ : ndarray of shape (n_kinds,)
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

    Shares of zero have no logarithm. Each becomes .65 of the smallest share of the
    training data that is not zero (somewhat less with more zeros), and the others give
    way in proportion, which leaves their ratios as they are [2]_. A whole counts once:
    its log-ratios together have the variance of one column, as sine and cosine have.

    References
    ----------
    .. [1] Aitchison, J. (1982). The statistical analysis of compositional data. Journal
       of the Royal Statistical Society B 44(2), 139-177.
       https://doi.org/10.1111/j.2517-6161.1982.tb01195.x
    .. [2] Martín-Fernández, J. A., Barceló-Vidal, C. and Pawlowsky-Glahn, V. (2003).
       Dealing with zeros and missing values in compositional data sets using
       nonparametric imputation. Mathematical Geology 35(3), 253-278.
       https://doi.org/10.1023/A:1023866030544

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
        "shares": [Mapping, None],
        "cyclic": [Mapping, None],
        "usage": [tuple, list],
        "new_within": [Mapping, None],
        "nominal": [tuple, list],
        "min_share": [Interval(Real, 0, 1, closed="left")],
        "log": [StrOptions({"auto", "all", "none"}), tuple, list],
        "scale": ["boolean"],
        "add_indicator": ["boolean"],
        "strict": ["boolean"],
    }

    _logged = "columns"
    _remedy = _REMEDY

    def __init__(
        self,
        *,
        shares=None,
        cyclic=None,
        usage=(),
        new_within=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.shares = shares
        self.cyclic = cyclic
        self.usage = usage
        self.new_within = new_within
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    def _learn(self, columns):
        """Check the roles; learn the least shares and the cuts of usage."""
        names = [column.name for column in columns]
        self._rounds = read_rounds(self.cyclic)
        self._wholes = {str(w): tuple(p) for w, p in (self.shares or {}).items()}
        self._check_roles(names)
        batch = self._batch(columns)
        wholes = [self._whole(*one, names, batch) for one in self._wholes.items()]
        self.usage_cuts_ = {
            name: self._learn_usage(names.index(name), batch) for name in self.usage
        }
        parts = {name for group in self._wholes.values() for name in group}
        derived = []
        for position, name in enumerate(names):
            if name in self._rounds:
                derived.append(cyclic_of(name, position, self._rounds[name]))
            elif name not in parts:
                derived.append(Same((name,), position))
            if name in self.usage:
                cuts = self.usage_cuts_[name]
                derived.append(Usage((f"{name}_usage",), position, cuts))
            if name in (self.new_within or {}):
                limit = self.new_within[name]
                new = (f"{name}_new",)
                derived.append(Threshold(new, position, limit, within=True))
        return ([*derived, *wholes],)

    def _check_roles(self, names):
        """Refuse roles of columns that are not there, or of a column in two."""
        roles = {
            "shares": [name for parts in self._wholes.values() for name in parts],
            "cyclic": list(self._rounds),
            "nominal": self.nominal,
            "usage": self.usage,
        }
        check_column_roles(roles, names)
        check_names("new_within", self.new_within or {}, names)
        check_wholes(self._wholes)

    def _whole(self, whole, parts, names, batch):
        """Learn the least share of a whole."""
        positions = tuple(names.index(part) for part in parts)
        outputs = tuple(f"{whole}:{part}" for part in parts)
        shares = Shares(outputs, positions, whole)
        return replace(shares, zero_share=smallest_share(shares.shares(batch)))

    def _learn_usage(self, position, batch):
        """Cut those who use it at all into thirds."""
        values = Usage((), position, ()).numbers(batch)
        users = values[values > 0]
        if not len(users):
            raise DataQualityError(
                f"Column {batch.names[position]!r} must have a user when it is in "
                "usage. Got none instead. Leave it out of usage."
            )
        cuts = np.quantile(users, [1 / 3, 2 / 3], method="inverted_cdf")
        return tuple(float(cut) for cut in cuts)

    def _kind(self, column):
        """Settle what a column is read as: numbers, unless it is declared."""
        kind = super()._kind(column) if self._is_derived_level(column) else "numeric"
        return "nominal" if column.name in self.nominal else kind

    def _is_derived_level(self, column):
        usage = [f"{name}_usage" for name in self.usage]
        return column.kind == "plane" or column.name in usage

    @property
    def indicator_columns_(self):
        """Columns followed by an indicator of missing values."""
        check_is_fitted(self, "indicator_scales_")
        return tuple(
            name
            for name, scale in zip(self.kinds_, self.indicator_scales_, strict=True)
            if not np.isnan(scale)
        )
