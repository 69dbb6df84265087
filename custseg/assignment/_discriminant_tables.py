"""What a discriminant says of columns: axes, Fisher's functions, Wilks' lambda."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from custseg._sklearn import check_is_fitted, validate_data
from custseg._utils._result import Result
from custseg.assignment._columns_choice import f_of_wilks, partial_wilks, sweep
from custseg.assignment._moments import fit_gaussians
from custseg.exceptions import SchemaError

_LEVEL = 0.05
_DETERMINED = 1e-10  # share of a column's variance that the others leave


@dataclass(frozen=True, eq=False, repr=False)
class DiscriminantAxes(Result):
    """Directions in which segments lie farthest apart, beside the spread within them.

    What `DiscriminantAssigner.discriminant_axes` returns.

    Parameters
    ----------
    coefficients : DataFrame of shape (n_columns, n_axes)
        Of each column on each axis, in the columns' own units. Customers of one segment
        have variance one on each axis.
    standardized : DataFrame of shape (n_columns, n_axes)
        The same for columns divided by their standard deviation within segments.
    structure : DataFrame of shape (n_columns, n_axes)
        Correlation of each column with each axis within segments.
    explained : DataFrame
        One row an axis: `eigenvalue` (variation between over within segments), `share`
        and `cumulative_share` of their sum, and `canonical_correlation`.
    segment_places : DataFrame of shape (n_segments, n_axes)
        Mean of each segment on each axis.
    center : ndarray of shape (n_columns,)
        The point whose place is zero on every axis: the mean of the segments' means,
        by prior.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from custseg import DiscriminantAssigner
    >>> flowers = load_iris(as_frame=True)
    >>> assigner = DiscriminantAssigner().fit(flowers.data, flowers.target)
    >>> axes = assigner.discriminant_axes()
    >>> axes.explained[["eigenvalue", "share"]].round(4)
          eigenvalue   share
    axis
    1        32.1919  0.9912
    2         0.2854  0.0088
    >>> axes.structure.round(2)
    axis                  1     2
    column
    sepal length (cm)  0.22  0.31
    sepal width (cm)  -0.12  0.86
    petal length (cm)  0.71  0.17
    petal width (cm)   0.63  0.74
    """

    coefficients: pd.DataFrame
    standardized: pd.DataFrame
    structure: pd.DataFrame
    explained: pd.DataFrame
    segment_places: pd.DataFrame
    center: np.ndarray

    def frame(self):
        """Return one row per axis: how far it tells segments apart.

        Returns
        -------
        frame : DataFrame
            A copy of ``explained``.
        """
        return self.explained.copy()

    def summary(self):
        """Return how much of the differences lies on how many axes, in a sentence.

        Returns
        -------
        summary : str
        """
        shares = ", ".join(f"{100 * one:.0f} %" for one in self.explained["share"])
        n_axes, n_columns = len(self.explained), len(self.coefficients)
        if n_axes == 1:
            return f"1 axis of {n_columns} columns has all that segments differ by."
        return (
            f"{n_axes} axes of {n_columns} columns have these shares of what segments "
            f"differ by: {shares}."
        )


@dataclass(frozen=True, eq=False, repr=False)
class WilksTest(Result):
    """Wilks' lambda of columns and of the model.

    What `DiscriminantAssigner.wilks` returns.

    Parameters
    ----------
    columns : DataFrame
        One row a column. `wilks`, `f`, `df1`, `df2`, `p_value` of the column alone;
        `partial_wilks`, `partial_f`, `partial_df2`, `partial_p_value` of what it adds
        to the other columns of the model, NaN for one that is not in it or that the
        others determine.
    model : Series
        `wilks`, `f` (Rao's approximation), `df1`, `df2` and `p_value` of all columns
        of the model together.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from custseg import DiscriminantAssigner
    >>> flowers = load_iris(as_frame=True)
    >>> assigner = DiscriminantAssigner().fit(flowers.data, flowers.target)
    >>> test = assigner.wilks(learned_on=[])
    >>> test.columns[["wilks", "f", "partial_wilks", "partial_f"]].round(3)
                       wilks         f  partial_wilks  partial_f
    column
    sepal length (cm)  0.381   119.265          0.938      4.721
    sepal width (cm)   0.599    49.160          0.766     21.936
    petal length (cm)  0.059  1180.161          0.669     35.590
    petal width (cm)   0.071   960.007          0.743     24.904
    """

    columns: pd.DataFrame
    model: pd.Series

    def frame(self):
        """Return one row per column: what it tells of segments.

        Returns
        -------
        frame : DataFrame
            A copy of ``columns``.
        """
        return self.columns.copy()

    @property
    def verdict(self):
        """Whether the columns tell segments apart at .05, with the figures."""
        model = self.model
        told = "tell" if model["p_value"] <= _LEVEL else "do not tell"
        return (
            f"The columns of the model {told} segments apart (Wilks' lambda "
            f"{model['wilks']:.3g}, F = {model['f']:.3g}, p = {model['p_value']:.2g})."
        )


def classification_table(means, whitener, priors, names, segments):
    """Fisher's classification functions.

    Parameters
    ----------
    means : ndarray of shape (n_segments, n_features)
    whitener : ndarray of shape (n_features, n_kept)
    priors : ndarray of shape (n_segments,)
    names, segments : sequence

    Returns
    -------
    table : DataFrame
    """
    places = means @ whitener
    constants = np.log(priors) - np.einsum("ij,ij->i", places, places) / 2
    numbers = np.vstack([constants, whitener @ places.T])
    index = pd.Index(["(constant)", *names], name="column")
    return pd.DataFrame(numbers, index, pd.Index(segments, name="segment"))


def discriminant_axes(means, priors, covariance, whitener, freedom, names, segments):
    """Axes from one covariance within segments.

    Parameters
    ----------
    means : ndarray of shape (n_segments, n_features)
    priors : ndarray of shape (n_segments,)
    covariance : ndarray of shape (n_features, n_features)
    whitener : ndarray of shape (n_features, n_kept)
        Turns the covariance into the identity.
    freedom : float
        What the covariance was divided by, as a share of the customers.
    names, segments : sequence

    Returns
    -------
    axes : DiscriminantAxes
    """
    center = priors @ means
    places = (means - center) @ whitener
    _, spread, turned = np.linalg.svd(
        places * np.sqrt(priors)[:, np.newaxis], full_matrices=False
    )
    n_axes = min(len(means) - 1, whitener.shape[1])
    eigenvalues = spread[:n_axes] ** 2 / freedom
    n_axes = max(1, np.count_nonzero(eigenvalues > 1e-12 * eigenvalues.max()))
    eigenvalues = eigenvalues[:n_axes]
    coefficients = whitener @ turned[:n_axes].T
    sd = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        structure = covariance @ coefficients / sd[:, np.newaxis]
    # The sign of an axis is free: the column that follows it most closely points up.
    strength = np.nan_to_num(structure)
    largest = np.abs(strength).argmax(axis=0)
    signs = np.where(strength[largest, np.arange(n_axes)] < 0, -1.0, 1.0)
    coefficients, structure = coefficients * signs, structure * signs
    axes = pd.Index(range(1, n_axes + 1), name="axis")
    rows = pd.Index(names, name="column")
    shares = eigenvalues / eigenvalues.sum()
    explained = {
        "eigenvalue": eigenvalues,
        "share": shares,
        "cumulative_share": np.cumsum(shares),
        "canonical_correlation": np.sqrt(eigenvalues / (1 + eigenvalues)),
    }
    return DiscriminantAxes(
        pd.DataFrame(coefficients, rows, axes),
        pd.DataFrame(coefficients * sd[:, np.newaxis], rows, axes),
        pd.DataFrame(structure, rows, axes),
        pd.DataFrame(explained, axes),
        pd.DataFrame(
            (means - center) @ coefficients,
            pd.Index(segments, name="segment"),
            axes,
        ),
        center,
    )


def raos_f(wilks, n, n_columns, n_segments):
    """Rao's F approximation to the distribution of Wilks' lambda.

    Rao (1973, Linear Statistical Inference and Its Applications, 8c.5). Exact for one
    or two columns and for two or three segments.

    Returns
    -------
    f, df1, df2 : float
    """
    p, q = n_columns, n_segments - 1
    root = p**2 + q**2 - 5
    t = np.sqrt((p**2 * q**2 - 4) / root) if root > 0 else 1.0
    df1 = p * q
    df2 = (n - 1 - (p + q + 1) / 2) * t - df1 / 2 + 1
    if wilks <= 0:
        return np.inf, df1, df2
    root = wilks ** (1 / t)
    return (1 - root) / root * df2 / df1, df1, df2


def wilks_test(moments, support, names, testable):
    """Wilks' lambda of each column and of the model.

    Parameters
    ----------
    moments : Moments
    support : ndarray of shape (n_features,), bool
        Columns of the model.
    names : sequence
    testable : ndarray of shape (n_features,), bool
        Columns whose p-values are stated; the model's is where all its columns are.

    Returns
    -------
    test : WilksTest
    """
    within = moments.within_scatter()
    total = within + moments.between_scatter()
    n, n_segments = moments.weights.sum(), len(moments.weights)
    df1, df2 = n_segments - 1, n - n_segments
    table = {"wilks": partial_wilks(within, total, np.full(len(within), False))}
    table["f"] = f_of_wilks(table["wilks"], df1, df2)
    table["df1"], table["df2"] = df1, df2
    table["p_value"] = _p_values(table["f"], df1, df2, testable)
    within, swept_total, swept, model = _sweep_all(within, total, support)
    partial = np.where(swept, partial_wilks(within, swept_total, swept), np.nan)
    partial_df2 = df2 - swept.sum() + 1
    table["partial_wilks"] = partial
    table["partial_f"] = f_of_wilks(partial, df1, partial_df2)
    table["partial_df2"] = partial_df2
    table["partial_p_value"] = _p_values(table["partial_f"], df1, partial_df2, testable)
    decisive = ~moments.varies_within() & (np.diag(total) > 0) & support
    model = 0.0 if decisive.any() else model
    f, *df = raos_f(model, n, int((swept | decisive).sum()), n_segments)
    p_value = _p_values(np.array([f]), *df, testable[support].all())[0]
    return WilksTest(
        pd.DataFrame(table, pd.Index(names, name="column")),
        pd.Series(
            {"wilks": model, "f": f, "df1": df[0], "df2": df[1], "p_value": p_value}
        ),
    )


def _sweep_all(within, total, support):
    """Sweep on the columns of the model that the others do not determine."""
    variances, model = np.diag(within).copy(), 1.0
    swept = np.full(len(variances), False)
    for column in np.flatnonzero(support & (variances > 0)):
        if within[column, column] > _DETERMINED * variances[column]:
            model *= within[column, column] / total[column, column]
            within, total = sweep(within, column), sweep(total, column)
            swept[column] = True
    return within, total, swept, model


def _p_values(f, df1, df2, testable):
    if df2 <= 0:
        return np.full(len(f), np.nan)
    return np.where(testable, f_distribution.sf(f, df1, df2), np.nan)


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
