"""`BenefitTransformer`: what customers want, from ratings, rankings or choices."""

import re
from collections.abc import Mapping
from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions
from custseg.columns import check_names, check_observed, quoted
from custseg.exceptions import SchemaError
from custseg.features._mixed import MixedTransformer
from custseg.scoring import Benefits, ItemScores, Prices
from custseg.surveys import cumulative_normal_scores

__all__ = ["SIX_BENEFITS", "BenefitTransformer", "map_benefits"]

# Words of a map to begin with, in English; meant to be edited.
SIX_BENEFITS = {
    "price": "price cheap cheaper low cost affordable offer offers discount value",
    "quality": "quality durable reliable fresh taste tasty ingredients premium last",
    "function": "function feature features convenient easy fast performance safe size",
    "service": "service advice staff delivery support returns warranty friendly help",
    "brand": "brand name image trust prestige known famous style status",
    "environment": "environment organic green sustainable recycled packaging local",
}


def map_benefits(items, words=None):
    """Sort items by the benefit that their names speak of: a map to be edited.

    Parameters
    ----------
    items : sequence of str
        Names of items, such as `low_price` or "Friendly staff".
    words : mapping of str to str, default=None
        Words of each benefit, separated by spaces. None takes those of six: price,
        quality, function, service, brand and environment.

    Returns
    -------
    benefits : dict of str to tuple of str
        Items of each benefit that has any. An item goes to the benefit of its first
        word that is known.

    Raises
    ------
    SchemaError
        If no word of an item is known; the message names the items.

    Examples
    --------
    >>> from custseg.features import map_benefits
    >>> map_benefits(["low_price", "weekly_offers", "fresh", "friendly_staff"])
    {'price': ('low_price', 'weekly_offers'), 'quality': ('fresh',),
     'service': ('friendly_staff',)}
    """
    words = SIX_BENEFITS if words is None else words
    home = {word: name for name, listed in words.items() for word in listed.split()}
    found, lost = {name: [] for name in words}, []
    for item in items:
        spoken = [word for word in re.findall(r"[a-z]+", item.lower()) if word in home]
        (found[home[spoken[0]]] if spoken else lost).append(item)
    if lost:
        raise SchemaError(
            f"Each item must speak of a benefit. Got no known word in {quoted(lost)} "
            "instead. Write the map yourself, or give more words."
        )
    return {name: tuple(group) for name, group in found.items() if group}


class BenefitTransformer(MixedTransformer):
    """Turn what customers say is important into utilities that can be compared.

    Takes ratings of importance, rankings, or counts of best-worst choices, one column
    (or three) an item, and gives a number a benefit: how much more it matters to the
    customer than the others do. Price limits after van Westendorp become a price level
    and a range. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    benefits : mapping of str to tuple of str, or None, default=None
        Items of each benefit, as ``{"price": ("low_price", "offers"), "quality":
        ("fresh",), ...}``; `map_benefits` makes one to edit. None takes every item as
        a benefit of its own.
    kind : {"ratings", "rankings", "best_worst"}, default="ratings"
        What the columns are. Ratings: the higher the more important. Rankings: 1 is
        the most important, missing is not ranked. Best-worst: see `counts`.
    counts : mapping of str to tuple (best, worst, shown), or None, default=None
        With ``kind="best_worst"``, the three columns of each item: how often it was
        chosen as the best, as the worst, and shown.
    unranked_last : bool, default=True
        Whether items without a rank come after those that a customer ranked, tied, as
        in "name your top three". Otherwise they are missing.
    scale_use : {"centre", "standardise", "none"}, default="centre"
        What is taken off how a customer answers: the mean over benefits ("centre"),
        also the spread over items ("standardise"), or nothing.
    smoothing : float, default=1.0
        Choices added for and against in the closed form of best-worst choices.
    prices : tuple of four str, or None, default=None
        Columns of the prices at which a product is too cheap to be good, a bargain,
        expensive but worth a thought, and too expensive. They become `price_level` and
        `price_range`.
    scale : bool, default=True
        Whether benefits get a total variance of as many columns as they vary in, one
        less than there are benefits when they are centred, and each price figure of
        one. They keep their relative sizes: a benefit on which customers differ more
        counts more.
    strict : bool, default=False
        Whether prices in the wrong order raise in place of being counted in a warning
        and treated as missing.

    Attributes
    ----------
    benefit_items_ : dict of str to tuple of str
        Items of each benefit.
    item_means_ : ndarray of shape (n_items,)
        Means of the scores of items, which fill missing ones.
    n_dimensions_ : int
        In how many directions benefits vary.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    price_sensitivity_meter : Of all customers: the curves and where they cross.
    custseg.tables.summarize_discounts : Dependence on discounts, from orders.

    Notes
    -----
    Customers who want the same may buy, live and answer differently; segments by
    benefits sought go back to Haley [1]_. Of importance ratings the larger part of the
    variance is how people use the scale: some call everything important. What is left
    when the customer's mean is taken off says what matters more to them. The benefits
    then sum to zero and have one dimension less than columns, which `scale` knows.
    The mean is that over benefits, so that a benefit of many items does not count more.

    Rankings become normal scores: what utilities with a normal distribution would be
    on average, given their order (Blom's approximation); ties share the mean of their
    places. Best-worst counts become the logit utility in closed form, ``log((shown +
    best - worst + s) / (shown - best + worst + s))`` with smoothing s [2]_, [3]_. The
    three are then on scales of their own; ``scale_use="standardise"`` makes them
    comparable across kinds.

    A missing score is filled by the item's mean plus the customer's mean deviation over
    the other items. Who answered nothing gets the average utilities.

    Prices must rise from too cheap to too expensive, each not below the one before.
    The level is the mean logarithm of the bargain and the expensive price, the range
    the logarithm of their ratio.

    References
    ----------
    .. [1] Haley, R. I. (1968). Benefit segmentation: a decision-oriented research tool.
       Journal of Marketing 32(3), 30-35. https://doi.org/10.1177/002224296803200306
    .. [2] Lipovetsky, S. and Conklin, M. (2014). Best-worst scaling in analytical
       closed-form solution. Journal of Choice Modelling 10, 60-68.
       https://doi.org/10.1016/j.jocm.2014.02.001
    .. [3] Marley, A. A. J. and Louviere, J. J. (2005). Some probabilistic models of
       best, worst, and best-worst choices. Journal of Mathematical Psychology 49(6),
       464-480. https://doi.org/10.1016/j.jmp.2005.05.003

    Examples
    --------
    The first two customers want the same, though one calls everything important:

    >>> import pandas as pd
    >>> from custseg.features import BenefitTransformer
    >>> ratings = pd.DataFrame(
    ...     {"price": [5, 3, 1], "quality": [4, 2, 5], "service": [3, 1, 3]}
    ... )
    >>> benefit = BenefitTransformer(scale=False).set_output(transform="pandas")
    >>> benefit.fit_transform(ratings).round(1)
       price  quality  service
    0    1.0      0.0     -1.0
    1    1.0      0.0     -1.0
    2   -2.0      2.0      0.0
    """

    _parameter_constraints = {
        "benefits": [Mapping, None],
        "kind": [StrOptions({"ratings", "rankings", "best_worst"})],
        "counts": [Mapping, None],
        "unranked_last": ["boolean"],
        "scale_use": [StrOptions({"centre", "standardise", "none"})],
        "smoothing": [Interval(Real, 0, None, closed="neither")],
        "prices": [tuple, list, None],
        "scale": ["boolean"],
        "strict": ["boolean"],
    }
    log = "none"

    def __init__(
        self,
        *,
        benefits=None,
        kind="ratings",
        counts=None,
        unranked_last=True,
        scale_use="centre",
        smoothing=1.0,
        prices=None,
        scale=True,
        strict=False,
    ):
        self.benefits = benefits
        self.kind = kind
        self.counts = counts
        self.unranked_last = unranked_last
        self.scale_use = scale_use
        self.smoothing = smoothing
        self.prices = prices
        self.scale = scale
        self.strict = strict

    def _learn(self, columns):
        """Check which column is what, and learn the means of items."""
        names = [column.name for column in columns]
        self._prices = () if self.prices is None else tuple(self.prices)
        if len(self._prices) not in (0, 4):
            raise ValueError(
                "prices must be four columns: too cheap, cheap, expensive, too "
                f"expensive. Got {len(self._prices)} instead."
            )
        check_names("prices", self._prices, names)
        self._items = self._find_items(names)
        self.benefit_items_ = self._checked_benefits(list(self._items))
        items = list(self._items)
        groups = tuple(
            tuple(items.index(item) for item in group)
            for group in self.benefit_items_.values()
        )
        centred = self.scale_use != "none" and len(groups) > 1
        self.n_dimensions_ = len(groups) - centred
        answers = ItemScores(
            self.kind,
            tuple(items),
            tuple(tuple(map(names.index, group)) for group in self._items.values()),
            self.unranked_last,
            cumulative_normal_scores(len(items) * (self.kind == "rankings")),
            self.smoothing,
        )
        scores = answers(self._batch(columns))
        check_observed(items, scores)
        self.item_means_ = np.array([np.nanmean(one) for one in scores])
        derived = [
            Benefits(
                tuple(self.benefit_items_),
                answers,
                self.item_means_,
                groups,
                centred,
                self.scale_use == "standardise",
                max(self.n_dimensions_, 1),
            )
        ]
        if self._prices:
            positions = tuple(map(names.index, self._prices))
            of_prices = ("price_level", "price_range")
            derived.append(Prices(of_prices, positions, self.strict))
        return (derived,)

    def _find_items(self, names):
        """Return the columns of each item."""
        if self.kind != "best_worst":
            if self.counts is not None:
                raise ValueError(
                    "counts must come with kind='best_worst'. Got "
                    f"kind={self.kind!r} instead."
                )
            return {name: (name,) for name in names if name not in self._prices}
        if not self.counts:
            raise ValueError(
                "counts must name three columns of each item when kind='best_worst'. "
                "Got none instead. Give {item: (best, worst, shown)}."
            )
        items = {str(item): tuple(three) for item, three in self.counts.items()}
        listed = [name for three in items.values() for name in three]
        check_names("counts", listed, names)
        wrong = [item for item, three in items.items() if len(three) != 3]
        spare = [name for name in names if name not in {*listed, *self._prices}]
        if wrong or spare:
            raise SchemaError(
                "counts must name three columns of each item, and every column be one "
                f"of them or a price. Got {quoted(wrong or spare)} instead."
            )
        return items

    def _checked_benefits(self, items):
        """Return the items of each benefit after checking that each has one."""
        if self.benefits is None:
            return {item: (item,) for item in items}
        benefits = {str(name): tuple(group) for name, group in self.benefits.items()}
        listed = [item for group in benefits.values() for item in group]
        check_names("benefits", listed, items, "items")
        hollow = [name for name, group in benefits.items() if not group]
        twice = sorted({item for item in listed if listed.count(item) > 1})
        spare = [item for item in items if item not in listed]
        for what, found in (
            ("Each benefit must have an item", hollow),
            ("Each item must be of one benefit", twice),
            ("Each column must be an item of a benefit", spare),
        ):
            if found:
                raise SchemaError(
                    f"{what}. Got {quoted(found)} instead. Change benefits, or leave "
                    "the column out."
                )
        return benefits
