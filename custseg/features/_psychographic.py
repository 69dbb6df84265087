"""`PsychographicTransformer`: answers to attitude items to keyed items or scores."""

import warnings
from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features._columns import (
    check_names,
    check_observed,
    numbers,
    quoted,
    read_columns,
)
from custseg.features._scaling import mean_and_sd
from custseg.scoring._columns import Items

__all__ = ["PsychographicTransformer"]

_REMEDY = (
    "Code the answers as numbers first, for instance 1 = strongly disagree to "
    "5 = strongly agree."
)
# Below this correlation with the rest of its scale, an item's direction is a guess.
_WEAK_CORRELATION = 0.1


def _correlations(items):
    """Correlation matrix of items, a missing answer standing at its item's mean."""
    standardised = []
    for answers in items:
        answered = answers[~np.isnan(answers)]
        mean, sd = mean_and_sd(answered)
        standardised.append(np.where(np.isnan(answers), 0.0, (answers - mean) / sd))
    Z = np.column_stack(standardised)
    return Z.T @ Z / len(Z)


def _item_rest_correlations(correlations, signs):
    """Correlation of each keyed item with the sum of the other keyed items."""
    shared = signs * (correlations @ signs)
    own = np.diag(correlations)
    rest = np.maximum(np.sum(shared) - 2.0 * shared + own, 0.0)
    size = np.sqrt(own * rest)
    return np.divide(shared - own, size, out=np.zeros_like(own), where=size > 0)


def _find_keying(items):
    """Find which items of one scale run against the majority.

    Parameters
    ----------
    items : list of ndarray of shape (n_customers,)
        Answers, NaN where missing.

    Returns
    -------
    against : ndarray of bool
        Items whose loading on the first principal component has the sign of the
        minority; on a tie the sign of the first item counts as the majority's.
    weak : ndarray of bool
        Items hardly correlated with the rest, whose direction is not found. They are
        never in `against`.
    """
    if len(items) == 1:
        return np.array([False]), np.array([False])
    correlations = _correlations(items)
    component = np.linalg.eigh(correlations)[1][:, -1]
    signs = np.where(component < 0, -1.0, 1.0)
    weak = _item_rest_correlations(correlations, signs) < _WEAK_CORRELATION
    balance = np.sum(signs[~weak]) or signs[0]
    return (signs * balance < 0) & ~weak, weak


def _two_way(items, means, low, high):
    """Fill missing answers by item mean plus the customer's own mean deviation.

    Parameters
    ----------
    items : list of ndarray of shape (n_customers,)
        Keyed answers, NaN where missing.
    means : sequence of float
        Frozen means of the keyed items.
    low, high : float
        A filled answer stays between them.

    Returns
    -------
    list of ndarray of shape (n_customers,)
    """
    # Sums run over items one by one: a row of a batch then rounds as the row alone.
    total = np.zeros(len(items[0]))
    answered = np.zeros(len(items[0]))
    for answers, mean in zip(items, means, strict=True):
        present = ~np.isnan(answers)
        total += np.where(present, answers - mean, 0.0)
        answered += present
    deviation = total / np.maximum(answered, 1.0)
    return [
        np.where(np.isnan(answers), np.clip(mean + deviation, low, high), answers)
        for answers, mean in zip(items, means, strict=True)
    ]


def _mean_of(items):
    total = np.zeros(len(items[0]))
    for answers in items:
        total += answers
    return total / len(items)


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
        smallest and largest answer over all items in `fit`, and checks nothing.
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
    output_means_ : ndarray of shape (n_features_out,)
        Subtracted from items or scores; 0 if `scale=False`.
    output_scales_ : ndarray of shape (n_features_out,)
        Divide what is left; 1 if `scale=False`, infinite for a constant item or score,
        which becomes zeros.
    n_features_in_ : int
        Number of items seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the items seen in `fit`, if all are text.

    See Also
    --------
    BehaviouralTransformer : Skewed counts and amounts.
    DemographicTransformer : Numbers and categories side by side.

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
    as positive.

    A turned item keeps its name.

    References
    ----------
    .. [1] Bernaards, C. A. and Sijtsma, K. (2000). Influence of imputation and EM
       methods on factor analysis when item nonresponse in questionnaire data is
       nonignorable. Multivariate Behavioral Research 35(3), 321-364.
       https://doi.org/10.1207/S15327906MBR3503_03
    .. [2] Sijtsma, K. and van der Ark, L. A. (2003). Investigation and treatment of
       missing item scores in test and questionnaire data. Multivariate Behavioral
       Research 38(4), 505-528. https://doi.org/10.1207/s15327906mbr3804_4

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
        "scale": ["boolean"],
    }

    def __init__(self, *, scales=None, reverse=(), points=None, scale=True):
        self.scales = scales
        self.reverse = reverse
        self.points = points
        self.scale = scale

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn keying, item means and the scale of the output.

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
        ValueError
            If `points` is not a pair of rising numbers, or `reverse="auto"` comes
            without `scales`.

        Warns
        -----
        SegmentWarning
            If `reverse="auto"` cannot tell the direction of an item.
        """
        low, high = self._declared_points()
        columns = read_columns(self, X, reset=True)
        names = [column.name for column in columns]
        answers = [numbers(column, _REMEDY) for column in columns]
        check_observed(names, answers)
        _check_answers(names, answers, low, high)
        if low is None:
            low = min(float(np.nanmin(one)) for one in answers)
            high = max(float(np.nanmax(one)) for one in answers)
        self.points_ = (low, high)
        self.scale_items_ = self._checked_scales(names)
        self.reversed_items_ = self._find_reversed(names, answers)

        keyed = self._keyed(names, answers)
        self.item_means_ = np.array([np.nanmean(one) for one in keyed])
        figures = [mean_and_sd(one) for one in self._outputs(names, keyed)]
        if not self.scale:
            figures = [(0.0, 1.0)] * len(figures)
        self.output_means_, self.output_scales_ = np.array(figures).T.copy()
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
            Float64, no missing values: the scores of the scales, or the keyed items.

        Raises
        ------
        SchemaError
            If a column holds text, categories or dates.
        DataQualityError
            If an answer is infinite, or outside `points` where they were given.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        names = [column.name for column in columns]
        answers = [numbers(column, _REMEDY) for column in columns]
        _check_answers(names, answers, *self._declared_points())
        outputs = self._outputs(names, self._keyed(names, answers))
        return np.column_stack(
            [
                np.zeros(len(one)) if np.isinf(scale) else (one - mean) / scale
                for one, mean, scale in zip(
                    outputs, self.output_means_, self.output_scales_, strict=True
                )
            ]
        )

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the items; None takes those of `fit`.

        Returns
        -------
        ndarray of str
            Names of the scales, or of the items where there are no scales.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        if self.scale_items_ is None:
            return names
        return np.asarray(list(self.scale_items_), dtype=object)

    def _declared_points(self):
        """Return the declared lowest and highest answer, or two None."""
        if self.points is None:
            return None, None
        try:
            low, high = (float(point) for point in self.points)
        except (TypeError, ValueError):
            low = high = np.nan
        if not low < high:
            raise ValueError(
                "points must be the lowest and the highest answer. Got "
                f"{self.points!r} instead. Give a pair such as (1, 5)."
            )
        return low, high

    def _checked_scales(self, names):
        """Return `scales` as a dict of tuples after checking that they fit."""
        if self.scales is None:
            return None
        scales = {str(scale): tuple(items) for scale, items in self.scales.items()}
        hollow = [scale for scale, items in scales.items() if not items]
        if hollow or not scales:
            raise SchemaError(
                f"Each of scales must have an item. Got none in {quoted(hollow)} "
                "instead. Give the items of each scale, or scales=None."
            )
        listed = [item for items in scales.values() for item in items]
        check_names("scales", listed, names)
        twice = sorted({item for item in listed if listed.count(item) > 1})
        if twice:
            raise SchemaError(
                f"Each item must be in one scale. Got {quoted(twice)} more than once "
                "instead. Keep each in one."
            )
        spare = [name for name in names if name not in listed]
        if spare:
            raise SchemaError(
                f"Each column must be an item of a scale. Got {quoted(spare)} in none "
                "instead. Put each into a scale, or leave its column out."
            )
        return scales

    def _find_reversed(self, names, answers):
        """Return the names of the reverse-keyed items, in the order of the table."""
        if not isinstance(self.reverse, str):
            check_names("reverse", self.reverse, names)
            return tuple(name for name in names if name in self.reverse)
        if self.scale_items_ is None:
            raise ValueError(
                "reverse='auto' must come with scales. Got scales=None instead. Give "
                "the items of each scale, or name the reverse-keyed items."
            )
        found, unclear = set(), []
        for items in self.scale_items_.values():
            against, weak = _find_keying([answers[names.index(i)] for i in items])
            found.update(np.array(items, dtype=object)[against])
            unclear += list(np.array(items, dtype=object)[weak])
        if unclear:
            warnings.warn(
                "Items must go together with their scale for reverse='auto'. Got "
                f"correlations below {_WEAK_CORRELATION} in {quoted(unclear)} instead, "
                "which keep their direction. Name the reverse-keyed items in reverse.",
                SegmentWarning,
                stacklevel=4,
            )
        return tuple(name for name in names if name in found)

    def _keyed(self, names, answers):
        """Turn the reverse-keyed items."""
        low, high = self.points_
        return [
            low + high - one if name in self.reversed_items_ else one
            for name, one in zip(names, answers, strict=True)
        ]

    def _outputs(self, names, keyed):
        """Fill keyed items and take the mean of each scale."""
        if self.scale_items_ is None:
            return _two_way(keyed, self.item_means_, *self.points_)
        scores = []
        for items in self.scale_items_.values():
            where = [names.index(item) for item in items]
            group = [keyed[position] for position in where]
            scores.append(
                _mean_of(_two_way(group, self.item_means_[where], *self.points_))
            )
        return scores

    def _scorer_step(self):
        names = list(check_feature_names_in(self, None))
        scales = self.scale_items_ or {}
        return Items(
            np.array([name in self.reversed_items_ for name in names]),
            *map(float, self.points_),
            self.points is not None,
            self.item_means_,
            tuple(np.array([names.index(i) for i in scales[s]]) for s in scales),
            self.output_means_,
            self.output_scales_,
        )

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _check_answers(names, answers, low, high):
    """Refuse answers outside the declared points."""
    if low is None:
        return
    outside = {
        name: int(np.count_nonzero((one < low) | (one > high)))
        for name, one in zip(names, answers, strict=True)
    }
    counts = [f"{name!r} ({count})" for name, count in outside.items() if count]
    if counts:
        more = "" if len(counts) <= 5 else f" and {len(counts) - 5} more items"
        raise DataQualityError(
            f"Answers must lie between {low:g} and {high:g}. Got answers outside in "
            f"{', '.join(counts[:5])}{more} instead (item, customers). Correct them, "
            "mark them as missing, or change points."
        )
