"""`BlockScaler`: one figure that says how much a base weighs in a distance."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg.exceptions import SegmentWarning
from custseg.scoring import Scale

__all__ = ["BlockScaler"]

# Variance that is nothing but rounding, relative to the squared size of the numbers.
_ROUNDING = (32 * np.finfo(np.float64).eps) ** 2


class BlockScaler(
    CallbackSupportMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    """Divide all columns of a block by one figure, so that the block has its weight.

    Squared Euclidean distances add up over columns, and their mean over all pairs of
    customers is twice the total variance. The share of a base in the distances is
    therefore its share of the total variance, and one figure for the whole block sets
    it, without a change to what its columns are to each other.

    Parameters
    ----------
    balance : {"variance", "eigenvalue"}, default="variance"
        What of the block becomes `weight`: its total variance, or the largest
        eigenvalue of its covariance matrix, as in multiple factor analysis [1]_.
    weight : float, default=1.0
        Above zero.

    Attributes
    ----------
    variance_ : float
        Total variance of the block on the training data (n in the denominator).
    eigenvalue_ : float
        Largest eigenvalue of its covariance matrix; NaN if ``balance="variance"``.
    scale_ : float
        Divides every column; infinite for a block without variance, which becomes
        zeros.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    make_customer_features : Puts one behind the transformer of each base.

    Notes
    -----
    Which of the two balances depends on what is done with the numbers. The first
    eigenvalue makes no block decide the first principal component alone. k-means and
    silhouettes go by total variance, of which fifty items that hardly correlate keep
    many times what three columns have when both have a first eigenvalue of one.

    Columns are not centred: distances do not see it.

    References
    ----------
    .. [1] Abdi, H., Williams, L. J. and Valentin, D. (2013). Multiple factor analysis:
       principal component analysis for multitable and multiblock data sets. WIREs
       Computational Statistics 5(2), 149-179. https://doi.org/10.1002/wics.1246

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.features import BlockScaler
    >>> answers = np.array([[1.0, 5.0], [5.0, 1.0], [5.0, 5.0], [1.0, 1.0]])
    >>> print(answers.var(axis=0).sum())
    8.0
    >>> BlockScaler(weight=2.0).fit_transform(answers)
    array([[0.5, 2.5],
           [2.5, 0.5],
           [2.5, 2.5],
           [0.5, 0.5]])
    """

    _parameter_constraints = {
        "balance": [StrOptions({"variance", "eigenvalue"})],
        "weight": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, balance="variance", weight=1.0):
        self.balance = balance
        self.weight = weight

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the figure that divides.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numbers of one base, none missing.
        y : None
            Ignored.

        Returns
        -------
        self : BlockScaler

        Raises
        ------
        ValueError
            If a number is missing or infinite.

        Warns
        -----
        SegmentWarning
            If all columns are constant: the base says nothing then.
        """
        X = validate_data(self, X, dtype=np.float64)
        centred = X - X.mean(axis=0)
        self.variance_ = float(np.sum(np.mean(centred**2, axis=0)))
        self.eigenvalue_ = np.nan
        measure = self.variance_
        if self.balance == "eigenvalue":
            self.eigenvalue_ = measure = _largest_eigenvalue(centred)
        if measure <= _ROUNDING * float(np.max(np.abs(X))) ** 2:
            self.scale_ = np.inf
            warnings.warn(
                "A base must tell customers apart. Got columns that are all constant "
                f"instead ({X.shape[1]} of them), which become zeros. Leave the base "
                "out, or give it other columns.",
                SegmentWarning,
                stacklevel=4,
            )
            return self
        self.scale_ = float(np.sqrt(measure / self.weight))
        return self

    def transform(self, X):
        """Divide by the figure that `fit` learned.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            The columns of `fit`.

        Returns
        -------
        ndarray or frame of shape (n_customers, n_features)

        Raises
        ------
        ValueError
            If a number is missing or infinite, or the columns are not those of `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X / self.scale_

    def _scorer_step(self):
        width = self.n_features_in_
        return Scale(np.zeros(width), np.full(width, self.scale_))


def _largest_eigenvalue(centred):
    """Largest eigenvalue of the covariance matrix of centred columns."""
    by_customers = len(centred) < centred.shape[1]
    product = centred @ centred.T if by_customers else centred.T @ centred
    return float(np.linalg.eigvalsh(product)[-1] / len(centred))
