"""The columns of latent classes: how each is distributed, and how it is read."""

import warnings
from typing import NamedTuple

import numpy as np

from custseg.columns import (
    check_names,
    check_observed,
    count_unseen,
    counted,
    level_codes,
    looks_like_dates,
    looks_numeric,
    numbers,
    quoted,
    read_columns,
)
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning

DISTRIBUTIONS = ("categorical", "poisson", "gaussian")
_FEW = 10  # distinct whole numbers that are levels
_DISPERSED = 5  # variance of counts at most, in means
_A_LOOK = 1_000  # values that most often tell that there are more
_MOST_LEVELS = 50  # of text in which levels mostly occur once
_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or declare it categorical in columns=."
)


class Read(NamedTuple):
    """Customers as the densities of latent classes take them.

    Attributes
    ----------
    codes : ndarray of int, shape (n_level_columns, n_customers)
        Position of each customer's level; -1 where missing.
    counts : ndarray of shape (n_count_columns, n_customers)
        NaN where missing.
    numbers : ndarray of shape (n_number_columns, n_customers)
        NaN where missing.
    """

    codes: np.ndarray
    counts: np.ndarray
    numbers: np.ndarray

    @property
    def n_customers(self):
        """Number of customers."""
        return self.codes.shape[1]

    def rows(self, rows):
        """Return some of the customers."""
        return Read(*(part[:, rows] for part in self))

    def table(self):
        """Return one column each for telling distinct customers apart."""
        parts = [self.codes.T.astype(float), self.counts.T, self.numbers.T]
        return np.nan_to_num(np.hstack(parts), nan=np.finfo(float).max)


class ClassColumns(NamedTuple):
    """How the columns of a table are distributed.

    Attributes
    ----------
    distributions : dict of str to str
        Of each column, in the order of the table.
    levels : dict of str to tuple of str
        Of each column of levels.
    """

    distributions: dict
    levels: dict

    def of(self, distribution):
        """Return the names of the columns of a distribution."""
        return [n for n, kind in self.distributions.items() if kind == distribution]

    @property
    def n_levels(self):
        """Number of levels of each column of levels."""
        return np.array([len(levels) for levels in self.levels.values()], dtype=int)


def learn_columns(estimator, X, told):
    """Decide how each column is distributed, and read them.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_`.
    X : array-like or frame of shape (n_customers, n_features)
    told : dict of str to str or None
        Distributions that are not to be decided.

    Returns
    -------
    columns : ClassColumns
    read : Read
    """
    table = read_columns(estimator, X, reset=True)
    told = _checked(told, [column.name for column in table])
    distributions = {
        column.name: told.get(column.name) or _decided(column) for column in table
    }
    levels = {}
    for column in table:
        if distributions[column.name] == "categorical":
            levels[column.name] = _levels_of(column, told=column.name in told)
    columns = ClassColumns(distributions, levels)
    read, _ = _read(table, columns)
    return columns, read


def read_new(estimator, X, columns):
    """Read customers by what was learned; unseen levels are missing, and warned of."""
    read, unseen = _read(read_columns(estimator, X, reset=False), columns)
    if unseen:
        found = [f"{name!r}: {counted(counts)} rows" for name, counts in unseen.items()]
        more = f"; and in {len(found) - 5} more columns" * (len(found) > 5)
        warnings.warn(
            f"Levels must have been seen in fit. Got unseen ones in "
            f"{'; '.join(found[:5])}{more} instead, taken as missing. Correct them, or "
            "fit again with customers who have them.",
            SegmentWarning,
            stacklevel=4,
        )
    return read


def _checked(told, names):
    told = {} if told is None else dict(told)
    check_names("columns", told, names)
    wrong = sorted({kind for kind in told.values() if kind not in DISTRIBUTIONS})
    if wrong:
        raise ValueError(
            "columns must map names to 'categorical', 'poisson' or 'gaussian'. Got "
            f"{quoted(wrong)} instead. Name one of the three for each column, or leave "
            "it out to have it decided."
        )
    return told


def _decided(column):
    """Decide how a column is distributed that nobody has told."""
    if column.kind not in ("number", "empty"):
        return "categorical"
    values = numbers(column, _REMEDY)
    values = values[~np.isnan(values)]
    if not np.array_equal(values, np.floor(values)):
        return "gaussian"
    if len(np.unique(values[:_A_LOOK])) <= _FEW and len(np.unique(values)) <= _FEW:
        return "categorical"
    begins = values.min() in (0, 1)
    return (
        "poisson"
        if begins and values.var() <= _DISPERSED * values.mean()
        else "gaussian"
    )


def _levels_of(column, *, told):
    codes, levels = level_codes(column)
    if not told and column.kind in ("text", "mixed") and len(levels) > _FEW:
        _refuse_other_text(column.name, levels)
    check_observed([column.name], [np.where(codes < 0, np.nan, codes)])
    n_known = np.count_nonzero(codes >= 0)
    if len(levels) > _MOST_LEVELS and 2 * len(levels) > n_known:
        raise DataQualityError(
            f"Column {column.name!r} must have levels that customers share. Got "
            f"{len(levels)} levels for {n_known} customers instead. Leave it out if it "
            "is an identifier, band it, or declare numbers in columns=."
        )
    return tuple(levels)


def _refuse_other_text(name, levels):
    """Refuse text that is not what it looks like."""
    for looks, what, remedy in (
        (looks_like_dates, "dates", "Turn them into an age, a month or a band first"),
        (looks_numeric, "numbers", "Convert it (pandas.to_numeric)"),
    ):
        if looks(levels):
            raise SchemaError(
                f"Column {name!r} must hold named levels or numbers. Got {len(levels)} "
                f"levels of text that mostly read as {what} instead. {remedy}, or "
                "declare it categorical in columns=."
            )


def _read(table, columns):
    """Read columns by their distributions; also count levels that are not known."""
    codes, counts, values, unseen = [], [], [], {}
    for column in table:
        kind = columns.distributions[column.name]
        if kind == "categorical":
            of_column, of_unseen = _codes(column, columns.levels[column.name])
            codes.append(of_column)
            if of_unseen:
                unseen[column.name] = of_unseen
            continue
        of_column = numbers(column, _REMEDY)
        if kind == "poisson":
            _check_counts(column.name, of_column)
        (counts if kind == "poisson" else values).append(of_column)
    n_customers = len(table[0].values)
    parts = [
        np.array(part).reshape(len(part), n_customers)
        for part in (codes, counts, values)
    ]
    return Read(parts[0].astype(np.int32), *parts[1:]), unseen


def _codes(column, known):
    codes, levels = level_codes(column)
    position = {level: place for place, level in enumerate(known)}
    # The last entry serves the code -1.
    places = np.array([position.get(level, -1) for level in levels] + [-1])
    return places[codes], count_unseen(codes, levels, places, missing=False)


def _check_counts(name, values):
    known = values[~np.isnan(values)]
    wrong = np.count_nonzero((known < 0) | (known != np.floor(known)))
    if wrong:
        raise SchemaError(
            f"Column {name!r} must hold counts, whole numbers of zero or more. Got "
            f"other numbers in {wrong} of {len(values)} rows instead. Declare it "
            "'gaussian' in columns=, or correct it."
        )
