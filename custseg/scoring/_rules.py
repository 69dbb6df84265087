"""Segments by rules: cells of columns, and whose each combination is.

Pure functions, by which `custseg.cluster.RuleSegmenter` finds cells as well, the step
and what answers behind it.
"""

import numpy as np

from custseg.columns import MISSING_CODE, Levels, refuse_column
from custseg.scoring._record import Record, record


def check_complete(name, values):
    """Refuse missing numbers."""
    refuse_column(
        name,
        np.isnan(values),
        "numbers and no missing value (NaN)",
        "Fill the column, leave the rows out, or band it with a label for missing.",
    )


def check_levels(name, values, places, listed):
    """Refuse numbers that are no level."""
    remedy = "Correct them."
    if (values[places < 0] % 1 != 0).any():
        remedy += (
            " They are not whole: if they are scores, a scaler or "
            "make_customer_features has changed them. Put the rules right behind "
            "RFMTransformer."
        )
    refuse_column(name, places < 0, f"levels among {listed}", remedy)


def check_known(name, missing, unknown, listed):
    """Refuse missing levels, and those that are not declared."""
    refuse_column(
        name,
        missing,
        "levels and no missing value (NaN)",
        "Fill the column, or leave the rows out.",
    )
    refuse_column(name, unknown, f"levels among {listed}", "Correct them.")


def locate(points, values, *, is_line):
    """Find the cell of each number; of a level, -1 for those that are none.

    Parameters
    ----------
    points : ndarray of shape (n_points,)
        Rising.
    values : ndarray of shape (n_customers,)
    is_line : bool
        Whether the stretches between the points are cells too.
    """
    right = np.searchsorted(points, values, side="right")
    if is_line:
        return right + np.searchsorted(points, values, side="left")
    exact = (right > 0) & (points[right - 1] == values)
    return np.where(exact, right - 1, -1)


def bands_of(values, cuts, equal, missing):
    """Find the band of each number.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
    cuts : ndarray of shape (n_bands - 1,)
    equal : {"upper", "lower"}
        Band of a value that equals a cut.
    missing : int
        Band of missing values; -1 where there are none.
    """
    side = "right" if equal == "upper" else "left"
    places = np.searchsorted(cuts, values, side=side)
    return places if missing < 0 else np.where(np.isnan(values), missing, places)


def mean_of(values, *, rounded):
    """Take the mean of columns; rounded half up where it has levels."""
    mean = sum(values[1:], start=values[0]) / len(values)
    return np.floor(mean + 0.5) if rounded else mean


@record
class RuleAxis(Record):
    """A column, or a mean of columns, cut into cells.

    Attributes
    ----------
    name : str
        Of the axis.
    form : {"levels", "band", "text", "number"}
    positions : ndarray of int
        Of the columns; several for a mean.
    points : ndarray of float
        Levels, cuts of bands, or points of a line.
    levels : Levels or None
        Of text.
    other : int
        Cell of text that is not declared; -1 where there is none.
    equal : {"upper", "lower"}
    missing : int
        Band of missing values; -1 where they are refused.
    listed : str
        The levels, for messages.
    is_mean : bool
    """

    name: str
    form: str
    positions: np.ndarray
    points: np.ndarray
    levels: Levels | None
    other: int
    equal: str
    missing: int
    listed: str
    is_mean: bool

    def cells(self, source):
        """Cell of each customer."""
        if self.form == "text":
            return self._of_text(source)
        positions = self.positions.tolist()
        X = source.matrix(positions)
        names = [source.names[position] for position in positions]
        for name, values in zip(names, X.T, strict=True):
            refuse_column(name, np.isinf(values), "finite numbers", "Correct them.")
            if self.missing < 0:
                check_complete(name, values)
        if self.form == "band" and not self.is_mean:
            return bands_of(X[:, 0], self.points, self.equal, self.missing)
        if not self.is_mean:
            return self._located(names[0], X[:, 0])
        if self.form == "levels":
            for name, values in zip(names, X.T, strict=True):
                self._located(name, values)
        mean = mean_of(list(X.T), rounded=self.form == "levels")
        return self._located(self.name, mean)

    def _located(self, name, values):
        cells = locate(self.points, values, is_line=self.form == "number")
        check_levels(name, values, cells, self.listed)
        return cells

    def _of_text(self, source):
        (position,) = self.positions.tolist()
        cells = source.places(position, self.levels)
        missing = cells == MISSING_CODE
        unknown = (cells < 0) & ~missing
        if self.other >= 0:
            cells, unknown = np.where(unknown, self.other, cells), unknown & False
        check_known(source.names[position], missing, unknown, self.listed)
        return cells


@record
class RuleCells(Record):
    """Whose each customer is by the rules: one column of codes.

    Attributes
    ----------
    axes : tuple of RuleAxis
    owner : ndarray of int
        Code of the segment of each cell, an axis each.
    """

    axes: tuple
    owner: np.ndarray

    def __call__(self, source):
        """Return the codes, ndarray of shape (n_rows, 1)."""
        cells = tuple(axis.cells(source) for axis in self.axes)
        return self.owner[cells].astype(np.float64)[:, np.newaxis]


@record
class Decided(Record):
    """The segment that a step before has put into the only column."""

    has_probabilities = False

    def codes(self, X):
        """Position of each customer's segment."""
        return X[:, 0].astype(np.intp)
