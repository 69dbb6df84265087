"""Where a step gets its columns from: one customer's dict, a table, or a matrix.

Each kind gives ``n_rows``, ``names``, `matrix` of some columns as float64 with NaN
where a value is missing, and `places` of one column's levels. Frames are told by what
they can do: no frame library is imported.
"""

import sys

import numpy as np

from custseg.columns import as_number
from custseg.exceptions import DataQualityError, SchemaError
from custseg.scoring._dates import as_dates, date_of


class CustomerSource:
    """What steps may ask of any source besides its columns.

    Attributes
    ----------
    tells : bool
        Whether somebody is to hear of what is treated as missing. A scorer is silent.
    """

    __slots__ = ()
    tells = False

    def number(self, position, remedy=""):
        """Values of a column of numbers, ndarray of shape (n_rows,), not to be changed.

        `remedy` is for the error about text, where a table raises it.
        """
        return self.matrix([position])[:, 0]

    def dates(self, position):
        """Dates of a column, datetime64 in microseconds; None where it has others."""
        return None

    def kind(self, position):
        """Say what a column holds, for errors."""
        return "other values"

    def tell(self, text, treated, remedy, error, strict):
        """Raise what is wrong if that is refused.

        Parameters
        ----------
        text : str
            What must be and what is instead.
        treated : str
            What becomes of it.
        remedy : str
            Without its full stop.
        error : type
        strict : bool
        """
        if strict:
            raise error(f"{text}. {remedy}, or set strict=False.")

    def counted(self, position, wrong):
        """Say how many rows are wrong."""
        return str(int(np.count_nonzero(wrong)))


class Row(CustomerSource):
    """One customer: a mapping of column names to values."""

    __slots__ = ("names", "row")
    alone, n_rows = True, 1

    def __init__(self, row, names):
        self.row, self.names = row, names

    def _missing_columns(self):
        missing = [name for name in self.names if name not in self.row]
        return SchemaError(
            f"A customer must have all columns. Got no {', '.join(map(repr, missing))} "
            "instead. Send None where a value is not known."
        )

    def matrix(self, positions):
        """Values of some columns, ndarray of shape (1, n_positions)."""
        row, names, values = self.row, self.names, []
        for position in positions:
            name = names[position]
            try:
                value = row[name]
            except KeyError:
                raise self._missing_columns() from None
            # What differs from itself less itself from zero is infinite or NaN.
            if type(value) is not float or value - value != 0:
                value = value if type(value) is int else as_number(name, value)
            values.append(value)
        try:
            return np.array([values], dtype=np.float64)
        except OverflowError:  # of an int that no float can hold
            columns = zip(
                (names[position] for position in positions), values, strict=True
            )
            values = [as_number(name, value) for name, value in columns]
            return np.array([values], dtype=np.float64)

    def every(self):
        """Values of all columns."""
        return self.matrix(range(len(self.names)))

    def places(self, position, places):
        """Place of a column's level, ndarray of shape (1,)."""
        return np.array([self.place(position, places)])

    def place(self, position, places):
        """Place of a column's level."""
        name = self.names[position]
        try:
            cell = self.row[name]
        except KeyError:
            raise self._missing_columns() from None
        return places.code_of(name, cell)

    def cell(self, position):
        """Value of a column as it is."""
        try:
            return self.row[self.names[position]]
        except KeyError:
            raise self._missing_columns() from None

    def dates(self, position):
        """Date of a column, ndarray of shape (1,); None where it has another value."""
        date = date_of(self.cell(position))
        return None if date is None else np.array([date], dtype="datetime64[us]")


class Matrix(CustomerSource):
    """Customers in columns of numbers, as a step before has made them."""

    __slots__ = ("X", "n_rows")
    alone = False

    def __init__(self, X):
        self.X, self.n_rows = X, len(X)

    @property
    def names(self):
        """Columns have no names here."""
        return [f"x{position}" for position in range(self.X.shape[1])]

    def every(self):
        """Values of all columns; the one step that gets them may write to them."""
        return self.X

    def matrix(self, positions):
        """Values of some columns, a copy."""
        return self.X[:, positions]

    def places(self, position, places):
        """Places of a column's levels."""
        return places.codes_of_numbers(f"x{position}", self.X[:, position])


class Columns(CustomerSource):
    """Customers of a table, column by column."""

    alone = False

    def __init__(self, columns, names, n_rows):
        self.columns, self.names, self.n_rows = columns, names, n_rows

    def rows(self, block):
        """Return the customers of a slice."""
        n_rows = len(range(*block.indices(self.n_rows)))
        return Columns([column[block] for column in self.columns], self.names, n_rows)

    def every(self):
        """Values of all columns."""
        return self.matrix(range(len(self.columns)))

    def matrix(self, positions):
        """Values of some columns."""
        X = np.empty((len(positions), self.n_rows)).T  # steps go column by column
        for k, position in enumerate(positions):
            X[:, k] = numbers_of(self.names[position], self.columns[position])
        return X

    def number(self, position, remedy=""):
        """Values of a column of numbers."""
        values = numbers_of(self.names[position], self.columns[position])
        return values.astype(np.float64, copy=False)

    def places(self, position, places):
        """Places of a column's levels."""
        return places_of(self.names[position], self.columns[position], places)

    def dates(self, position):
        """Dates of a column; None where it has others."""
        column = self.columns[position]
        if isinstance(column, _Slices):
            column = _dates_of_series(column.series)
        elif isinstance(column, Coded):
            column = column.cells()
        return as_dates(column)


def columns_of(table, names):
    """Read the named columns of a frame, mapping, list of customers or array.

    Parameters
    ----------
    table : frame or Arrow table, mapping of arrays, list of dict, or 2-d array
    names : tuple of str

    Returns
    -------
    columns : Columns
    """
    if isinstance(table, list | tuple) and table and isinstance(table[0], dict):
        return _columns_of_customers(table, names)
    if hasattr(table, "column_names"):
        _check_names(list(table.column_names), names)
        columns = [_column_of_arrow(table.column(name)) for name in names]
        return Columns(columns, names, table.num_rows)
    if hasattr(table, "columns") and hasattr(table, "__getitem__"):
        known = list(table.columns)
        _check_names(known, names)
        return Columns([_column(table[name]) for name in names], names, len(table))
    if hasattr(table, "keys") and hasattr(table, "__getitem__"):
        _check_names(list(table.keys()), names)
        columns = [_one_dimension(name, table[name]) for name in names]
        lengths = {len(column) for column in columns}
        if len(lengths) > 1:
            raise SchemaError(
                "Columns must be of one length. Got lengths "
                f"{', '.join(map(str, sorted(lengths)))} instead. Send one value a "
                "customer in each."
            )
        return Columns(columns, names, lengths.pop())
    return _columns_of_array(table, names)


def _columns_of_customers(customers, names):
    for row, customer in enumerate(customers):
        missing = [name for name in names if name not in customer]
        if missing:
            raise SchemaError(
                "Each customer must have all columns. Got no "
                f"{', '.join(map(repr, missing))} in row {row} instead. Send None "
                "where a value is not known."
            )
    columns = []
    for name in names:
        column = np.empty(len(customers), dtype=object)
        column[:] = [customer[name] for customer in customers]
        columns.append(column)
    return Columns(columns, names, len(customers))


def _columns_of_array(table, names):
    X = np.asarray(table)
    if X.dtype.kind in "US" and not isinstance(table, np.ndarray):
        X = np.asarray(table, dtype=object)
    if X.ndim != 2 or X.shape[1] != len(names):
        raise SchemaError(
            f"An array must have one row a customer and {len(names)} columns. Got "
            f"shape {X.shape} instead. The columns are, in this order: "
            f"{', '.join(map(repr, names))}."
        )
    if X.dtype.kind in "US":
        X = X.astype(object)
    return Columns([X[:, k] for k in range(len(names))], names, len(X))


def _check_names(known, names):
    there = set(known)
    missing = [name for name in names if name not in there]
    if missing:
        raise SchemaError(
            f"The table must have all columns. Got no {', '.join(map(repr, missing))} "
            f"among its {len(known)} columns instead. Add them; empty where they are "
            "not known."
        )
    twice = [name for name in names if known.count(name) > 1]
    if twice:
        raise SchemaError(
            f"Column names must be unique. Got {', '.join(map(repr, twice))} more than "
            "once instead. Rename or leave out one of each."
        )


def _one_dimension(name, values):
    column = values if isinstance(values, np.ndarray) else np.array(values, object)
    if column.ndim != 1:
        raise SchemaError(
            f"Column {name!r} must have one value a customer. Got {column.ndim} "
            "dimensions instead. Send a flat list or array."
        )
    return column.astype(object) if column.dtype.kind in "US" else column


def _column(series):
    """Return what a column of a frame is read from: an array, or the series."""
    dtype = getattr(series, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "biufmMO":
        return series.to_numpy()
    if _is_pandas(series) and hasattr(series, "cat"):
        return Coded(series.cat.codes.to_numpy(), series.cat.categories.tolist())
    return _Slices(series)


def _column_of_arrow(column):
    """Return an array of a column of Arrow: of numbers where it holds numbers."""
    values = column.to_numpy()
    if values.dtype.kind in "biufmM":
        return values
    cells = np.empty(len(column), dtype=object)
    cells[:] = column.to_pylist()
    return cells


class Coded:
    """A column of categories: the code of each row, -1 where missing."""

    __slots__ = ("codes", "levels")

    def __init__(self, codes, levels):
        self.codes, self.levels = codes, levels

    def __getitem__(self, block):
        return Coded(self.codes[block], self.levels)

    def __len__(self):
        return len(self.codes)

    def places(self, name, places):
        """Places of the levels, each looked up once."""
        return places.codes_of_cells(name, [*self.levels, None])[self.codes]

    def cells(self):
        """Return the levels of the rows as an array of objects."""
        levels = np.empty(len(self.levels) + 1, dtype=object)
        levels[:-1] = self.levels
        return levels[self.codes]


class _Slices:
    """A frame's column, sliced by rows."""

    __slots__ = ("series",)

    def __init__(self, series):
        self.series = series

    def __getitem__(self, block):
        series = self.series
        return _Slices(series.iloc[block] if hasattr(series, "iloc") else series[block])

    def __len__(self):
        return len(self.series)


def numbers_of(name, column):
    """Read a column as float64, NaN where missing."""
    if isinstance(column, _Slices):
        column = _numbers_of_series(column.series)
    elif isinstance(column, Coded):
        column = column.cells()
    if column.dtype.kind in "biu":
        return column
    if column.dtype.kind == "f":
        infinite = np.isinf(column)
        if infinite.any():
            raise DataQualityError(
                f"Column {name!r} must hold finite numbers. Got infinite values in "
                f"{np.count_nonzero(infinite)} of {len(column)} rows instead. Correct "
                "them or mark them as missing."
            )
        return column
    if column.dtype.kind in "mM":
        column = column[:1].astype(object) if len(column) else column
        raise SchemaError(
            f"Column {name!r} must hold numbers. Got dates or durations instead. Turn "
            "them into numbers first, such as days since a fixed date."
        )
    return np.array([as_number(name, cell) for cell in column.tolist()])


def _numbers_of_series(series):
    """Return an array of a series with a type that is not NumPy's."""
    if _is_pandas(series):
        if getattr(series.dtype, "kind", "O") in "biuf":
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        return series.to_numpy(dtype=object)
    if series.dtype.is_numeric() or str(series.dtype) == "Boolean":
        # Nulls in integers or booleans become NaN on the way to floats.
        return series.cast(type(series)([0.0]).dtype).to_numpy()
    return np.array(series.to_list(), dtype=object)


def _dates_of_series(series):
    """Return an array of dates of a series, or its cells."""
    if _is_pandas(series):
        if getattr(series.dtype, "tz", None) is not None:  # of the clock on the wall
            return series.dt.tz_localize(None).to_numpy()
        return series.to_numpy(dtype=object)
    if str(series.dtype).startswith("Datetime") and series.dtype.time_zone is not None:
        series = series.dt.replace_time_zone(None)
    if str(series.dtype).startswith("Date"):
        return series.to_numpy()
    return np.array(series.to_list(), dtype=object)


def places_of(name, column, places):
    """Places of the levels of a column."""
    if isinstance(column, _Slices):
        return _places_of_series(name, column.series, places)
    if isinstance(column, Coded):
        return column.places(name, places)
    if column.dtype.kind in "biuf":
        return places.codes_of_numbers(name, column)
    return places.codes_of_objects(name, column.astype(object))


def _places_of_series(name, series, places):
    """Look up each category or distinct text once."""
    if _is_pandas(series):
        if getattr(series.dtype, "kind", "O") in "biufmM":
            return places.codes_of_objects(name, series.to_numpy(dtype=object))
        codes, levels = sys.modules["pandas"].factorize(series)
        return Coded(codes, list(levels)).places(name, places)
    if series.dtype.is_numeric() and not series.null_count():
        return places.codes_of_numbers(name, series.to_numpy())
    levels = series.drop_nulls().unique().to_list()
    known = places.codes_of_cells(name, levels)
    missing = int(places.code_of(name, None))
    if not levels:
        return np.full(len(series), missing)
    if not (series.dtype.is_numeric() or str(series.dtype) in ("String", "Boolean")):
        return places.codes_of_objects(name, np.array(series.to_list(), dtype=object))
    replaced = series.replace_strict(levels, known.tolist(), default=missing)
    return replaced.fill_null(missing).to_numpy().astype(np.intp)


def _is_pandas(series):
    return type(series).__module__.partition(".")[0] == "pandas"
