"""`SocialTransformer`: reach, engagement and word of mouth of customers."""

from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions
from custseg.columns import check_names, quoted
from custseg.exceptions import DataQualityError
from custseg.features._mixed import MixedTransformer
from custseg.scoring import Balance, CheckedCounts, Rate, Same, Threshold

__all__ = ["SocialTransformer"]


class SocialTransformer(MixedTransformer):
    """Bring what customers do among each other to one scale.

    Takes relation and engagement columns, one row a customer: followers, contacts,
    posts, comments, likes, community, referrals. Counts become comparable numbers,
    skewed ones by a logarithm; counts of reactions may be taken per post; who acts is
    told from who is silent; what a customer recommends is set against what they were
    recommended. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    engagement : tuple of str, default=()
        Columns of reactions, such as likes and comments, which are divided by `per`.
    per : str or None, default=None
        Column of what reactions are counted per: posts, followers or visits. Where it
        is 0 there is no rate, and the rate counts as missing.
    activity : str or None, default=None
        Column of a customer's own acts in the period, such as posts and comments. A
        column `active` of ones and zeros is added to it.
    active_from : float or "median", default=1.0
        From how many acts on a customer is active; below, silent. "median" learns the
        median of those who act at all.
    given, received : str or None, default=None
        Columns of recommendations that a customer made, and came by. A column
        `word_of_mouth` is added: given less received over both, from -1 (only
        received) to 1 (only given), 0 where there are none.
    nominal : tuple of str, default=()
        Columns to read as levels whatever their type, such as the numbers of
        communities.
    min_share : float, default=0.01
        Levels, such as communities, with a smaller share of the training customers are
        pooled in the level `other`.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Columns of numbers that go through the signed logarithm, as in
        `BehaviouralTransformer`; followers and shares of them are skewed as a rule.
    scale : bool, default=True
        Whether each column that comes out (the indicators of a level column together)
        gets a total variance of one on the training data.
    add_indicator : bool, default=False
        Whether columns of numbers with missing values in `fit` are followed by a
        column `<name>=missing` that tells them.
    strict : bool, default=False
        Whether levels that `fit` has not seen raise in `transform` instead of being
        counted in a warning.

    Attributes
    ----------
    active_from_ : float or None
        From how many acts on a customer is active.
    kinds_ : dict of str to {"numeric", "ordered", "nominal"}
        What comes out, and what it is read as.
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    custseg.tables.summarize_referrals : Referral depth and customers brought.
    AdoptionTransformer : Who takes up what is new, and when.

    Notes
    -----
    What customers are worth to each other is more than what they buy: they refer,
    influence, and tell what they think [1]_. Reach is how many may hear of it,
    engagement how many answer. A rate per post and the number of posts say different
    things, so both come out.

    Columns that no parameter names go through as `DemographicTransformer` reads them:
    numbers as numbers, text as levels. Booleans are numbers here.

    References
    ----------
    .. [1] Kumar, V., Aksoy, L., Donkers, B., Venkatesan, R., Wiesel, T. and Tillmanns,
       S. (2010). Undervalued or overvalued customers: capturing total customer
       engagement value. Journal of Service Research 13(3), 297-310.
       https://doi.org/10.1177/1094670510375602

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import SocialTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "followers": [40, 55, 9000, 10],
    ...         "posts": [4, 10, 50, 0],
    ...         "likes": [8, 5, 4000, 0],
    ...         "made": [3, 0, 5, 0],
    ...         "got": [0, 1, 1, 0],
    ...     }
    ... )
    >>> social = SocialTransformer(
    ...     engagement=("likes",), per="posts", activity="posts",
    ...     given="made", received="got", scale=False, log="none",
    ... ).set_output(transform="pandas")
    >>> social.fit_transform(customers).round(2).T
                       0     1        2     3
    followers       40.0  55.0  9000.00  10.0
    posts            4.0  10.0    50.00   0.0
    active           1.0   1.0     1.00   0.0
    likes_per_posts  2.0   0.5    80.00   2.0
    made             3.0   0.0     5.00   0.0
    got              0.0   1.0     1.00   0.0
    word_of_mouth    1.0  -1.0     0.67   0.0
    """

    _takes = ("categorical",)
    _remedy = "Convert the column first (pandas.to_numeric)."

    _parameter_constraints = {
        "engagement": [tuple, list],
        "per": [str, None],
        "activity": [str, None],
        "active_from": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"median"}),
        ],
        "given": [str, None],
        "received": [str, None],
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
        engagement=(),
        per=None,
        activity=None,
        active_from=1.0,
        given=None,
        received=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.engagement = engagement
        self.per = per
        self.activity = activity
        self.active_from = active_from
        self.given = given
        self.received = received
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    def _learn(self, columns):
        """Check the roles, and learn who is active."""
        names = [column.name for column in columns]
        for parameter in ("engagement", "nominal"):
            check_names(parameter, getattr(self, parameter), names)
        for parameter in ("per", "activity", "given", "received"):
            wanted = getattr(self, parameter)
            check_names(parameter, [wanted] * (wanted is not None), names)
        for one, other in (("engagement", "per"), ("given", "received")):
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(
                    f"{one} and {other} must be given together. Got one of them "
                    "instead."
                )
        self._refuse_levels_with_a_role()
        roles = [*self.engagement, self.per, self.activity, self.given, self.received]
        roles = dict.fromkeys(name for name in roles if name is not None)
        self.active_from_ = None
        batch = self._batch(columns)
        counts = CheckedCounts((), tuple(map(names.index, roles)))
        counts(batch)
        if self.activity is not None:
            acts = batch.number(names.index(self.activity))
            self.active_from_ = self._learn_active(acts[acts > 0])
        return ([*[counts] * bool(roles), *self._derivations(names)],)

    def _learn_active(self, acts):
        """Learn from how many acts on a customer is active."""
        if self.active_from != "median":
            return self.active_from
        if not len(acts):
            raise DataQualityError(
                f"Column {self.activity!r} must have somebody who acts when "
                "active_from='median'. Got nobody instead. Give a number."
            )
        return float(np.median(acts))

    def _derivations(self, names):
        """Put rates, who is active, and word of mouth beside the columns."""
        derived = []
        for position, name in enumerate(names):
            if name in self.engagement:
                rate = (f"{name}_per_{self.per}",)
                derived.append(Rate(rate, position, names.index(self.per)))
            else:
                derived.append(Same((name,), position))
            if name == self.activity:
                limit = self.active_from_
                derived.append(Threshold(("active",), position, limit, within=False))
        if self.given is not None:
            both = map(names.index, (self.given, self.received))
            derived.append(Balance(("word_of_mouth",), *both))
        return derived

    def _refuse_levels_with_a_role(self):
        roles = {*self.engagement, self.per, self.activity, self.given, self.received}
        both = [name for name in self.nominal if name in roles]
        if both:
            raise ValueError(
                "Columns with a role must be numbers. Got "
                f"{quoted(both)} in nominal too instead. Leave them out of one."
            )
