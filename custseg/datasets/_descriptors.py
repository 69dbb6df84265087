"""Demographic descriptors that tell the segments to a stated strength.

Each descriptor is drawn given the segment, and its likelihood given the segment is
known exactly, so the best possible assignment by descriptors is known too.
"""

import math

import numpy as np
import pandas as pd

_AGE_RANGE = (18, 85)
_INCOME_MEDIAN = 32_000.0
_INCOME_STEP = 100.0
_SIZE_MEDIAN = 12.0
_EMPLOYEES_PER_SITE = 40.0
_MISSING_INCOME_SLOPE = 0.8
_N_BANDS = 5
_CATEGORIES = {
    "gender": (("f", "m"), (0.52, 0.48)),
    "education": (
        ("primary", "secondary", "vocational", "degree"),
        (0.15, 0.35, 0.25, 0.25),
    ),
    "region": (("north", "east", "south", "west"), (0.30, 0.20, 0.28, 0.22)),
    "trade": (
        ("cafe", "grocer", "hotel", "restaurant", "other"),
        (0.25, 0.25, 0.15, 0.25, 0.10),
    ),
}
# Which contrast of the segments each descriptor follows first.
_CONTRAST = {
    "age": 0,
    "income": 1,
    "gender": 2,
    "education": 0,
    "region": 1,
    "trade": 0,
    "size": 2,
}

_erf = np.frompyfunc(math.erf, 1, 1)


def normal_cdf(z):
    """Distribution function of the standard normal."""
    return 0.5 * (1.0 + _erf(np.asarray(z) / math.sqrt(2.0)).astype(float))


def contrast(n_levels, order):
    """Contrast number `order` of `n_levels` levels: mean 0, variance 1, orthogonal.

    The columns of the cosine transform, taken in turn; one level has no contrast.
    """
    if n_levels == 1:
        return np.zeros(1)
    frequency = 1 + order % (n_levels - 1)
    levels = np.arange(n_levels) + 0.5
    return math.sqrt(2.0) * np.cos(np.pi * frequency * levels / n_levels)


def cramers_v(conditional):
    """Cramér's V of segment, equally frequent, and category given segment."""
    joint = conditional / len(conditional)
    expected = joint.sum(axis=0) / len(conditional)
    phi_squared = ((joint - expected) ** 2 / expected).sum()
    return math.sqrt(phi_squared / max(min(conditional.shape) - 1, 1))


def _solve(function, target, high):
    """Find where an increasing function of [0, high] reaches the target."""
    low = 0.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return 0.5 * (low + high)


def category_shares(n_segments, name, strength):
    """Shares of a descriptor's categories given the segment, to a Cramér's V."""
    _, base = _CATEGORIES[name]
    tilt = np.zeros((n_segments, len(base)))
    for i in range(min(n_segments, len(base)) - 1):
        side = contrast(n_segments, _CONTRAST[name] + i)
        tilt += np.outer(side, contrast(len(base), i))

    def shares(slope):
        weights = np.asarray(base) * np.exp(slope * tilt)
        return weights / weights.sum(axis=1, keepdims=True)

    if n_segments == 1 or strength == 0:
        return shares(0.0)
    return shares(_solve(lambda slope: cramers_v(shares(slope)), strength, 10.0))


def normal_shift(n_segments, name, strength):
    """Means of a standardised descriptor given the segment, and the sd within.

    Over equally frequent segments the descriptor has mean 0 and variance 1, and cut
    into fifths it has the wanted Cramér's V with the segment.
    """
    side = contrast(n_segments, _CONTRAST[name])
    # Fifths of the standard normal.
    cuts = np.array([-0.8416212, -0.2533471, 0.2533471, 0.8416212])

    def banded(slope):
        below = normal_cdf(
            (cuts - slope * side[:, np.newaxis]) / math.sqrt(1.0 - slope**2)
        )
        edges = np.column_stack([np.zeros(n_segments), below, np.ones(n_segments)])
        return np.diff(edges, axis=1)

    if n_segments == 1 or strength == 0:
        return np.zeros(n_segments), 1.0
    slope = _solve(lambda value: cramers_v(banded(value)), strength, 0.995)
    return slope * side, math.sqrt(1.0 - slope**2)


def _log_normal_density(z, mean, sd):
    """Log density of a normal, without its constant."""
    return -0.5 * ((z[:, np.newaxis] - mean) / sd) ** 2 - math.log(sd)


def _draw_category(shares, segment, names, rng):
    """One category a customer, given the segment."""
    above = rng.random(len(segment))[:, np.newaxis] > shares.cumsum(axis=1)[segment]
    return np.array(names)[np.minimum(above.sum(axis=1), len(names) - 1)]


class _Categorical:
    """Descriptors with categories, their draw and their likelihood."""

    def __init__(self, names, n_segments, strength):
        self.shares = {
            name: category_shares(n_segments, name, strength) for name in names
        }

    def draw(self, segment, rng):
        return {
            name: _draw_category(shares, segment, _CATEGORIES[name][0], rng)
            for name, shares in self.shares.items()
        }

    def log_likelihood(self, table):
        total = 0.0
        for name, shares in self.shares.items():
            index = pd.Index(_CATEGORIES[name][0]).get_indexer(table[name])
            total = total + np.log(shares[:, index]).T
        return total


class HouseholdDescriptors:
    """Age, gender, income, education and region of households given the segment."""

    columns = ("age", "gender", "income", "education", "region")

    def __init__(self, n_segments, strength, sigma, age_correlation, income_missing):
        self.categorical = _Categorical(
            ("gender", "education", "region"), n_segments, strength
        )
        self.sigma = sigma
        self.age_mean, self.age_sd = normal_shift(n_segments, "age", strength)
        self.income_mean, income_sd = normal_shift(n_segments, "income", strength)
        # The slope within segments that gives the wanted correlation over all.
        between = float(np.mean(self.age_mean * self.income_mean))
        self.slope = (age_correlation - between) / self.age_sd**2
        rest = income_sd**2 - (self.slope * self.age_sd) ** 2
        if rest <= 0:
            raise ValueError(
                "`income_age_correlation` must leave income some variance of its own. "
                f"Got {age_correlation!r} instead. Take a correlation nearer to 0, or "
                "a smaller `descriptor_strength`."
            )
        self.income_sd = math.sqrt(rest)
        self.income_missing = income_missing
        self.missing_intercept = self._calibrate_missing(income_missing)

    def _calibrate_missing(self, share):
        """Intercept on the logit scale at which the mean share is missing."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        ages = (self.age_mean[:, np.newaxis] + self.age_sd * nodes).ravel()
        weights = np.tile(weights, len(self.age_mean)) / weights.sum()
        weights = weights / len(self.age_mean)

        def missing(intercept):
            return weights @ _expit(intercept - 20.0 + _MISSING_INCOME_SLOPE * ages)

        return _solve(missing, share, 40.0) - 20.0

    @staticmethod
    def _age_edges(age):
        """Give the standard score from which on a customer has this age."""
        low, high = _AGE_RANGE
        share = np.clip((np.asarray(age, dtype=float) - low) / (high - low), 0, 1)
        with np.errstate(divide="ignore"):
            return (np.log(share) - np.log1p(-share) + 0.25) / 0.9

    def _age_score(self, age):
        """Give the standard score in the middle of a whole age."""
        return self._age_edges(np.asarray(age) + 0.5)

    def draw(self, segment, rng):
        """Descriptors of customers of known segments, incomes missing by age."""
        low, high = _AGE_RANGE
        score = self.age_mean[segment] + self.age_sd * rng.standard_normal(len(segment))
        age = np.floor(low + (high - low) * _expit(0.9 * score - 0.25)).astype(int)
        score = self._age_score(age)
        income_score = self.income_mean[segment] + self.slope * (
            score - self.age_mean[segment]
        )
        income_score += self.income_sd * rng.standard_normal(len(segment))
        income = _INCOME_MEDIAN * np.exp(self.sigma * income_score)
        income = np.maximum(np.round(income / _INCOME_STEP), 1.0) * _INCOME_STEP
        if self.income_missing > 0:
            chance = _expit(self.missing_intercept + _MISSING_INCOME_SLOPE * score)
            income[rng.random(len(segment)) < chance] = np.nan
        table = {"age": age, "income": income, **self.categorical.draw(segment, rng)}
        return pd.DataFrame({name: table[name] for name in self.columns})

    def log_likelihood(self, table):
        """Log likelihood of each customer's descriptors, shape (n, n_segments).

        A missing income says nothing beyond the age that it depends on.
        """
        age = table["age"].to_numpy(dtype=float)
        edges = [self._age_edges(age + step)[:, np.newaxis] for step in (0, 1)]
        below, above = (
            normal_cdf((edge - self.age_mean) / self.age_sd) for edge in edges
        )
        total = np.log(np.maximum(above - below, 1e-300))
        total = total + self.categorical.log_likelihood(table)
        income = table["income"].to_numpy(dtype=float)
        known = ~np.isnan(income)
        if self.sigma > 0 and known.any():
            score = np.log(income[known] / _INCOME_MEDIAN) / self.sigma
            age_score = self._age_score(age[known])[:, np.newaxis]
            mean = self.income_mean + self.slope * (age_score - self.age_mean)
            total[known] += _log_normal_density(score, mean, self.income_sd)
        return total


class BusinessDescriptors:
    """Trade, size, sites and region of businesses given the segment."""

    columns = ("trade", "size", "sites", "region")

    def __init__(self, n_segments, strength):
        self.categorical = _Categorical(("trade", "region"), n_segments, strength)
        self.size_mean, self.size_sd = normal_shift(n_segments, "size", strength)

    def draw(self, segment, rng):
        """Descriptors of businesses of known segments."""
        score = self.size_mean[segment] + self.size_sd * rng.standard_normal(
            len(segment)
        )
        size = np.maximum(np.rint(_SIZE_MEDIAN * np.exp(score)), 1.0).astype(int)
        sites = 1 + rng.poisson(size / _EMPLOYEES_PER_SITE)
        table = {"size": size, "sites": sites, **self.categorical.draw(segment, rng)}
        return pd.DataFrame({name: table[name] for name in self.columns})

    def log_likelihood(self, table):
        """Log likelihood of each customer's descriptors, shape (n, n_segments).

        The sites depend on the size alone, so they add nothing to it.
        """
        size = table["size"].to_numpy(dtype=float)[:, np.newaxis]
        with np.errstate(divide="ignore"):
            lower = np.where(size > 1, np.log((size - 0.5) / _SIZE_MEDIAN), -np.inf)
        upper = np.log((size + 0.5) / _SIZE_MEDIAN)
        below, above = (
            normal_cdf((edge - self.size_mean) / self.size_sd)
            for edge in (lower, upper)
        )
        total = np.log(np.maximum(above - below, 1e-300))
        return total + self.categorical.log_likelihood(table)


def _expit(x):
    return 1.0 / (1.0 + np.exp(-x))


def posterior(descriptors, table, shares):
    """Probability of each segment given the descriptors, shape (n, n_segments)."""
    with np.errstate(divide="ignore"):
        score = descriptors.log_likelihood(table) + np.log(shares)
    score -= score.max(axis=1, keepdims=True)
    weights = np.exp(score)
    return weights / weights.sum(axis=1, keepdims=True)
