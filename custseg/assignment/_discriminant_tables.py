"""What a fitted discriminant tells a person: tables of its columns and axes."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted, validate_data
from custseg.assignment._axes import (
    classification_table,
    discriminant_axes,
    wilks_test,
)
from custseg.assignment._gaussians import fit_gaussians
from custseg.exceptions import SchemaError


class DiscriminantTables:
    """The part of `DiscriminantAssigner` that explains it."""

    def classification_functions(self):
        """Fisher's classification functions: the model as a table of sums.

        A customer's score for a segment is the segment's constant plus the sum of the
        customer's columns times the segment's coefficients; the segment with the
        highest score is the answer of `predict`.

        Returns
        -------
        table : DataFrame of shape (1 + n_columns, n_segments)
            The row ``(constant)``, which includes the logarithm of the prior, then one
            row for each column that is used, in its own units.

        Raises
        ------
        ValueError
            If the model is not linear.
        """
        check_is_fitted(self)
        if self.kind != "linear":
            raise ValueError(
                "Classification functions must be those of a linear discriminant. Got "
                f"kind={self.kind!r} instead, whose scores are no sums over columns. "
                "Use kind='linear'."
            )
        return classification_table(
            self.means_[:, self.support_],
            self._whiteners[0][self.support_],
            self.priors_,
            self.columns_,
            self.classes_,
        )

    def discriminant_axes(self):
        """Directions in which the segments lie farthest apart.

        They are those of the covariance within segments that the linear kind uses; the
        others are shown by the pooled covariance without shrinkage.

        Returns
        -------
        axes : DiscriminantAxes
            Coefficients, structure correlations and explained shares.
        """
        check_is_fitted(self)
        moments = self._pooled.only_columns(self.support_)
        total = moments.weights.sum()
        mle = self.method == "mle"
        gaussians = self._linear_gaussians(moments)
        return discriminant_axes(
            moments.means,
            self.priors_,
            gaussians.covariances[0],
            gaussians.whiteners[0],
            1.0 if mle else (total - len(moments.weights)) / total,
            self.columns_,
            self.classes_,
        )

    def discriminant_places(self, X):
        """Place customers on the discriminant axes, to draw them.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        places : ndarray of shape (n_customers, n_axes)
            Zero is the mean of the segments' means, by prior; customers of a segment
            have variance one on each axis.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)[:, self.support_]
        axes = self.discriminant_axes()
        return (X - axes.center) @ axes.coefficients.to_numpy()

    def wilks(self, learned_on=None):
        """How well each column tells the segments apart, by Wilks' lambda.

        Lambda is the share of the variation that remains within segments: 1 for a
        column in which segments do not differ, 0 for one that decides.

        Parameters
        ----------
        learned_on : list of columns, default=None
            Columns of the table that the segments were learned on, by name or, without
            names, by position. None if that is not known; an empty list if segments
            were learned on other columns or come from elsewhere.

        Returns
        -------
        test : WilksTest
            Of each column and of the model.

        Raises
        ------
        SchemaError
            If a name is none of the columns.

        Notes
        -----
        A p-value answers how often segments would differ so much in a column if they
        had nothing to do with it. Segments that were learned on a column have to do
        with it by construction: an algorithm cuts even one cloud into parts that differ
        highly significantly. Such columns have no p-value (NaN). Nor has any where
        columns were chosen stepwise or by penalty, since the largest of many F values
        does not follow the F distribution, or where customers were given to segments by
        probability. P-values count a weight as so many customers.
        """
        check_is_fitted(self)
        names = self._column_names()
        testable = np.full(len(names), False)
        if learned_on is not None:
            learned_on = list(learned_on)
            unknown = [name for name in learned_on if name not in list(names)]
            if unknown:
                raise SchemaError(
                    "learned_on must name columns of the table. Got "
                    f"{', '.join(map(repr, unknown))} instead. Use an empty list if "
                    "the segments were learned on none of them."
                )
            if self.columns == "all" and not self._soft:
                testable = np.array([name not in learned_on for name in names])
        return wilks_test(self._pooled, self.support_, names, testable)

    def _linear_gaussians(self, moments):
        """Of one covariance: the linear kind's own, or the plain pooled one."""
        intensity = self.shrinkage_[0] if self.kind == "linear" else 0.0
        return fit_gaussians(moments, 1, intensity, mle=self.method == "mle")

    def _column_names(self):
        names = getattr(self, "feature_names_in_", None)
        return np.arange(self.n_features_in_) if names is None else names

    def _table_of_steps(self, record):
        """Record of the choice of columns, with names for positions."""
        table = pd.DataFrame(record)
        if "column" in table:
            table["column"] = self._column_names()[table["column"]]
        return table.rename_axis("step")
