"""A table as a source for derivations, and what they make of it as columns."""

import warnings

import numpy as np

from custseg.columns import MISSING, Column, counted, level_codes, numbers
from custseg.exceptions import SegmentWarning
from custseg.features._plane import Plane
from custseg.scoring import Coded, CustomerSource, Derived, Joined, Same

__all__ = ["Batch", "derive", "without_idle"]


class Batch(CustomerSource):
    """Customers of a table, column by column, and what is to be told of them.

    Parameters
    ----------
    columns : list of Column
    remedy : str
        Last sentence of the error about text in a column of numbers.
    strict : bool
        Whether what would be told raises.

    Attributes
    ----------
    unseen : dict of str to dict of str to int
        Customers by level that `fit` has not seen, for each column that has any.
    """

    alone, tells = False, True

    def __init__(self, columns, remedy="", strict=False):
        self.columns, self.remedy, self.strict = columns, remedy, strict
        self.names = [column.name for column in columns]
        # A column of durations has no values, and is refused when it is read.
        known = (len(one.values) for one in columns if one.values is not None)
        self.n_rows = next(known, 0)
        self.unseen, self._told, self._labels = {}, {}, {}

    def number(self, position, remedy=""):
        """Values of a column of numbers."""
        return numbers(self.columns[position], remedy or self.remedy)

    def matrix(self, positions):
        """Values of some columns, one stretch a column."""
        X = np.empty((len(positions), self.n_rows)).T
        for k, position in enumerate(positions):
            X[:, k] = self.number(position)
        return X

    def labels(self, position):
        """Codes and levels of a column, read once."""
        if position not in self._labels:
            self._labels[position] = level_codes(self.columns[position])
        return self._labels[position]

    def places(self, position, places):
        """Places of a column's levels."""
        codes, levels = self.labels(position)
        # The last entry serves the code -1.
        return places.codes_of_cells(self.names[position], [*levels, None])[codes]

    def dates(self, position):
        """Dates of a column; None where it has others."""
        column = self.columns[position]
        if column.kind == "empty":
            return np.full(self.n_rows, np.datetime64("NaT", "us"))
        return column.values if column.kind == "date" else None

    def kind(self, position):
        """Say what a column holds, for errors."""
        kind = self.columns[position].kind
        return "durations or times of day" if kind == "date" else kind

    def tell(self, text, treated, remedy, error, strict):
        """Note what is to be told, once, or raise if `strict`."""
        super().tell(text, treated, remedy, error, self.strict)
        self._told[f"{text}, {treated}. {remedy}."] = None

    def tell_unseen(self, position, wrong):
        """Count the levels of rows that have one which `fit` has not seen."""
        self.unseen[self.names[position]] = self._counts(self.labels(position), wrong)

    def tell_unseen_of(self, name, column, wrong):
        """Count those of a column that was made of others."""
        kind, values = "number", column
        if isinstance(column, Coded):
            kind, values = "category", column.cells()
        found = level_codes(Column(name, kind, values))
        self.unseen[name] = self._counts(found, wrong)

    def counted(self, position, wrong):
        """Write counts of the levels of some rows."""
        return counted(self._counts(self.labels(position), wrong))

    @staticmethod
    def _counts(found, wrong):
        codes, levels = found
        sizes = np.bincount(codes[wrong] + 1, minlength=len(levels) + 1).tolist()
        counts = dict(zip(levels, sizes[1:], strict=True)) | {MISSING: sizes[0]}
        return {level: size for level, size in counts.items() if size}

    def warn(self, stacklevel):
        """Warn of what was told."""
        for text in self._told:
            warnings.warn(text, SegmentWarning, stacklevel=stacklevel + 1)
        self._told = {}


def without_idle(rounds, n_columns):
    """Leave out rounds in which every column stays as it is."""
    kept = []
    for derivations in rounds:
        stays = [one.position for one in derivations if type(one) is Same]
        made = sum(len(one.names) for one in derivations)
        if stays != list(range(n_columns)) or made > n_columns:
            kept.append(tuple(derivations))
        n_columns = made
    return tuple(kept)


def derive(source, columns, rounds):
    """Run derivations on a table.

    Parameters
    ----------
    source : Batch
    columns : list of Column
        Of the source.
    rounds : tuple of tuple of Derivation

    Returns
    -------
    list of Column and Plane
    """
    for derivations in rounds:
        source = Derived(source, derivations)
        made, columns_made = iter(source.columns), []
        for one in derivations:
            values = [next(made) for _ in one.names]
            if hasattr(one, "whole"):
                weight = getattr(one, "weight", 1.0)
                values = np.column_stack(values)
                columns_made.append(Plane(one.whole, one.names, values, weight))
            else:
                columns_made += [
                    _column(*named, columns, one)
                    for named in zip(one.names, values, strict=True)
                ]
        columns = columns_made
    return columns


def _column(name, values, columns, derivation):
    """Return a column as its derivation made it."""
    if isinstance(values, int):
        return columns[values]
    if not isinstance(values, Coded):
        return Column(name, "number", values)
    if isinstance(derivation, Joined):
        place = derivation.names.index(name)
        kind, order = derivation.kinds[place], derivation.orders[place]
        return Column(name, kind, values.cells(), order)
    if derivation.ordered:
        return Column(name, "ordered", values.cells(), tuple(values.levels))
    return Column(name, "category", values.cells())
