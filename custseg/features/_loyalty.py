"""`LoyaltyTransformer`: how customers act, and how they feel about it."""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from custseg._sklearn import StrOptions, check_is_fitted
from custseg._utils._result import Result
from custseg.columns import (
    check_names,
    check_observed,
    mean_and_sd,
    quoted,
    read_columns,
)
from custseg.exceptions import DataQualityError
from custseg.features._like import like
from custseg.features._mixed import MixedTransformer
from custseg.scoring import (
    TYPES,
    Loyalty,
    MeanOfItems,
    Promoters,
    Same,
    check_proportions,
    no_answer,
    promoter_class,
    refuse_answers,
    side_of,
)

__all__ = ["LoyaltyTransformer", "net_promoter_score"]

_ROLES = (
    "Loyalty needs a column of behaviour and one of attitude; say which they are: "
    'LoyaltyTransformer(behaviour=("my_rate",), attitude=("my_score",)).'
)


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
    refuse_answers("answers", no_answer(answers))
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
    votes = promoter_class(answers[known]) - 1.0
    weights = weights[known]
    total = weights.sum()
    score = float(weights @ votes / total)
    variance = float(weights @ (votes - score) ** 2 / total)
    effective = total**2 / (weights @ weights)
    return NetPromoterScore(score, math.sqrt(variance / effective), float(total))


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
    proportions : tuple of str, default=()
        Columns among `behaviour` that are proportions, such as the share of wallet or a
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
    ...     behaviour=("share_of_wallet",),
    ...     proportions=("share_of_wallet",),
    ...     cuts=(0.5, 4),
    ... ).fit(customers)
    >>> loyalty.types(customers).tolist()
    ['true', 'spurious', 'latent', 'none', 'unknown']
    """

    _remedy = "Convert the column first (pandas.to_numeric)."

    _parameter_constraints = {
        "behaviour": [tuple, list],
        "attitude": [tuple, list],
        "cuts": [StrOptions({"median", "mean"}), tuple, list],
        "proportions": [tuple, list],
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
        proportions=(),
        promoter=None,
        output="all",
        log="none",
        scale=True,
        strict=False,
    ):
        self.behaviour = behaviour
        self.attitude = attitude
        self.cuts = cuts
        self.proportions = proportions
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
            If numbers are infinite, or proportions and answers are impossible.
        """
        check_is_fitted(self)
        (types,) = self._types(self._batch(read_columns(self, X, reset=False)))
        return like(X, "loyalty", types.cells())

    def _learn(self, columns):
        """Learn what is high."""
        names = [column.name for column in columns]
        self._check_parameters(names)
        batch = self._batch(columns)
        measures = dict.fromkeys([*self.behaviour, *self.attitude])
        read = {name: batch.number(names.index(name)) for name in measures}
        check_proportions(batch, tuple(map(names.index, self.proportions)))
        check_observed(list(read), list(read.values()))
        self.figures_ = {
            name: mean_and_sd(values[~np.isnan(values)])
            for name, values in read.items()
        }
        sides = [self._side(one, names) for one in (self.behaviour, self.attitude)]
        if isinstance(self.cuts, str):
            middle = {"median": np.nanmedian, "mean": np.nanmean}[self.cuts]
            self.cuts_ = tuple(float(middle(side_of(batch, side))) for side in sides)
        else:
            self.cuts_ = tuple(map(float, self.cuts))
        proportions = tuple(map(names.index, self.proportions))
        self._types = Loyalty(("loyalty",), *sides, self.cuts_, proportions)
        self._learn_sizes(self._types(batch)[0].codes)
        derived = [self._types]
        if self.output == "measures":  # the columns are to be checked all the same
            derived = [replace(self._types, names=())]
        if self.output != "type":
            derived += [Same((name,), names.index(name)) for name in measures]
        if self.promoter is not None:
            position = names.index(self.promoter)
            derived.append(Promoters((f"{self.promoter}_class",), position))
        return (derived,)

    def _learn_sizes(self, codes):
        *known, _ = np.bincount(codes, minlength=len(TYPES)).tolist()
        total = max(sum(known), 1)
        sizes = zip(TYPES, known, strict=False)
        self.type_shares_ = {name: size / total for name, size in sizes}

    def _side(self, columns, names):
        """Return the mean of columns standardised by their figures."""
        means, sds = zip(*(self.figures_[name] for name in columns), strict=True)
        return MeanOfItems((), tuple(map(names.index, columns)), means, sds)

    def _check_parameters(self, names):
        """Refuse parameters that cannot be meant, and columns that are not there."""
        for parameter in ("behaviour", "attitude"):
            wanted = getattr(self, parameter)
            if not wanted:
                raise ValueError(f"{parameter} must name a column. Got none instead.")
            check_names(parameter, wanted, names, remedy=_ROLES)
        check_names("promoter", [self.promoter] * (self.promoter is not None), names)
        strange = [name for name in self.proportions if name not in self.behaviour]
        if strange:
            raise ValueError(
                f"proportions must be among behaviour. Got {quoted(strange)} instead."
            )
        if not isinstance(self.cuts, str) and len(self.cuts) != 2:
            raise ValueError(
                "cuts must be 'median', 'mean' or a pair of numbers (behaviour, "
                f"attitude). Got {self.cuts!r} instead."
            )
