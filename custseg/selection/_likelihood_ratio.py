"""Whether one component more is needed: the bootstrap likelihood-ratio test."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state, check_scalar

from custseg._utils._pipelines import last_step
from custseg._utils._result import Result
from custseg._utils._seeds import draw_seed
from custseg.cluster import MixtureSegmenterMixin
from custseg.exceptions import DegenerateFitError, SegmentWarning

_AT_ONCE = 12  # draws between two looks at whether the answer is clear
_EXCEEDED = 10  # draws beyond the statistic that make it clear


@dataclass(frozen=True, eq=False, repr=False)
class LikelihoodRatioTest(Result):
    """Whether each number of components is enough, against one more.

    Made by `bootstrap_likelihood_ratio`. It holds no customer.

    Attributes
    ----------
    n_components : ndarray of int, shape (n_tests,)
        Numbers of components that were tested, each against one more.
    statistics : ndarray of shape (n_tests,)
        Twice what the log-likelihood gains by one component more.
    p_values : ndarray of shape (n_tests,)
        Share of the tables, those drawn and the one tested, with as large a gain.
    n_draws : ndarray of int, shape (n_tests,)
        Tables that were drawn.
    alpha : float
        Level of the tests.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.selection import LikelihoodRatioTest
    >>> numbers, draws = np.array([1, 2]), np.array([99, 20])
    >>> statistics, p_values = np.array([88.0, 3.1]), np.array([0.01, 0.5])
    >>> test = LikelihoodRatioTest(numbers, statistics, p_values, draws, alpha=0.05)
    >>> test
    <LikelihoodRatioTest: 2 components are enough at a level of 0.05 (1 against 2:
    p = 0.01, 2 against 3: p = 0.5).>
    """

    n_components: np.ndarray
    statistics: np.ndarray
    p_values: np.ndarray
    n_draws: np.ndarray
    alpha: float

    @property
    def enough(self):
        """Smallest number of components that one more does not improve on.

        None where each that was tested can be improved on.
        """
        kept = self.n_components[self.p_values > self.alpha]
        return int(kept[0]) if len(kept) else None

    def frame(self):
        """Return one row a test.

        Returns
        -------
        tests : DataFrame
            Columns `n_components`, `against`, `statistic`, `p_value`, `n_draws`,
            `rejected`.
        """
        return pd.DataFrame(
            {
                "n_components": self.n_components,
                "against": self.n_components + 1,
                "statistic": self.statistics,
                "p_value": self.p_values,
                "n_draws": self.n_draws,
                "rejected": self.p_values <= self.alpha,
            }
        )

    @property
    def verdict(self):
        """How many components are enough, with the figures of each test."""
        enough = self.enough
        said = "Every number that was tested is improved on"
        if enough is not None:
            said = f"{_components(enough)} enough"
        against = ", ".join(
            f"{k} against {k + 1}: p = {p_value:.2g}"
            for k, p_value in zip(self.n_components, self.p_values, strict=True)
        )
        return f"{said} at a level of {self.alpha:g} ({against})."


def _components(number):
    return "1 component is" if number == 1 else f"{number} components are"


def bootstrap_likelihood_ratio(
    segmenter,
    X,
    *,
    n_components=None,
    n_draws=99,
    alpha=0.05,
    n_jobs=None,
    random_state=None,
):
    """Test numbers of components of a mixture, each against one more.

    The gain of log-likelihood has no known distribution when there is no such
    component, so it is simulated: tables are drawn from the mixture with fewer
    components, and both are fitted to each, from as many starts as to the customers.

    Parameters
    ----------
    segmenter : GaussianMixtureSegmenter or LatentClassSegmenter
        Not fitted; its `n_components` is set.
    X : array-like or frame of shape (n_customers, n_features)
        One row a customer, as the segmenter takes it. Missing answers stay missing in
        what is drawn.
    n_components : int or sequence of int, default=None
        Numbers to test, ascending; None for the segmenter's own. Testing stops at the
        first that is enough.
    n_draws : int, default=99
        Tables that are drawn for a test at most. A test ends before when ten of them
        have gained as much as the customers: it will not be rejected then.
    alpha : float, default=0.05
        Level of each test.
    n_jobs : int or None, default=None
        Processes for the draws, as joblib counts them; the result is the same.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws, and of the starts where the segmenter has none.

    Returns
    -------
    test : LikelihoodRatioTest

    Raises
    ------
    TypeError
        If the segmenter fits no mixture.
    ValueError
        If `n_draws` is too small for `alpha` to be reached, or the segmenter has noise
        or merges components.
    DegenerateFitError
        If there are fewer distinct customers than components.

    Notes
    -----
    The p-value is (1 + b) / (1 + B) when b of B tables gained as much, or h / B when
    testing ended at the h-th (Besag and Clifford, 1991); either way the level is at
    most `alpha`. Each test is at that level; going on until one is not rejected is
    rejected too often with probability `alpha` at most.

    References
    ----------
    McLachlan, G. J. (1987). On bootstrapping the likelihood ratio test statistic for
    the number of components in a normal mixture. Applied Statistics 36(3), 318-324.
    https://doi.org/10.2307/2347790

    Nylund, K. L., Asparouhov, T. and Muthen, B. O. (2007). Deciding on the number of
    classes in latent class analysis and growth mixture modeling: a Monte Carlo
    simulation study. Structural Equation Modeling 14(4), 535-569.
    https://doi.org/10.1080/10705510701575396

    Besag, J. and Clifford, P. (1991). Sequential Monte Carlo p-values. Biometrika
    78(2), 301-304. https://doi.org/10.1093/biomet/78.2.301

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import GaussianMixtureSegmenter
    >>> from custseg.selection import bootstrap_likelihood_ratio
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 1, 40)])[:, None]
    >>> segmenter = GaussianMixtureSegmenter(n_init=2, random_state=0)
    >>> test = bootstrap_likelihood_ratio(
    ...     segmenter, X, n_components=(1, 2), n_draws=19, random_state=0
    ... )
    >>> test.frame()[["n_components", "p_value", "rejected"]].round(2)
       n_components  p_value  rejected
    0             1     0.05      True
    1             2     0.35     False
    """
    check_scalar(
        alpha, "alpha", Real, min_val=0, max_val=1, include_boundaries="neither"
    )
    check_scalar(n_draws, "n_draws", Integral, min_val=1)
    _check(segmenter, n_draws, alpha)
    numbers = _numbers(segmenter, n_components)
    rng = check_random_state(random_state)
    fewer = _fitted(segmenter, numbers[0], X, draw_seed(rng))
    rows = []
    for number in numbers:
        if rows and number != rows[-1][0] + 1:
            fewer = _fitted(segmenter, number, X, draw_seed(rng))
        more = _fitted(segmenter, number + 1, X, draw_seed(rng))
        statistic = _gain(fewer, more)
        of_test = check_random_state(draw_seed(rng))
        p_value, n_drawn = _p_value(
            segmenter, fewer, X, statistic, n_draws, n_jobs, of_test
        )
        rows.append((number, statistic, p_value, n_drawn))
        if p_value > alpha:
            break
        fewer = more
    return LikelihoodRatioTest(
        *(np.array(part) for part in zip(*rows, strict=True)), alpha
    )


def _check(segmenter, n_draws, alpha):
    if not isinstance(segmenter, MixtureSegmenterMixin):
        raise TypeError(
            "segmenter must be a GaussianMixtureSegmenter or LatentClassSegmenter. "
            f"Got {type(last_step(segmenter)).__name__} instead. Transform customers "
            "first, and pass the mixture alone."
        )
    if getattr(segmenter, "noise", False) or segmenter.n_segments is not None:
        raise ValueError(
            "segmenter must have noise=False and n_segments=None. Got a mixture with "
            "noise or merged components instead. Test the components first, merge then."
        )
    if 1 / (n_draws + 1) > alpha:
        raise ValueError(
            f"n_draws must be at least 1 / alpha - 1. Got n_draws={n_draws} at "
            f"alpha={alpha:g} instead. Draw {int(np.ceil(1 / alpha - 1))} or more."
        )


def _numbers(segmenter, n_components):
    if n_components is None:
        n_components = segmenter.n_components
    numbers = np.unique(np.atleast_1d(n_components))
    if numbers.dtype.kind not in "iu" or numbers.size == 0 or numbers[0] < 1:
        raise ValueError(
            "n_components must be whole numbers of one or more. Got "
            f"{n_components!r} instead. Give a number, or a range of them."
        )
    return numbers.tolist()


def _fitted(segmenter, n_components, X, seed):
    mixture = clone(segmenter).set_params(n_components=n_components)
    if mixture.random_state is None:
        mixture.set_params(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SegmentWarning)  # nobody sees these segments
        return mixture.fit(X)


def _gain(fewer, more):
    # A start that missed the best can lose: the mixture with fewer is one with more.
    return max(0.0, 2 * (more.log_likelihood_ - fewer.log_likelihood_))


def _p_value(segmenter, fewer, X, statistic, n_draws, n_jobs, rng):
    """Draw tables until the answer is clear."""
    n_exceeded = n_drawn = 0
    read = fewer._read(X)
    if hasattr(fewer, "distributions_"):
        segmenter = clone(segmenter).set_params(columns=fewer.distributions_)

    def draw(seed):
        """Draw a table that has no more components, and a seed of its fits."""
        rng = np.random.default_rng(seed)
        return fewer._drawn(read, rng), int(rng.integers(2**31 - 1))

    # One process, one table after the other, has no use for tables that come too late.
    at_once = _AT_ONCE if joblib.effective_n_jobs(n_jobs) > 1 else 1
    with joblib.Parallel(n_jobs=n_jobs) as parallel:
        while n_drawn < n_draws:
            seeds = [draw_seed(rng) for _ in range(min(at_once, n_draws - n_drawn))]
            gains = parallel(
                joblib.delayed(_gain_of_draw)(
                    segmenter, fewer.n_components, *draw(seed)
                )
                for seed in seeds
            )
            for gain in gains:
                n_drawn += 1
                n_exceeded += gain >= statistic
                if n_exceeded == _EXCEEDED:
                    return n_exceeded / n_drawn, n_drawn
    return (n_exceeded + 1) / (n_drawn + 1), n_drawn


def _gain_of_draw(segmenter, number, drawn, seed):
    """Gain by one component more, in a table drawn without it."""
    try:
        return _gain(
            _fitted(segmenter, number, drawn, seed),
            _fitted(segmenter, number + 1, drawn, seed),
        )
    except DegenerateFitError:
        return 0.0  # too few distinct customers to gain anything
