"""Densities of mixtures, each linear in statistics of a customer.

A density of the exponential family has a logarithm that is linear in some statistics
of a customer: ``log f(x) = base(x) + constant + coefficients @ statistics(x)``. For a
block of customers the logarithms of all densities of all runs are then one matrix
product, and the sums that new parameters are made from are another. A value that is
missing has statistics of zero, so it says nothing.

A density holds settings and no customers: a block of them comes as arrays with one
column per customer, one array per part. Its parameters are tuples of arrays of shape
``(n_runs, n_components, ...)``, since many runs are made at once.
"""

import numpy as np
from scipy.special import gammaln

_TINY = 1e-50  # a probability or a rate that counts as zero, and has a logarithm
_LOG_2_PI = np.log(2 * np.pi)


class GaussianDensities:
    """Gaussian densities of columns that depend on each other.

    Parameters
    ----------
    n_features : int
        Of a frame in which the covariance of all customers is the identity, or near.
    tied : bool
        Whether the components of a run share one covariance.
    ridge : float
        Added to variances.
    prior : tuple of (float, ndarray of shape (n_features, n_features)), default=None
        Degrees of freedom and scale of an inverse Wishart prior of covariances.

    Notes
    -----
    Parameters are ``(means, covariances)``, the latter of shape
    (n_runs, n_components, n_features, n_features), or with one component when tied.
    """

    def __init__(self, n_features, *, tied=False, ridge=0.0, prior=None):
        self.n_features, self.tied = n_features, tied
        self.ridge, self.prior = ridge, prior
        self.rows, self.columns = np.triu_indices(self.n_features)
        self.n_statistics = self.n_features + len(self.rows)

    def base(self, X):
        """Part of the logarithm that no component changes."""
        return -0.5 * self.n_features * _LOG_2_PI

    def fill(self, out, X):
        """Write the statistics of some customers: values, then products of two."""
        start = d = self.n_features
        out[:d] = X
        for i in range(d):
            np.multiply(X[i:], X[i], out=out[start : start + d - i])
            start += d - i

    def coefficients(self, parameters):
        """Coefficients and constants of the logarithms, by run and component."""
        means, covariances = parameters
        roots, halves = _inverse_roots(covariances)
        precisions = roots @ np.swapaxes(roots, -1, -2)
        shape = (*means.shape[:2], self.n_features, self.n_features)
        precisions = np.broadcast_to(precisions, shape)
        linear = np.einsum("skij,skj->ski", precisions, means)
        quadratic = -precisions[..., self.rows, self.columns]
        quadratic[..., self.rows == self.columns] *= 0.5
        constants = halves - 0.5 * np.einsum("ski,ski->sk", linear, means)
        return np.concatenate([linear, quadratic], axis=2), constants

    def parameters(self, sums, totals):
        """Parameters from sums of statistics."""
        d = self.n_features
        some = np.maximum(totals, np.finfo(float).tiny)[..., np.newaxis]
        means = sums[..., :d] / some
        products = np.empty((*totals.shape, d, d))
        products[..., self.rows, self.columns] = sums[..., d:]
        products[..., self.columns, self.rows] = sums[..., d:]
        products -= means[..., :, np.newaxis] * sums[..., np.newaxis, :d]
        if self.tied:
            products = products.sum(axis=1, keepdims=True)
            some = totals.sum(axis=1)[:, np.newaxis, np.newaxis]
        if self.prior is not None:
            freedom, scale = self.prior
            products = products + scale
            some = some + freedom + d + 1
        covariances = products / some[..., np.newaxis]
        covariances[..., np.arange(d), np.arange(d)] += self.ridge
        return means, covariances

    def collapsed(self, parameters, totals):
        """Whether a run has a component that stands for too few or too like customers.

        With no more customers than parameters of its own a component fits any of them.
        """
        covariances = parameters[1]
        spread = np.linalg.eigvalsh(covariances)[..., 0].min(axis=1)
        flat = ~(spread > max(_FLAT, 2 * self.ridge))
        own = 0 if self.tied else self.n_statistics
        return flat | (totals.min(axis=1) <= own)

    def n_parameters(self, n_components):
        """Free parameters of a run."""
        of_covariance = len(self.rows) * (1 if self.tied else n_components)
        return n_components * self.n_features + of_covariance


_FLAT = 1e-9  # of the variance of all customers: no spread at all


def _inverse_roots(covariances):
    """Matrices whose outer product inverts covariances, and half log determinants.

    A covariance that is not positive definite gives NaN.
    """
    roots = np.full_like(covariances, np.nan)
    try:
        roots = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        for place in np.ndindex(covariances.shape[:-2]):
            try:
                roots[place] = np.linalg.cholesky(covariances[place])
            except np.linalg.LinAlgError:
                continue
    halves = -np.log(np.einsum("...ii->...i", roots)).sum(axis=-1)
    identity = np.broadcast_to(np.eye(roots.shape[-1]), roots.shape)
    with np.errstate(invalid="ignore"):
        inverses = np.linalg.solve(np.where(np.isnan(roots), identity, roots), identity)
    inverses = np.where(np.isnan(roots[..., :1, :1]), np.nan, inverses)
    return np.swapaxes(inverses, -1, -2), halves


class AxisDensities:
    """Gaussian densities of columns that are independent within a component.

    Columns are about their mean, in units of a standard deviation. They come as
    `known_values` gives them.

    Parameters
    ----------
    n_features : int
    gaps : sequence of int, default=()
        Columns with missing values.
    spherical : bool
        Whether the columns of a component share one variance.
    ridge : float
        Added to variances.
    prior_count : float
        Customers of the variance of all that are added to each component.
    prior_variance : float or ndarray of shape (n_features,)

    Notes
    -----
    Parameters are ``(means, variances)``.
    """

    def __init__(
        self,
        n_features,
        gaps=(),
        *,
        spherical=False,
        ridge=0.0,
        prior_count=0.0,
        prior_variance=1.0,
    ):
        self.n_features, self.gaps = n_features, np.asarray(gaps, dtype=np.intp)
        self.spherical, self.ridge = spherical, ridge
        self.prior_count, self.prior_variance = prior_count, prior_variance
        self.n_statistics = 2 * self.n_features + len(self.gaps)

    def base(self, X):
        """Part of the logarithm that no component changes."""
        missing = len(self.gaps) - X[self.n_features :].sum(axis=0)
        return -0.5 * (self.n_features - missing) * _LOG_2_PI

    def fill(self, out, X):
        """Write values, their squares, and which of the columns with gaps are known."""
        d = self.n_features
        out[:d], out[2 * d :] = X[:d], X[d:]
        np.square(X[:d], out=out[d : 2 * d])

    def coefficients(self, parameters):
        """Coefficients and constants of the logarithms, by run and component."""
        means, variances = parameters
        variances = np.broadcast_to(variances, means.shape)
        constants = -0.5 * (means**2 / variances + np.log(variances))
        of_gaps = constants[..., self.gaps]
        always = np.delete(constants, self.gaps, axis=2).sum(axis=2)
        parts = [means / variances, -0.5 / variances, of_gaps]
        return np.concatenate(parts, axis=2), always

    def parameters(self, sums, totals):
        """Parameters from sums of statistics."""
        d = self.n_features
        known = np.repeat(totals[..., np.newaxis], d, axis=2)
        known[..., self.gaps] = sums[..., 2 * d :]
        some = np.maximum(known, np.finfo(float).tiny)
        means = sums[..., :d] / some
        squares = sums[..., d : 2 * d] - means * sums[..., :d]
        if self.spherical:
            squares = squares.sum(axis=2, keepdims=True)
            some = some.sum(axis=2, keepdims=True)
        added = self.prior_count
        variances = (squares + added * self.prior_variance) / (some + added)
        return means, np.maximum(variances, 0) + self.ridge

    def collapsed(self, parameters, totals):
        """Whether a component of a run stands for too few or too like customers."""
        spread = parameters[1].min(axis=(1, 2))
        return ~(spread > max(_FLAT, 2 * self.ridge)) | (totals.min(axis=1) < 2)

    def n_parameters(self, n_components):
        """Free parameters of a run."""
        variances = 1 if self.spherical else self.n_features
        return n_components * (self.n_features + variances)


def known_values(X):
    """Prepare columns with missing values for `AxisDensities` and `CountDensities`.

    Parameters
    ----------
    X : ndarray of shape (n_columns, n_customers)
        NaN where missing.

    Returns
    -------
    gaps : ndarray of int
        Columns with missing values.
    values : ndarray of shape (n_columns + n_gaps, n_customers)
        Zero where missing; then whether each column with gaps is known.
    """
    missing = np.isnan(X)
    gaps = np.flatnonzero(missing.any(axis=1))
    if not len(gaps):
        return gaps, X
    return gaps, np.vstack([np.where(missing, 0.0, X), ~missing[gaps]])


class LevelDensities:
    """Probabilities of levels, of columns that are independent within a component.

    Customers come as codes of their levels, -1 where missing.

    Parameters
    ----------
    n_levels : ndarray of int, shape (n_columns,)
    complete : ndarray of bool, shape (n_columns,)
        Whether a column has a level for every customer.
    prior_count : float
        Customers with the shares of all that are added to each component.
    prior : ndarray of shape (n_levels.sum(),)
        Those shares.

    Notes
    -----
    Parameters are ``(probabilities,)`` of all levels, column after column.
    """

    def __init__(self, n_levels, complete, *, prior_count=0.0, prior=0.0):
        self.prior_count, self.prior = prior_count, prior
        self.starts = np.concatenate([[0], np.cumsum(n_levels)[:-1]]).astype(int)
        self.of_column = np.repeat(np.arange(len(n_levels)), n_levels)
        # Of a column without gaps the first level is what the others leave.
        self.left_out = self.starts[complete]
        self.complete = np.flatnonzero(complete)
        self.kept = np.setdiff1d(np.arange(n_levels.sum()), self.left_out)
        self.kept_column = self.of_column[self.kept]
        self.level = (self.kept - self.starts[self.kept_column])[:, np.newaxis]
        # What is taken off the logarithm of a kept level: that of the first, or none.
        self.with_first = np.flatnonzero(complete[self.kept_column])
        self.first = self.starts[self.kept_column[self.with_first]]
        self.n_statistics = len(self.kept)

    def base(self, codes):
        """Part of the logarithm that no component changes."""
        return 0.0

    def fill(self, out, codes):
        """Write which levels customers have."""
        np.equal(codes[self.kept_column], self.level, out=out)

    def coefficients(self, parameters):
        """Coefficients and constants of the logarithms, by run and component."""
        logs = np.log(np.maximum(parameters[0], _TINY))
        coefficients = logs[..., self.kept]
        coefficients[..., self.with_first] -= logs[..., self.first]
        return coefficients, logs[..., self.left_out].sum(axis=2)

    def parameters(self, sums, totals):
        """Parameters from sums of statistics."""
        counts = np.zeros((*totals.shape, len(self.of_column)))
        counts[..., self.kept] = sums
        known = np.add.reduceat(counts, self.starts, axis=2)
        first = totals[..., np.newaxis] - known[..., self.complete]
        counts[..., self.left_out] = first
        # A step that reached too far may ask for less than nobody.
        np.maximum(counts, 0, out=counts)
        known = np.add.reduceat(counts, self.starts, axis=2)[..., self.of_column]
        counts += self.prior_count * self.prior
        known = np.maximum(known + self.prior_count, np.finfo(float).tiny)
        return (counts / known,)

    def collapsed(self, parameters, totals):
        """Return False for each run: the likelihood has a bound."""
        return np.zeros(len(totals), dtype=bool)

    def n_parameters(self, n_components):
        """Free parameters of a run."""
        return n_components * (len(self.of_column) - len(self.starts))


class CountDensities:
    """Poisson probabilities of counts, independent within a component.

    Counts are whole numbers of zero or more, as `known_values` gives them.

    Parameters
    ----------
    n_columns : int
    gaps : sequence of int, default=()
        Columns with missing values.
    prior_count : float
        Customers with the mean of all that are added to each component.
    prior : ndarray of shape (n_columns,)
        Those means.

    Notes
    -----
    Parameters are ``(rates,)``.
    """

    def __init__(self, n_columns, gaps=(), *, prior_count=0.0, prior=0.0):
        self.n_columns, self.gaps = n_columns, np.asarray(gaps, dtype=np.intp)
        self.prior_count, self.prior = prior_count, prior
        self.n_statistics = self.n_columns + len(self.gaps)

    def base(self, X):
        """Part of the logarithm that no component changes."""
        return -gammaln(X[: self.n_columns] + 1).sum(axis=0)

    def fill(self, out, X):
        """Write values, and which of the columns with gaps are known."""
        out[:] = X

    def coefficients(self, parameters):
        """Coefficients and constants of the logarithms, by run and component."""
        rates = np.maximum(parameters[0], _TINY)
        always = -np.delete(rates, self.gaps, axis=2).sum(axis=2)
        return np.concatenate([np.log(rates), -rates[..., self.gaps]], axis=2), always

    def parameters(self, sums, totals):
        """Parameters from sums of statistics."""
        known = np.repeat(totals[..., np.newaxis], self.n_columns, axis=2)
        known[..., self.gaps] = sums[..., self.n_columns :]
        known = np.maximum(known + self.prior_count, np.finfo(float).tiny)
        counts = np.maximum(sums[..., : self.n_columns], 0)
        counts += self.prior_count * self.prior
        return (counts / known,)

    def collapsed(self, parameters, totals):
        """Return False for each run: the likelihood has a bound."""
        return np.zeros(len(totals), dtype=bool)

    def n_parameters(self, n_components):
        """Free parameters of a run."""
        return n_components * self.n_columns


class JointDensities:
    """Densities of several kinds, independent within a component.

    Parameters
    ----------
    parts : sequence of densities

    Notes
    -----
    Parameters are a tuple of the parts' tuples.
    """

    def __init__(self, parts):
        self.parts = tuple(parts)
        ends = np.cumsum([0, *(part.n_statistics for part in self.parts)])
        self.places = [slice(*ends[i : i + 2]) for i in range(len(self.parts))]
        self.n_statistics = int(ends[-1])

    def base(self, *columns):
        """Part of the logarithm that no component changes."""
        each = zip(self.parts, columns, strict=True)
        return sum(part.base(own) for part, own in each)

    def fill(self, out, *columns):
        """Write the statistics of each part."""
        for part, place, own in zip(self.parts, self.places, columns, strict=True):
            part.fill(out[place], own)

    def coefficients(self, parameters):
        """Coefficients and constants of the logarithms, by run and component."""
        of_parts = [
            part.coefficients(of_part)
            for part, of_part in zip(self.parts, parameters, strict=True)
        ]
        coefficients, constants = zip(*of_parts, strict=True)
        return np.concatenate(coefficients, axis=2), sum(constants)

    def parameters(self, sums, totals):
        """Parameters from sums of statistics."""
        return tuple(
            part.parameters(sums[..., place], totals)
            for part, place in zip(self.parts, self.places, strict=True)
        )

    def collapsed(self, parameters, totals):
        """Whether a component of a run stands for too few or too like customers."""
        each = zip(self.parts, parameters, strict=True)
        return np.any([part.collapsed(one, totals) for part, one in each], axis=0)

    def n_parameters(self, n_components):
        """Free parameters of a run."""
        return sum(part.n_parameters(n_components) for part in self.parts)


def chosen_runs(parameters, runs):
    """Parameters of some runs."""
    if isinstance(parameters, tuple):
        return tuple(chosen_runs(one, runs) for one in parameters)
    return parameters[runs]
