"""Simulated customers: one latent person or firm behind attitudes and purchases."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custseg.datasets._buyers import BuyerType
from custseg.datasets._descriptors import (
    BusinessDescriptors,
    HouseholdDescriptors,
    contrast,
    posterior,
)
from custseg.datasets._parameters import (
    as_generator,
    check_number,
    check_whole,
    per_segment,
)
from custseg.datasets._questionnaire import Questionnaire, draw_answers, draw_traits

_STREAM = 0
_BAYES_CUSTOMERS = 20_000
_BAYES_SEED = 20_000
_OUTLIER_FACTOR = (10.0, 0.5)


@dataclass(frozen=True)
class SimulatedCustomers:
    """Customers as they are observed, and what is true of them.

    Attributes
    ----------
    customers : DataFrame
        What an analyst sees, one row per customer: customer_id, customer_type, the
        descriptors of the types that occur, and the attitude items.
    truth : DataFrame
        What was drawn, one row per customer in the same order; `make_transactions`
        takes it. Columns: customer_id, customer_type, segment (0 to n_segments - 1),
        blend (weight of the own segment's centre, below 1 between two segments),
        trait_1 ... (factor scores), straight_liner, outlier, purchase_rate (orders per
        week), gap_shape, joined_week, dropout_rate (per week), lifetime_weeks,
        dropout_probability, lifetime_orders (repeat orders), mean_order_value,
        value_shape, bayes_segment (the most probable segment given the descriptors)
        and bayes_probability.
    item_columns : tuple of str
        Names of the attitude items.
    reverse_keyed : tuple of str
        Those of them that are keyed against their factor.
    scales : dict of str to tuple of str
        Items by the trait that they measure.
    descriptor_columns : tuple of str
        Names of the descriptors, what is known of a customer without a questionnaire.
    bayes_accuracy : float
        Accuracy of the best possible assignment to the true segment from the
        customer's type and descriptors, when the population is known exactly: the mean
        of the largest posterior probability over 20,000 fresh customers of the same
        population. It conditions on the descriptors as observed, missing incomes
        included and before outliers, and on the segments' shares. The error of the
        simulation is below .002.

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> simulated = make_customers(300, n_segments=3, random_state=0)
    >>> simulated.descriptor_columns
    ('age', 'gender', 'income', 'education', 'region')
    >>> simulated.truth["segment"].nunique()
    3
    """

    customers: pd.DataFrame
    truth: pd.DataFrame
    item_columns: tuple
    reverse_keyed: tuple
    scales: dict
    descriptor_columns: tuple
    bayes_accuracy: float


def segment_profiles(n_segments, n_factors):
    """Signs of the segments on the factors, shape (n_segments, n_factors).

    Any two of the first 2 ** (n_factors - 1) differ on two factors or more. Patterns
    that are high on half the factors come first, each followed by its opposite, so
    that every factor tells segments apart.
    """
    half = n_factors // 2
    everywhere = 2**n_factors - 1

    def place(pattern):
        weight = pattern.bit_count()
        return (
            (weight - half) % 2,
            abs(weight - half),
            min(pattern, everywhere - pattern),
            pattern,
        )

    patterns = sorted(range(2**n_factors), key=place)[:n_segments]
    bits = (np.array(patterns)[:, np.newaxis] >> np.arange(n_factors)) & 1
    return 2.0 * bits - 1.0


def segment_centers(n_segments, n_factors, separation, drift):
    """Means of the factors given the segment; the same at every draw."""
    cells = np.arange(n_segments * n_factors).reshape(n_segments, n_factors)
    # The golden ratio spreads the sizes of the shifts evenly over .8 to 1.2.
    sizes = 0.8 + 0.4 * np.mod(cells * 0.6180339887, 1.0)
    shape = sizes * segment_profiles(n_segments, n_factors)
    moved = np.roll(shape, 1, axis=1)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return separation * shape + drift[:, np.newaxis] * moved


def _check_shares(segment_shares, n_segments):
    """Shares of the segments, equal when not given."""
    if segment_shares is None:
        return np.full(n_segments, 1.0 / n_segments)
    shares = np.asarray(segment_shares, dtype=float)
    usable = shares.shape == (n_segments,) and (shares >= 0).all()
    if not usable or abs(shares.sum() - 1.0) > 1e-8:
        raise ValueError(
            f"`segment_shares` must be {n_segments} shares of 0 or more that sum to 1. "
            f"Got {segment_shares!r} instead. Divide the shares by their sum; a share "
            "of 0 is a segment that does not occur."
        )
    return shares / shares.sum()


def _centers_of_customers(segment, centers, shares, overlap, rng):
    """Each customer's centre, and the weight that the own segment has in it."""
    weight = np.ones(len(segment))
    between = rng.random(len(segment)) < overlap
    weight[between] = rng.uniform(0.5, 1.0, between.sum())
    present = np.flatnonzero(shares > 0)
    if len(present) < 2:
        return centers[segment], np.ones(len(segment))
    # A step of 1 to n - 1 along the segments that occur is never the own one.
    step = rng.integers(1, len(present), len(segment))
    other = present[(np.searchsorted(present, segment) + step) % len(present)]
    blend = weight[:, np.newaxis]
    return blend * centers[segment] + (1 - blend) * centers[other], weight


def _draw_buying(buyer, rate_factor, value_factor, rng):
    """Latent purchase behaviour of customers of one type."""
    n = len(rate_factor)
    shape, rate = buyer.order_rate
    p, q, v = buyer.order_value
    table = {
        "purchase_rate": rate_factor * rng.standard_gamma(shape, n) / rate,
        "gap_shape": np.full(n, buyer.gap_shape),
        "joined_week": rng.uniform(0.0, buyer.joining_weeks, n),
        "dropout_rate": np.full(n, np.nan),
        "lifetime_weeks": np.full(n, np.inf),
        "dropout_probability": np.full(n, np.nan),
        "lifetime_orders": np.full(n, np.inf),
        "mean_order_value": value_factor * p * v / rng.standard_gamma(q, n),
        "value_shape": np.full(n, float(p)),
    }
    if buyer.dropout_rate is not None:
        shape, rate = buyer.dropout_rate
        table["dropout_rate"] = rng.standard_gamma(shape, n) / rate
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = rng.standard_exponential(n) / table["dropout_rate"]
        table["lifetime_weeks"] = lifetime
    if buyer.dropout_probability is not None:
        table["dropout_probability"] = rng.beta(*buyer.dropout_probability, n)
        # By inversion: the geometric sampler refuses a probability that is 0.
        with np.errstate(divide="ignore", over="ignore"):
            orders = np.ceil(
                np.log1p(-rng.random(n)) / np.log1p(-table["dropout_probability"])
            )
        table["lifetime_orders"] = np.maximum(orders, 1.0)
    return pd.DataFrame(table)


def _behaviour_factors(n_segments, strength):
    """Factors of the segments on order rate and order value, each of mean 1."""
    factors = [np.exp(strength * contrast(n_segments, order)) for order in (0, 1)]
    return [factor / factor.mean() for factor in factors]


def _bayes_accuracy(descriptors_by_type, type_shares, shares):
    """Mean of the largest posterior over fresh customers, types weighted."""
    accuracy = 0.0
    for name, descriptors in descriptors_by_type.items():
        rng = np.random.default_rng(_BAYES_SEED)
        segment = rng.choice(len(shares), size=_BAYES_CUSTOMERS, p=shares)
        best = posterior(descriptors, descriptors.draw(segment, rng), shares)
        accuracy += type_shares[name] * best.max(axis=1).mean()
    return float(accuracy)


def _plant_outliers(customers, truth, share, rng):
    """Multiply income or size, and order value, of a few customers about tenfold."""
    middle, sigma = _OUTLIER_FACTOR
    factor = middle * np.exp(sigma * rng.standard_normal(len(truth)))
    chosen = rng.random(len(truth)) < share
    factor[~chosen] = 1.0
    value = truth["mean_order_value"] * factor
    truth = truth.assign(outlier=chosen, mean_order_value=value)
    for column in {"income", "size"} & set(customers):
        kind = customers[column].dtype
        customers[column] = (customers[column] * factor).round().astype(kind)
    return customers, truth


def _make_descriptors(types, n_segments, strength, income):
    """Distributions of the descriptors of the types that can occur."""
    descriptors = {}
    if types["household"] > 0:
        descriptors["household"] = HouseholdDescriptors(n_segments, strength, *income)
    if types["business"] > 0:
        descriptors["business"] = BusinessDescriptors(n_segments, strength)
    return descriptors


def _draw_people(n_customers, types, shares, rng):
    """Ids, types and segments."""
    width = max(5, len(str(n_customers)))
    is_business = rng.random(n_customers) < types["business"]
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:0{width}d}" for i in range(1, n_customers + 1)],
            "customer_type": np.where(is_business, "business", "household"),
            "segment": rng.choice(len(shares), size=n_customers, p=shares),
        }
    )


def _draw_by_type(truth, descriptors, shares, buyers, factors, rng):
    """Descriptors, and purchase behaviour and posterior, in row order."""
    parts, latent = [], []
    for name, distribution in descriptors.items():
        rows = np.flatnonzero(truth["customer_type"] == name)
        segment = truth["segment"].to_numpy()[rows]
        table = distribution.draw(segment, rng)
        best = posterior(distribution, table, shares)
        rate_factor, value_factor = (factor[segment] for factor in factors)
        buying = _draw_buying(buyers[name], rate_factor, value_factor, rng).assign(
            bayes_segment=best.argmax(axis=1), bayes_probability=best.max(axis=1)
        )
        parts.append(table.set_index(rows))
        latent.append(buying.set_index(rows))
    columns = dict.fromkeys(
        column for part in descriptors.values() for column in part.columns
    )
    table = pd.concat(parts).sort_index().reindex(columns=list(columns))
    return table, pd.concat(latent).sort_index()


def _check_parameters(n_customers, n_segments, questionnaire, numbers):
    """Refuse parameters that are out of range."""
    check_whole("n_customers", n_customers, 1, remedy="Ask for a customer or more.")
    check_whole(
        "n_segments",
        n_segments,
        1,
        2**questionnaire.n_factors,
        remedy="More factors in the questionnaire leave room for more segments.",
    )
    limits = {
        "descriptor_strength": (0.5, "It is Cramér's V, and .15 to .25 is usual."),
        "separation": (np.inf, "1 is usual, 3 is clear."),
        "behaviour_strength": (np.inf, "0 makes all segments buy alike."),
        "income_sigma": (np.inf, "0.6 is usual."),
        "income_age_correlation": (0.9, "0.2 is usual."),
    }
    for name, value in numbers.items():
        high, remedy = limits.get(name, (1.0, "Give a share."))
        check_number(name, value, 0, high, remedy=remedy)


def make_customers(
    n_customers=1000,
    *,
    n_segments=4,
    segment_shares=None,
    separation=1.0,
    overlap=0.0,
    wholesale_share=0.0,
    missing=0.03,
    income_missing=0.2,
    outliers=0.0,
    descriptor_strength=0.2,
    behaviour_strength=0.25,
    income_sigma=0.6,
    income_age_correlation=0.2,
    response_styles=True,
    questionnaire=None,
    household=None,
    business=None,
    drift=0.0,
    random_state=None,
):
    """Simulate customers whose segments are known.

    Behind each customer stands one latent person or firm with a segment, attitude
    factors, an order rate, a lifetime and an order value. The questionnaire, the
    descriptors and, through `make_transactions`, the purchases come from it.

    All that belongs to the population (centres of the segments, loadings, thresholds,
    distributions of the descriptors) follows from the parameters; `random_state` only
    draws customers. Two calls with different seeds are two samples of one population.

    Parameters
    ----------
    n_customers : int, default=1000
        Number of customers.
    n_segments : int, default=4
        Number of segments, at most 2 to the power of the questionnaire's factors.
    segment_shares : sequence of float, default=None
        Probability of each segment; equal by default. A share of 0 is a segment that
        has vanished, or is yet to appear, in this sample of the population.
    separation : float, default=1.0
        Factor on the distance of the segments. At 1 each segment is shifted up or down
        on each attitude factor by .8 to 1.2 standard deviations within a segment.
    overlap : float, default=0.0
        Share of customers whose attitudes lie between two segments, no further from
        their own.
    wholesale_share : float, default=0.0
        Probability that a customer is a business.
    missing : float, default=0.03
        Share of answers to attitude items that are missing, at random.
    income_missing : float, default=0.2
        Share of households without an income, the more the older.
    outliers : float, default=0.0
        Share of customers whose order value, and income or size, are about tenfold.
    descriptor_strength : float, default=0.2
        Cramér's V of each descriptor (numbers in fifths) with the segment when the
        segments are equally frequent, 0 to .5. `sites` depends on `size` alone.
    behaviour_strength : float, default=0.25
        Standard deviation over segments, at separation 1, of the logarithm of the
        order rate and of the order value.
    income_sigma : float, default=0.6
        Standard deviation of the logarithm of income.
    income_age_correlation : float, default=0.2
        Correlation of the logarithm of income with the standard score of age.
    response_styles : bool, default=True
        If False, nobody agrees whatever is asked, goes to the ends of the scale or
        answers in a straight line, whatever the questionnaire says.
    questionnaire : Questionnaire, default=None
        The attitude items; `Questionnaire()` by default.
    household, business : BuyerType, default=None
        How the two types buy; `BuyerType.household()` and `BuyerType.business()` by
        default.
    drift : float or sequence of float, default=0.0
        Distance, in standard deviations, by which each segment's centre has moved on
        the attitude factors, for all segments or for each.
    random_state : int, Generator, RandomState or None, default=None
        Seed or source of the random numbers.

    Returns
    -------
    SimulatedCustomers
        The observed table `customers`, the `truth`, the keying of the items and the
        accuracy that assignment by descriptors can reach at best.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    See Also
    --------
    make_transactions : Draw the purchases of these customers.

    Notes
    -----
    The stated means of order rate and order value hold over equally frequent segments.
    Within a segment they are scaled by factors whose mean is 1. Columns of a type that
    cannot occur (`wholesale_share` of 0 or 1) are left out; with both types, a
    business has no age and a household no trade.

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> simulated = make_customers(500, n_segments=3, random_state=0)
    >>> list(simulated.customers.columns[:7])
    ['customer_id', 'customer_type', 'age', 'gender', 'income', 'education', 'region']
    >>> simulated.truth["segment"].nunique()
    3
    >>> simulated.truth["customer_id"].equals(simulated.customers["customer_id"])
    True
    """
    questionnaire = Questionnaire() if questionnaire is None else questionnaire
    _check_parameters(
        n_customers,
        n_segments,
        questionnaire,
        {
            "separation": separation,
            "overlap": overlap,
            "wholesale_share": wholesale_share,
            "missing": missing,
            "income_missing": income_missing,
            "outliers": outliers,
            "descriptor_strength": descriptor_strength,
            "behaviour_strength": behaviour_strength,
            "income_sigma": income_sigma,
            "income_age_correlation": income_age_correlation,
        },
    )
    shares = _check_shares(segment_shares, n_segments)
    moves = per_segment("drift", drift, n_segments, 0.0)
    centers = segment_centers(n_segments, questionnaire.n_factors, separation, moves)
    types = {"household": 1.0 - wholesale_share, "business": wholesale_share}
    income = (income_sigma, income_age_correlation, income_missing)
    descriptors = _make_descriptors(types, n_segments, descriptor_strength, income)
    buyers = {
        "household": BuyerType.household() if household is None else household,
        "business": BuyerType.business() if business is None else business,
    }
    factors = _behaviour_factors(n_segments, behaviour_strength * separation)

    rng = as_generator(random_state, _STREAM)
    truth = _draw_people(n_customers, types, shares, rng)
    own, truth["blend"] = _centers_of_customers(
        truth["segment"].to_numpy(), centers, shares, overlap, rng
    )
    traits = draw_traits(questionnaire, own, rng)
    answers, straight = draw_answers(
        questionnaire, traits, missing, response_styles, rng
    )
    table, buying = _draw_by_type(truth, descriptors, shares, buyers, factors, rng)
    drawn = pd.DataFrame(traits, columns=list(questionnaire.scales))
    truth = pd.concat([truth, drawn.assign(straight_liner=straight), buying], axis=1)
    items = pd.DataFrame(answers, columns=list(questionnaire.item_columns))
    identity = truth[["customer_id", "customer_type"]]
    customers = pd.concat([identity, table, items], axis=1)
    customers, truth = _plant_outliers(customers, truth, outliers, rng)
    return SimulatedCustomers(
        customers=customers,
        truth=truth,
        item_columns=questionnaire.item_columns,
        reverse_keyed=questionnaire.reverse_keyed,
        scales=questionnaire.scales,
        descriptor_columns=tuple(table.columns),
        bayes_accuracy=_bayes_accuracy(descriptors, types, shares),
    )
