"""How something new spreads: Bass's model, fitted to times of adoption."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from custseg.exceptions import DegenerateFitError, SegmentWarning

__all__ = ["ROGERS", "Diffusion", "category_limits", "fit_diffusion"]

# Rogers: shares of those who adopt in the end, in the order of their times.
ROGERS = {
    "innovators": 0.025,
    "early adopters": 0.135,
    "early majority": 0.34,
    "late majority": 0.34,
    "laggards": 0.16,
}
_FEWEST = 20
_EARLY = 0.5  # of the eventual adopters; before, their number is an extrapolation


class Diffusion(NamedTuple):
    """Bass's model of when customers adopt.

    Attributes
    ----------
    innovation, imitation : float
        Bass's p and q, per unit of time.
    eventual : float
        Share of the customers who adopt in the end.
    """

    innovation: float
    imitation: float
    eventual: float

    def adopted_by(self, times):
        """Share of the eventual adopters who have adopted by a time."""
        p, q = self.innovation, self.imitation
        left = np.exp(-(p + q) * np.asarray(times, dtype=float))
        return (1 - left) / (1 + q / p * left)


def fit_diffusion(times, n_customers, observed):
    """Fit Bass's model with an eventual share by maximum likelihood.

    Parameters
    ----------
    times : ndarray of shape (n_adopters,)
        From the launch to adoption, 0 or more.
    n_customers : int
        Who could have adopted, the adopters among them.
    observed : float
        Time from the launch to the end of observation: who has not adopted by then
        is censored.

    Returns
    -------
    diffusion : Diffusion

    Raises
    ------
    DegenerateFitError
        With fewer than 20 adopters.

    Warns
    -----
    SegmentWarning
        If fewer than half of the eventual adopters have adopted.
    """
    if len(times) < _FEWEST:
        raise DegenerateFitError(
            f"There must be {_FEWEST} adopters to estimate how many there will be. Got "
            f"{len(times)} instead. Give the eventual share."
        )
    scaled = np.sort(times) / observed  # so that starts fit any unit
    adopted = len(times) / n_customers

    def misfit(logs):
        p, q, eventual = np.exp(logs[0]), np.exp(logs[1]), expit(logs[2])
        rate = p + q
        left = np.exp(-rate * scaled)
        log_density = np.log(rate**2 / p) - rate * scaled - 2 * np.log1p(q / p * left)
        end = np.exp(-rate)
        by_end = eventual * (1 - end) / (1 + q / p * end)
        seen = len(scaled) * np.log(eventual) + log_density.sum()
        unseen = (n_customers - len(scaled)) * np.log1p(-min(by_end, 1 - 1e-12))
        return -(seen + unseen) / n_customers

    bounds = [(-12.0, 6.0), (-8.0, 6.0), (-8.0, 12.0)]
    share = min(max(adopted, 1e-3), 0.999)
    found = []
    for p, q in ((0.05, 5.0), (1.0, 1.0), (0.01, 10.0), (3.0, 0.1)):
        for factor in (1.05, 2.0):
            eventual = min(share * factor, 0.9995)
            start = [np.log(p), np.log(q), np.log(eventual / (1 - eventual))]
            found.append(minimize(misfit, start, method="L-BFGS-B", bounds=bounds))
    best = min(found, key=lambda one: one.fun).x
    eventual = max(float(expit(best[2])), adopted)
    if adopted < _EARLY * eventual:
        warnings.warn(
            "Half of the eventual adopters must have adopted for their number to be "
            f"sure. Got {adopted / eventual:.0%} of an estimated {eventual:.0%} of the "
            "customers instead. Give the eventual share if it is known.",
            SegmentWarning,
            stacklevel=6,
        )
    return Diffusion(
        float(np.exp(best[0]) / observed), float(np.exp(best[1]) / observed), eventual
    )


def category_limits(times, n_eventual):
    """Return the last time of each category but the last.

    Parameters
    ----------
    times : ndarray of shape (n_adopters,)
    n_eventual : float
        Who adopt in the end, not below the adopters.

    Returns
    -------
    ndarray of shape (4,)
        Infinite where a category is not over yet.
    """
    shares = np.cumsum(list(ROGERS.values()))[:-1]
    # Rounded up: a category has its share at least, and equal times are one category.
    ends = np.ceil(shares * n_eventual - 1e-9).astype(int)
    ordered = np.append(np.sort(times), np.inf)
    return ordered[np.minimum(np.maximum(ends, 1) - 1, len(times))]
