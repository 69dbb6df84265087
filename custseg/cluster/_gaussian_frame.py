"""The frame that Gaussian mixtures are fitted in, and their parameters outside it."""

from typing import NamedTuple

import numpy as np

from custseg.engine import row_blocks, segment_products
from custseg.scoring import Gaussians

_FLAT = 1e-10  # share of the largest variance below which there is none
_TINY = 1e-300
_ROWS = 2**14
_LOG_2_PI = np.log(2 * np.pi)


class Frame(NamedTuple):
    """Where EM works: about the mean, in units that the covariances allow.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
    matrix : ndarray of shape (n_features, n_directions)
        Takes customers about the center to the frame.
    inverse : ndarray of shape (n_directions, n_features)
        Takes them back.
    log_scale : float
        Logarithm of the determinant of `matrix`.
    """

    center: np.ndarray
    matrix: np.ndarray
    inverse: np.ndarray
    log_scale: float

    @classmethod
    def of(cls, X, weights, covariance_type):
        """Find the frame in which all customers have a covariance near the identity.

        A full covariance allows any linear change of columns, one along the axes allows
        units of their own, a sphere one unit. Directions without variance are left out.
        """
        everyone = np.zeros(len(X), dtype=np.int8)
        products = segment_products(X, everyone, 1, weights)
        covariance = products.products[0] / products.weights[0]
        deviations = np.sqrt(np.diag(covariance))
        # Rounding of columns far from zero is no variance.
        rounding = 1e-14 * np.abs(products.means[0])
        varied = np.flatnonzero(deviations > rounding)
        varied = varied if len(varied) else np.array([0])  # all customers are alike
        if covariance_type == "spherical":
            unit = np.sqrt(np.square(deviations).mean()) or 1.0
            units, directions = np.full(len(deviations), unit), np.eye(len(deviations))
        else:
            units = np.where(deviations > rounding, deviations, 1.0)
            directions = np.eye(len(units))[:, varied]
            if covariance_type in ("full", "tied"):
                directions = _main_directions(covariance / np.outer(units, units))
        norms = np.square(directions).sum(axis=0)
        return cls(
            products.means[0],
            directions / units[:, np.newaxis],
            (directions / norms).T * units,
            float(0.5 * np.log(norms).sum() - np.log(units[varied]).sum())
            if covariance_type != "spherical"
            else float(-np.log(units).sum()),
        )

    def apply(self, X):
        """Return customers in the frame, of shape (n_directions, n_rows)."""
        Z = np.empty((self.matrix.shape[1], len(X)))
        for rows in row_blocks(len(X), _ROWS):
            np.matmul(self.matrix.T, (X[rows] - self.center).T, out=Z[:, rows])
        return Z


def _main_directions(correlation):
    """Directions of the correlation matrix, in units of their deviation."""
    variances, directions = np.linalg.eigh(correlation)
    some = variances > _FLAT * variances[-1]
    return directions[:, some] / np.sqrt(variances[some])


class GaussianState(NamedTuple):
    """Parameters of one run or more, in the frame.

    Attributes
    ----------
    covariance_type : str
    frame : Frame
    shares : ndarray of shape (n_runs, n_components)
    parameters : tuple
        Of the densities.
    log_noise : float or None
        Logarithm of the density of noise, in the frame.
    """

    covariance_type: str
    frame: Frame
    shares: np.ndarray
    parameters: tuple
    log_noise: float | None

    @property
    def log_base(self):
        """What the logarithms of all densities have in common."""
        return self.frame.log_scale - 0.5 * self.frame.matrix.shape[1] * _LOG_2_PI

    @property
    def log_noise_joint(self):
        """Logarithm of the share of noise and its density, of the first run."""
        share = max(1 - self.shares[0].sum(), _TINY)
        return np.log(share) + self.log_noise + self.frame.log_scale

    def arranged(self, order):
        """Return the components in another order."""
        means, spreads = self.parameters
        if self.covariance_type != "tied":
            spreads = spreads[:, order]
        parameters = (means[:, order], spreads)
        return self._replace(shares=self.shares[:, order], parameters=parameters)

    def means(self):
        """Means in the columns' own units, (n_runs, n_components, n_features)."""
        return self.parameters[0] @ self.frame.inverse + self.frame.center

    def covariances(self):
        """Covariances in the columns' own units, one matrix a component and run."""
        spreads = self.parameters[1]
        inverse = self.frame.inverse
        if self.covariance_type in ("diag", "spherical"):
            d = len(inverse)
            spreads = np.broadcast_to(spreads, (*self.shares.shape, d))
            return np.einsum("skd,di,dj->skij", spreads, inverse, inverse)
        covariances = inverse.T @ spreads @ inverse
        n_features = covariances.shape[-1]
        shape = (*self.shares.shape, n_features, n_features)
        return np.broadcast_to(covariances, shape)

    def shaped_covariances(self):
        """Covariances of the first run, shaped as scikit-learn's are."""
        every = self.covariances()[0]
        if self.covariance_type == "tied":
            return every[0].copy()
        if self.covariance_type == "full":
            return every.copy()
        variances = np.einsum("kii->ki", every).copy()
        return variances if self.covariance_type == "diag" else variances[:, 0]

    def drawn(self, n_customers, rng):
        """Draw customers from the first run."""
        means, spreads = (part[0] for part in self.parameters)
        shares = self.shares[0] / self.shares[0].sum()
        components = rng.choice(len(shares), n_customers, p=shares)
        Z = rng.normal(size=(n_customers, means.shape[1]))
        if self.covariance_type in ("full", "tied"):
            lower = np.linalg.cholesky(spreads)
            for k, members in enumerate(components == np.arange(len(shares))[:, None]):
                Z[members] = Z[members] @ lower[k % len(lower)].T
        else:
            Z *= np.sqrt(np.broadcast_to(spreads, means.shape))[components]
        return (Z + means[components]) @ self.frame.inverse + self.frame.center

    def frozen(self):
        """Return the first run as a step of a scorer."""
        means, spreads = (part[0] for part in self.parameters)
        n_components, d = means.shape
        if self.covariance_type in ("full", "tied"):
            lower = np.linalg.cholesky(np.broadcast_to(spreads, (n_components, d, d)))
            halves = -np.log(np.einsum("kii->ki", lower)).sum(axis=1)
            identity = np.broadcast_to(np.eye(d), lower.shape)
            roots = np.swapaxes(np.linalg.solve(lower, identity), 1, 2)
        else:
            deviations = np.sqrt(np.broadcast_to(spreads, means.shape))
            roots = np.eye(d) / deviations[:, np.newaxis]
            halves = -np.log(deviations).sum(axis=1)
        return Gaussians(
            self.frame.center,
            means @ self.frame.inverse,
            self.frame.matrix @ roots,
            np.log(np.maximum(self.shares[0], _TINY)) + halves,
        )

    def named(self, names):
        """Return what each figure is of, and the figures.

        Parameters
        ----------
        names : sequence of str
            Of the columns.

        Returns
        -------
        of : list of (figure, column, level)
            Level is a second column's name for a correlation, otherwise "".
        figures : ndarray of shape (n_runs, n_figures, n_components)
        """
        covariances = self.covariances()
        deviations = np.sqrt(np.einsum("skii->ski", covariances))
        of = [("mean", name, "") for name in names]
        of += [("standard deviation", name, "") for name in names]
        figures = [self.means(), deviations]
        if self.covariance_type in ("full", "tied"):
            one, other = np.triu_indices(len(names), 1)
            of += [
                ("correlation", names[i], names[j])
                for i, j in zip(one, other, strict=True)
            ]
            both = deviations[..., one] * deviations[..., other]
            some = np.where(both > 0, both, 1.0)
            figures.append(covariances[..., one, other] / some)
        return of, np.moveaxis(np.concatenate(figures, axis=2), 2, 1)
