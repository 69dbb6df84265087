"""Latent classes, from columns of any kind with gaps."""

import numpy as np

from custseg.scoring._record import Record, record
from custseg.scoring._segments import _Scored


@record
class Classes(Record):
    """Logarithms of the joint densities of what customers answer, class by class.

    What all classes have in common is left out.

    Attributes
    ----------
    log_shares : ndarray of shape (n_classes,)
    levels : tuple of LevelColumn
        Whose outputs are logarithms of probabilities, zero for a missing answer.
    counts : ndarray of int, shape (n_counts,)
        Positions of columns of counts.
    rates : ndarray of shape (n_counts, n_classes)
    numbers : ndarray of int, shape (n_numbers,)
        Positions of columns of numbers.
    means, variances : ndarray of shape (n_numbers, n_classes)
    """

    log_shares: np.ndarray
    levels: tuple
    counts: np.ndarray
    rates: np.ndarray
    numbers: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def _prepare(self):
        self._keep(
            _counts=self.counts.tolist(),
            _numbers=self.numbers.tolist(),
            _log_rates=np.log(self.rates),
            _log_deviations=0.5 * np.log(self.variances),
            _halved=-0.5 / self.variances,
        )

    def __call__(self, source):
        """Return scores, ndarray of shape (n_rows, n_classes)."""
        scores = np.empty((source.n_rows, len(self.log_shares)))
        scores[:] = self.log_shares
        for level in self.levels:
            scores += level(source)
        if self._counts:
            each = zip(
                source.matrix(self._counts).T, self.rates, self._log_rates, strict=True
            )
            for values, rates, logs in each:
                values = values[:, np.newaxis]
                scores += np.where(np.isnan(values), 0.0, values * logs - rates)
        if self._numbers:
            figures = (self.means, self._halved, self._log_deviations)
            each = zip(source.matrix(self._numbers).T, *figures, strict=True)
            for values, means, halved, logs in each:
                gaps = values[:, np.newaxis] - means
                gaps *= gaps
                gaps *= halved
                gaps -= logs
                scores += np.where(np.isnan(gaps), 0.0, gaps)
        return scores


@record
class AsScored(_Scored):
    """Scores that the step before has worked out."""

    def scores(self, X):
        """Scores of the segments."""
        return X
