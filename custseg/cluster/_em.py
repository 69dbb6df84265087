"""Expectation-maximisation of many runs at once, over blocks of customers."""

from copy import copy
from threading import local
from typing import Any, NamedTuple

import numpy as np

from custseg._sklearn import blas_thread_count, one_blas_thread
from custseg.cluster._densities import chosen_runs
from custseg.engine import ArraySource, Statistic

_NUMBERS = 2**19  # of a block: with fewer, threads wait for each other
_FEWEST_ROWS, _MOST_ROWS = 2**8, 2**13
_KEPT = 2**22  # statistics, 32 MB, that are kept rather than made in each pass
_TINY = 1e-300
_SURE = 0.99  # of a customer that is in the component of a start
_NOISE = 0.05  # share of noise at the start
_ROUNDING = 1e-13  # of a log-likelihood
_REACH = 4.0  # of the first extrapolation, in steps
_OF_LATE = 3  # cycles of which the slowest tells how much is to come


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

    def chosen(self, runs):
        """Return some of the runs."""
        return Pass(*(part[runs] for part in self))

    def minus(self, other):
        """Return the difference of statistics; likelihoods stand as they are."""
        sums = self.sums - other.sums
        return Pass(self.log_likelihoods, self.totals - other.totals, sums)

    def plus(self, other, times):
        """Return statistics with some of others added to each run."""
        totals = self.totals + times[:, np.newaxis] * other.totals
        sums = self.sums + times[:, np.newaxis, np.newaxis] * other.sums
        return Pass(self.log_likelihoods, totals, sums)

    def norms(self):
        """Return the length of each run's statistics."""
        squared = np.square(self.totals).sum(axis=1)
        return np.sqrt(squared + np.square(self.sums).sum(axis=(1, 2)))

    def where(self, kept, other):
        """Return these runs where they are kept, else the others."""
        pairs = zip(self, other, strict=True)
        return Pass(
            *(np.where(kept.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs)
        )


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


def _add(one, other):
    return Pass(*(a + b for a, b in zip(one, other, strict=True)))


def _zero(**frozen):
    return Pass(*np.zeros(3))  # numbers, which stand for arrays of any shape


# -- the two steps, block by block -----------------------------------------------------


def _em_of_block(weights, *columns, densities, flat, constants, log_shares, log_noise):
    """E step of a block, and what the M step needs of it.

    Parameters
    ----------
    weights : ndarray of shape (n_rows,) or (n_runs, n_rows), or None
    *columns : ndarray of shape (any, n_rows)
        As the densities take them; without densities, statistics and base.
    densities : densities or None
    flat : ndarray of shape (n_runs * n_components, n_statistics)
        Coefficients of the logarithms of the densities.
    constants : ndarray of shape (n_runs, n_components)
        Of the logarithms of shares and densities.
    log_shares : ndarray of shape (n_runs, n_components), or one more with noise
    log_noise : float or None
    """
    n_runs, n_components = constants.shape
    statistics, base = _statistics(densities, columns)
    with np.errstate(all="ignore"):  # which threads do not take over
        inside = (flat @ statistics).reshape(n_runs, n_components, -1)
        if log_noise is None:
            scores = inside
        else:
            scores = np.empty((*log_shares.shape, statistics.shape[1]))
            scores[:, :-1] = inside
            # What all components have in common is not in the scores.
            scores[:, -1] = log_noise + log_shares[:, -1:] - base
        scores[:, :n_components] += constants[:, :, np.newaxis]
        log_densities = memberships_in_place(scores)
    log_densities += base
    inside = scores[:, :n_components]
    if weights is not None:
        weights = np.atleast_2d(weights)
        inside = inside * weights[:, np.newaxis]
        log_densities *= weights
    return _summed(inside, log_densities.sum(axis=1), statistics)


def _start_of_block(codes, weights, *columns, densities, n_components):
    """Sum a block whose customers are nearly surely in given components."""
    inside = np.full(
        (len(codes), n_components, codes.shape[1]), (1 - _SURE) / n_components
    )
    inside += np.where(
        codes[:, np.newaxis] == np.arange(n_components)[:, np.newaxis], _SURE, 0.0
    )
    if weights is not None:
        inside *= np.atleast_2d(weights)[:, np.newaxis]
    statistics, _ = _statistics(densities, columns)
    return _summed(inside, np.zeros(len(codes)), statistics)


_EM = Statistic(_em_of_block, _add, _zero)
_START = Statistic(_start_of_block, _add, _zero)
_scratch = local()


def _statistics(densities, columns):
    """Statistics and base of a block: as they were kept, or made anew.

    They are made in one place per thread, since fresh memory is dear.
    """
    if densities is None:
        return columns
    shape = (densities.n_statistics, columns[0].shape[-1])
    place = getattr(_scratch, "out", None)
    if place is None or place.size < shape[0] * shape[1]:
        place = _scratch.out = np.empty(shape[0] * shape[1])
    out = place[: shape[0] * shape[1]].reshape(shape)
    densities.fill(out, *columns)
    return out, densities.base(*columns)


def _summed(inside, log_likelihoods, statistics):
    n_runs, n_components, n_rows = inside.shape
    flat = np.ascontiguousarray(inside).reshape(n_runs * n_components, n_rows)
    sums = (flat @ statistics.T).reshape(n_runs, n_components, -1)
    return Pass(log_likelihoods, inside.sum(axis=2), sums)


class Mixture:
    """Customers, the densities that describe them, and how much each counts.

    Parameters
    ----------
    densities : densities
    *columns : ndarray of shape (any, n_customers)
        As the densities take them.
    weights : ndarray of shape (n_customers,) or (n_runs, n_customers), default=None
        How much each customer counts, in all runs or in each.
    log_noise : float, default=None
        Logarithm of the density of customers who are in no component.
    """

    def __init__(self, densities, *columns, weights=None, log_noise=None):
        self.densities, self.columns = densities, columns
        self.weights, self.log_noise = weights, log_noise
        self.n_customers = columns[0].shape[-1]
        self._made = densities  # in each block anew, or None where all are kept
        if densities.n_statistics * self.n_customers <= _KEPT:
            statistics = np.empty((densities.n_statistics, self.n_customers))
            densities.fill(statistics, *columns)
            base = np.broadcast_to(densities.base(*columns), self.n_customers)
            self.columns, self._made = (statistics, base), None

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
        flat = coefficients.reshape(constants.size, -1)
        return self._source(len(flat)).total(
            _EM,
            n_threads=n_threads,
            densities=self._made,
            flat=flat,
            constants=constants,
            log_shares=log_shares,
            log_noise=self.log_noise,
        )

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
        source = self._source(len(codes) * n_components, codes)
        settings = {"densities": self._made, "n_components": n_components}
        summed = source.total(_START, **settings)
        shares, parameters = self.renewed(summed)
        return shares * (1 if self.log_noise is None else 1 - _NOISE), parameters

    def renewed(self, passed):
        """Shares and parameters from the sums of a pass."""
        total = np.reshape(self.total, (-1, 1))
        # A step that reached too far may ask for a component of less than nobody.
        totals = np.maximum(passed.totals, _TINY)
        inside = totals.sum(axis=1, keepdims=True)
        totals = totals * (np.minimum(inside, total) / inside)
        parameters = self.densities.parameters(passed.sums, totals)
        return totals / total, parameters

    def _log_shares(self, shares):
        if self.log_noise is not None:
            rest = np.maximum(1 - shares.sum(axis=1, keepdims=True), 0)
            shares = np.concatenate([shares, rest], axis=1)
        return np.log(np.maximum(shares, _TINY))

    def _source(self, n_densities, *first):
        numbers = self.densities.n_statistics + 2 * n_densities
        rows = int(np.clip(_NUMBERS // numbers, _FEWEST_ROWS, _MOST_ROWS))
        arrays = (*first, self.weights, *self.columns)
        return ArraySource(*arrays, rows_per_block=rows, axis=-1)


def make_runs(mixture, shares, parameters, *, max_iter, tol):
    """Make runs from given parameters until each has converged.

    EM takes ever smaller steps in about one direction. After each two steps a run
    therefore reaches further along it (the squared extrapolation of Varadhan and
    Roland, 2008), here in the expected statistics, which unlike parameters can be added
    up; if the likelihood falls by that, it goes back.

    A run ends when the log-likelihood is expected to gain less than `tol` a customer if
    steps went on for ever: the gains of EM shrink by about the same factor each time,
    so the latest and the slowest factor of late tell their sum (Aitken's rule).

    Parameters
    ----------
    mixture : Mixture
    shares : ndarray of shape (n_runs, n_components)
    parameters : tuple
        Of the densities.
    max_iter : int
        Passes over the customers.
    tol : float

    Returns
    -------
    runs : Runs
        In the order of what was given.

    References
    ----------
    Varadhan, R. and Roland, C. (2008). Simple and globally convergent methods for
    accelerating the convergence of any EM algorithm. Scandinavian Journal of
    Statistics 35(2), 335-353. https://doi.org/10.1111/j.1467-9469.2007.00585.x

    Boehning, D., Dietz, E., Schaub, R., Schlattmann, P. and Lindsay, B. G. (1994). The
    distribution of the likelihood ratio for mixtures of densities from the
    one-parameter exponential family. Annals of the Institute of Statistical
    Mathematics 46(2), 373-388. https://doi.org/10.1007/BF01720593
    """
    n_threads = blas_thread_count()
    # A reach too far may overflow; it then has no likelihood, and is gone back from.
    with one_blas_thread, np.errstate(all="ignore"):
        return _Race(mixture, max_iter, tol, n_threads).run(shares, parameters)


class _Race:
    """Runs on their way, those that have ended taken out."""

    def __init__(self, mixture, max_iter, tol, n_threads):
        self.mixture, self.max_iter, self.tol = mixture, max_iter, tol
        self.n_threads = n_threads
        self.n_iter = 0
        self.ended, self.places = [], []

    def run(self, shares, parameters):
        """Go on until all have ended."""
        n_runs = len(shares)
        self.active = np.arange(n_runs)
        self.reach = np.full(n_runs, _REACH)
        self.slowest = np.zeros((n_runs, _OF_LATE))
        start = self._pass(shares, parameters)
        self._take_out(shares, parameters, start, np.zeros(n_runs, dtype=bool))
        before, at = start.log_likelihoods[self.active], start.chosen(self.active)
        while len(self.active):
            before, at = self._cycle(before, at)
        return _joined(self.ended, np.argsort(np.concatenate(self.places)))

    def _cycle(self, before, at):
        """Two steps, a reach beyond them, and what comes after it.

        Parameters
        ----------
        before : ndarray of shape (n_active,)
            Log-likelihoods a step before `at`'s parameters.
        at : Pass
            Whose sums make the next parameters.
        """
        first = self._pass(*self.mixture.renewed(at))
        shares, parameters = self.mixture.renewed(first)
        second = self._pass(shares, parameters)
        gain = first.log_likelihoods - before
        last = second.log_likelihoods - first.log_likelihoods
        step, bend = first.minus(at), second.minus(first)
        of_step, of_bend = step.norms(), bend.norms()
        ratio = of_bend / np.maximum(of_step, _TINY)
        self.slowest = np.column_stack([ratio**2, self.slowest[:, :-1]])
        converged = self._no_more_to_gain(second.log_likelihoods, gain, last)
        on = self._take_out(shares, parameters, second, converged)
        if not len(on):
            return None, None
        at, first, second = (one.chosen(on) for one in (at, first, second))
        beyond, length = self._beyond(at, first, second)
        tried = self._pass(*self.mixture.renewed(beyond))
        kept = tried.log_likelihoods >= second.log_likelihoods
        self.reach = np.where(kept, self.reach, np.maximum(self.reach / 4, 1.0))
        self.reach = np.where(kept & (length == self.reach), 4 * self.reach, self.reach)
        return (
            np.where(kept, tried.log_likelihoods, second.log_likelihoods),
            tried.where(kept, second),
        )

    def _beyond(self, at, first, second):
        """Statistics further along the way, and how far."""
        step = first.minus(at)
        bend = second.minus(first).minus(step)
        length = step.norms() / np.maximum(bend.norms(), _TINY)
        length = np.clip(length, 1.0, self.reach)
        return at.plus(step, 2 * length).plus(bend, length**2), length

    def _pass(self, shares, parameters):
        self.n_iter += 1
        return self.mixture.pass_over(shares, parameters, self.n_threads)

    def _take_out(self, shares, parameters, passed, converged):
        """Keep the runs that have ended, and return the places of the others."""
        now = passed.log_likelihoods
        ends = converged | np.isnan(now) | (self.n_iter + 3 > self.max_iter)
        if ends.any():
            counts = np.full(len(now), self.n_iter)
            state = Runs(shares, parameters, passed.totals, now, counts, converged)
            self.ended.append(state.chosen(ends))
            self.places.append(self.active[ends])
        on = np.flatnonzero(~ends)
        if len(on) < len(now):
            self.mixture = self.mixture.of_runs(on)
            self.active = self.active[on]
            self.reach, self.slowest = self.reach[on], self.slowest[on]
        return on

    def _no_more_to_gain(self, now, gain, last):
        """Whether what is still to come is less than the tolerance."""
        least = self.tol * self.mixture.total
        with np.errstate(all="ignore"):
            factor = np.fmax(last / gain, self.slowest.max(axis=1))
            to_come = np.abs(last) * factor / (1 - factor)
        slows = (factor < 1) & (to_come < least)
        # Within rounding, factors tell nothing.
        return slows | (np.abs(last) < _ROUNDING * np.abs(now))


def _joined(parts, order):
    """Join runs that ended at different times."""

    def join(fields):
        if isinstance(fields[0], tuple):
            return tuple(join(each) for each in zip(*fields, strict=True))
        return np.concatenate(fields)[order]

    return Runs(*(join(fields) for fields in zip(*parts, strict=True)))
