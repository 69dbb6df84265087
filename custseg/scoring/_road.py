"""From a customer's columns to the segment, in steps."""

import numpy as np

from custseg.columns import Levels, is_missing
from custseg.exceptions import DataQualityError
from custseg.scoring._customer_columns import through
from custseg.scoring._record import Record, record
from custseg.scoring._sources import Row


@record
class Road(Record):
    """Steps, what answers at their end, and which segments it means.

    Attributes
    ----------
    columns : tuple of str
        Columns of the table that the steps begin with.
    steps : tuple of steps
    last : step with `codes`
    known : ndarray of int, shape (n_known,)
        Which of the road's own segments each one is that `last` knows.
    own : ndarray of int, shape (n_own,)
        Which of all segments each of the road's own is.
    n_segments : int
        All of them, those of other roads too.
    calibration : Tempered, Curves or None
    typicality : Typicality or None
    """

    columns: tuple
    steps: tuple
    last: object
    known: np.ndarray
    own: np.ndarray
    n_segments: int
    calibration: object = None
    typicality: object = None

    def _prepare(self):
        self._keep(
            _positions=self.own[self.known],
            _knows_all=np.array_equal(self.known, np.arange(len(self.own))),
            _has_all=np.array_equal(self.own, np.arange(self.n_segments)),
        )

    def matrix(self, source):
        """Return what the last step gets."""
        X = through(self.steps, source)
        total = sum(X.ravel().tolist()) if len(X) == 1 else X.sum()
        if total - total != 0 and not np.isfinite(X).all():  # of an infinite one or NaN
            _refuse(X, source)
        return X

    def answers(self, X):
        """Position of each customer's segment, and probabilities if needed for it."""
        if self.calibration is None:
            return self._positions[self.last.codes(X)], None
        probabilities = self.probabilities(X)
        return probabilities.argmax(axis=1), probabilities

    def probabilities(self, X):
        """One column a segment."""
        probabilities = self.last.probabilities(X)
        if not self._knows_all:
            probabilities = _spread(probabilities, self.known, len(self.own))
        if self.calibration is not None:
            probabilities = self.calibration(probabilities)
        if not self._has_all:
            probabilities = _spread(probabilities, self.own, self.n_segments)
        return probabilities

    def codes(self, X):
        """Position of each customer's segment, -1 for none of the above."""
        codes, _ = self.answers(X)
        if self.typicality is None:
            return codes
        typical = self.typicality.p_values(X)
        return np.where(typical <= self.typicality.alpha, -1, codes)


def _spread(probabilities, positions, n_columns):
    """Put columns in their places among others that are zero."""
    every = np.zeros((len(probabilities), n_columns))
    every[:, positions] = probabilities
    return every


def _refuse(X, source):
    """Say which columns are not known, as far as that can be told."""
    unknown = ~np.isfinite(X).all(axis=1)
    if isinstance(source, Row):
        names = [name for name in source.names if is_missing(source.row[name])]
    else:
        columns = zip(source.names, source.columns, strict=True)
        names = [name for name, column in columns if _any_missing(column)]
    raise DataQualityError(
        "Values must be known where no step fills them. Got missing ones in "
        f"{', '.join(map(repr, names[:5])) or 'no column'} "
        f"({np.count_nonzero(unknown)} of {len(X)} rows without an answer) instead. "
        "Find the values, or put a step that fills them into the pipeline."
    )


def _any_missing(column):
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return bool(np.isnan(column).any())
    cells = column.tolist() if isinstance(column, np.ndarray) else list(column.series)
    return any(map(is_missing, cells))


@record
class Types(Record):
    """A road for each type of customers.

    Attributes
    ----------
    column : str
    places : Levels
        Of the types.
    roads : tuple of Road
    """

    column: str
    places: Levels
    roads: tuple

    def of_cell(self, cell):
        """Road of one customer."""
        place = self.places.code_of(self.column, cell)
        if place < 0:
            self._refuse(1, 1)
        return self.roads[place]

    def of_rows(self, places):
        """Rows of each type, with its road."""
        n_wrong = np.count_nonzero(places < 0)
        if n_wrong:
            self._refuse(n_wrong, len(places))
        for place, road in enumerate(self.roads):
            rows = np.flatnonzero(places == place)
            if len(rows):
                yield rows, road

    def _refuse(self, n_wrong, n_rows):
        known = ", ".join(map(repr, self.places.levels))
        raise DataQualityError(
            f"Column {self.column!r} must have types that the model was fitted on: "
            f"{known}. Got others or none in {n_wrong} of {n_rows} rows instead. "
            "Correct them, leave these customers out, or fit again with customers of "
            "all types."
        )
