"""`LoyaltyTransformer`: how customers act, and how they feel about it."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from custseg._sklearn import StrOptions, check_is_fitted
from custseg._utils._result import Result
from custseg.columns import (
    Column,
    check_names,
    check_observed,
    mean_and_sd,
    numbers,
    quoted,
    read_columns,
)
from custseg.exceptions import DataQualityError
from custseg.features._like import like
from custseg.features._mixed import MixedTransformer

__all__ = ["LoyaltyTransformer", "net_promoter_score"]

# By attitude and behaviour: 0 low, 1 high.
TYPES = (("none", "spurious"), ("latent", "true"))
UNKNOWN = "unknown"
_PROMOTER_LEVELS = ("detractor", "passive", "promoter")
_ROLES = (
    "Loyalty needs a column of behaviour and one of attitude; say which they are: "
    'LoyaltyTransformer(behaviour=("my_rate",), attitude=("my_score",)).'
)
_REMEDY = "Convert the column first (pandas.to_numeric)."


@dataclass(frozen=True, repr=False)
class NetPromoterScore(Result):
    """A net promoter score and how sure it is.

    Attributes
    ----------
    score : float
        Share of promoters less share of detractors, between -1 and 1.
    standard_error : float
    n_customers : float
        Customers who answered, or the sum of their weights.
    """

    score: float
    standard_error: float
    n_customers: float

    def frame(self):
        """Return the figures as one row.

        Returns
        -------
        frame : DataFrame
            ``score``, ``standard_error`` and ``n_customers``.
        """
        import pandas as pd

        return pd.DataFrame([asdict(self)])

    def summary(self):
        """Return the score with its standard error, in a sentence.

        Returns
        -------
        summary : str
        """
        return (
            f"A net promoter score of {self.score:+.2f} with a standard error of "
            f"{self.standard_error:.2f}, by {self.n_customers:,.10g} customers."
        )


def net_promoter_score(answers, sample_weight=None):
    """Share of promoters less share of detractors, with its standard error.

    Parameters
    ----------
    answers : array-like of shape (n_customers,)
        How likely a customer would recommend, 0 to 10; 9 and 10 are promoters, 0 to 6
        detractors [1]_. Missing answers are left out.
    sample_weight : array-like of shape (n_customers,), default=None
        Weights of customers, none below zero.

    Returns
    -------
    score : NetPromoterScore
        With the fields `score`, `standard_error` and `n_customers`. The standard error
        is that of a mean of ones, zeros and minus ones; with weights, of their
        effective number ``sum(w)**2 / sum(w**2)``.

    Raises
    ------
    DataQualityError
        If an answer is no whole number from 0 to 10, or none is given.
    ValueError
        If weights are of another length, or below zero.

    References
    ----------
    .. [1] Reichheld, F. F. (2003). The one number you need to grow. Harvard Business
       Review 81(12), 46-54.

    Examples
    --------
    >>> from custseg.features import net_promoter_score
    >>> score = net_promoter_score([10, 9, 9, 8, 7, 3, None, 10])
    >>> print(f"{score.score:.2f} +- {score.standard_error:.2f}")
    0.43 +- 0.28
    """
    answers = np.asarray(answers, dtype=np.float64)
    _refuse("answers", _no_answer(answers), "whole numbers from 0 to 10")
    weights = np.ones(len(answers))
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        if weights.shape != answers.shape or not np.all(weights >= 0):
            raise ValueError(
                "sample_weight must be one number a customer, none below 0. Got "
                f"shape {weights.shape} or such numbers instead."
            )
    known = ~np.isnan(answers) & (weights > 0)
    if not known.any():
        raise DataQualityError(
            "There must be an answer to work out a score. Got none instead."
        )
    votes = _promoter_class(answers[known]) - 1.0
    weights = weights[known]
    total = weights.sum()
    score = float(weights @ votes / total)
    variance = float(weights @ (votes - score) ** 2 / total)
    effective = total**2 / (weights @ weights)
    return NetPromoterScore(score, math.sqrt(variance / effective), float(total))


def _no_answer(answers):
    wrong = (answers < 0) | (answers > 10) | (answers != np.round(answers))
    return wrong & ~np.isnan(answers)


def _promoter_class(answers):
    return (answers >= 7).astype(int) + (answers >= 9)


class LoyaltyTransformer(MixedTransformer):
    """Cross what customers do with what they think of it: four types of loyalty.

    Who buys again and again out of habit, for want of another shop or for a discount
    is not loyal; who thinks highly of a shop and rarely buys there is worth winning.
    Repeat patronage and attitude, each high or low, make four types after Dick and Basu
    [1]_:

    - true: thinks highly of the shop and buys again;
    - latent: thinks highly of it and does not;
    - spurious: buys again and does not think highly of it;
    - none: neither.

    Parameters
    ----------
    behaviour : tuple of str, default=("repeat_rate",)
        Columns of repeat patronage, more being more: repeat rate, share of wallet,
        orders a year. Several are standardised and averaged.
    attitude : tuple of str, default=("satisfaction",)
        Columns of attitude, more being better: satisfaction, preference over other
        shops, likelihood to recommend. Several are standardised and averaged.
    cuts : {"median", "mean"} or tuple (behaviour, attitude), default="median"
        From which value on a customer is high: learned in `fit`, or given in the
        columns' own units (with several columns, in standard deviations from the
        mean).
    shares : tuple of str, default=()
        Columns among `behaviour` that are shares, such as the share of wallet or a
        repeat rate: values outside 0 to 1 raise.
    promoter : str or None, default=None
        Column of answers 0 to 10 to "how likely would you recommend us", from which
        promoters (9, 10), passives (7, 8) and detractors come out as an ordered
        column. It may be among `attitude` too.
    output : {"all", "type", "measures"}, default="all"
        What comes out: types as indicators, the columns as numbers, or both.
    log : {"auto", "all", "none"}, default="none"
        As in `BehaviouralTransformer`.
    scale : bool, default=True
        As in `DemographicTransformer`: the type and each measure have a total variance
        of one.
    strict : bool, default=False
        Whether types that `fit` has not seen raise in `transform` instead of being
        counted in a warning.

    Attributes
    ----------
    cuts_ : tuple of float
        From which value of behaviour, and of attitude, on a customer is high.
    figures_ : dict of str to tuple (mean, standard deviation)
        Of the columns, by which several are averaged.
    type_shares_ : dict of str to float
        Shares of the training customers of whom both are known.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    net_promoter_score : Of a group, with its standard error.
    LifecycleTransformer : Whether customers still buy.

    Notes
    -----
    A customer at the cut is high. Of several columns, those that are missing are left
    out of a customer's mean; a customer without any on one side is of the type
    `unknown`. Cuts at the median make four types of similar size by design: they
    compare customers with each other, and do not say whether anybody is loyal. Give
    cuts where a value has a meaning, as half of the wallet has.

    References
    ----------
    .. [1] Dick, A. S. and Basu, K. (1994). Customer loyalty: toward an integrated
       conceptual framework. Journal of the Academy of Marketing Science 22(2), 99-113.
       https://doi.org/10.1177/0092070394222001

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import LoyaltyTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "share_of_wallet": [0.9, 0.8, 0.2, 0.1, 0.7],
    ...         "satisfaction": [5, 2, 5, 1, None],
    ...     }
    ... )
    >>> loyalty = LoyaltyTransformer(
    ...     behaviour=("share_of_wallet",), shares=("share_of_wallet",), cuts=(0.5, 4)
    ... ).fit(customers)
    >>> loyalty.types(customers).tolist()
    ['true', 'spurious', 'latent', 'none', 'unknown']
    """

    _parameter_constraints = {
        "behaviour": [tuple, list],
        "attitude": [tuple, list],
        "cuts": [StrOptions({"median", "mean"}), tuple, list],
        "shares": [tuple, list],
        "promoter": [str, None],
        "output": [StrOptions({"all", "type", "measures"})],
        "log": [StrOptions({"auto", "all", "none"})],
        "scale": ["boolean"],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        *,
        behaviour=("repeat_rate",),
        attitude=("satisfaction",),
        cuts="median",
        shares=(),
        promoter=None,
        output="all",
        log="none",
        scale=True,
        strict=False,
    ):
        self.behaviour = behaviour
        self.attitude = attitude
        self.cuts = cuts
        self.shares = shares
        self.promoter = promoter
        self.output = output
        self.log = log
        self.scale = scale
        self.strict = strict

    def types(self, X):
        """Tell each customer's type of loyalty.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_features)
            The columns of `fit`.

        Returns
        -------
        types : Series or ndarray of shape (n_customers,)
            "true", "latent", "spurious", "none" or "unknown"; a Series of the kind of
            `X`, named `loyalty`, where `X` is a frame.

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates.
        DataQualityError
            If numbers are infinite, or shares and answers are impossible.
        """
        check_is_fitted(self)
        return like(X, "loyalty", self._types(read_columns(self, X, reset=False)))

    def _learn(self, columns):
        """Learn what is high."""
        self._check_parameters([column.name for column in columns])
        read = self._read(columns)
        check_observed(list(read), list(read.values()))
        self.figures_ = {
            name: mean_and_sd(values[~np.isnan(values)])
            for name, values in read.items()
        }
        if isinstance(self.cuts, str):
            middle = {"median": np.nanmedian, "mean": np.nanmean}[self.cuts]
            sides = (self.behaviour, self.attitude)
            self.cuts_ = tuple(float(middle(self._side(read, one))) for one in sides)
        else:
            self.cuts_ = tuple(map(float, self.cuts))
        types = self._types(columns)
        known = max(int(np.count_nonzero(types != UNKNOWN)), 1)
        names = [name for pair in TYPES for name in pair]
        self.type_shares_ = {n: float(np.sum(types == n) / known) for n in names}

    def _check_parameters(self, names):
        """Refuse parameters that cannot be meant, and columns that are not there."""
        for parameter in ("behaviour", "attitude"):
            wanted = getattr(self, parameter)
            if not wanted:
                raise ValueError(f"{parameter} must name a column. Got none instead.")
            check_names(parameter, wanted, names, remedy=_ROLES)
        check_names("promoter", [self.promoter] * (self.promoter is not None), names)
        strange = [name for name in self.shares if name not in self.behaviour]
        if strange:
            raise ValueError(
                f"shares must be among behaviour. Got {quoted(strange)} instead."
            )
        if not isinstance(self.cuts, str) and len(self.cuts) != 2:
            raise ValueError(
                "cuts must be 'median', 'mean' or a pair of numbers (behaviour, "
                f"attitude). Got {self.cuts!r} instead."
            )

    def _read(self, columns):
        """Read and check the columns of numbers, by name."""
        wanted = dict.fromkeys([*self.behaviour, *self.attitude])
        by_name = {column.name: column for column in columns}
        read = {name: numbers(by_name[name], _REMEDY) for name in wanted}
        for name in self.shares:
            wrong = (read[name] < 0) | (read[name] > 1)
            _refuse(name, wrong, "shares from 0 to 1")
        if self.promoter is not None:
            answers = numbers(by_name[self.promoter], _REMEDY)
            _refuse(self.promoter, _no_answer(answers), "whole numbers from 0 to 10")
        return read

    def _side(self, read, names):
        """Return one number a customer: the column, or the mean of several."""
        if len(names) == 1:
            return read[names[0]]
        total, known = np.zeros(len(read[names[0]])), np.zeros(len(read[names[0]]))
        for name in names:
            mean, sd = self.figures_[name]
            there = ~np.isnan(read[name])
            total += np.where(there, (read[name] - mean) / sd, 0.0)
            known += there
        return np.where(known > 0, total / np.maximum(known, 1.0), np.nan)

    def _types(self, columns):
        read = self._read(columns)
        behaviour = self._side(read, self.behaviour)
        attitude = self._side(read, self.attitude)
        high = attitude >= self.cuts_[1], behaviour >= self.cuts_[0]
        types = np.array(TYPES, dtype=object)[high[0].astype(int), high[1].astype(int)]
        types[np.isnan(behaviour) | np.isnan(attitude)] = UNKNOWN
        return types

    def _derive(self, columns):
        """Return the type as levels, the columns as numbers, and the promoter class."""
        read = self._read(columns)
        derived = []
        if self.output != "measures":
            derived.append(Column("loyalty", "category", self._types(columns)))
        if self.output != "type":
            derived += [Column(name, "number", x) for name, x in read.items()]
        if self.promoter is not None:
            (column,) = (one for one in columns if one.name == self.promoter)
            answers = column.values
            place = _promoter_class(np.nan_to_num(answers))
            levels = np.array(_PROMOTER_LEVELS, dtype=object)[place]
            levels[np.isnan(answers)] = None
            name = f"{self.promoter}_class"
            derived.append(Column(name, "ordered", levels, _PROMOTER_LEVELS))
        return derived


def _refuse(name, wrong, constraint):
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise DataQualityError(
            f"Column {name!r} must have {constraint}. Got others in {len(rows)} of "
            f"{len(wrong)} rows instead (first: row {rows[0]}). Correct them or mark "
            "them as missing."
        )
