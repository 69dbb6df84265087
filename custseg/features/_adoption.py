"""`AdoptionTransformer`: liking for technologies, and when customers took them up."""

from collections.abc import Mapping
from dataclasses import replace
from numbers import Real

import numpy as np

from custseg._sklearn import Interval, StrOptions, check_is_fitted
from custseg.columns import (
    check_names,
    check_observed,
    mean_and_sd,
    quoted,
    read_columns,
)
from custseg.exceptions import DataQualityError, SchemaError
from custseg.features._compositions import smallest_share
from custseg.features._diffusion import ROGERS, category_limits, fit_diffusion
from custseg.features._like import like
from custseg.features._mixed import MixedTransformer
from custseg.features._role_checks import check_column_roles, check_wholes
from custseg.scoring import Adoption, MeanOfItems, Same, Shares, read_times

__all__ = ["AdoptionTransformer"]

NOT_YET = "not yet"


class AdoptionTransformer(MixedTransformer):
    """Bring liking for technologies, and the time of adoption, to one scale.

    Scores such as digital, smart, green, emerging, traditional or innovator are
    averaged from items; shares of devices and channels become log-ratios; times of
    adoption become Rogers' categories. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    scores : mapping of str to tuple of str, or None, default=None
        Items of each score, as ``{"digital": ("uses_app", "pays_online"), ...}``. One
        number comes out for each: the mean of the items that are there, each
        standardised.
    reverse : tuple of str, default=()
        Items among them that speak against their score.
    shares : mapping of str to tuple of str, or None, default=None
        Columns that are parts of a whole, as ``{"device": ("phone", "tablet",
        "desktop")}``: counts or shares, none below zero. They become centred
        log-ratios, named `device:phone` and so on.
    adopted : mapping of str to str, or None, default=None
        Column of the time from a launch to the customer's adoption, by what was
        launched, as ``{"app": "app_after_days"}``. Missing means not adopted by the
        end of observation.
    observed : float or None, default=None
        Time from the launch to the end of observation, in the unit of the times. None
        takes the latest adoption.
    eventual : float or "bass", default="bass"
        Share of the customers who adopt in the end. "bass" estimates it with Bass's
        model.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Other columns of numbers that go through the signed logarithm, as in
        `BehaviouralTransformer`.
    min_share : float, default=0.0
        Levels with a smaller share of the training customers are pooled in the level
        `other`. The default pools none: innovators are few.
    scale : bool, default=True
        Whether each score, whole of shares, and time of adoption gets a total variance
        of one on the training data.
    strict : bool, default=False
        Whether levels that `fit` has not seen raise in `transform` instead of being
        counted in a warning.

    Attributes
    ----------
    diffusions_ : dict of str to Diffusion
        Bass's model of each launch: `innovation` (p), `imitation` (q), per unit of
        time, and `eventual` share. Empty if `eventual` is a number.
    limits_ : dict of str to ndarray of shape (4,)
        Last time of innovators, early adopters, early and late majority; infinite for
        a category that is not over yet.
    figures_ : dict of str to tuple (mean, standard deviation)
        Of the items.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    PsychographicTransformer : Items with reliabilities and factor scores.
    SocialTransformer : Through whom what is new spreads.

    Notes
    -----
    Rogers' categories [1]_ are shares of those who adopt in the end: 2.5 % innovators,
    13.5 % early adopters, 34 % early and 34 % late majority, 16 % laggards. Cut from
    those who have adopted so far, the same shares call half of today's adopters late,
    however new the product is; and who has not adopted is no laggard but *not yet*: we
    have not seen when, or whether, they will. So the number of eventual adopters comes
    first. Bass's model [2]_ says that the rate of adoption among those left is
    ``p + q F(t)``; p, q and the share of eventual adopters are those of largest
    likelihood, with who has not adopted by the end counted as censored [3]_. Before
    half of them have adopted the estimate is an extrapolation, and a `SegmentWarning`
    says so. A category whose share is not reached yet has no end, and later ones
    nobody.

    Columns that no parameter names go through as `DemographicTransformer` reads them.

    References
    ----------
    .. [1] Rogers, E. M. (2003). Diffusion of innovations, 5th ed. Free Press.
    .. [2] Bass, F. M. (1969). A new product growth for model consumer durables.
       Management Science 15(5), 215-227. https://doi.org/10.1287/mnsc.15.5.215
    .. [3] Schmittlein, D. C. and Mahajan, V. (1982). Maximum likelihood estimation for
       an innovation diffusion model of new product acceptance. Marketing Science 1(1),
       57-78. https://doi.org/10.1287/mksc.1.1.57

    Examples
    --------
    Of ten customers eight will adopt in the end, and six have:

    >>> import pandas as pd
    >>> from custseg.features import AdoptionTransformer
    >>> customers = pd.DataFrame(
    ...     {"weeks": [2, 5, 9, 11, 20, 26, None, None, None, None]}
    ... )
    >>> adoption = AdoptionTransformer(adopted={"app": "weeks"}, eventual=0.8)
    >>> adoption.fit(customers).categories(customers)["app"].tolist()
    ['innovators', 'early adopters', 'early majority', 'early majority',
     'late majority', 'late majority', 'not yet', 'not yet', 'not yet', 'not yet']
    """

    _takes = ("categorical",)
    _remedy = "Convert the column first (pandas.to_numeric)."

    _parameter_constraints = {
        "scores": [Mapping, None],
        "reverse": [tuple, list],
        "shares": [Mapping, None],
        "adopted": [Mapping, None],
        "observed": [Interval(Real, 0, None, closed="neither"), None],
        "eventual": [Interval(Real, 0, 1, closed="right"), StrOptions({"bass"})],
        "log": [StrOptions({"auto", "all", "none"}), tuple, list],
        "min_share": [Interval(Real, 0, 1, closed="left")],
        "scale": ["boolean"],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        *,
        scores=None,
        reverse=(),
        shares=None,
        adopted=None,
        observed=None,
        eventual="bass",
        log="auto",
        min_share=0.0,
        scale=True,
        strict=False,
    ):
        self.scores = scores
        self.reverse = reverse
        self.shares = shares
        self.adopted = adopted
        self.observed = observed
        self.eventual = eventual
        self.log = log
        self.min_share = min_share
        self.scale = scale
        self.strict = strict

    def categories(self, X):
        """Tell each customer's category of adoption.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_features)
            The columns of `fit`.

        Returns
        -------
        categories : dict of str to Series or ndarray of shape (n_customers,)
            By what was launched: one of Rogers' five categories, or "not yet".

        Raises
        ------
        SchemaError
            If a column holds what it cannot be read as.
        DataQualityError
            If a time is infinite or below zero.
        """
        check_is_fitted(self)
        batch = self._batch(read_columns(self, X, reset=False))
        return {
            launch: like(X, launch, adoption(batch)[0].cells())
            for launch, adoption in self._adoptions.items()
        }

    def _learn(self, columns):
        """Check the roles; learn figures of items, least shares and limits."""
        names = [column.name for column in columns]
        self._check_roles(names)
        batch = self._batch(columns)
        items = dict.fromkeys(i for score in self._scores.values() for i in score)
        answers = {name: batch.number(names.index(name)) for name in items}
        check_observed(list(answers), list(answers.values()))
        self.figures_ = {
            name: mean_and_sd(one[~np.isnan(one)]) for name, one in answers.items()
        }
        derived = [self._score(*one, names) for one in self._scores.items()]
        for whole, parts in self._wholes.items():
            outputs = tuple(f"{whole}:{name}" for name in parts)
            shares = Shares(outputs, tuple(map(names.index, parts)), whole)
            least = smallest_share(shares.shares(batch))
            derived.append(replace(shares, zero_share=least))
        self.diffusions_, self.limits_, self._adoptions = {}, {}, {}
        for launch, name in (self.adopted or {}).items():
            position = names.index(name)
            self._learn_launch(launch, name, read_times(batch, position))
            categories = (*ROGERS, NOT_YET)
            limits = self.limits_[launch]
            adoption = Adoption((launch,), position, limits, categories)
            self._adoptions[launch] = adoption
        derived += self._adoptions.values()
        rest = [name for name in names if name not in self._listed]
        return ([*derived, *(Same((name,), names.index(name)) for name in rest)],)

    def _score(self, score, items, names):
        """Return the mean of the standardised items that a customer has."""
        means, sds = zip(*(self.figures_[item] for item in items), strict=True)
        turned = [item in self.reverse for item in items]
        sds = (-sd if turn else sd for sd, turn in zip(sds, turned, strict=True))
        return MeanOfItems((score,), tuple(map(names.index, items)), means, tuple(sds))

    def _check_roles(self, names):
        """Freeze the roles as tuples after checking that each column has one."""
        self._scores = {str(s): tuple(i) for s, i in (self.scores or {}).items()}
        self._wholes = {str(w): tuple(p) for w, p in (self.shares or {}).items()}
        roles = {
            "scores": [name for items in self._scores.values() for name in items],
            "shares": [name for parts in self._wholes.values() for name in parts],
            "adopted": list((self.adopted or {}).values()),
        }
        check_column_roles(roles, names)
        check_names("reverse", self.reverse, roles["scores"], "items of scores")
        check_wholes(self._wholes)
        hollow = [name for name, items in self._scores.items() if not items]
        if hollow:
            raise SchemaError(
                "Each score must have a column or more. Got none in "
                f"{quoted(hollow)} instead."
            )
        self._listed = {name for wanted in roles.values() for name in wanted}

    def _learn_launch(self, launch, name, times):
        """Learn the limits of the categories of one launch."""
        adopted = times[~np.isnan(times)]
        if not len(adopted):
            raise DataQualityError(
                f"Column {name!r} must have an adopter in fit. Got none "
                "instead. Leave it out."
            )
        latest = float(adopted.max())
        observed = latest if self.observed is None else float(self.observed)
        if latest > observed:
            late = int(np.count_nonzero(adopted > observed))
            raise DataQualityError(
                f"Column {name!r} must have no time after observed="
                f"{observed:g}. Got {late} such instead. Correct them or observed."
            )
        eventual = self.eventual
        if eventual == "bass":
            observed = max(observed, np.finfo(float).tiny)
            self.diffusions_[launch] = fit_diffusion(adopted, len(times), observed)
            eventual = self.diffusions_[launch].eventual
        n_eventual = eventual * len(times)
        if n_eventual < len(adopted) - 1e-9 * len(times):
            raise DataQualityError(
                "eventual must not be below the share of customers who have adopted. "
                f"Got {eventual:g}, and {len(adopted)} of {len(times)} adopters of "
                f"{launch!r}, instead. Raise it."
            )
        self.limits_[launch] = category_limits(adopted, n_eventual)
