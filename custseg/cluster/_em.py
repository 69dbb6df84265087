"""Expectation-maximisation of many runs at once, over blocks of customers."""

from copy import copy
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from custseg._sklearn import blas_thread_count, one_blas_thread
from custseg.cluster._densities import chosen_runs
from custseg.engine import in_order, row_blocks

_NUMBERS = 2**17  # of a block: 1 MB, which a cache holds
_FEWEST_ROWS, _MOST_ROWS = 2**8, 2**13
_KEPT = 2**22  # statistics, 32 MB, that are kept rather than made in each pass
_TINY = 1e-300
_SURE = 0.99  # of a customer that is in the component of a start
_NOISE = 0.05  # share of noise at the start
_ROUNDING = 1e-13  # of a log-likelihood


class Runs(NamedTuple):
    """Where runs stand: parameters, and the log-likelihood that they have.

    Attributes
    ----------
    shares : ndarray of shape (n_runs, n_components)
        Of each component; with noise, its share is what they leave.
    parameters : tuple
        Of the densities.
    totals : ndarray of shape (n_runs, n_components)
        Customers of each component, by weight.
    log_likelihoods : ndarray of shape (n_runs,)
        In total; NaN for a run that broke down.
    n_iter : ndarray of int, shape (n_runs,)
    converged : ndarray of bool, shape (n_runs,)
    """

    shares: np.ndarray
    parameters: Any
    totals: np.ndarray
    log_likelihoods: np.ndarray
    n_iter: np.ndarray
    converged: np.ndarray

    def chosen(self, runs):
        """Return some of the runs."""
        return Runs(*(chosen_runs(part, runs) for part in self))


class Pass(NamedTuple):
    """What one pass over customers sums up, of each run."""

    log_likelihoods: np.ndarray  # (n_runs,)
    totals: np.ndarray  # (n_runs, n_components)
    sums: np.ndarray  # (n_runs, n_components, n_statistics)

    def __add__(self, other):
        return Pass(*(a + b for a, b in zip(self, other, strict=True)))


def memberships_in_place(scores):
    """Turn logarithms of joint densities into probabilities of components.

    Parameters
    ----------
    scores : ndarray of shape (n_runs, n_components, n_rows)
        Overwritten.

    Returns
    -------
    log_densities : ndarray of shape (n_runs, n_rows)
    """
    most = scores.max(axis=1)
    scores -= most[:, np.newaxis]
    np.exp(scores, out=scores)
    total = scores.sum(axis=1)
    scores /= total[:, np.newaxis]
    return np.log(total, out=total) + most


class Mixture:
    """Customers, the densities that describe them, and how much each counts.

    Parameters
    ----------
    densities : densities
        Bound to the customers.
    n_customers : int
    weights : ndarray of shape (n_customers,) or (n_runs, n_customers), default=None
        How much each customer counts, in all runs or in each.
    log_noise : float, default=None
        Logarithm of the density of customers who are in no component.
    """

    def __init__(self, densities, n_customers, *, weights=None, log_noise=None):
        self.densities, self.n_customers = densities, n_customers
        self.weights, self.log_noise = weights, log_noise
        self._kept = None  # statistics of all customers, where they are few

    @property
    def total(self):
        """Customers, or the sum of their weights, of each run."""
        if self.weights is None:
            return float(self.n_customers)
        return self.weights.sum(axis=-1)

    def of_runs(self, runs):
        """Return the same for some of the runs."""
        if self.weights is None or self.weights.ndim == 1:
            return self
        chosen = copy(self)
        chosen.weights = self.weights[runs]
        return chosen

    def pass_over(self, shares, parameters, n_threads=None):
        """Log-likelihoods, and the sums that the next parameters are made from."""
        log_shares = self._log_shares(shares)
        coefficients, constants = self.densities.coefficients(parameters)
        constants = constants + log_shares[:, : constants.shape[1]]
        n_runs, n_components = constants.shape
        flat = coefficients.reshape(n_runs * n_components, -1)

        def of_block(rows):
            statistics = self._statistics(rows)
            base = self.densities.base(rows)
            scores = self._scores(flat, constants, log_shares, statistics, base)
            log_densities = memberships_in_place(scores)
            log_densities += base
            inside = scores[:, :n_components]
            if self.weights is not None:
                weights = np.atleast_2d(self.weights[..., rows])
                inside = inside * weights[:, np.newaxis]
                log_densities *= weights
            return self._sums(inside, log_densities.sum(axis=1), statistics)

        blocks = self._blocks(len(flat))
        return reduce(Pass.__add__, in_order(of_block, blocks, n_threads=n_threads))

    def start(self, codes, n_components):
        """Make the parameters that go with a component for each customer, or nearly.

        Customers are a little in the other components as well: no start is then so
        sure of a level or a direction that it could not leave it.

        Parameters
        ----------
        codes : ndarray of int, shape (n_runs, n_customers)
        n_components : int

        Returns
        -------
        shares, parameters
        """
        components = np.arange(n_components)[:, np.newaxis]

        def of_block(rows):
            inside = np.where(codes[:, np.newaxis, rows] == components, _SURE, 0.0)
            inside += (1 - _SURE) / n_components
            if self.weights is not None:
                inside *= np.atleast_2d(self.weights[..., rows])[:, np.newaxis]
            return self._sums(inside, np.zeros(len(codes)), self._statistics(rows))

        blocks = self._blocks(len(codes) * n_components)
        summed = reduce(Pass.__add__, in_order(of_block, blocks))
        shares, parameters = self.renewed(summed)
        return shares * (1 if self.log_noise is None else 1 - _NOISE), parameters

    def renewed(self, passed):
        """Shares and parameters from the sums of a pass."""
        total = np.reshape(self.total, (-1, 1))
        parameters = self.densities.parameters(passed.sums, passed.totals)
        return passed.totals / total, parameters

    def _log_shares(self, shares):
        if self.log_noise is not None:
            rest = np.maximum(1 - shares.sum(axis=1, keepdims=True), 0)
            shares = np.concatenate([shares, rest], axis=1)
        return np.log(np.maximum(shares, _TINY))

    def _scores(self, flat, constants, log_shares, statistics, base):
        n_runs, n_components = constants.shape
        shape = (*log_shares.shape, statistics.shape[1])
        if self.log_noise is None:
            scores = (flat @ statistics).reshape(shape)
        else:
            scores = np.empty(shape)
            of_runs = (n_runs, n_components, -1)
            scores[:, :n_components] = (flat @ statistics).reshape(of_runs)
            # What all components have in common is not in the scores.
            scores[:, -1] = self.log_noise + log_shares[:, -1:] - base
        scores[:, :n_components] += constants[:, :, np.newaxis]
        return scores

    def _statistics(self, rows):
        if self.densities.n_statistics * self.n_customers > _KEPT:
            return self._filled(rows)
        if self._kept is None:
            self._kept = self._filled(slice(0, self.n_customers))
        return self._kept[:, rows]

    def _filled(self, rows):
        out = np.empty((self.densities.n_statistics, rows.stop - rows.start))
        self.densities.fill(out, rows)
        return out

    def _sums(self, inside, log_likelihoods, statistics):
        n_runs, n_components, n_rows = inside.shape
        flat = np.ascontiguousarray(inside).reshape(n_runs * n_components, n_rows)
        sums = (flat @ statistics.T).reshape(n_runs, n_components, -1)
        return Pass(log_likelihoods, inside.sum(axis=2), sums)

    def _blocks(self, n_densities):
        numbers = self.densities.n_statistics + 2 * n_densities
        rows = int(np.clip(_NUMBERS // numbers, _FEWEST_ROWS, _MOST_ROWS))
        return row_blocks(self.n_customers, rows)


def make_runs(mixture, shares, parameters, *, max_iter, tol):
    """Make runs from given parameters until each has converged.

    A run ends when the log-likelihood is expected to gain less than `tol` a customer
    if it went on for ever: the gains of EM shrink by about the same factor each time,
    so the latest two tell their sum (Aitken's rule, after Boehning and others, 1994).

    Parameters
    ----------
    mixture : Mixture
    shares : ndarray of shape (n_runs, n_components)
    parameters : tuple
        Of the densities.
    max_iter : int
    tol : float

    Returns
    -------
    runs : Runs
        In the order of what was given.

    References
    ----------
    Boehning, D., Dietz, E., Schaub, R., Schlattmann, P. and Lindsay, B. G. (1994). The
    distribution of the likelihood ratio for mixtures of densities from the
    one-parameter exponential family. Annals of the Institute of Statistical
    Mathematics 46(2), 373-388. https://doi.org/10.1007/BF01720593
    """
    n_threads = blas_thread_count()
    with one_blas_thread:  # once, and not in every pass
        return _make_runs(mixture, shares, parameters, max_iter, tol, n_threads)


def _make_runs(mixture, shares, parameters, max_iter, tol, n_threads):
    ended, places = [], []
    active = np.arange(len(shares))
    last = np.full(len(shares), -np.inf)
    last_gain = np.full(len(shares), np.nan)
    for n_iter in range(1, max_iter + 1):
        passed = mixture.pass_over(shares, parameters, n_threads)
        now = passed.log_likelihoods
        with np.errstate(invalid="ignore"):
            gain = now - last
        converged = _no_more_to_gain(now, gain, last_gain, tol * mixture.total)
        ends = converged | np.isnan(now) | (n_iter == max_iter)
        if ends.any():
            where = np.flatnonzero(ends)
            counts = np.full(len(now), n_iter)
            state = Runs(shares, parameters, passed.totals, now, counts, converged)
            ended.append(state.chosen(where))
            places.append(active[where])
        if ends.all():
            break
        on = np.flatnonzero(~ends)
        shares, parameters = mixture.renewed(passed)
        if len(on) < len(active):
            shares, parameters = shares[on], chosen_runs(parameters, on)
            mixture = mixture.of_runs(on)
        active, last, last_gain = active[on], now[on], gain[on]
    return _joined(ended, np.argsort(np.concatenate(places)))


def _no_more_to_gain(now, gain, last_gain, least):
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = gain / last_gain
        to_come = np.abs(gain * factor / (1 - factor))
        slows = (factor > 0) & (factor < 1) & (to_come < least)
        # Within rounding, and after an overshoot, factors tell nothing.
        stands = np.abs(gain) < np.maximum(1e-3 * least, _ROUNDING * np.abs(now))
        turned = (factor <= 0) & (np.abs(gain) < least)
    return slows & (np.abs(gain) < 10 * least) | stands | turned


def _joined(parts, order):
    """Join runs that ended at different times."""

    def join(fields):
        if isinstance(fields[0], tuple):
            return tuple(join(each) for each in zip(*fields, strict=True))
        return np.concatenate(fields)[order]

    return Runs(*(join(fields) for fields in zip(*parts, strict=True)))
