"""`PsychographicTransformer`: answers to attitude items to keyed items or to scores."""

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.columns import check_observed, mean_and_sd, read_columns
from custseg.exceptions import DegenerateFitError
from custseg.features._batch import Batch
from custseg.scoring import Items
from custseg.surveys import (
    check_answers,
    check_style,
    declared_points,
    declared_scales,
    find_reversed,
    learn_style,
    numbers_of_answers,
    settled_output,
    signs_of,
    solution_of,
    statistics_of_scales,
    warn_of_contrary,
    warn_of_factors,
    warn_outside,
)

__all__ = ["PsychographicTransformer"]


class PsychographicTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Bring answers to attitude items to keyed items or to scale scores.

    Takes numeric answers to statements about lifestyle, values, personality, motives
    or brands, one column an item, all on the same answer scale. Reverse-keyed items
    are turned, missing answers filled from the customer's other answers, and items or
    scores standardised. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    scales : mapping of str to tuple of str, or None, default=None
        Items of each scale, as ``{"openness": ("O1", "O2"), ...}``: one score comes
        out for each, the mean of its keyed items. Every column must be in exactly one
        scale. None gives the keyed items themselves.
    reverse : tuple of str or "auto", default=()
        Reverse-keyed items, which are turned: ``low + high - answer``. "auto" finds
        them in `fit`, within each scale (`scales` is needed): an item is reverse-keyed
        if its loading on the first principal component has the sign of the minority.
    points : tuple (low, high) or None, default=None
        Lowest and highest possible answer. Answers outside raise. None takes the
        smallest and largest answer over all items in `fit`, whatever they are, and
        warns of answers outside in `transform`.
    output : {"auto", "scales", "items", "factors"}, default="auto"
        What comes out. "auto" gives scale scores, or items where there are no scales.
        "factors" gives factor scores, and warns: see Notes.
    correct_acquiescence : bool or tuple of str, default=False
        Whether to take off what a customer agrees to every statement alike: the mean
        over the answers as they were given, less the midpoint. That is a style of
        answering only where half of the items are reverse-keyed, so every scale (all
        items without scales) must have as many of them as of others. A tuple names
        balanced scales to find it from; it is then taken off all answers. Scores of
        balanced scales are free of it already and stay as they are.
    ipsatize : bool, default=False
        Whether to take off each customer's mean over all items, as they were answered.
        What is left tells what a customer agrees to more than to the rest, as in
        rankings of values, and no longer how much altogether.
    n_factors : int or None, default=None
        Number of factors; None takes that of `parallel_analysis`.
    rotation : {"varimax", "promax"} or None, default="varimax"
        "varimax" keeps factors uncorrelated, "promax" lets them be correlated.
    correlation : {"pearson", "polychoric"}, default="pearson"
        Which correlations factors are found from.
    factor_scores : {"regression", "bartlett"}, default="regression"
        How factor scores are made of the items, as in `factor_analysis`.
    scale : bool, default=True
        Whether to standardise items or scores to mean 0 and variance 1 on the
        training data (n in the denominator). False leaves them in points.

    Attributes
    ----------
    scale_items_ : dict of str to tuple of str, or None
        Items of each scale.
    reversed_items_ : tuple of str
        Items that are turned, in the order of the table.
    points_ : tuple of float
        Lowest and highest answer used to turn items and to bound filled answers.
    item_means_ : ndarray of shape (n_features_in_,)
        Means of the keyed items, in points.
    output_ : {"scales", "items", "factors"}
        What comes out.
    n_dimensions_ : int
        Rank of what comes out: one less than the number of items where their mean is
        taken off. With `scale` it is also the total variance.
    reliability_ : DataFrame of shape (n_scales, 4), or None
        As `scale_reliability` gives it: `items`, `alpha`, `omega`, `mean_correlation`.
    item_statistics_ : DataFrame of shape (n_features_in_, 8), or None
        As `item_statistics` gives it, scale by scale.
    factors_ : FactorSolution or None
        Loadings and more, with ``output="factors"``.
    output_means_ : ndarray of shape (n_features_out,)
        Subtracted from items or scores; 0 if `scale=False` and these are no factors.
    output_scales_ : ndarray of shape (n_features_out,)
        Divide what is left; 1 if `scale=False`, infinite for a constant item or score,
        which becomes zeros.
    n_features_in_ : int
        Number of items seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the items seen in `fit`, if all are text.

    See Also
    --------
    factor_analysis : What a questionnaire measures.
    flag_responses : Who hardly read the questions.
    scale_reliability : Whether items make a scale.

    Notes
    -----
    A missing answer becomes the item's mean plus the customer's mean deviation from
    the item means over what the customer did answer (in the same scale; over all
    items without scales), kept between the lowest and highest answer. This is two-way
    imputation [1]_ [2]_ without its random error, with item means frozen in `fit` and
    deviations taken from the items answered rather than from the overall mean. Who
    answered nothing gets the item means.

    Automatic keying needs items that go together. An item that correlates below 0.1
    with the rest of its scale keeps its direction, and a `SegmentWarning` names it.
    The direction of a whole scale is a convention: the majority of its items counts
    as positive. A turned item keeps its name.

    Reliabilities and factors are found from the answers as they are, each covariance
    over the customers who answered both items; a style that is taken off is not taken
    off before.

    **Factors are no base for segments.** What items do not share with others is lost
    in factor scores, and with it the segments that differ there; in studies of known
    segments factor scores find them worse than items do [3]_. Therefore ``"factors"``
    warns, and says how much of the variance is retained.

    Taking a mean off leaves one dimension less than there are items. The outputs share
    a total variance of `n_dimensions_` then, and factors are refused, as correlations
    of such items cannot be inverted.

    References
    ----------
    .. [1] Bernaards, C. A. and Sijtsma, K. (2000). Influence of imputation and EM
       methods on factor analysis when item nonresponse in questionnaire data is
       nonignorable. Multivariate Behavioral Research 35(3), 321-364.
       https://doi.org/10.1207/S15327906MBR3503_03
    .. [2] Sijtsma, K. and van der Ark, L. A. (2003). Investigation and treatment of
       missing item scores in test and questionnaire data. Multivariate Behavioral
       Research 38(4), 505-528. https://doi.org/10.1207/s15327906mbr3804_4
    .. [3] Dolnicar, S. and Grün, B. (2008). Challenging "factor-cluster segmentation".
       Journal of Travel Research 47(1), 63-71.
       https://doi.org/10.1177/0047287508318910
    .. [4] ten Berge, J. M. F. (1999). A legitimate case of component analysis of
       ipsative measures, and partialling the mean as an alternative to ipsatization.
       Multivariate Behavioral Research 34(1), 89-102.
       https://doi.org/10.1207/s15327906mbr3401_4

    Examples
    --------
    "I plan ahead" and "I keep order" against "I decide on the spur" (reverse-keyed);
    the last customer left one answer out:

    >>> import pandas as pd
    >>> from custseg.features import PsychographicTransformer
    >>> answers = pd.DataFrame(
    ...     {"plan": [5, 4, 2, 1], "order": [4, 5, 1, None], "spur": [1, 2, 4, 4]}
    ... )
    >>> transformer = PsychographicTransformer(
    ...     scales={"orderly": ("plan", "order", "spur")},
    ...     reverse=("spur",),
    ...     points=(1, 5),
    ...     scale=False,
    ... ).set_output(transform="pandas")
    >>> transformer.fit_transform(answers).round(2)
       orderly
    0     4.67
    1     4.33
    2     1.67
    3     1.57
    >>> transformer.reliability_["alpha"].round(2).to_dict()
    {'orderly': 0.93}

    Without scales, the keyed items come out; the fourth customer's missing answer is
    the item's mean 3.33 less the customer's mean deviation 1.63:

    >>> items = PsychographicTransformer(reverse=("spur",), points=(1, 5), scale=False)
    >>> items.fit_transform(answers).round(2)
    array([[5.  , 4.  , 5.  ],
           [4.  , 5.  , 4.  ],
           [2.  , 1.  , 2.  ],
           [1.  , 1.71, 2.  ]])
    """

    _parameter_constraints = {
        "scales": [Mapping, None],
        "reverse": [StrOptions({"auto"}), tuple, list],
        "points": [tuple, list, None],
        "output": [StrOptions({"auto", "scales", "items", "factors"})],
        "correct_acquiescence": ["boolean", tuple, list],
        "ipsatize": ["boolean"],
        "n_factors": [Interval(Integral, 1, None, closed="left"), None],
        "rotation": [StrOptions({"varimax", "promax"}), None],
        "correlation": [StrOptions({"pearson", "polychoric"})],
        "factor_scores": [StrOptions({"regression", "bartlett"})],
        "scale": ["boolean"],
    }

    def __init__(
        self,
        *,
        scales=None,
        reverse=(),
        points=None,
        output="auto",
        correct_acquiescence=False,
        ipsatize=False,
        n_factors=None,
        rotation="varimax",
        correlation="pearson",
        factor_scores="regression",
        scale=True,
    ):
        self.scales = scales
        self.reverse = reverse
        self.points = points
        self.output = output
        self.correct_acquiescence = correct_acquiescence
        self.ipsatize = ipsatize
        self.n_factors = n_factors
        self.rotation = rotation
        self.correlation = correlation
        self.factor_scores = factor_scores
        self.scale = scale

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn keying, item means, reliabilities and the scale of the output.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_items)
            Numeric answers, one row a customer; missing answers allowed.
        y : None
            Ignored.

        Returns
        -------
        self : PsychographicTransformer

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates, names are not unique,
            `reverse` or `scales` name items that the table does not have, or a column
            is in no scale or in two.
        DataQualityError
            If an answer is infinite or outside `points`, or an item has no answer.
        DegenerateFitError
            If factors are asked for and an item is constant or a sum of others, or no
            factor stands out from chance; or nothing is left of ipsatised answers.
        ValueError
            If `points` is not a pair of rising numbers, parameters contradict each
            other, or acquiescence is to be corrected and keying is not balanced.

        Warns
        -----
        SegmentWarning
            If `reverse="auto"` cannot tell the direction of an item, items of a scale
            contradict each other (a negative alpha), or the output is factor scores.
        """
        columns = read_columns(self, X, reset=True)
        names = [column.name for column in columns]
        answers = numbers_of_answers(columns)
        check_observed(names, answers)
        self.points_ = declared_points(self.points, answers)
        check_answers(names, answers, *self.points_)
        self.scale_items_ = declared_scales(self.scales, names)
        self.output_ = settled_output(self.output, self.scale_items_)
        self.reversed_items_ = find_reversed(
            self.reverse, self.scale_items_, names, answers
        )
        check_style(self.correct_acquiescence, self.ipsatize, self.output_, len(names))
        self._style = learn_style(
            self.correct_acquiescence,
            self.ipsatize,
            self.scale_items_ or {"all items": tuple(names)},
            dict(zip(names, signs_of(names, self.reversed_items_), strict=True)),
            self.points_,
        )

        keyed = self._keyed(names, answers)
        self.item_means_ = np.array([np.nanmean(one) for one in keyed])
        self._learn_reliability(names, np.column_stack(keyed))
        self._learn_factors(names, np.column_stack(keyed))
        self.n_dimensions_ = self._count_dimensions(names)
        self._learn_figures(columns)
        return self

    def transform(self, X):
        """Turn answers into numbers by what `fit` learned.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_items)
            The items of `fit`, in their order; one row is enough.

        Returns
        -------
        ndarray or frame of shape (n_customers, n_features_out)
            Float64, no missing values: scores of scales, keyed items or factor scores.

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates.
        DataQualityError
            If an answer is infinite, or outside `points` where they were given.

        Warns
        -----
        SegmentWarning
            If no `points` were given and answers lie outside those of `fit`.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        names = [column.name for column in columns]
        answers = numbers_of_answers(columns)
        check = warn_outside if self.points is None else check_answers
        check(names, answers, *self.points_)
        return self._step(Batch(columns))

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the items; None takes those of `fit`.

        Returns
        -------
        ndarray of str
            Names of the scales or of the items, or `factor_1` and so on.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        if self.output_ == "items":
            return names
        named = (
            self.scale_items_ if self.output_ == "scales" else self.factors_.loadings
        )
        return np.asarray(list(named), dtype=object)

    def _keyed(self, names, answers):
        """Turn the reverse-keyed items."""
        low, high = self.points_
        return [
            low + high - one if name in self.reversed_items_ else one
            for name, one in zip(names, answers, strict=True)
        ]

    def _learn_reliability(self, names, keyed):
        """Learn how far the items of each scale go together."""
        self.reliability_ = self.item_statistics_ = None
        if self.scale_items_ is None:
            return
        self.reliability_, self.item_statistics_ = statistics_of_scales(
            names, keyed, self.scale_items_, self.reversed_items_
        )
        warn_of_contrary(self.reliability_)

    def _learn_factors(self, names, keyed):
        """Learn factors and the weights of keyed answers in their scores."""
        self.factors_ = self._weights = None
        if self.output_ != "factors":
            return
        self.factors_ = solution_of(
            names,
            keyed,
            self.n_factors,
            self.rotation,
            self.correlation,
            self.factor_scores,
        )
        sds = np.nanstd(keyed, axis=0)
        self._weights = self.factors_.score_weights.to_numpy() / sds[:, np.newaxis]
        warn_of_factors(self.factors_)

    def _count_dimensions(self, names):
        """Return the rank of what comes out of keyed items."""
        if self._style is None:
            return len(self.get_feature_names_out())
        weights, *_ = self._style
        signs = signs_of(names, self.reversed_items_)
        through = np.eye(len(names)) - np.outer(signs, weights)
        if self.output_ == "scales":
            of_scales = [np.isin(names, one) for one in self.scale_items_.values()]
            through = np.array(of_scales, dtype=float) @ through
        rank = int(np.linalg.matrix_rank(through, tol=1e-10))
        if not rank:
            raise DegenerateFitError(
                "Something must be left of the items once their mean is taken off. Got "
                "one scale of all items instead, whose score is that mean. Leave out "
                "ipsatize, or take output='items'."
            )
        return rank

    def _learn_figures(self, columns):
        """Learn what standardises the outputs, and freeze the step."""
        step = self._items([column.name for column in columns])
        outputs = step(Batch(columns)).T
        figures = np.array([mean_and_sd(one) for one in outputs])
        means, sds = figures.T.copy()
        if self._style is not None:
            # What a mean is taken off is constant but for the rounding of answers.
            sds[sds <= 1e-12 * np.max(np.abs(self.points_))] = np.inf
        if not self.scale:
            means = means * (self.output_ == "factors")
            sds = np.ones(len(outputs))
        elif self.n_dimensions_ < len(outputs):
            sds *= np.sqrt(len(outputs) / self.n_dimensions_)
        self.output_means_, self.output_scales_ = means, sds
        self._step = replace(step, means=means, sds=sds)

    def _items(self, names):
        """Return the step that turns answers into outputs, not standardised yet."""
        scales = self.scale_items_ or {}
        weights, offset, shift = self._style or (np.empty(0), 0.0, 0.0)
        n_outputs = len(self.get_feature_names_out())
        return Items(
            np.array([name in self.reversed_items_ for name in names]),
            *map(float, self.points_),
            self.points is not None,
            self.item_means_,
            tuple(np.array([names.index(i) for i in scales[s]]) for s in scales),
            self.output_ == "scales",
            weights,
            offset,
            shift,
            np.empty((0, 0)) if self._weights is None else self._weights,
            np.zeros(n_outputs),
            np.ones(n_outputs),
        )

    def _scorer_step(self):
        return self._step

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
