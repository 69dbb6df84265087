"""Parameters of latent classes, in the frame of EM and in the columns' own units."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from custseg.columns import Levels
from custseg.scoring import Classes, LevelColumn

_TINY = 1e-50
_LOG_2_PI = np.log(2 * np.pi)
_FIGURES = {"categorical": "probability", "poisson": "rate", "gaussian": "mean"}


class Overall(NamedTuple):
    """What all customers answer.

    Attributes
    ----------
    shares : ndarray of shape (n_levels,)
        Of the levels of all categorical columns.
    rates : ndarray of shape (n_count_columns,)
        Means of counts.
    means, scales : ndarray of shape (n_number_columns,)
        Means and standard deviations of numbers; a scale of one for a constant.
    """

    shares: np.ndarray
    rates: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, read, columns, weights):
        """Learn them from the answers there are."""
        weights = np.ones(read.n_customers) if weights is None else weights
        shares = [np.empty(0)]
        for codes, n_levels in zip(read.codes, columns.n_levels, strict=True):
            known = codes >= 0
            of_levels = np.bincount(codes[known], weights[known], n_levels)
            shares.append(of_levels / max(of_levels.sum(), _TINY))
        means, deviations = _moments(read.numbers, weights)
        rounding = 1e-14 * np.abs(means)
        scales = np.where(deviations > rounding, deviations, 1.0)
        rates = _moments(read.counts, weights)[0]
        return cls(np.concatenate(shares), rates, means, scales)

    def framed(self, X):
        """Return numbers about their means, in standard deviations."""
        return (X - self.means[:, np.newaxis]) / self.scales[:, np.newaxis]

    def start_frame(self, read, columns):
        """Return numbers in whose distances starts are looked for."""
        parts = [self.framed(read.numbers).T]
        roots = np.sqrt(read.counts.T)
        deviations = np.nanstd(roots, axis=0) if roots.size else np.empty(0)
        middle = np.sqrt(self.rates)
        parts.append((roots - middle) / np.where(deviations > 0, deviations, 1.0))
        start = 0
        for codes, n_levels in zip(read.codes, columns.n_levels, strict=True):
            shares = self.shares[start : start + n_levels]
            start += n_levels
            marks = (codes[:, np.newaxis] == np.arange(n_levels)) - shares
            marks[codes < 0] = 0
            spread = np.sqrt(1 - np.square(shares).sum())
            parts.append(marks / (spread if spread > 0 else 1.0))
        return np.nan_to_num(np.hstack(parts))


def _moments(X, weights):
    """Weighted means and standard deviations of what is known in each row."""
    known = ~np.isnan(X)
    totals = np.maximum(known @ weights, _TINY)
    means = np.where(known, X, 0) @ weights / totals
    residuals = np.where(known, X - means[:, np.newaxis], 0)
    means = means + residuals @ weights / totals
    return means, np.sqrt(np.square(residuals) @ weights / totals)


class ClassState(NamedTuple):
    """Parameters of one run or more, and what they are parameters of.

    Attributes
    ----------
    columns : ClassColumns
    overall : Overall
    shares : ndarray of shape (n_runs, n_components)
    parameters : tuple
        Of the densities, in the frame.
    """

    columns: Any
    overall: Overall
    shares: np.ndarray
    parameters: tuple

    def by_distribution(self):
        """Parameters in the columns' own units, ndarrays (n_runs, n_components, any).

        Returns
        -------
        probabilities, rates, means, variances
        """
        empty = np.empty((*self.shares.shape, 0))
        parts = iter(self.parameters)
        probabilities = next(parts)[0] if self.columns.of("categorical") else empty
        rates = next(parts)[0] if self.columns.of("poisson") else empty
        if not self.columns.of("gaussian"):
            return probabilities, rates, empty, empty
        means, variances = next(parts)
        scales = self.overall.scales
        means = means * scales + self.overall.means
        return probabilities, rates, means, variances * scales**2

    def drawn(self, read, rng):
        """Draw customers from the first run, with the gaps of those who are given.

        Returns
        -------
        columns : dict of str to ndarray of shape (n_customers,)
            Levels as text, None where missing; numbers with NaN.
        """
        probabilities, rates, means, variances = (
            part[0] for part in self.by_distribution()
        )
        shares = self.shares[0] / self.shares[0].sum()
        components = rng.choice(len(shares), read.n_customers, p=shares)
        drawn, start = {}, 0
        for (name, levels), codes in zip(
            self.columns.levels.items(), read.codes, strict=True
        ):
            stop = start + len(levels)
            ends = np.cumsum(probabilities[:, start:stop], axis=1)
            start = stop
            chance = rng.random(read.n_customers) * ends[components, -1]
            places = (chance[:, np.newaxis] >= ends[components, :-1]).sum(axis=1)
            values = np.array([*levels, None], dtype=object)
            drawn[name] = values[np.where(codes < 0, len(levels), places)]
        each = zip(self.columns.of("poisson"), read.counts, rates.T, strict=True)
        for name, values, rate in each:
            counts = rng.poisson(rate[components]).astype(float)
            drawn[name] = np.where(np.isnan(values), np.nan, counts)
        each = zip(
            self.columns.of("gaussian"),
            read.numbers,
            means.T,
            np.sqrt(variances.T),
            strict=True,
        )
        for name, values, mean, deviation in each:
            numbers = rng.normal(mean[components], deviation[components])
            drawn[name] = np.where(np.isnan(values), np.nan, numbers)
        return drawn

    def named(self):
        """Return what each figure is of, and the figures.

        Returns
        -------
        of : list of (figure, column, level)
            Level is "" but for a probability.
        figures : ndarray of shape (n_runs, n_figures, n_components)
        """
        columns = self.columns
        probabilities, rates, means, variances = self.by_distribution()
        parts = {
            "categorical": iter(np.moveaxis(probabilities, 2, 0)),
            "poisson": iter(np.moveaxis(rates, 2, 0)),
            "gaussian": iter(np.moveaxis(means, 2, 0)),
        }
        deviations = iter(np.moveaxis(np.sqrt(variances), 2, 0))
        of, figures = [], []
        for column, kind in columns.distributions.items():
            for level in columns.levels.get(column, ("",)):
                of.append((_FIGURES[kind], column, level))
                figures.append(next(parts[kind]))
            if kind == "gaussian":
                of.append(("standard deviation", column, ""))
                figures.append(next(deviations))
        return of, np.stack(figures, axis=1)


def flat(parameters):
    return [array for part in parameters for array in part]


def arranged(parameters, order):
    return tuple(tuple(array[:, order] for array in part) for part in parameters)


class Scores(NamedTuple):
    """Logarithms of joint densities, added up column by column.

    One customer alone and one among a million get the same bits.

    Attributes
    ----------
    log_shares : ndarray of shape (n_components,)
    tables : tuple of ndarray of shape (n_components, n_levels + 1)
        Logarithms of probabilities; zero for a missing answer, which is last.
    rates : ndarray of shape (n_count_columns, n_components)
    means, variances : ndarray of shape (n_number_columns, n_components)
    """

    log_shares: np.ndarray
    tables: tuple
    rates: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, state):
        """Take them from the first run of a state."""
        probabilities, rates, means, variances = state.by_distribution()
        logs = np.log(np.maximum(probabilities[0], _TINY))
        ends = np.cumsum(state.columns.n_levels)[:-1]
        tables = np.split(logs, ends, axis=1) if logs.size else []
        missing = np.zeros((len(logs), 1))
        return cls(
            np.log(np.maximum(state.shares[0], _TINY)),
            tuple(np.hstack([table, missing]) for table in tables),
            np.maximum(rates[0].T, _TINY),
            means[0].T,
            variances[0].T,
        )

    def frozen(self, columns):
        """Return the same as a step of a scorer."""
        positions = {name: i for i, name in enumerate(columns.distributions)}
        unseen = np.zeros((1, len(self.log_shares)))
        levels = [
            LevelColumn(
                positions[name],
                Levels(known, "level"),
                np.vstack([table.T, unseen]),
            )
            for (name, known), table in zip(
                columns.levels.items(), self.tables, strict=True
            )
        ]
        counts, numbers = (
            np.array([positions[name] for name in columns.of(kind)], dtype=np.intp)
            for kind in ("poisson", "gaussian")
        )
        return Classes(
            self.log_shares,
            tuple(levels),
            counts,
            self.rates,
            numbers,
            self.means,
            self.variances,
        )

    def __call__(self, codes, counts, numbers):
        """Return an ndarray of shape (n_components, n_customers)."""
        scores = np.repeat(self.log_shares[:, np.newaxis], codes.shape[1], axis=1)
        for of_column, table in zip(codes, self.tables, strict=True):
            scores += table[:, of_column]
        for values, rates in zip(counts, self.rates, strict=True):
            known = ~np.isnan(values)
            values = np.where(known, values, 0)
            logs = values * np.log(rates)[:, np.newaxis] - rates[:, np.newaxis]
            logs -= gammaln(values + 1)
            scores += np.where(known, logs, 0)
        each = zip(numbers, self.means, self.variances, strict=True)
        for values, means, variances in each:
            squares = np.square(values - means[:, np.newaxis])
            logs = -0.5 * squares / variances[:, np.newaxis]
            logs -= 0.5 * (np.log(variances) + _LOG_2_PI)[:, np.newaxis]
            scores += np.where(np.isnan(values), 0, logs)
        return scores
