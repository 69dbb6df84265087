"""Steps that read the columns of a customer table."""

import numpy as np

from custseg.columns import MISSING_CODE, UNSEEN_CODE, Levels, signed_log
from custseg.exceptions import DataQualityError, SchemaError
from custseg.scoring._record import Record, record
from custseg.scoring._sources import CustomerSource, Matrix

_ROWS = 2**14  # worked on at a time


@record
class LevelColumn(Record):
    """A column of levels: each has a row of output.

    Attributes
    ----------
    position : int
        Of the column.
    places : Levels
    rows : ndarray of shape (n_levels + 2, n_outputs)
        Output of each level, of a missing one and of an unseen one.
    start : int
        First column of output.
    refused : {"", "unseen", "unseen or missing"}
        What there is no output for.
    told : {"", "unseen", "unseen or missing"}
        What whoever transforms a table is to hear of, or has refused.
    """

    position: int
    places: Levels
    rows: np.ndarray
    start: int = 0
    refused: str = ""
    told: str = ""

    def _prepare(self):
        self._keep(_columns=self.rows.T.copy())

    def __call__(self, source):
        """Return the outputs, ndarray of shape ([n_rows,] n_outputs)."""
        if source.alone:
            place = source.place(self.position, self.places)
            if place < 0 and self.refused:
                self._refuse(source, np.array([place]))
            return self.rows[place]
        places = source.places(self.position, self.places)
        if source.tells and self.told:
            wrong = _without_output(places, self.told)
            if wrong.any():
                source.tell_unseen(self.position, wrong)
        elif self.refused:
            self._refuse(source, places)
        return np.take(self._columns, places, axis=1, mode="wrap").T

    def _refuse(self, source, places):
        n_wrong = np.count_nonzero(_without_output(places, self.refused))
        if n_wrong:
            raise SchemaError(
                f"Column {source.names[self.position]!r} must hold levels seen in fit. "
                f"Got {self.refused} ones in {n_wrong} of {len(places)} rows instead. "
                "Correct them, or fit again with customers who have them."
            )


def _without_output(places, what):
    wrong = places == UNSEEN_CODE
    return wrong if what == "unseen" else wrong | (places == MISSING_CODE)


@record
class CustomerColumns(Record):
    """Numbers filled, logged and scaled; levels turned into rows of numbers.

    Attributes
    ----------
    numbers : ndarray of int, shape (n_numbers,)
        Positions of columns of numbers.
    medians, units, means, scales : ndarray of shape (n_numbers,)
        Of `custseg.features`: what replaces missing values, the unit of the signed
        logarithm (NaN for none), and what standardises (infinite for a constant).
    outputs : ndarray of int, shape (n_numbers,)
        Columns of output.
    indicators : ndarray of int, shape (n_indicators,)
        Which of the numbers have an indicator of missing values.
    indicator_scales : ndarray of shape (n_indicators,)
    indicator_outputs : ndarray of int, shape (n_indicators,)
    levels : tuple of LevelColumn
    n_outputs : int
    """

    numbers: np.ndarray
    medians: np.ndarray
    units: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    outputs: np.ndarray
    indicators: np.ndarray
    indicator_scales: np.ndarray
    indicator_outputs: np.ndarray
    levels: tuple
    n_outputs: int

    def _prepare(self):
        logged = np.flatnonzero(~np.isnan(self.units))
        all_logged = len(logged) == len(self.units)
        in_order = np.array_equal(self.outputs, np.arange(self.n_outputs))
        starts = [(level, level.start) for level in self.levels]
        self._keep(
            _blocks=tuple(
                (level, slice(start, start + level.rows.shape[1]))
                for level, start in starts
            ),
            _logged=slice(None) if all_logged else logged,
            _has_logs=len(logged) > 0,
            _log_units=self.units[logged],
            _positions=self.numbers.tolist(),
            _constant=np.flatnonzero(np.isinf(self.scales)),
            _has_constants=bool(np.isinf(self.scales).any()),
            _has_indicators=len(self.indicators) > 0,
            _only_numbers=in_order and not self.levels and not len(self.indicators),
        )

    def __call__(self, source):
        """Return the outputs, ndarray of shape (n_rows, n_outputs)."""
        marks = None
        if self._positions:
            X = source.matrix(self._positions)
            if source.n_rows <= _ROWS:
                marks = self._scale(X)
            else:  # what is worked on stays in the cache
                starts = range(0, len(X), _ROWS)
                marks = [self._scale(X[start : start + _ROWS]) for start in starts]
                marks = np.concatenate(marks) if self._has_indicators else None
            if self._only_numbers:
                return X
        Z = np.empty((self.n_outputs, source.n_rows)).T
        if self._positions:
            Z[:, self.outputs] = X
            if marks is not None:
                Z[:, self.indicator_outputs] = marks
        for level, outputs in self._blocks:
            Z[:, outputs] = level(source)
        return Z

    def _scale(self, X):
        """Fill, log and scale numbers where they are; return indicators if any."""
        missing = np.isnan(X)
        np.copyto(X, self.medians, where=missing)
        if self._has_logs:
            X[:, self._logged] = signed_log(X[:, self._logged], self._log_units)
        X -= self.means
        X /= self.scales
        if self._has_constants:
            X[:, self._constant] = 0.0  # not minus zero
        if self._has_indicators:
            return missing[:, self.indicators] / self.indicator_scales
        return None


@record
class Items(Record):
    """Answers to items: turned, filled, rid of a style, averaged or weighted.

    Attributes
    ----------
    turned : ndarray of bool, shape (n_items,)
    low, high : float
        Between which answers lie.
    checked : bool
        Whether answers outside are refused.
    item_means : ndarray of shape (n_items,)
        Of the turned items.
    scales : tuple of ndarray of int
        Items of each scale, which fill each other's gaps; empty where all items do.
    averaged : bool
        Whether scales are the output rather than items.
    style : ndarray of shape (n_items,)
        Weights of items in the mean answer that is taken off; empty where none is.
    offset, shift : float
        Added to the mean answer; taken off the items besides.
    weights : ndarray of shape (n_items, n_outputs)
        Of the items in factor scores; of shape (0, 0) where these are not the output.
    means, sds : ndarray of shape (n_outputs,)
        Infinite sds for a constant output.
    """

    turned: np.ndarray
    low: float
    high: float
    checked: bool
    item_means: np.ndarray
    scales: tuple
    averaged: bool
    style: np.ndarray
    offset: float
    shift: float
    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray

    def _prepare(self):
        sizes = np.array([len(scale) for scale in self.scales])
        self._keep(
            _positions=list(range(len(self.turned))),
            _sizes=sizes[:, np.newaxis],
            _turned=np.flatnonzero(self.turned),
            _signs=np.where(self.turned, -1.0, 1.0)[:, np.newaxis],
            _constant=np.flatnonzero(np.isinf(self.sds)),
        )

    def __call__(self, source):
        """Return the outputs, ndarray of shape (n_rows, n_outputs)."""
        X = source.matrix(self._positions)
        if self.checked:
            self._check(X, source.names)
        as_items = not self.averaged and not self.weights.size
        Z = X if as_items else np.empty((len(self.means), len(X))).T
        for start in range(0, len(X), _ROWS):  # what is worked on stays in the cache
            rows = slice(start, start + _ROWS)
            items = self._items(X[rows])
            if self.averaged:
                sums = [_sum(items[scale]) for scale in self.scales]
                items = np.array(sums) / self._sizes
            elif self.weights.size:
                items = sum(
                    weight[:, np.newaxis] * item
                    for weight, item in zip(self.weights, items, strict=True)
                )
            np.subtract(items.T, self.means, out=Z[rows])
            Z[rows] /= self.sds
        if len(self._constant):
            Z[:, self._constant] = 0.0  # not minus zero
        return Z

    def _items(self, X):
        """Turn, fill and rid answers of a style where they are; one row an item."""
        if len(self._turned):
            X[:, self._turned] = self.low + self.high - X[:, self._turned]
        items = X.T
        missing = np.isnan(items)
        if missing.any():
            for scale in self.scales or (slice(None),):
                of_scale = items[scale]
                self._fill(of_scale, missing[scale], self.item_means[scale])
                items[scale] = of_scale
        if len(self.style):
            mean = sum(w * item for w, item in zip(self.style, items, strict=True))
            items -= self._signs * (mean + self.offset)
            items -= self.shift
        return items

    def _fill(self, items, missing, means):
        """Fill gaps by the item's mean and the customer's own deviation from means."""
        means = means[:, np.newaxis]
        known = _sum(np.where(missing, 0.0, items - means))
        deviation = known / np.maximum((~missing).sum(axis=0), 1.0)
        filled = np.clip(means + deviation, self.low, self.high)
        np.copyto(items, filled, where=missing)

    def _check(self, X, names):
        outside = ((self.low > X) | (self.high < X)).sum(axis=0)
        if outside.any():
            wrong = [f"{names[i]!r} ({outside[i]})" for i in np.flatnonzero(outside)]
            raise DataQualityError(
                f"Answers must lie between {self.low:g} and {self.high:g}. Got answers "
                f"outside in {', '.join(wrong[:5])} instead (item, customers). Correct "
                "them, or mark them as missing."
            )


def _sum(items):
    """Add items one by one: a row of a batch then rounds as the row alone."""
    # Of a single row NumPy would add pairs.
    return items.cumsum(axis=0)[-1] if items.shape[1] == 1 else items.sum(axis=0)


@record
class Beside(Record):
    """Steps side by side, each on columns of its own.

    Attributes
    ----------
    parts : tuple of (ndarray of int, tuple of steps)
        Columns, and the steps that they go through; none hands them over as numbers.
    """

    parts: tuple

    def _prepare(self):
        parts = [(positions.tolist(), steps) for positions, steps in self.parts]
        self._keep(_parts=tuple(parts))

    def __call__(self, source):
        """Return the outputs one beside the other."""
        blocks = [
            through(steps, Chosen(source, positions))
            for positions, steps in self._parts
        ]
        return np.concatenate(blocks, axis=1)


def only_read(steps, n_columns):
    """Leave out columns that no step reads.

    Parameters
    ----------
    steps : tuple of steps
    n_columns : int
        Columns that they get.

    Returns
    -------
    positions : list of int
        Of the columns that are read, rising.
    steps : tuple of steps
        That get these alone.
    """
    if not steps or not isinstance(steps[0], Beside):
        return list(range(n_columns)), steps
    parts = []
    for positions, inner in steps[0].parts:
        own, inner = only_read(inner, len(positions))
        parts.append((positions[own], inner))
    read = np.unique(np.concatenate([positions for positions, _ in parts]))
    parts = [(np.searchsorted(read, positions), inner) for positions, inner in parts]
    return read.tolist(), (Beside(tuple(parts)), *steps[1:])


class Chosen(CustomerSource):
    """Some columns of a source."""

    __slots__ = ("_positions", "_source", "alone", "n_rows", "tell", "tells")

    def __init__(self, source, positions):
        self._source, self._positions = source, positions
        self.alone, self.n_rows = source.alone, source.n_rows
        self.tells, self.tell = source.tells, source.tell

    @property
    def names(self):
        """Names of the columns."""
        names = self._source.names
        return [names[position] for position in self._positions]

    def matrix(self, positions):
        """Values of some columns."""
        return self._source.matrix([self._positions[i] for i in positions])

    def every(self):
        """Values of all columns."""
        return self._source.matrix(self._positions)

    def number(self, position, remedy=""):
        """Values of a column of numbers."""
        return self._source.number(self._positions[position], remedy)

    def dates(self, position):
        """Dates of a column; None where it has others."""
        return self._source.dates(self._positions[position])

    def counted(self, position, wrong):
        """Say how many rows are wrong."""
        return self._source.counted(self._positions[position], wrong)

    def place(self, position, places):
        """Place of a column's level, of one customer."""
        return self._source.place(self._positions[position], places)

    def places(self, position, places):
        """Levels of a column's levels."""
        return self._source.places(self._positions[position], places)


def through(steps, source):
    """Send a source through steps; without any its columns are numbers."""
    if not steps:
        return source.every()
    X = steps[0](source)
    for step in steps[1:]:
        X = step(Matrix(X))
    return X
