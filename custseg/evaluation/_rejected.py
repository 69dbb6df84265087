"""Whether customers that a model rejects form a segment that it does not know."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import betabinom
from sklearn.utils import check_random_state

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import rows_at
from custseg._utils._result import Result
from custseg._utils._seeds import draw_seed
from custseg.assignment import as_table, finite_numbers

_LEVEL = 0.05
_N_DRAWS = 199
_MOST = 500  # rejected customers whose distances are worked out
_FEWEST = 3
_CANDIDATES = 32


@dataclass(frozen=True, eq=False, repr=False)
class RejectedTest(Result):
    """Whether rejected customers are too many, and lie together.

    Made by `rejected_test`. It holds figures, and no customer.

    Attributes
    ----------
    customer_types : tuple
        With `split_by` the types, each tested by itself; else only None.
    n_customers, n_rejected : tuple of int
        Of each type.
    n_expected : tuple of float
        Rejected customers that the calibration leads to expect among as many members.
    count_p_values, concentration_p_values : tuple of float
        Of each type; NaN for concentration where fewer than three are rejected.
    neighbour_ratios : tuple of float
        Distance of rejected customers to near others of them, over what it would be if
        they lay around their segments in any direction; below 1 they lie together.

    See Also
    --------
    rejected_test : Makes it, and says by which rules.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import rejected_test
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2)) + 8 * (np.arange(400) % 2)[:, None]
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(2), reject_alpha=0.05, random_state=0
    ... ).fit(X)
    >>> newcomers = rng.normal(size=(20, 2)) + [8, 0]
    >>> later = np.vstack([rng.normal(size=(100, 2)), newcomers])
    >>> rejected_test(model, later, random_state=0)
    <RejectedTest: ...a new segment...>
    """

    customer_types: tuple
    n_customers: tuple
    n_rejected: tuple
    n_expected: tuple
    count_p_values: tuple
    concentration_p_values: tuple
    neighbour_ratios: tuple

    def frame(self):
        """Return one row a customer type; one row where there are none.

        Returns
        -------
        frame : DataFrame
            ``customer_type``, ``customers``, ``rejected``, ``expected``,
            ``count_p_value``, ``concentration_p_value`` and ``neighbour_ratio``.
        """
        return pd.DataFrame(
            {
                "customer_type": pd.Series(self.customer_types, dtype=object),
                "customers": self.n_customers,
                "rejected": self.n_rejected,
                "expected": self.n_expected,
                "count_p_value": self.count_p_values,
                "concentration_p_value": self.concentration_p_values,
                "neighbour_ratio": self.neighbour_ratios,
            }
        )

    @property
    def count_p_value(self):
        """Return the p-value of the number rejected; by Bonferroni over types."""
        return _smallest(self.count_p_values)

    @property
    def concentration_p_value(self):
        """Return the p-value of their lying together; by Bonferroni over types."""
        return _smallest(self.concentration_p_values)

    @property
    def verdict(self):
        """What both p-values say at a level of .05, in a sentence or two."""
        found = [self._verdict_of(k) for k in range(len(self.customer_types))]
        if len(found) == 1:
            return found[0]
        kinds = zip(self.customer_types, found, strict=True)
        return " ".join(f"{kind}: {said}" for kind, said in kinds)

    def _verdict_of(self, k):
        level = _LEVEL / len(self.customer_types)
        counted = (
            f"{self.n_rejected[k]} of {self.n_customers[k]} customers are rejected, "
            f"{self.n_expected[k]:.1f} expected (p = {self.count_p_values[k]:.2g})"
        )
        many = self.count_p_values[k] <= level
        p_value = self.concentration_p_values[k]
        lie = f"(p = {p_value:.2g})"
        if np.isnan(p_value):
            said = "too few to say whether they lie together"
        elif p_value > level:
            said = f"they lie scattered as far-out members would {lie}"
        else:
            said = f"they lie together {lie}"
        if many and p_value <= level:
            return f"Perhaps a new segment: {counted}, and {said}."
        if many:
            return f"More than members explain, but no one segment: {counted}; {said}."
        return f"No new segment: {counted}; {said}."


def _smallest(p_values):
    known = [p for p in p_values if not np.isnan(p)]
    return min(1.0, len(known) * min(known)) if known else float("nan")


def rejected_test(model, customers, *, random_state=None):
    """Test whether the customers that a model rejects form a new segment.

    A new segment shows in two ways: more customers are none of the above than
    `reject_alpha` promises, and they lie together.

    Parameters
    ----------
    model : SegmentationModel
        Fitted with `reject_alpha`.
    customers : frame or array-like of shape (n_customers, n_columns)
        New customers, with the descriptor columns: not those that the model was fitted
        on, a fifth of whom set the limit.
    random_state : int, RandomState instance or None, default=None
        Draws directions.

    Returns
    -------
    result : RejectedTest
        See its ``verdict`` and ``frame()``.

    Raises
    ------
    ValueError
        If the model was fitted without `reject_alpha`.

    Notes
    -----
    **The count.** A customer is rejected who lies farther out than the calibration
    customer of rank ``l``, the largest with ``l / (n + 1) <= reject_alpha`` for ``n``
    calibration customers. The share of members who do is not known but has, over
    calibrations, the Beta distribution with parameters ``l`` and ``n + 1 - l``, so the
    number of rejected members among ``m`` new ones is beta-binomial; the p-value is its
    upper tail. It assumes that new customers are exchangeable with the calibration
    customers, and nothing of their distribution; with ties it is too large, never too
    small. A calibration of few customers makes the test weak.

    **Lying together.** Each rejected customer keeps the nearest segment and the
    distance to it and is given a direction at random, among those in which that segment
    stays the nearest: that is how members far out would lie if a segment were a sphere
    in the space of the typicality, where the covariance within segments is the
    identity, but for the error that middles and covariance were learned with. The
    statistic is the mean, over rejected customers, of the logarithm of the distance to
    the k-th nearest other one, k being the square root of their number. 199 draws give
    the p-value, which is .005 at least. Of more than 500 rejected customers 500 are
    drawn. For two Gaussian segments the share of false alarms at .05 was .07 with 300
    training customers and .055 with 1,000. Where segments are not elliptical (a skewed
    column, for example, which puts all far-out members on one side), members far out
    lie together as well: look at who is rejected before a segment is named.

    With `split_by`, each customer type is tested by itself, and the verdict holds each
    p-value against .05 over the number of types.

    Examples
    --------
    See `RejectedTest`.
    """
    check_is_fitted(model)
    X = as_table(customers)
    if model.n_calibration_ == 0:
        raise ValueError(
            "Customers must have been rejected by typicality to be tested. Got a model "
            "without instead. Fit it with reject_alpha=0.05, for example."
        )
    rng = np.random.default_rng(draw_seed(check_random_state(random_state)))
    rows = [
        (kind, *_test_one(route, rows_at(X, of_type), rng))
        for kind, of_type, route in model._route.parts(X)
    ]
    return RejectedTest(*zip(*rows, strict=True))


def _test_one(route, X, rng):
    columns = finite_numbers(route.at_last_step(X)[1])
    typicality = route.typicality
    rejected = typicality.p_values(columns) <= route.reject_alpha
    n_customers, n_rejected = len(columns), int(rejected.sum())
    n_calibration = typicality.nearest.n_customers
    rank = typicality.nearest.rank_at(route.reject_alpha)
    expected = n_customers * rank / (n_calibration + 1)
    count_p_value = excess_p_value(n_rejected, n_customers, rank, n_calibration)
    whitened = typicality.whitened(columns[rejected])
    together = concentration(whitened, typicality.places, typicality.sizes, rng)
    return n_customers, n_rejected, expected, count_p_value, *together


def excess_p_value(n_rejected, n_customers, rank, n_calibration):
    """Probability of as many rejected members or more; see `rejected_test`."""
    if rank == 0:
        return 1.0
    tail = betabinom.sf(n_rejected - 1, n_customers, rank, n_calibration + 1 - rank)
    return float(tail)


def concentration(X, places, sizes, rng):
    """Test whether customers lie together beside others as far from their segments.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_directions)
        Where segments are spheres.
    places : ndarray of shape (n_segments, n_directions)
        Their middles.
    sizes : ndarray of shape (n_segments,)
        Customers that these were learned from.
    rng : numpy.random.Generator

    Returns
    -------
    p_value, ratio : float
        NaN for fewer than three customers.
    """
    if len(X) < _FEWEST:
        return float("nan"), float("nan")
    if len(X) > _MOST:
        X = X[np.sort(rng.choice(len(X), _MOST, replace=False))]
    turn = _Turning(X, places, sizes, rng)
    seen = _nearness(X)
    drawn = np.array([_nearness(turn()) for _ in range(_N_DRAWS)])
    # Rounding must not tell a draw apart from what it repeats.
    p_value = (1 + np.count_nonzero(drawn <= seen + 1e-9)) / (1 + _N_DRAWS)
    return p_value, float(np.exp(seen - drawn.mean()))


def _nearness(X):
    """Mean logarithm of the distance to the k-th nearest other customer."""
    k = int(np.sqrt(len(X)))
    distances = np.partition(cdist(X, X), k, axis=1)[:, k]  # the first is oneself
    floor = 1e-12 * max(distances.max(), 1.0)
    return float(np.log(np.maximum(distances, floor)).mean())


class _Turning:
    """Gives customers other places at their distance from their segment.

    Any direction is as likely, but for what is not known of middles and covariance:
    each draw moves the middles by their error and bends the spheres by that of the
    covariance, as if members were Gaussian as far out as half of the customers are.
    """

    def __init__(self, X, places, sizes, rng):
        self.X, self.places, self.rng = X, places, rng
        self.sizes = sizes
        to_each = cdist(X, places)
        self.nearest, self.radii = to_each.argmin(axis=1), to_each.min(axis=1)

    def __call__(self):
        n_customers, n_directions = self.X.shape
        shape = (n_customers, _CANDIDATES, n_directions)
        directions = self.rng.normal(size=shape)
        directions /= np.linalg.norm(directions, axis=2, keepdims=True)
        middles = self.places[self.nearest][:, np.newaxis]
        tried = middles + self.radii[:, np.newaxis, np.newaxis] * directions
        to_each = cdist(tried.reshape(-1, n_directions), self.places)
        nearest_of_all = to_each.min(axis=1).reshape(n_customers, _CANDIDATES)
        allowed = nearest_of_all >= self.radii[:, np.newaxis] * (1 - 1e-9)
        # The largest of weights times exponentials' inverses is a draw by weight.
        race = self._log_weights(directions) + self.rng.gumbel(size=allowed.shape)
        chosen = np.where(allowed, race, -np.inf).argmax(axis=1)
        turned = tried[np.arange(n_customers), chosen]
        return np.where(allowed.any(axis=1)[:, np.newaxis], turned, self.X)

    def _log_weights(self, directions):
        n_directions = self.X.shape[1]
        rim = np.median(self.radii)
        errors = self.rng.normal(size=self.places.shape)
        errors /= np.sqrt(self.sizes)[:, np.newaxis]
        moved = np.einsum("ijk,ik->ij", directions, errors[self.nearest])
        bend = self.rng.normal(size=(n_directions, n_directions))
        bend = (bend + bend.T) / np.sqrt(2 * self.sizes.sum())
        bent = np.einsum("ijk,ijk->ij", directions @ bend, directions)
        return rim * moved - rim**2 / 2 * bent
